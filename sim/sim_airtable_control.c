/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What people do in Airtable by hand, and a look at it that no limit counts:
 * POST /_sim/airtable/... with an object of base, table and what to do.
 */

#include <stdlib.h>
#include <string.h>

#include "sim_airtable.h"
#include "sim_airtable_control.h"
#include "sim_airtable_ledger.h"
#include "sim_airtable_record.h"
#include "sim_airtable_value.h"
#include "sim_control.h"


/* A request that was read; the lock is held. */

struct sim_air_order {
    struct sim_answer     *answer;
    cJSON                 *json;
    struct sim_air_base   *base;
    struct sim_air_table  *table;    /* NULL: all of the base */
};


static const cJSON *
sim_air_member(const struct sim_air_order *order, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(order->json, name);
}


/* Ends an order begun; the answer is there. */

static void
sim_air_order_end(struct sim_air_order *order)
{
    sim_unlock();
    cJSON_Delete(order->json);
}


/* 400 and the end of the order. */

static void
sim_air_order_fail(struct sim_air_order *order, const char *why)
{
    sim_air_order_end(order);
    sim_control_error(order->answer, 400, why);
}


/*
 * Reads an order and takes the lock.  With table, the request must name one.
 * Returns 0 if it is answered already.
 */

static int
sim_air_order_begin(struct sim_air_order *order, struct sim_request *r,
    struct sim_answer *answer, int table)
{
    const char  *base, *name;

    memset(order, 0, sizeof(*order));
    order->answer = answer;
    order->json = r->body.len > 0 ? cJSON_Parse(r->body.data) : NULL;

    base = cJSON_GetStringValue(sim_air_member(order, "base"));
    name = cJSON_GetStringValue(sim_air_member(order, "table"));

    sim_lock();
    order->base = base != NULL ? sim_air_base_find(base) : NULL;

    if (order->base == NULL) {
        sim_air_order_fail(order, "base is missing or unknown");
        return 0;
    }

    order->table = name != NULL ? sim_air_table_find(order->base, name) : NULL;

    if (order->table == NULL && (table || name != NULL)) {
        sim_air_order_fail(order, "table is missing or unknown");
        return 0;
    }

    return 1;
}


static void
sim_air_answer(struct sim_air_order *order, const char *name, size_t n)
{
    sim_control_ok(order->answer, "application/json");
    sim_text_printf(&order->answer->text, "{\"%s\":%zu}\n", name, n);
}


/* Reads the fields that a person fills in; new choices are made. */

static const char *
sim_air_control_row(struct sim_air_table *table, const cJSON *fields,
    struct sim_air_row *row)
{
    int           field;
    char         *json;
    const cJSON  *value;

    cJSON_ArrayForEach(value, fields) {
        field = sim_air_field_find(table, value->string);

        if (field < 0) {
            return "a field is unknown";
        }

        if (sim_air_value(&table->field[field], value, 1, &json)
            != SIM_AIR_TAKEN)
        {
            return "a value does not fit its field";
        }

        sim_air_row_set(row, field, json);
    }

    return NULL;
}


/* Whether the record has the values of a row. */

static int
sim_air_has(const struct sim_air_record *record, const struct sim_air_row *row)
{
    int          i;
    size_t       n;
    const char  *json, *wanted;

    for (i = 0; i < row->n; i++) {
        wanted = row->cell[i].json;
        json = sim_air_record_value(record, row->cell[i].field, &n);

        if ((json == NULL) != (wanted == NULL)
            || (json != NULL && (strlen(wanted) != n
                                 || memcmp(json, wanted, n) != 0)))
        {
            return 0;
        }
    }

    return 1;
}


/* Chooses the records of a table whose field id is one of ids. */

static void
sim_air_choose_ids(struct sim_air_table *table, const cJSON *ids,
    const struct sim_air_row *where, struct sim_air_numbers *chosen)
{
    int                 field;
    size_t              i, n;
    const cJSON        *id;
    const uint32_t     *numbers;
    struct sim_text     json = { 0 };
    struct sim_air_row  key = { 0 };

    field = sim_air_field_find(table, "id");

    cJSON_ArrayForEach(id, ids) {
        if (field < 0 || !cJSON_IsString(id)) {
            continue;
        }

        sim_text_json(&json, id->valuestring);
        sim_air_row_set(&key, field, json.data);
        memset(&json, 0, sizeof(json));
        numbers = sim_air_record_match(table, &key, &n);

        for (i = 0; i < n; i++) {
            if (sim_air_has(sim_air_record_at(numbers[i]), where)) {
                sim_air_numbers_add(chosen, numbers[i]);
            }
        }

        sim_air_row_free(&key);
    }
}


static void
sim_air_choose_first(struct sim_air_table *table, size_t count,
    const struct sim_air_row *where, struct sim_air_numbers *chosen)
{
    size_t                        i;
    const struct sim_air_record  *record;

    for (i = 0; i < table->numbers && chosen->n < count; i++) {
        record = sim_air_record_at(table->number[i]);

        if (record != NULL && sim_air_has(record, where)) {
            sim_air_numbers_add(chosen, record->number);
        }
    }
}


/* Chooses by ids, where and count; NULL, or what is wrong. */

static const char *
sim_air_choose_all(const struct sim_air_order *order,
    struct sim_air_numbers *chosen)
{
    int                    i;
    size_t                 count;
    const char            *wrong;
    const cJSON           *ids, *n;
    struct sim_air_row     where;
    struct sim_air_table  *table;

    ids = sim_air_member(order, "ids");
    n = sim_air_member(order, "count");
    count = cJSON_IsNumber(n) && n->valuedouble >= 0 ? (size_t) n->valuedouble
                                                     : SIZE_MAX;

    for (wrong = NULL, i = 0; wrong == NULL && i < order->base->tables; i++) {
        table = order->base->table[i];

        if (order->table != NULL && order->table != table) {
            continue;
        }

        memset(&where, 0, sizeof(where));
        wrong = sim_air_control_row(table, sim_air_member(order, "where"),
                                    &where);

        if (wrong == NULL && ids != NULL) {
            sim_air_choose_ids(table, ids, &where, chosen);

        } else if (wrong == NULL) {
            sim_air_choose_first(table, count, &where, chosen);
        }

        sim_air_row_free(&where);
    }

    chosen->n = chosen->n < count ? chosen->n : count;

    return wrong;
}


/* Sets the fields of the chosen records. */

static const char *
sim_air_set(const struct sim_air_order *order,
    const struct sim_air_numbers *chosen)
{
    size_t                  i;
    const char             *wrong;
    struct sim_air_row      row;
    struct sim_air_record  *record;

    for (wrong = NULL, i = 0; wrong == NULL && i < chosen->n; i++) {
        record = sim_air_record_at(chosen->number[i]);
        memset(&row, 0, sizeof(row));
        wrong = sim_air_control_row(record->table, sim_air_member(order, "set"),
                                    &row);

        if (wrong == NULL) {
            (void) sim_air_record_update(record, &row, 0);
        }

        sim_air_row_free(&row);
    }

    return wrong;
}


void
sim_air_control_set(struct sim_request *r, struct sim_answer *answer)
{
    const char              *wrong;
    struct sim_air_order     order;
    struct sim_air_numbers   chosen = { 0 };

    if (!sim_air_order_begin(&order, r, answer, 0)) {
        return;
    }

    wrong = sim_air_choose_all(&order, &chosen);
    wrong = wrong != NULL ? wrong : sim_air_set(&order, &chosen);
    free(chosen.number);

    if (wrong != NULL) {
        sim_air_order_fail(&order, wrong);
        return;
    }

    sim_air_answer(&order, "changed", chosen.n);
    sim_air_order_end(&order);
}


void
sim_air_control_delete(struct sim_request *r, struct sim_answer *answer)
{
    size_t                   i;
    const char              *wrong;
    struct sim_air_order     order;
    struct sim_air_numbers   chosen = { 0 };

    if (!sim_air_order_begin(&order, r, answer, 0)) {
        return;
    }

    wrong = sim_air_choose_all(&order, &chosen);

    for (i = 0; wrong == NULL && i < chosen.n; i++) {
        if (sim_air_record_at(chosen.number[i]) != NULL) {
            sim_air_record_delete(sim_air_record_at(chosen.number[i]));
        }
    }

    free(chosen.number);

    if (wrong != NULL) {
        sim_air_order_fail(&order, wrong);
        return;
    }

    sim_air_answer(&order, "deleted", chosen.n);
    sim_air_order_end(&order);
}


void
sim_air_control_add(struct sim_request *r, struct sim_answer *answer)
{
    const char            *wrong;
    struct sim_air_row     row = { 0 };
    struct sim_air_order   order;

    if (!sim_air_order_begin(&order, r, answer, 1)) {
        return;
    }

    wrong = sim_air_control_row(order.table, sim_air_member(&order, "fields"),
                                &row);

    if (wrong != NULL) {
        sim_air_row_free(&row);
        sim_air_order_fail(&order, wrong);
        return;
    }

    sim_control_ok(answer, "application/json");
    sim_air_record_write(&answer->text,
                         sim_air_record_create(order.table, &row), NULL, 0);
    sim_text_puts(&answer->text, "\n");
    sim_air_row_free(&row);
    sim_air_order_end(&order);
}


/* A table, or with field that field of it, gets the new name. */

void
sim_air_control_rename(struct sim_request *r, struct sim_answer *answer)
{
    int                    i;
    char                 **place;
    const char            *name, *field;
    struct sim_air_order   order;

    if (!sim_air_order_begin(&order, r, answer, 1)) {
        return;
    }

    name = cJSON_GetStringValue(sim_air_member(&order, "name"));
    field = cJSON_GetStringValue(sim_air_member(&order, "field"));
    i = field != NULL ? sim_air_field_find(order.table, field) : -1;

    if (name == NULL || (field != NULL && i < 0)) {
        sim_air_order_fail(&order, "name is missing, or field is unknown");
        return;
    }

    place = field != NULL ? &order.table->field[i].name : &order.table->name;
    free(*place);
    *place = sim_strdup(name);

    sim_air_answer(&order, "renamed", 1);
    sim_air_order_end(&order);
}


/* A table, or with field that field of it, is gone. */

void
sim_air_control_drop(struct sim_request *r, struct sim_answer *answer)
{
    int                    i;
    const char            *field;
    struct sim_air_order   order;

    if (!sim_air_order_begin(&order, r, answer, 1)) {
        return;
    }

    field = cJSON_GetStringValue(sim_air_member(&order, "field"));
    i = field != NULL ? sim_air_field_find(order.table, field) : -1;

    if (field != NULL && i < 0) {
        sim_air_order_fail(&order, "field is unknown");
        return;
    }

    if (field != NULL) {
        sim_air_field_remove(&order.table->field[i]);

    } else {
        sim_air_table_remove(order.table);
    }

    sim_air_answer(&order, "dropped", 1);
    sim_air_order_end(&order);
}


/* Makes the tables 1 to count that are missing. */

void
sim_air_control_tables(struct sim_request *r, struct sim_answer *answer)
{
    const cJSON           *count;
    struct sim_air_order   order;

    if (!sim_air_order_begin(&order, r, answer, 0)) {
        return;
    }

    count = sim_air_member(&order, "count");

    if (!cJSON_IsNumber(count) || count->valuedouble < 1
        || count->valuedouble > SIM_AIR_TABLES_MAX)
    {
        sim_air_order_fail(&order, "count is missing or too large");
        return;
    }

    sim_air_answer(&order, "added",
                   (size_t) sim_air_outreach_add(order.base, count->valueint));
    sim_air_order_end(&order);
}


void
sim_air_control_expire(struct sim_request *r, struct sim_answer *answer)
{
    (void) r;

    sim_lock();
    sim_air_iterators_expire();
    sim_unlock();

    sim_control_ok(answer, "application/json");
    sim_text_puts(&answer->text, "{\"expired\":true}\n");
}


void
sim_air_control_ledger(struct sim_request *r, struct sim_answer *answer)
{
    (void) r;

    sim_control_ok(answer, "application/json");
    sim_air_ledger_write(&answer->text);
    sim_text_puts(&answer->text, "\n");
}


static void
sim_air_table_dump(struct sim_text *out, const struct sim_air_table *table)
{
    size_t                        i;
    const struct sim_air_record  *record;

    for (i = 0; i < table->numbers; i++) {
        record = sim_air_record_at(table->number[i]);

        if (record != NULL) {
            sim_text_puts(out, "{\"table\":");
            sim_text_json(out, table->name);
            sim_text_puts(out, ",\"record\":");
            sim_air_record_write(out, record, NULL, 0);
            sim_text_puts(out, "}\n");
        }
    }
}


void
sim_air_control_records(struct sim_request *r, struct sim_answer *answer)
{
    int                    i;
    const char            *id, *name;
    struct sim_air_base   *base;

    id = sim_query(r, "base");
    name = sim_query(r, "table");

    sim_lock();
    base = id != NULL ? sim_air_base_find(id) : NULL;

    if (base == NULL) {
        sim_unlock();
        sim_control_error(answer, 400, "base is missing or unknown");
        return;
    }

    sim_control_ok(answer, "application/jsonl");

    for (i = 0; i < base->tables; i++) {
        if (name == NULL || strcmp(name, base->table[i]->name) == 0) {
            sim_air_table_dump(&answer->text, base->table[i]);
        }
    }

    sim_unlock();
}
