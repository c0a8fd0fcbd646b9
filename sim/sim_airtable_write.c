/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Records are created, updated and upserted.  A request is read and judged as
 * a whole before anything changes: all of it happens, or nothing.
 */

#include <string.h>

#include "sim_airtable.h"
#include "sim_airtable_record.h"
#include "sim_airtable_value.h"

#define SIM_AIR_WRITE_MAX  10


struct sim_air_item {
    uint32_t            number;      /* of the record; 0: a new one */
    int                 found;       /* by the merge fields */
    struct sim_air_row  row;
    struct sim_air_row  key;         /* what the merge fields have */
};

struct sim_air_write {
    struct sim_air_call  *call;
    struct sim_answer    *answer;
    struct sim_air_table *table;
    int                   typecast;
    int                   by_id;
    int                   replace;
    int                   upsert;
    int                   keys;
    int                   key[SIM_AIR_MERGE_MAX];
    int                   n;
    struct sim_air_item   item[SIM_AIR_WRITE_MAX];
};


static const char *const  sim_air_members[] = {
    "records", "fields", "typecast", "returnFieldsByFieldId", "performUpsert",
    NULL
};

static const char *const  sim_air_record_members[] = {
    "id", "fields", NULL
};


/* A flag of the request; 0 and an answer if it is none. */

static int
sim_air_flag(struct sim_air_write *w, const char *name, int *flag)
{
    const cJSON  *value;

    value = cJSON_GetObjectItemCaseSensitive(w->call->body, name);
    *flag = cJSON_IsTrue(value);

    if (value != NULL && !cJSON_IsBool(value)) {
        sim_air_refuse_request(w->answer, "a flag is not true or false");
        return 0;
    }

    return 1;
}


/* Reads one field of a record. */

static int
sim_air_read_field(struct sim_air_write *w, struct sim_air_row *row,
    const cJSON *value)
{
    int                          i;
    char                        *json;
    const struct sim_air_field  *field;

    i = sim_air_field_find(w->table, value->string);

    if (i < 0) {
        sim_air_refuse(w->answer, 422, "UNKNOWN_FIELD_NAME",
                       "Unknown field name: \"%s\"", value->string);
        return 0;
    }

    field = &w->table->field[i];

    switch (sim_air_value(field, value, w->typecast, &json)) {

    case SIM_AIR_TAKEN:
        sim_air_row_set(row, i, json);
        return 1;

    case SIM_AIR_NEW_CHOICE:
        sim_air_refuse(w->answer, 422, "INVALID_MULTIPLE_CHOICE_OPTIONS",
                       "Insufficient permissions to create new select option "
                       "\"%s\"", cJSON_IsString(value) ? value->valuestring
                                                       : "");
        return 0;

    default:
        sim_air_refuse(w->answer, 422, "INVALID_VALUE_FOR_COLUMN",
                       "Field \"%s\" cannot accept the provided value",
                       field->name);
        return 0;
    }
}


static int
sim_air_read_fields(struct sim_air_write *w, struct sim_air_item *item,
    const cJSON *fields)
{
    const cJSON  *value;

    if (!cJSON_IsObject(fields)) {
        sim_air_refuse(w->answer, 422, "INVALID_REQUEST_MISSING_FIELDS",
                       "Could not find field \"fields\" in the request body");
        return 0;
    }

    cJSON_ArrayForEach(value, fields) {
        if (!sim_air_read_field(w, &item->row, value)) {
            return 0;
        }
    }

    return 1;
}


/* Reads one record of a request for several. */

static int
sim_air_read_record(struct sim_air_write *w, const cJSON *record, int ids)
{
    const cJSON                  *id;
    struct sim_air_item          *item;
    const struct sim_air_record  *found;

    item = &w->item[w->n++];
    id = cJSON_GetObjectItemCaseSensitive(record, "id");

    if (!cJSON_IsObject(record) || !sim_air_only(record, sim_air_record_members)
        || (id != NULL && !cJSON_IsString(id)) || (id != NULL && !ids)
        || (id == NULL && ids && !w->upsert))
    {
        sim_air_refuse_request(w->answer, "a record is not made as it must");
        return 0;
    }

    if (id != NULL) {
        found = sim_air_record_find(w->table, id->valuestring);

        if (found == NULL) {
            sim_air_refuse(w->answer, 422, "ROW_DOES_NOT_EXIST",
                           "Record ID %s does not exist in this table",
                           id->valuestring);
            return 0;
        }

        item->number = found->number;
    }

    return sim_air_read_fields(w, item,
                               cJSON_GetObjectItemCaseSensitive(record,
                                                                "fields"));
}


static int
sim_air_read_records(struct sim_air_write *w, const cJSON *records, int ids)
{
    const cJSON  *record;

    if (!cJSON_IsArray(records) || records->child == NULL
        || cJSON_GetArraySize(records) > SIM_AIR_WRITE_MAX)
    {
        sim_air_refuse(w->answer, 422, "INVALID_RECORDS",
                       "You must provide an array of up to 10 record objects, "
                       "each with %sa \"fields\" object for cell values.",
                       ids ? "an \"id\" ID field and " : "");
        return 0;
    }

    cJSON_ArrayForEach(record, records) {
        if (!sim_air_read_record(w, record, ids)) {
            return 0;
        }
    }

    return 1;
}


/* Reads performUpsert, if it is there; only updates (ids) may have it. */

static int
sim_air_read_upsert(struct sim_air_write *w, int ids)
{
    int           field;
    const cJSON  *upsert, *names, *name;

    upsert = cJSON_GetObjectItemCaseSensitive(w->call->body, "performUpsert");

    if (upsert == NULL) {
        return 1;
    }

    names = cJSON_GetObjectItemCaseSensitive(upsert, "fieldsToMergeOn");

    if (!ids || !cJSON_IsArray(names) || names->child == NULL
        || cJSON_GetArraySize(names) > SIM_AIR_MERGE_MAX)
    {
        sim_air_refuse_request(w->answer,
                               "an update merges on one to three fields");
        return 0;
    }

    w->upsert = 1;

    cJSON_ArrayForEach(name, names) {
        field = cJSON_IsString(name)
                ? sim_air_field_find(w->table, name->valuestring) : -1;

        if (field < 0) {
            sim_air_refuse(w->answer, 422, "UNKNOWN_FIELD_NAME",
                           "Unknown field name: \"%s\"",
                           cJSON_IsString(name) ? name->valuestring : "");
            return 0;
        }

        if (w->table->field[field].kind == SIM_AIR_CHECKBOX) {
            sim_air_refuse_request(w->answer, "cannot merge on a checkbox");
            return 0;
        }

        w->key[w->keys++] = field;
    }

    return 1;
}


/* The value that a row gives a field; NULL if it gives none. */

static const char *
sim_air_row_value(const struct sim_air_row *row, int field)
{
    int          i;
    const char  *json;

    for (json = NULL, i = 0; i < row->n; i++) {
        if (row->cell[i].field == field) {
            json = row->cell[i].json;
        }
    }

    return json;
}


/* Finds the record that an upsert without id means. */

static int
sim_air_merge(struct sim_air_write *w, struct sim_air_item *item)
{
    int              i;
    size_t           n;
    const char      *json;
    const uint32_t  *numbers;

    for (i = 0; i < w->keys; i++) {
        json = sim_air_row_value(&item->row, w->key[i]);

        if (json == NULL) {
            sim_air_refuse_request(w->answer, "a record has no value to merge "
                                              "on");
            return 0;
        }

        sim_air_row_set(&item->key, w->key[i], sim_strdup(json));
    }

    numbers = sim_air_record_match(w->table, &item->key, &n);

    if (n > 1) {
        sim_air_refuse(w->answer, 422, "INVALID_REQUEST_UNKNOWN",
                       "Cannot upsert: %zu records have the value %s in field "
                       "\"%s\"", n, item->key.cell[0].json,
                       w->table->field[w->key[0]].name);
        return 0;
    }

    item->number = n > 0 ? numbers[0] : 0;
    item->found = 1;

    return 1;
}


static int
sim_air_same_key(const struct sim_air_row *a, const struct sim_air_row *b)
{
    int  i;

    if (a->n == 0 || a->n != b->n) {
        return 0;
    }

    for (i = 0; i < a->n; i++) {
        if (strcmp(a->cell[i].json, b->cell[i].json) != 0) {
            return 0;
        }
    }

    return 1;
}


/* No record may be meant twice. */

static int
sim_air_apart(struct sim_air_write *w)
{
    int  i, j;

    for (i = 0; i < w->n; i++) {
        for (j = 0; j < i; j++) {
            if ((w->item[i].number > 0
                 && w->item[i].number == w->item[j].number)
                || sim_air_same_key(&w->item[i].key, &w->item[j].key))
            {
                sim_air_refuse_request(w->answer, "one record stands in it "
                                                  "twice");
                return 0;
            }
        }
    }

    return 1;
}


static int
sim_air_judge(struct sim_air_write *w)
{
    int  i;

    for (i = 0; i < w->n; i++) {
        if (w->upsert && w->item[i].number == 0
            && !sim_air_merge(w, &w->item[i]))
        {
            return 0;
        }
    }

    return sim_air_apart(w);
}


/* Lists the ids of the items that were created, or that were not. */

static void
sim_air_write_ids(struct sim_air_write *w, const char *name,
    const uint32_t *numbers, int created)
{
    int               i, n;
    char              id[SIM_ID_LENGTH + 1];
    struct sim_text  *out = &w->answer->text;

    sim_text_key(out, name);
    sim_text_puts(out, "[");

    for (n = 0, i = 0; i < w->n; i++) {
        if ((w->item[i].number == 0) == created) {
            sim_air_record_id(id, numbers[i]);
            sim_text_printf(out, "%s\"%s\"", n++ > 0 ? "," : "", id);
        }
    }

    sim_text_puts(out, "]");
}


/* Does what was read and judged, and answers. */

static void
sim_air_apply(struct sim_air_write *w, int several)
{
    int                           i;
    uint32_t                      numbers[SIM_AIR_WRITE_MAX];
    struct sim_text              *out = &w->answer->text;
    const struct sim_air_item    *item;
    const struct sim_air_record  *record;

    sim_text_puts(out, several ? "{\"records\":[" : "");

    for (i = 0; i < w->n; i++) {
        item = &w->item[i];
        record = item->number == 0
                 ? sim_air_record_create(w->table, &item->row)
                 : sim_air_record_update(sim_air_record_at(item->number),
                                         &item->row, w->replace);
        numbers[i] = record->number;
        sim_text_puts(out, i > 0 ? "," : "");
        sim_air_record_write(out, record, NULL, w->by_id);
    }

    sim_text_puts(out, several ? "]" : "");

    if (w->upsert) {
        sim_air_write_ids(w, "createdRecords", numbers, 1);
        sim_air_write_ids(w, "updatedRecords", numbers, 0);
    }

    sim_text_puts(out, several ? "}" : "");

    w->call->r->entry.items = (uint64_t) w->n;
    w->table->writes++;
}


/* What all writes have in common; number is that of a path's record. */

static void
sim_air_write(struct sim_air_call *c, int ids, uint32_t number)
{
    int                   i, ok, several;
    const cJSON          *records, *fields;
    struct sim_air_write  w = { 0 };

    w.call = c;
    w.answer = c->answer;
    w.table = c->table;
    w.replace = strcmp(c->r->method, "PUT") == 0;

    records = cJSON_GetObjectItemCaseSensitive(c->body, "records");
    fields = cJSON_GetObjectItemCaseSensitive(c->body, "fields");
    several = number == 0 && (ids || records != NULL);

    if (!sim_air_only(c->body, sim_air_members)
        || (several ? fields : records) != NULL)
    {
        sim_air_refuse_request(w.answer, "there is an unknown member");
        return;
    }

    ok = sim_air_flag(&w, "typecast", &w.typecast)
         && sim_air_flag(&w, "returnFieldsByFieldId", &w.by_id)
         && (!several || sim_air_read_upsert(&w, ids));

    if (ok && several) {
        ok = sim_air_read_records(&w, records, ids);

    } else if (ok) {
        w.item[w.n++].number = number;
        ok = sim_air_read_fields(&w, &w.item[0], fields);
    }

    if (ok && sim_air_judge(&w)) {
        sim_air_apply(&w, several);
    }

    for (i = 0; i < w.n; i++) {
        sim_air_row_free(&w.item[i].row);
        sim_air_row_free(&w.item[i].key);
    }
}


void
sim_air_create(struct sim_air_call *c)
{
    sim_air_write(c, 0, 0);
}


void
sim_air_update(struct sim_air_call *c)
{
    sim_air_write(c, 1, 0);
}


void
sim_air_update_one(struct sim_air_call *c)
{
    const struct sim_air_record  *record;

    record = sim_air_record_find(c->table, c->r->segment[3]);

    if (record == NULL) {
        sim_air_refuse(c->answer, 404, NULL, "%s", "");
        return;
    }

    sim_air_write(c, 1, record->number);
}


static void
sim_air_delete_write(struct sim_air_call *c, const char *id, int first)
{
    sim_air_record_delete(sim_air_record_find(c->table, id));
    sim_text_puts(&c->answer->text, first ? "{\"id\":" : ",{\"id\":");
    sim_text_json(&c->answer->text, id);
    sim_text_puts(&c->answer->text, ",\"deleted\":true}");
    c->r->entry.items++;
}


void
sim_air_delete(struct sim_air_call *c)
{
    const cJSON  *ids, *id, *earlier;

    ids = cJSON_GetObjectItemCaseSensitive(c->body, "records");

    if (!cJSON_IsArray(ids) || cJSON_GetArraySize(ids) > SIM_AIR_WRITE_MAX) {
        sim_air_refuse(c->answer, 422, "INVALID_RECORDS",
                       "You must provide an array of up to 10 record IDs");
        return;
    }

    cJSON_ArrayForEach(id, ids) {
        if (sim_air_record_find(c->table, id->valuestring) == NULL) {
            sim_air_refuse(c->answer, 422, "ROW_DOES_NOT_EXIST",
                           "Record ID %s does not exist in this table",
                           id->valuestring);
            return;
        }

        for (earlier = ids->child; earlier != id; earlier = earlier->next) {
            if (strcmp(earlier->valuestring, id->valuestring) == 0) {
                sim_air_refuse_request(c->answer, "one record stands in it "
                                                  "twice");
                return;
            }
        }
    }

    sim_text_puts(&c->answer->text, "{\"records\":[");

    cJSON_ArrayForEach(id, ids) {
        sim_air_delete_write(c, id->valuestring, id == ids->child);
    }

    sim_text_puts(&c->answer->text, "]}");
    c->table->writes++;
}


void
sim_air_delete_one(struct sim_air_call *c)
{
    if (sim_air_record_find(c->table, c->r->segment[3]) == NULL) {
        sim_air_refuse(c->answer, 404, NULL, "%s", "");
        return;
    }

    sim_air_delete_write(c, c->r->segment[3], 1);
    c->table->writes++;
}
