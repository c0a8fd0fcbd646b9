/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Records and their indexes.  A record's data are its non-empty fields in
 * their order: number (2 bytes), length (4 bytes), JSON.  Under sim_lock().
 */

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "sim_airtable_record.h"
#include "sim_clock.h"
#include "sim_world.h"

#define SIM_AIR_HEAD  6              /* bytes before a value */


struct sim_air_value {
    const char  *json;               /* NULL: empty */
    size_t       n;
};

static struct sim_air_record  **sim_air_record;
static uint32_t                 sim_air_first = 1;   /* number at [0] */
static uint32_t                 sim_air_next = 1;    /* number of the next */
static uint32_t                 sim_air_max;         /* room in the list */


void
sim_air_row_set(struct sim_air_row *row, int field, char *json)
{
    row->cell = sim_realloc(row->cell,
                            ((size_t) row->n + 1) * sizeof(*row->cell));
    row->cell[row->n].field = field;
    row->cell[row->n++].json = json;
}


void
sim_air_row_free(struct sim_air_row *row)
{
    while (row->n > 0) {
        free(row->cell[--row->n].json);
    }

    free(row->cell);
    row->cell = NULL;
}


void
sim_air_record_id(char id[SIM_ID_LENGTH + 1], uint32_t number)
{
    sim_id_prefixed(id, "rec", number);
}


struct sim_air_record *
sim_air_record_at(uint32_t number)
{
    return number >= sim_air_first && number < sim_air_next
           ? sim_air_record[number - sim_air_first] : NULL;
}


struct sim_air_record *
sim_air_record_find(const struct sim_air_table *table, const char *id)
{
    int64_t                 number;
    struct sim_air_record  *record;

    number = sim_id_prefixed_number(id, "rec");

    if (number < 0 || number > UINT32_MAX) {
        return NULL;
    }

    record = sim_air_record_at((uint32_t) number);

    return record != NULL && record->table == table ? record : NULL;
}


/* Reads the value at data + *at, moves *at behind it; its field. */

static int
sim_air_record_read(const struct sim_air_record *record, size_t *at,
    struct sim_air_value *value)
{
    uint16_t  field;
    uint32_t  n;

    memcpy(&field, record->data + *at, sizeof(field));
    memcpy(&n, record->data + *at + sizeof(field), sizeof(n));

    value->json = record->data + *at + SIM_AIR_HEAD;
    value->n = n;
    *at += SIM_AIR_HEAD + n;

    return field;
}


const char *
sim_air_record_value(const struct sim_air_record *record, int field, size_t *n)
{
    size_t                at;
    struct sim_air_value  value;

    for (at = 0; at < record->len; /* void */) {
        if (sim_air_record_read(record, &at, &value) == field) {
            *n = value.n;
            return value.json;
        }
    }

    return NULL;
}


static struct sim_air_record *
sim_air_record_pack(struct sim_air_table *table, uint32_t number,
    int64_t created, const struct sim_air_value *value)
{
    int                     i;
    char                   *p;
    size_t                  len;
    uint16_t                field;
    uint32_t                n;
    struct sim_air_record  *record;

    for (len = 0, i = 0; i < table->fields; i++) {
        len += value[i].json != NULL ? SIM_AIR_HEAD + value[i].n : 0;
    }

    record = sim_alloc(sizeof(struct sim_air_record) + len);
    record->table = table;
    record->number = number;
    record->created = created;
    record->len = (uint32_t) len;

    for (p = record->data, i = 0; i < table->fields; i++) {
        if (value[i].json == NULL) {
            continue;
        }

        field = (uint16_t) i;
        n = (uint32_t) value[i].n;
        p = sim_copy(p, (const char *) &field, sizeof(field));
        p = sim_copy(p, (const char *) &n, sizeof(n));
        p = sim_copy(p, value[i].json, value[i].n);
    }

    return record;
}


/* The record's place in an index; 0 if it has none there. */

static int
sim_air_record_hash(const struct sim_air_record *record,
    const struct sim_air_index *index, uint64_t *hash)
{
    int          i;
    size_t       k, n;
    uint64_t     h;
    const char  *json;

    h = 0;

    for (i = 0; i < index->fields; i++) {
        json = sim_air_record_value(record, index->field[i], &n);

        if (json == NULL) {
            return 0;
        }

        for (k = 0; k < n; k++) {
            h = (h ^ (unsigned char) json[k]) * 0x100000001b3U;
        }

        h = sim_mix(h);
    }

    *hash = h;

    return 1;
}


static void
sim_air_record_enter(const struct sim_air_record *record)
{
    uint64_t               hash;
    struct sim_air_index  *index;

    for (index = record->table->index; index != NULL; index = index->next) {
        if (sim_air_record_hash(record, index, &hash)) {
            sim_air_index_add(index, hash, record->number);
        }
    }
}


static void
sim_air_record_leave(const struct sim_air_record *record)
{
    uint64_t               hash;
    struct sim_air_index  *index;

    for (index = record->table->index; index != NULL; index = index->next) {
        if (sim_air_record_hash(record, index, &hash)) {
            sim_air_index_remove(index, hash, record->number);
        }
    }
}


/* Adds the choices that a value names. */

static void
sim_air_record_choices(struct sim_air_field *field, const char *json)
{
    cJSON        *list;
    const cJSON  *name;
    struct sim_text  text = { 0 };

    if (field->kind == SIM_AIR_SELECT) {
        sim_air_choice_add(field, json);
        return;
    }

    list = cJSON_Parse(json);

    cJSON_ArrayForEach(name, list) {
        text.len = 0;
        sim_text_json(&text, name->valuestring);
        sim_air_choice_add(field, text.data);
    }

    sim_text_free(&text);
    cJSON_Delete(list);
}


static void
sim_air_record_apply(struct sim_air_table *table,
    const struct sim_air_row *row, struct sim_air_value *value)
{
    int                    i;
    struct sim_air_field  *field;
    struct sim_air_cell   *cell;

    for (i = 0; i < row->n; i++) {
        cell = &row->cell[i];
        field = &table->field[cell->field];
        value[cell->field].json = cell->json;
        value[cell->field].n = cell->json != NULL ? strlen(cell->json) : 0;

        if (cell->json != NULL && (field->kind == SIM_AIR_SELECT
                                   || field->kind == SIM_AIR_SELECTS))
        {
            sim_air_record_choices(field, cell->json);
        }
    }
}


struct sim_air_record *
sim_air_record_create(struct sim_air_table *table,
    const struct sim_air_row *row)
{
    struct sim_air_value    value[SIM_AIR_FIELDS_MAX] = { { NULL, 0 } };
    struct sim_air_record  *record;

    if (sim_air_next - sim_air_first == sim_air_max) {
        sim_air_max = sim_air_max > 0 ? sim_air_max * 2 : 1024;
        sim_air_record = sim_realloc(sim_air_record,
                                     sim_air_max * sizeof(*sim_air_record));
    }

    if (table->numbers == table->numbers_max) {
        table->numbers_max = table->numbers_max > 0 ? table->numbers_max * 2
                                                    : 64;
        table->number = sim_realloc(table->number, table->numbers_max
                                                   * sizeof(uint32_t));
    }

    sim_air_record_apply(table, row, value);
    record = sim_air_record_pack(table, sim_air_next, sim_clock_unix(), value);

    sim_air_record[sim_air_next - sim_air_first] = record;
    table->number[table->numbers++] = sim_air_next++;
    table->records++;
    table->created++;
    sim_air_record_enter(record);

    return record;
}


struct sim_air_record *
sim_air_record_update(struct sim_air_record *record,
    const struct sim_air_row *row, int replace)
{
    int                     field;
    size_t                  at;
    struct sim_air_value    value[SIM_AIR_FIELDS_MAX] = { { NULL, 0 } };
    struct sim_air_value    old;
    struct sim_air_record  *changed;

    for (at = 0; !replace && at < record->len; /* void */) {
        field = sim_air_record_read(record, &at, &old);
        value[field] = old;
    }

    sim_air_record_apply(record->table, row, value);
    changed = sim_air_record_pack(record->table, record->number,
                                  record->created, value);

    sim_air_record_leave(record);
    sim_air_record[record->number - sim_air_first] = changed;
    sim_air_record_enter(changed);
    changed->table->updated++;
    free(record);

    return changed;
}


/* Leaves out the numbers of records that are gone. */

static void
sim_air_records_pack(struct sim_air_table *table)
{
    size_t  i, n;

    for (n = 0, i = 0; i < table->numbers; i++) {
        if (sim_air_record_at(table->number[i]) != NULL) {
            table->number[n++] = table->number[i];
        }
    }

    table->numbers = n;
}


void
sim_air_record_delete(struct sim_air_record *record)
{
    struct sim_air_table  *table = record->table;

    sim_air_record_leave(record);
    sim_air_record[record->number - sim_air_first] = NULL;
    free(record);

    table->records--;
    table->deleted++;

    if (table->numbers > 64 && table->records < table->numbers / 2) {
        sim_air_records_pack(table);
    }
}


void
sim_air_record_write(struct sim_text *out, const struct sim_air_record *record,
    const unsigned char *wanted, int by_id)
{
    int                          i;
    char                         id[SIM_ID_LENGTH + 1];
    char                         date[SIM_DATE_LENGTH];
    size_t                       at;
    struct sim_air_value         value;
    const struct sim_air_field  *field;

    sim_air_record_id(id, record->number);
    sim_clock_date(record->created, date);
    sim_text_printf(out, "{\"id\":\"%s\",\"createdTime\":\"%s\",\"fields\":{",
                    id, date);

    for (at = 0; at < record->len; /* void */) {
        i = sim_air_record_read(record, &at, &value);
        field = &record->table->field[i];

        if (field->name == NULL || (wanted != NULL && !wanted[i])) {
            continue;
        }

        sim_text_puts(out, out->data[out->len - 1] == '{' ? "" : ",");
        sim_text_json(out, by_id ? field->id : field->name);
        sim_text_puts(out, ":");
        sim_text_add(out, value.json, value.n);
    }

    sim_text_puts(out, "}}");
}


static struct sim_air_index *
sim_air_index_get(struct sim_air_table *table, const int *field, int fields)
{
    size_t                         i;
    uint64_t                       hash;
    struct sim_air_index          *index;
    const struct sim_air_record   *record;

    for (index = table->index; index != NULL; index = index->next) {
        if (index->fields == fields
            && memcmp(index->field, field, (size_t) fields * sizeof(int)) == 0)
        {
            return index;
        }
    }

    index = sim_air_index_new(field, fields);
    index->next = table->index;
    table->index = index;

    for (i = 0; i < table->numbers; i++) {
        record = sim_air_record_at(table->number[i]);

        if (record != NULL && sim_air_record_hash(record, index, &hash)) {
            sim_air_index_add(index, hash, record->number);
        }
    }

    return index;
}


struct sim_air_index *
sim_air_record_index(struct sim_air_table *table, int field)
{
    return sim_air_index_get(table, &field, 1);
}


const uint32_t *
sim_air_record_match(struct sim_air_table *table,
    const struct sim_air_row *key, size_t *n)
{
    int                     i, field[SIM_AIR_MERGE_MAX];
    uint64_t                hash;
    const uint32_t         *numbers;
    struct sim_air_value    value[SIM_AIR_FIELDS_MAX] = { { NULL, 0 } };
    struct sim_air_index   *index;
    struct sim_air_record  *probe;

    for (i = 0; i < key->n; i++) {
        field[i] = key->cell[i].field;
        value[field[i]].json = key->cell[i].json;
        value[field[i]].n = strlen(key->cell[i].json);
    }

    index = sim_air_index_get(table, field, key->n);
    probe = sim_air_record_pack(table, 0, 0, value);
    *n = 0;
    numbers = sim_air_record_hash(probe, index, &hash)
              ? sim_air_index_find(index, hash, n) : NULL;
    free(probe);

    return numbers;
}


size_t
sim_air_records_after(const struct sim_air_table *table, uint32_t after)
{
    size_t  low, high, middle;

    low = 0;
    high = table->numbers;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (table->number[middle] <= after) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


void
sim_air_records_drop(struct sim_air_table *table)
{
    size_t                  i;
    struct sim_air_record  *record;

    for (i = 0; i < table->numbers; i++) {
        record = sim_air_record_at(table->number[i]);

        if (record != NULL) {
            sim_air_record[record->number - sim_air_first] = NULL;
            free(record);
        }
    }

    table->numbers = 0;
    table->records = 0;
}


/* Numbers are not used again. */

void
sim_air_records_free(void)
{
    free(sim_air_record);
    sim_air_record = NULL;
    sim_air_first = sim_air_next;
    sim_air_max = 0;
}
