/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Records are listed and read.  A page's offset names an iterator, which knows
 * where the page begins and ages on the actor clock, and the page's last
 * record.  Under sim_lock().
 */

#include <stdlib.h>
#include <string.h>

#include "sim_airtable.h"
#include "sim_airtable_formula.h"
#include "sim_airtable_record.h"
#include "sim_conf.h"

#define SIM_AIR_PAGE       100
#define SIM_AIR_ITERATORS  4096      /* older ones are forgotten */


struct sim_air_iterator {
    uint64_t   number;               /* 0: none */
    uint32_t   after;                /* number of a record */
    int64_t    made;                 /* actor ms */
    int64_t    position;             /* records before */
    uint64_t   hash;                 /* of table and formula */
};

struct sim_air_listing {
    int64_t                 page;
    int64_t                 left;    /* of maxRecords */
    int64_t                 position;
    uint32_t                after;
    uint64_t                hash;
    int                     by_id;
    int                     some;    /* only the wanted fields */
    unsigned char           wanted[SIM_AIR_FIELDS_MAX];
    int                     filtered;
    struct sim_air_numbers  numbers;
};


static const char *const  sim_air_list_members[] = {
    "pageSize", "maxRecords", "offset", "view", "fields", "filterByFormula",
    "returnFieldsByFieldId", "cellFormat", NULL
};

static struct sim_air_iterator  sim_air_iterator[SIM_AIR_ITERATORS];
static uint64_t                 sim_air_iterators;   /* the last number */


void
sim_air_iterators_expire(void)
{
    memset(sim_air_iterator, 0, sizeof(sim_air_iterator));
}


/* The iterator of an offset; NULL if it is unknown or too old. */

static const struct sim_air_iterator *
sim_air_iterator_find(const char *offset)
{
    char                            id[SIM_ID_LENGTH + 1];
    int64_t                         number;
    const struct sim_air_iterator  *iterator;

    if (strlen(offset) != 2 * SIM_ID_LENGTH + 1
        || offset[SIM_ID_LENGTH] != '/')
    {
        return NULL;
    }

    memcpy(id, offset, SIM_ID_LENGTH);
    id[SIM_ID_LENGTH] = '\0';
    number = sim_id_prefixed_number(id, "itr");

    if (number <= 0) {
        return NULL;
    }

    iterator = &sim_air_iterator[(uint64_t) number % SIM_AIR_ITERATORS];

    return iterator->number == (uint64_t) number
           && sim_clock_now() - iterator->made
              <= sim_conf.airtable_iterator_ms
           ? iterator : NULL;
}


int64_t
sim_air_position(const cJSON *query)
{
    int64_t                         position;
    const char                     *offset;
    const struct sim_air_iterator  *iterator;

    offset = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(query,
                                                                   "offset"));

    if (offset == NULL) {
        return 0;
    }

    sim_lock();
    iterator = sim_air_iterator_find(offset);
    position = iterator != NULL ? iterator->position : -1;
    sim_unlock();

    return position;
}


/* Writes the offset of the page behind record after. */

static void
sim_air_iterator_write(struct sim_text *out,
    const struct sim_air_listing *list, int64_t position)
{
    char                      id[SIM_ID_LENGTH + 1];
    struct sim_air_iterator  *iterator;

    iterator = &sim_air_iterator[++sim_air_iterators % SIM_AIR_ITERATORS];
    iterator->number = sim_air_iterators;
    iterator->after = list->after;
    iterator->made = sim_clock_now();
    iterator->position = position;
    iterator->hash = list->hash;

    sim_id_prefixed(id, "itr", iterator->number);
    sim_text_printf(out, ",\"offset\":\"%s/", id);
    sim_air_record_id(id, list->after);
    sim_text_printf(out, "%s\"", id);
}


/* A whole number, in a query as text; -1 if it is none from 1 to max. */

static int64_t
sim_air_whole(const struct sim_air_call *c, const char *name, int64_t other,
    int64_t max)
{
    char         *end;
    double        number;
    const cJSON  *value;

    value = cJSON_GetObjectItemCaseSensitive(c->body, name);

    if (value == NULL) {
        return other;
    }

    if (cJSON_IsString(value)) {
        number = strtod(value->valuestring, &end);

        if (end == value->valuestring || *end != '\0') {
            return -1;
        }

    } else {
        number = cJSON_IsNumber(value) ? value->valuedouble : -1;
    }

    return number >= 1 && number <= (double) max ? (int64_t) number : -1;
}


/* Reads which fields are wanted. */

static int
sim_air_list_fields(struct sim_air_call *c, struct sim_air_listing *list)
{
    int           field;
    const cJSON  *names, *name;

    names = cJSON_GetObjectItemCaseSensitive(c->body, "fields");

    if (names != NULL && !cJSON_IsArray(names)) {
        sim_air_refuse_request(c->answer, "fields is not an array");
        return 0;
    }

    list->some = names != NULL;

    cJSON_ArrayForEach(name, names) {
        field = cJSON_IsString(name)
                ? sim_air_field_find(c->table, name->valuestring) : -1;

        if (field < 0) {
            sim_air_refuse(c->answer, 422, "UNKNOWN_FIELD_NAME",
                           "Unknown field name: \"%s\"",
                           cJSON_IsString(name) ? name->valuestring : "");
            return 0;
        }

        list->wanted[field] = 1;
    }

    return 1;
}


static int
sim_air_list_filter(struct sim_air_call *c, struct sim_air_listing *list)
{
    const char       *formula;
    struct sim_text   error = { 0 };

    formula = cJSON_GetStringValue(
                  cJSON_GetObjectItemCaseSensitive(c->body,
                                                   "filterByFormula"));
    list->hash = sim_fnv(c->table->id);

    if (formula == NULL || *formula == '\0') {
        return 1;
    }

    list->hash = sim_mix(list->hash ^ sim_fnv(formula));
    list->filtered = 1;

    if (sim_air_formula(c->table, formula, &list->numbers, &error)) {
        return 1;
    }

    sim_air_refuse(c->answer, 422, "INVALID_FILTER_BY_FORMULA",
                   "The formula for filtering records is invalid: %s",
                   error.data);
    sim_text_free(&error);

    return 0;
}


static int
sim_air_list_offset(struct sim_air_call *c, struct sim_air_listing *list)
{
    const cJSON                    *offset;
    const struct sim_air_iterator  *iterator;

    offset = cJSON_GetObjectItemCaseSensitive(c->body, "offset");

    if (offset == NULL) {
        return 1;
    }

    iterator = cJSON_IsString(offset)
               ? sim_air_iterator_find(offset->valuestring) : NULL;

    if (iterator == NULL || iterator->hash != list->hash) {
        sim_air_refuse(c->answer, 422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE",
                       "%s", "");
        return 0;
    }

    list->after = iterator->after;
    list->position = iterator->position;

    return 1;
}


/* Views show all records in the order of their making. */

static int
sim_air_list_view(struct sim_air_call *c)
{
    const char  *view, *format;

    view = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(c->body,
                                                                 "view"));
    format = cJSON_GetStringValue(
                 cJSON_GetObjectItemCaseSensitive(c->body, "cellFormat"));

    if (view != NULL && *view != '\0' && strcmp(view, "Grid view") != 0
        && strcmp(view, c->table->view) != 0)
    {
        sim_air_refuse(c->answer, 422, "VIEW_NAME_NOT_FOUND",
                       "View %s not found", view);
        return 0;
    }

    if (format != NULL && strcmp(format, "json") != 0) {
        sim_air_refuse_request(c->answer, "cellFormat is not json");
        return 0;
    }

    return 1;
}


static int
sim_air_list_read(struct sim_air_call *c, struct sim_air_listing *list)
{
    const cJSON  *by_id;

    if (!sim_air_only(c->body, sim_air_list_members)) {
        sim_air_refuse_request(c->answer, "there is an unknown parameter");
        return 0;
    }

    by_id = cJSON_GetObjectItemCaseSensitive(c->body, "returnFieldsByFieldId");
    list->by_id = cJSON_IsTrue(by_id)
                  || (cJSON_IsString(by_id)
                      && strcmp(by_id->valuestring, "true") == 0);
    list->page = sim_air_whole(c, "pageSize", SIM_AIR_PAGE, SIM_AIR_PAGE);
    list->left = sim_air_whole(c, "maxRecords", INT32_MAX, INT32_MAX);

    if (list->page < 0 || list->left < 0) {
        sim_air_refuse_request(c->answer, "a number is not in its range");
        return 0;
    }

    return sim_air_list_view(c) && sim_air_list_fields(c, list)
           && sim_air_list_filter(c, list) && sim_air_list_offset(c, list);
}


/* The next record to list from place *i on; NULL at the end. */

static const struct sim_air_record *
sim_air_list_next(const struct sim_air_call *c,
    const struct sim_air_listing *list, size_t *i)
{
    size_t                        n;
    const uint32_t               *numbers;
    const struct sim_air_record  *record;

    n = list->filtered ? list->numbers.n : c->table->numbers;
    numbers = list->filtered ? list->numbers.number : c->table->number;

    while (*i < n) {
        record = sim_air_record_at(numbers[(*i)++]);

        if (record != NULL && record->number > list->after) {
            return record;
        }
    }

    return NULL;
}


static void
sim_air_list_write(struct sim_air_call *c, struct sim_air_listing *list)
{
    size_t                        i;
    int64_t                       n, most;
    struct sim_text              *out = &c->answer->text;
    const struct sim_air_record  *record;

    i = list->filtered ? 0 : sim_air_records_after(c->table, list->after);
    most = list->left - list->position;
    most = most < list->page ? most : list->page;

    sim_text_puts(out, "{\"records\":[");
    record = sim_air_list_next(c, list, &i);

    for (n = 0; record != NULL && n < most; n++) {
        sim_text_puts(out, n > 0 ? "," : "");
        sim_air_record_write(out, record, list->some ? list->wanted : NULL,
                             list->by_id);
        list->after = record->number;
        record = sim_air_list_next(c, list, &i);
    }

    sim_text_puts(out, "]");

    if (record != NULL && list->position + n < list->left) {
        sim_air_iterator_write(out, list, list->position + n);
    }

    sim_text_puts(out, "}");
    c->r->entry.items = (uint64_t) n;
}


void
sim_air_list(struct sim_air_call *c)
{
    struct sim_air_listing  list = { 0 };

    if (sim_air_list_read(c, &list)) {
        sim_air_list_write(c, &list);
    }

    free(list.numbers.number);
}


void
sim_air_get(struct sim_air_call *c)
{
    const struct sim_air_record  *record;

    record = sim_air_record_find(c->table, c->r->segment[3]);

    if (record == NULL) {
        sim_air_refuse(c->answer, 404, NULL, "%s", "");
        return;
    }

    sim_air_record_write(&c->answer->text, record, NULL,
                         sim_query_flag(c->r, "returnFieldsByFieldId"));
    c->r->entry.items = 1;
}
