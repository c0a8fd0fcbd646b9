/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Rows of a table, written in requests of ten.  Airtable writes all of a
 * request or none, so one row that it refuses is looked for by halving, and
 * the others are written without it.
 */

#include "igj_airtable_private.h"

#include <stdio.h>
#include <string.h>


static igj_airtable_class_t igj_airtable_write_part(igj_airtable_write_t *w,
    int from, int n);
static igj_airtable_class_t igj_airtable_write_alone(igj_airtable_write_t *w,
    int i);
static igj_airtable_class_t igj_airtable_write_rows(igj_airtable_t *a,
    igj_airtable_write_t *w, int n);
static igj_airtable_class_t igj_airtable_upsert_send(igj_airtable_write_t *w,
    int from, int n);
static igj_airtable_class_t igj_airtable_update_send(igj_airtable_write_t *w,
    int from, int n);
static igj_airtable_class_t igj_airtable_rows_send(igj_airtable_write_t *w,
    int from, int n, cJSON *body);
static bool igj_airtable_upsert_alone(igj_airtable_write_t *w, int i);
static bool igj_airtable_update_alone(igj_airtable_write_t *w, int i);
static bool igj_airtable_named(const igj_airtable_write_t *w, int i);
static bool igj_airtable_rows_named(const igj_airtable_write_t *w, int from,
    int n);


igj_airtable_class_t
igj_airtable_write_all(igj_airtable_write_t *w, int n)
{
    igj_airtable_class_t  class;
    int                   from, part;

    memset(w->done, 0, (size_t) n * sizeof(igj_airtable_done_t));

    class = igj_airtable_records_url(w->a, &w->place, &w->url, w->err);

    for (from = 0; from < n && class == IGJ_AIRTABLE_OK; from += part) {
        part = n - from < IGJ_AIRTABLE_WRITE_ROWS ? n - from
                                                  : IGJ_AIRTABLE_WRITE_ROWS;
        class = igj_airtable_write_part(w, from, part);
    }

    return class;
}


/* Its depth is that of halving ten. */

static igj_airtable_class_t
igj_airtable_write_part(igj_airtable_write_t *w, int from, int n)
{
    igj_airtable_class_t  class;

    class = w->send(w, from, n);

    if (class == IGJ_AIRTABLE_OK) {
        w->written += n;
        return class;
    }

    if (!igj_airtable_about_rows(w->err, w->named(w, from, n))) {
        return class;
    }

    if (n == 1) {
        return igj_airtable_write_alone(w, from);
    }

    class = igj_airtable_write_part(w, from, n / 2);

    return class == IGJ_AIRTABLE_OK
           ? igj_airtable_write_part(w, from + n / 2, n - n / 2) : class;
}


static igj_airtable_class_t
igj_airtable_write_alone(igj_airtable_write_t *w, int i)
{
    igj_airtable_done_t  *done;

    done = &w->done[i];

    if (w->alone(w, i)) {
        return done->record_id[0] ? IGJ_AIRTABLE_OK
                                  : igj_airtable_write_part(w, i, 1);
    }

    snprintf(done->problem, sizeof(done->problem), "%s", w->err->message);
    w->refused++;

    /* none of so many is right: no use in asking for each of the others */
    if (w->written == 0 && w->refused >= IGJ_AIRTABLE_REFUSED_MAX) {
        return w->err->class;
    }

    igj_airtable_error_init(w->err);

    return IGJ_AIRTABLE_OK;
}


igj_airtable_class_t
igj_airtable_upsert(igj_airtable_t *a, const char *base, const char *table,
    const igj_airtable_row_t *rows, int n, igj_airtable_done_t *done,
    igj_airtable_error_t *err)
{
    igj_airtable_write_t  w = {
        .a = a, .place = { "upsert", base, table }, .done = done, .err = err,
        .rows = rows, .send = igj_airtable_upsert_send,
        .named = igj_airtable_rows_named, .alone = igj_airtable_upsert_alone
    };

    return igj_airtable_write_rows(a, &w, n);
}


igj_airtable_class_t
igj_airtable_update(igj_airtable_t *a, const char *base, const char *table,
    const igj_airtable_row_t *rows, int n, igj_airtable_done_t *done,
    igj_airtable_error_t *err)
{
    igj_airtable_write_t  w = {
        .a = a, .place = { "update", base, table }, .done = done, .err = err,
        .rows = rows, .send = igj_airtable_update_send,
        .named = igj_airtable_rows_named, .alone = igj_airtable_update_alone
    };

    return igj_airtable_write_rows(a, &w, n);
}


static igj_airtable_class_t
igj_airtable_write_rows(igj_airtable_t *a, igj_airtable_write_t *w, int n)
{
    const igj_airtable_row_t  *rows;
    int                        i;

    rows = w->rows;
    igj_airtable_error_init(w->err);

    for (i = 0; i < n; i++) {
        if (rows[i].record_id != NULL && rows[i].record_id[0] != '\0'
            && !igj_airtable_record_valid(rows[i].record_id))
        {
            memset(w->done, 0, (size_t) n * sizeof(igj_airtable_done_t));
            return igj_airtable_fail(a, &w->place, w->err,
                                     IGJ_AIRTABLE_REFUSED,
                                     "not the id of a record");
        }
    }

    return igj_airtable_write_all(w, n);
}


/* Is the row named by its record, which is not known to be gone? */

static bool
igj_airtable_named(const igj_airtable_write_t *w, int i)
{
    const igj_airtable_row_t  *rows;

    rows = w->rows;

    return rows[i].record_id != NULL && rows[i].record_id[0] != '\0'
           && !w->done[i].missing;
}


static bool
igj_airtable_rows_named(const igj_airtable_write_t *w, int from, int n)
{
    int  i;

    for (i = from; i < from + n; i++) {
        if (igj_airtable_named(w, i)) {
            return true;
        }
    }

    return false;
}


static igj_airtable_class_t
igj_airtable_upsert_send(igj_airtable_write_t *w, int from, int n)
{
    cJSON  *body, *merge, *on;

    body = cJSON_CreateObject();
    merge = cJSON_AddObjectToObject(body, "performUpsert");
    on = cJSON_AddArrayToObject(merge, "fieldsToMergeOn");
    cJSON_AddItemToArray(on, cJSON_CreateString(IGJ_AIRTABLE_KEY));

    return igj_airtable_rows_send(w, from, n, body);
}


static igj_airtable_class_t
igj_airtable_update_send(igj_airtable_write_t *w, int from, int n)
{
    return igj_airtable_rows_send(w, from, n, cJSON_CreateObject());
}


static void
igj_airtable_add_text(cJSON *fields, const char *name, const char *value)
{
    if (value != NULL) {
        cJSON_AddStringToObject(fields, name, value);
    }
}


static void
igj_airtable_add_row(cJSON *records, const igj_airtable_row_t *row, bool named)
{
    cJSON  *record, *fields;

    record = cJSON_CreateObject();

    if (!cJSON_AddItemToArray(records, record)) {
        cJSON_Delete(record);
        return;
    }

    if (named) {
        cJSON_AddStringToObject(record, "id", row->record_id);
    }

    fields = cJSON_AddObjectToObject(record, "fields");

    igj_airtable_add_text(fields, IGJ_AIRTABLE_KEY, row->id);
    igj_airtable_add_text(fields, "username", row->username);
    igj_airtable_add_text(fields, "full_name", row->full_name);

    if (row->position != 0) {
        cJSON_AddNumberToObject(fields, "position", (double) row->position);
    }

    igj_airtable_add_text(fields, "campaign_date", row->campaign_date);
    igj_airtable_add_text(fields, IGJ_AIRTABLE_STATUS, row->progress_status);
}


/* Is this the record of the row, as far as the answer shows it? */

static bool
igj_airtable_is_row(const cJSON *record, const igj_airtable_row_t *row,
    bool named)
{
    const char  *id, *key;

    id = igj_airtable_string(record, "id");
    key = igj_airtable_string(cJSON_GetObjectItemCaseSensitive(record,
                                                               "fields"),
                              IGJ_AIRTABLE_KEY);

    if (id == NULL || !igj_airtable_record_valid(id)) {
        return false;
    }

    if (named) {
        return strcmp(id, row->record_id) == 0;
    }

    return key == NULL || row->id == NULL || strcmp(key, row->id) == 0;
}


static bool
igj_airtable_lists(const cJSON *answer, const char *list, const char *id)
{
    const cJSON  *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(answer, list)) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, id) == 0) {
            return true;
        }
    }

    return false;
}


/* Takes the record ids over; IGJ_ERROR: the answer is of other rows. */

static int
igj_airtable_take_rows(igj_airtable_write_t *w, int from, int n,
    const cJSON *answer)
{
    const igj_airtable_row_t  *rows;
    const cJSON               *record;
    int                        i;

    rows = w->rows;
    record = cJSON_GetObjectItemCaseSensitive(answer, "records")->child;

    for (i = from; i < from + n; i++) {
        if (record == NULL
            || !igj_airtable_is_row(record, &rows[i],
                                    igj_airtable_named(w, i)))
        {
            return IGJ_ERROR;
        }

        record = record->next;
    }

    record = cJSON_GetObjectItemCaseSensitive(answer, "records")->child;

    for (i = from; i < from + n; i++) {
        snprintf(w->done[i].record_id, sizeof(w->done[i].record_id), "%s",
                 igj_airtable_string(record, "id"));
        w->done[i].created = igj_airtable_lists(answer, "createdRecords",
                                                w->done[i].record_id);
        record = record->next;
    }

    return IGJ_OK;
}


/* Owns the body. */

static igj_airtable_class_t
igj_airtable_rows_send(igj_airtable_write_t *w, int from, int n, cJSON *body)
{
    igj_airtable_class_t  class;
    igj_airtable_call_t   call = { 0 };
    cJSON                *records;
    int                   i;

    records = cJSON_AddArrayToObject(body, "records");
    cJSON_AddTrueToObject(body, "typecast");

    for (i = from; i < from + n; i++) {
        igj_airtable_add_row(records, (const igj_airtable_row_t *) w->rows + i,
                             igj_airtable_named(w, i));
    }

    if (cJSON_GetArraySize(records) != n) {
        cJSON_Delete(body);
        return igj_airtable_fail(w->a, &w->place, w->err, IGJ_AIRTABLE_RETRY,
                                 "out of memory");
    }

    call.place = &w->place;
    call.url = &w->url;
    call.method = "PATCH";
    call.body = body;
    call.wanted = "records";

    class = igj_airtable_call(w->a, &call, w->err);

    if (class == IGJ_AIRTABLE_OK
        && igj_airtable_take_rows(w, from, n, call.answer) != IGJ_OK)
    {
        class = igj_airtable_fail(w->a, &w->place, w->err, IGJ_AIRTABLE_RETRY,
                                  "the answer is not of the rows that were "
                                  "sent");
    }

    cJSON_Delete(call.answer);
    cJSON_Delete(body);

    return class;
}


/* A record that somebody deleted is made anew. */

static bool
igj_airtable_upsert_alone(igj_airtable_write_t *w, int i)
{
    if (!igj_airtable_gone(w->err) || !igj_airtable_named(w, i)) {
        return false;
    }

    w->done[i].missing = true;

    return true;
}


static bool
igj_airtable_update_alone(igj_airtable_write_t *w, int i)
{
    w->done[i].missing = igj_airtable_gone(w->err);

    return false;
}
