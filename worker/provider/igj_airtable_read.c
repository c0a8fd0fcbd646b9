/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * All records of a table, page by page.  Airtable forgets within minutes where
 * a listing is, and then it begins again.
 */

#include "igj_airtable_private.h"

#include <stdio.h>
#include <string.h>


#define IGJ_AIRTABLE_OFFSET_MAX  512      /* bytes of a page's token */


typedef struct {
    igj_airtable_t              *a;
    igj_airtable_place_t         place;
    const char *const           *fields;
    const igj_airtable_sink_t   *sink;
    char                         offset[IGJ_AIRTABLE_OFFSET_MAX];
    igj_airtable_error_t        *err;
} igj_airtable_list_t;


static igj_airtable_class_t igj_airtable_list_page(igj_airtable_list_t *l);
static igj_airtable_class_t igj_airtable_list_take(igj_airtable_list_t *l,
    const cJSON *answer);
static igj_airtable_class_t igj_airtable_list_next(igj_airtable_list_t *l,
    const cJSON *answer);
static igj_airtable_class_t igj_airtable_list_left(igj_airtable_list_t *l);


igj_airtable_class_t
igj_airtable_list(igj_airtable_t *a, const char *base, const char *table,
    const char *const *fields, const igj_airtable_sink_t *sink,
    igj_airtable_error_t *err)
{
    igj_airtable_class_t  class;
    igj_airtable_list_t   l = {
        .a = a, .place = { "list", base, table }, .fields = fields,
        .sink = sink, .err = err
    };
    int                   restarts;

    for (restarts = 0; /* void */ ; restarts++) {
        l.offset[0] = '\0';

        if (sink->begin(sink->data) != 0) {
            return igj_airtable_list_left(&l);
        }

        do {
            class = igj_airtable_list_page(&l);
        } while (class == IGJ_AIRTABLE_OK && l.offset[0] != '\0');

        if (class == IGJ_AIRTABLE_OK || !igj_airtable_expired(err)) {
            return class;
        }

        if (restarts == IGJ_AIRTABLE_RESTARTS) {
            err->class = IGJ_AIRTABLE_RETRY;
            return err->class;
        }
    }
}


static igj_airtable_class_t
igj_airtable_list_page(igj_airtable_list_t *l)
{
    igj_airtable_class_t  class;
    igj_airtable_call_t   call = { 0 };
    igj_airtable_url_t    url;
    const char *const    *name;
    char                  rows[16];

    class = igj_airtable_records_url(l->a, &l->place, &url, l->err);

    if (class != IGJ_AIRTABLE_OK) {
        return class;
    }

    snprintf(rows, sizeof(rows), "%d", IGJ_AIRTABLE_PAGE_ROWS);
    igj_airtable_url_query(&url, "pageSize", rows);

    for (name = l->fields; name != NULL && *name != NULL; name++) {
        igj_airtable_url_query(&url, "fields[]", *name);
    }

    if (l->offset[0] != '\0') {
        igj_airtable_url_query(&url, "offset", l->offset);
        call.wait_ms = IGJ_AIRTABLE_GO_ON_MS;
    }

    call.place = &l->place;
    call.url = &url;
    call.wanted = "records";
    call.max_bytes = IGJ_AIRTABLE_PAGE_BYTES;

    class = igj_airtable_call(l->a, &call, l->err);

    if (class == IGJ_AIRTABLE_OK) {
        class = igj_airtable_list_take(l, call.answer);
    }

    cJSON_Delete(call.answer);

    return class;
}


static igj_airtable_class_t
igj_airtable_list_take(igj_airtable_list_t *l, const cJSON *answer)
{
    const cJSON  *record, *fields;
    const char   *id;

    cJSON_ArrayForEach(record, cJSON_GetObjectItemCaseSensitive(answer,
                                                                "records"))
    {
        id = igj_airtable_string(record, "id");
        fields = cJSON_GetObjectItemCaseSensitive(record, "fields");

        if (id == NULL || !igj_airtable_record_valid(id)
            || !cJSON_IsObject(fields))
        {
            return igj_airtable_fail(l->a, &l->place, l->err,
                                     IGJ_AIRTABLE_RETRY,
                                     "a record has no id or no fields");
        }

        if (l->sink->record(l->sink->data, id, fields) != 0) {
            return igj_airtable_list_left(l);
        }
    }

    if (l->sink->page != NULL && l->sink->page(l->sink->data) != 0) {
        return igj_airtable_list_left(l);
    }

    return igj_airtable_list_next(l, answer);
}


static igj_airtable_class_t
igj_airtable_list_next(igj_airtable_list_t *l, const cJSON *answer)
{
    const char  *offset;

    offset = igj_airtable_string(answer, "offset");
    offset = offset ? offset : "";

    if (strlen(offset) >= sizeof(l->offset)
        || (offset[0] != '\0' && strcmp(offset, l->offset) == 0))
    {
        return igj_airtable_fail(l->a, &l->place, l->err, IGJ_AIRTABLE_RETRY,
                                 "the listing does not go on");
    }

    memcpy(l->offset, offset, strlen(offset) + 1);

    return IGJ_AIRTABLE_OK;
}


static igj_airtable_class_t
igj_airtable_list_left(igj_airtable_list_t *l)
{
    return igj_airtable_fail(l->a, &l->place, l->err, IGJ_AIRTABLE_CANCELED,
                             "the reader has left");
}
