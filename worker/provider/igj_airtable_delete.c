/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Records deleted in requests of ten.  One of them that is not there makes
 * Airtable refuse all ten; alone, it counts as deleted.
 */

#include "igj_airtable_private.h"

#include <stdio.h>


static igj_airtable_class_t igj_airtable_delete_send(igj_airtable_write_t *w,
    int from, int n);
static bool igj_airtable_delete_named(const igj_airtable_write_t *w, int from,
    int n);
static bool igj_airtable_delete_alone(igj_airtable_write_t *w, int i);
static void igj_airtable_deleted(igj_airtable_write_t *w, int i);


igj_airtable_class_t
igj_airtable_delete(igj_airtable_t *a, const char *base, const char *table,
    const char *const *record_ids, int n, igj_airtable_done_t *done,
    igj_airtable_error_t *err)
{
    igj_airtable_write_t  w = {
        .a = a, .place = { "delete", base, table }, .done = done, .err = err,
        .rows = record_ids, .send = igj_airtable_delete_send,
        .named = igj_airtable_delete_named, .alone = igj_airtable_delete_alone
    };

    return igj_airtable_write_all(&w, n);
}


static igj_airtable_class_t
igj_airtable_delete_send(igj_airtable_write_t *w, int from, int n)
{
    igj_airtable_class_t  class;
    igj_airtable_call_t   call = { 0 };
    igj_airtable_url_t    url;
    const char *const    *ids;
    int                   i;

    ids = w->rows;
    url = w->url;

    for (i = from; i < from + n; i++) {
        if (!igj_airtable_record_valid(ids[i])) {
            return igj_airtable_fail(w->a, &w->place, w->err,
                                     IGJ_AIRTABLE_REFUSED,
                                     "not the id of a record");
        }

        igj_airtable_url_query(&url, "records[]", ids[i]);
    }

    call.place = &w->place;
    call.url = &url;
    call.method = "DELETE";
    call.wanted = "records";

    class = igj_airtable_call(w->a, &call, w->err);
    cJSON_Delete(call.answer);

    for (i = from; i < from + n && class == IGJ_AIRTABLE_OK; i++) {
        igj_airtable_deleted(w, i);
    }

    return class;
}


static bool
igj_airtable_delete_named(const igj_airtable_write_t *w, int from, int n)
{
    (void) w;
    (void) from;
    (void) n;

    return true;
}


static bool
igj_airtable_delete_alone(igj_airtable_write_t *w, int i)
{
    if (!igj_airtable_gone(w->err)) {
        return false;
    }

    w->done[i].missing = true;
    igj_airtable_deleted(w, i);
    igj_airtable_error_init(w->err);

    return true;
}


static void
igj_airtable_deleted(igj_airtable_write_t *w, int i)
{
    const char *const  *ids;

    ids = w->rows;
    snprintf(w->done[i].record_id, sizeof(w->done[i].record_id), "%s", ids[i]);
}
