/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The ledger of Airtable: records and how many of them repeat the value of
 * another one's field id, in their table and in their base; writes; requests
 * and how many of them came within a second.
 */

#include <stdlib.h>

#include "sim_airtable_ledger.h"
#include "sim_airtable_record.h"
#include "sim_clock.h"


struct sim_air_sums {
    uint64_t  records;
    uint64_t  duplicates;
    uint64_t  created;
    uint64_t  updated;
    uint64_t  deleted;
    uint64_t  writes;
};


static void
sim_air_ledger_number(struct sim_text *out, const char *name, uint64_t n)
{
    sim_text_key(out, name);
    sim_text_printf(out, "%llu", (unsigned long long) n);
}


static void
sim_air_ledger_sums(struct sim_text *out, const struct sim_air_sums *sums)
{
    sim_air_ledger_number(out, "records", sums->records);
    sim_air_ledger_number(out, "duplicates", sums->duplicates);
    sim_air_ledger_number(out, "created", sums->created);
    sim_air_ledger_number(out, "updated", sums->updated);
    sim_air_ledger_number(out, "deleted", sums->deleted);
    sim_air_ledger_number(out, "writes", sums->writes);
}


static void
sim_air_ledger_rate(struct sim_text *out, const struct sim_air_rate *rate)
{
    sim_air_ledger_number(out, "requests", rate->requests);
    sim_air_ledger_number(out, "refused", rate->refused);
    sim_air_ledger_number(out, "penalties", rate->penalties);
    sim_air_ledger_number(out, "highest_per_second", rate->highest);
}


/* The index of the field id; NULL if the table has no such field. */

static const struct sim_air_index *
sim_air_ledger_index(struct sim_air_table *table)
{
    int  field;

    field = sim_air_field_find(table, "id");

    return field >= 0 ? sim_air_record_index(table, field) : NULL;
}


static struct sim_air_sums
sim_air_table_sums(struct sim_air_table *table)
{
    struct sim_air_sums          sums;
    const struct sim_air_index  *index;

    index = sim_air_ledger_index(table);

    sums.records = table->records;
    sums.duplicates = index != NULL ? index->entries - index->distinct : 0;
    sums.created = table->created;
    sums.updated = table->updated;
    sums.deleted = table->deleted;
    sums.writes = table->writes;

    return sums;
}


static int
sim_air_by_hash(const void *a, const void *b)
{
    uint64_t  x = *(const uint64_t *) a, y = *(const uint64_t *) b;

    return x < y ? -1 : x > y;
}


/* Records of a base that repeat another one's id, in whatever table. */

static uint64_t
sim_air_base_duplicates(const struct sim_air_base *base)
{
    int                          i;
    size_t                       k, n, most;
    uint64_t                    *hash, entries, distinct;
    const struct sim_air_index  *index;

    for (most = 0, i = 0; i < base->tables; i++) {
        index = sim_air_ledger_index(base->table[i]);
        most += index != NULL ? index->distinct : 0;
    }

    hash = sim_alloc(most * sizeof(uint64_t));
    entries = 0;
    n = 0;

    for (i = 0; i < base->tables; i++) {
        index = sim_air_ledger_index(base->table[i]);
        entries += index != NULL ? index->entries : 0;

        for (k = 0; index != NULL && k < index->slots; k++) {
            if (index->taken[k] && index->slot[k].n > 0) {
                hash[n++] = index->slot[k].hash;
            }
        }
    }

    if (n > 1) {
        qsort(hash, n, sizeof(uint64_t), sim_air_by_hash);
    }

    for (distinct = 0, k = 0; k < n; k++) {
        distinct += k == 0 || hash[k] != hash[k - 1];
    }

    free(hash);

    return entries - distinct;
}


/* Appends a base and adds it to the sums of all. */

static void
sim_air_ledger_base(struct sim_text *out, const struct sim_air_base *base,
    struct sim_air_sums *all)
{
    int                   i;
    struct sim_air_sums   sums = { 0 }, table;
    struct sim_text       tables = { 0 };

    for (i = 0; i < base->tables; i++) {
        table = sim_air_table_sums(base->table[i]);
        sums.records += table.records;
        sums.created += table.created;
        sums.updated += table.updated;
        sums.deleted += table.deleted;
        sums.writes += table.writes;

        sim_text_puts(&tables, i > 0 ? "," : "");
        sim_text_json(&tables, base->table[i]->name);
        sim_text_puts(&tables, ":{");
        sim_air_ledger_sums(&tables, &table);
        sim_text_puts(&tables, "}");
    }

    sums.duplicates = sim_air_base_duplicates(base);

    sim_text_key(out, base->id);
    sim_text_puts(out, "{");
    sim_air_ledger_sums(out, &sums);
    sim_air_ledger_rate(out, &base->rate);
    sim_text_printf(out, ",\"tables\":{%s}}",
                    tables.data != NULL ? tables.data : "");
    sim_text_free(&tables);

    all->records += sums.records;
    all->duplicates += sums.duplicates;
    all->created += sums.created;
    all->updated += sums.updated;
    all->deleted += sums.deleted;
    all->writes += sums.writes;
}


void
sim_air_ledger_write(struct sim_text *out)
{
    int                   i;
    struct sim_air_sums   all = { 0 };

    sim_text_puts(out, "{\"bases\":{");
    sim_lock();

    for (i = 0; i < sim_air_bases(); i++) {
        sim_air_ledger_base(out, sim_air_base_at(i), &all);
    }

    sim_text_puts(out, "}");
    sim_air_ledger_sums(out, &all);
    sim_air_ledger_rate(out, &sim_air_user_rate);
    sim_unlock();
    sim_text_puts(out, "}");
}
