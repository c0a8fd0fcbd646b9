/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What all units that work on a sheet have in common: the listing of its
 * records, and the loop over rows that are to be written.
 */

#include <stdio.h>
#include <string.h>

#include "igj_sheet.h"


static int igj_sheet_begin(void *data);
static int igj_sheet_record(void *data, const char *record_id,
    const cJSON *fields);
static int igj_sheet_page(void *data);
static bool igj_sheet_looks(igj_sheet_t *s);
static bool igj_sheet_ten(igj_sheet_t *s, const char *step,
    igj_sheet_write_pt write, cJSON *rows, cJSON **args);
static int igj_sheet_rows(const cJSON *rows, igj_airtable_row_t *row);
static cJSON *igj_sheet_args(const cJSON *rows,
    const igj_airtable_done_t *done);
static cJSON *igj_sheet_row_done(const cJSON *row,
    const igj_airtable_done_t *done);
static bool igj_sheet_copy(cJSON *to, const cJSON *from, const char *name);
static const char *igj_sheet_text(const cJSON *row, const char *name);
static bool igj_sheet_no_memory(igj_sheet_t *s);


bool
igj_sheet_open(igj_sheet_t *s, igj_operation_t *k)
{
    const cJSON  *number;

    memset(s, 0, sizeof(igj_sheet_t));

    s->operation = k;
    s->airtable = igj_operation_airtable(k);

    if (s->airtable == NULL) {
        return false;
    }

    number = cJSON_GetObjectItemCaseSensitive(k->batch->payload, "table");

    s->base = igj_operation_text(k, "airtable_base");
    snprintf(s->table, sizeof(s->table), "Daily_Outreach_Table_%02d",
             cJSON_IsNumber(number) ? number->valueint : 0);

    return true;
}


bool
igj_sheet_read(igj_sheet_t *s)
{
    igj_airtable_sink_t   sink;
    igj_airtable_error_t  err;
    igj_airtable_class_t  class;

    static const char *const  fields[] = {
        IGJ_AIRTABLE_KEY, IGJ_AIRTABLE_STATUS, NULL
    };

    sink = (igj_airtable_sink_t) { igj_sheet_begin, igj_sheet_record,
                                   igj_sheet_page, s };

    class = igj_airtable_list(s->airtable, s->base, s->table, fields, &sink,
                              &err);

    cJSON_Delete(s->records);
    cJSON_Delete(s->asked);
    s->records = NULL;
    s->asked = NULL;

    if (class != IGJ_AIRTABLE_OK && !s->left) {
        igj_operation_airtable_leave(s->operation, &err);
    }

    return class == IGJ_AIRTABLE_OK && !s->left;
}


/* What comes now was asked for after this moment: the page before it has
 * ended, or the listing starts. */

static int
igj_sheet_begin(void *data)
{
    igj_sheet_t  *s;

    s = data;
    s->first = true;

    cJSON_Delete(s->records);
    s->records = cJSON_CreateArray();

    return igj_sheet_page(s);
}


static int
igj_sheet_record(void *data, const char *record_id, const cJSON *fields)
{
    cJSON        *record;
    const char   *id, *word;
    igj_sheet_t  *s;

    s = data;

    id = igj_sheet_text(fields, IGJ_AIRTABLE_KEY);
    word = igj_sheet_text(fields, IGJ_AIRTABLE_STATUS);

    if (id == NULL) {
        return 0;
    }

    record = cJSON_CreateObject();

    if (!cJSON_AddItemToArray(s->records, record)) {
        cJSON_Delete(record);
        igj_sheet_no_memory(s);
        return -1;
    }

    if (cJSON_AddStringToObject(record, "record", record_id) == NULL
        || cJSON_AddStringToObject(record, "id", id) == NULL
        || (word != NULL
            && cJSON_AddStringToObject(record, "word", word) == NULL))
    {
        igj_sheet_no_memory(s);
        return -1;
    }

    return 0;
}


static int
igj_sheet_page(void *data)
{
    cJSON        *args, *answer;
    igj_sheet_t  *s;

    s = data;

    args = cJSON_CreateObject();

    if (!cJSON_AddItemToObject(args, "records", s->records)) {
        cJSON_Delete(args);
        igj_sheet_no_memory(s);
        return -1;
    }

    if (s->asked != NULL && cJSON_AddItemToObject(args, "asked", s->asked)) {
        s->asked = NULL;
    }

    if (s->first) {
        cJSON_AddTrueToObject(args, "first");
    }

    s->records = cJSON_CreateArray();

    if (!igj_operation_step(s->operation, "sheet_records", args, &answer)) {
        cJSON_Delete(args);
        s->left = true;
        return -1;
    }

    s->first = false;
    s->asked = cJSON_DetachItemFromObject(answer, "asked");

    cJSON_Delete(args);
    cJSON_Delete(answer);

    return 0;
}


void
igj_sheet_write(igj_sheet_t *s, const char *step, igj_sheet_write_pt write)
{
    bool    on;
    cJSON  *args, *answer, *rows;

    args = NULL;

    if (igj_sheet_looks(s)) {

        if (!igj_sheet_read(s)) {
            return;
        }

        args = cJSON_CreateObject();
        cJSON_AddTrueToObject(args, "looked");
    }

    do {
        on = igj_operation_step(s->operation, step, args, &answer);

        cJSON_Delete(args);
        args = NULL;

        if (!on) {
            return;
        }

        rows = cJSON_GetObjectItemCaseSensitive(answer, "rows");

        if (cJSON_GetArraySize(rows) == 0) {
            igj_operation_end(s->operation, NULL);
            on = false;

        } else {
            on = igj_sheet_ten(s, step, write, rows, &args);
        }

        cJSON_Delete(answer);

    } while (on);
}


/* May Airtable have records that we do not know of? */

static bool
igj_sheet_looks(igj_sheet_t *s)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
                            s->operation->batch->payload, "look"));
}


/* Writes these rows; *args is for the next step, which notes it. */

static bool
igj_sheet_ten(igj_sheet_t *s, const char *step, igj_sheet_write_pt write,
    cJSON *rows, cJSON **args)
{
    int                   n;
    cJSON                *answer;
    igj_airtable_row_t    row[IGJ_AIRTABLE_WRITE_ROWS];
    igj_airtable_done_t   done[IGJ_AIRTABLE_WRITE_ROWS];
    igj_airtable_error_t  err;

    memset(done, 0, sizeof(done));

    n = igj_sheet_rows(rows, row);

    if (write(s, row, n, done, &err) == IGJ_AIRTABLE_OK) {
        *args = igj_sheet_args(rows, done);
        return *args != NULL || igj_sheet_no_memory(s);
    }

    /* some may have been written before it failed */

    *args = igj_sheet_args(rows, done);

    if (*args == NULL) {
        return igj_sheet_no_memory(s);
    }

    if (igj_operation_step(s->operation, step, *args, &answer)) {
        cJSON_Delete(answer);
        igj_operation_airtable_leave(s->operation, &err);
    }

    cJSON_Delete(*args);

    return false;
}


static int
igj_sheet_rows(const cJSON *rows, igj_airtable_row_t *row)
{
    int           n;
    const cJSON  *item, *position;

    n = 0;

    cJSON_ArrayForEach(item, rows) {

        if (n == IGJ_AIRTABLE_WRITE_ROWS) {
            break;
        }

        position = cJSON_GetObjectItemCaseSensitive(item, "position");

        row[n++] = (igj_airtable_row_t) {
            .record_id = igj_sheet_text(item, "record"),
            .id = igj_sheet_text(item, "id"),
            .username = igj_sheet_text(item, "username"),
            .full_name = igj_sheet_text(item, "full_name"),
            .position = cJSON_IsNumber(position) ? position->valueint : 0,
            .campaign_date = igj_sheet_text(item, "date"),
            .progress_status = igj_sheet_text(item, "status")
        };
    }

    return n;
}


/* {"after", "done": [...], "gone": [...]}; NULL: no memory */

static cJSON *
igj_sheet_args(const cJSON *rows, const igj_airtable_done_t *done)
{
    int           i;
    bool          ok;
    cJSON        *args, *list, *gone, *entry;
    const cJSON  *row;

    args = cJSON_CreateObject();
    list = cJSON_AddArrayToObject(args, "done");
    gone = cJSON_AddArrayToObject(args, "gone");

    ok = list != NULL && gone != NULL;
    i = 0;

    cJSON_ArrayForEach(row, rows) {

        if (!ok || i == IGJ_AIRTABLE_WRITE_ROWS) {
            break;
        }

        if (row->next == NULL) {
            ok = igj_sheet_copy(args, row, "after");
        }

        if (done[i].missing && done[i].record_id[0] == '\0') {
            entry = cJSON_Duplicate(
                cJSON_GetObjectItemCaseSensitive(row, "assignment"), true);
            ok = ok && cJSON_AddItemToArray(gone, entry);

        } else if (done[i].record_id[0] != '\0'
                   || done[i].problem[0] != '\0')
        {
            entry = igj_sheet_row_done(row, &done[i]);
            ok = ok && cJSON_AddItemToArray(list, entry);
        }

        i++;
    }

    if (!ok) {
        cJSON_Delete(args);
        return NULL;
    }

    return args;
}


/* {"assignment", "record", "status"}, or {"assignment", "problem"} */

static cJSON *
igj_sheet_row_done(const cJSON *row, const igj_airtable_done_t *done)
{
    bool    ok;
    cJSON  *entry;

    entry = cJSON_CreateObject();

    ok = igj_sheet_copy(entry, row, "assignment");

    if (done->record_id[0] != '\0') {
        ok = ok && igj_sheet_copy(entry, row, "status")
             && cJSON_AddStringToObject(entry, "record", done->record_id);

    } else {
        ok = ok && cJSON_AddStringToObject(entry, "problem", done->problem);
    }

    if (!ok) {
        cJSON_Delete(entry);
        return NULL;
    }

    return entry;
}


static bool
igj_sheet_copy(cJSON *to, const cJSON *from, const char *name)
{
    cJSON  *copy;

    copy = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(from, name), true);

    if (copy == NULL || !cJSON_AddItemToObject(to, name, copy)) {
        cJSON_Delete(copy);
        return false;
    }

    return true;
}


/* NULL: absent, null or empty */

static const char *
igj_sheet_text(const cJSON *row, const char *name)
{
    const char  *text;

    text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, name));

    return (text != NULL && text[0] != '\0') ? text : NULL;
}


static bool
igj_sheet_no_memory(igj_sheet_t *s)
{
    s->left = true;
    igj_operation_leave(s->operation, IGJ_OUTCOME_RETRY, -1, NULL,
                        "out of memory");

    return false;
}
