/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Finding the run whose start was not acknowledged: every run's input is kept
 * by the API, and ours carries the token of the intent.  The answer "absent"
 * leads to a second, paid start, so it is given only when every run of the
 * time in question was looked at.  The time after the intent comes first; the
 * time before it only in case our clock and the API's differ.
 */

#include "igj_apify.h"

#include <string.h>
#include <time.h>


#define IGJ_FIND_LIST_MAX   500       /* runs that are listed at a time */
#define IGJ_FIND_RUNS_MAX   20000     /* candidates that are looked at */


/* 1: this run carries the token, 0: it does not, -1: not known, see *err. */
static int
igj_apify_find_compare(igj_apify_t *a, const cJSON *item, const char *token,
    igj_provider_error_t *err)
{
    igj_http_request_t   req = { 0 };
    igj_apify_doc_t      doc;
    const char          *store, *value;
    char                 url[IGJ_APIFY_URL_MAX];
    int                  rc;

    store = igj_apify_string(item, "defaultKeyValueStoreId");

    if (store == NULL || !igj_apify_id_valid(store)
        || igj_apify_url(a, url, "/key-value-stores/%s/records/INPUT", store)
           != IGJ_OK)
    {
        (void) igj_provider_fail(&a->head, err, IGJ_PROVIDER_RETRY,
                                 "find: a run without the place of its input");
        return -1;
    }

    req.url = url;
    req.stop = a->head.stop;
    doc.envelope = false;
    rc = -1;

    if (igj_apify_document(a, &req, IGJ_APIFY_GRACE_MS, "find", &doc, err)
        == IGJ_PROVIDER_OK)
    {
        value = igj_apify_string(doc.data, a->head.conf.token_field);
        rc = (value != NULL && strcmp(value, token) == 0);

    } else if (igj_apify_not_found(err)) {
        /* somebody started the actor without any input */
        rc = 0;
    }

    cJSON_Delete(doc.root);

    return rc;
}


static igj_find_t
igj_apify_find_in(igj_apify_t *a, const cJSON *list, const char *token,
    igj_run_t *run, igj_provider_error_t *err)
{
    igj_provider_error_t   error;
    const cJSON           *item, *items;
    bool                   doubt;

    doubt = false;
    items = cJSON_GetObjectItemCaseSensitive(list, "items");
    igj_provider_error_init(&error);

    cJSON_ArrayForEach(item, items) {
        switch (igj_apify_find_compare(a, item, token, &error)) {

        case 1:
            if (igj_apify_run_read(item, run) == IGJ_OK) {
                return IGJ_FIND_FOUND;
            }
            /* fall through */

        case -1:
            doubt = true;
            *err = error;
            break;

        default:
            break;
        }

        if (error.class == IGJ_PROVIDER_CANCELED
            || error.class == IGJ_PROVIDER_STOP)
        {
            return IGJ_FIND_ERROR;
        }
    }

    if (doubt) {
        /* an input that cannot be read yet may be readable later */
        err->class = IGJ_PROVIDER_RETRY;
        return IGJ_FIND_ERROR;
    }

    if (!cJSON_IsArray(items)) {
        (void) igj_provider_fail(&a->head, err, IGJ_PROVIDER_RETRY,
                                 "find: an answer without runs");
        return IGJ_FIND_ERROR;
    }

    return IGJ_FIND_ABSENT;
}


static void
igj_apify_find_time(char *out, size_t size, const char *name, int64_t ms)
{
    struct tm  tm;
    time_t     seconds;
    char       text[32];

    seconds = (time_t) (ms / 1000);
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000Z", &tm);

    snprintf(out, size, "&%s=%s", name, text);
}


/* One list of runs, from the number `offset`; *n is how many there were. */

static igj_find_t
igj_apify_find_list(igj_apify_t *a, const char *range, int offset,
    const char *token, igj_run_t *run, int *n, igj_provider_error_t *err)
{
    igj_http_request_t   req = { 0 };
    igj_apify_doc_t      doc;
    igj_find_t           found;
    char                 url[IGJ_APIFY_URL_MAX];

    if (igj_apify_url(a, url, "/%s/%s/runs?desc=0&offset=%d&limit=%d%s",
                      a->head.conf.path_prefix, a->actor, offset,
                      IGJ_FIND_LIST_MAX, range) != IGJ_OK)
    {
        (void) igj_provider_fail(&a->head, err, IGJ_PROVIDER_GIVE_UP,
                                 "find: the URL is too long");
        return IGJ_FIND_ERROR;
    }

    req.url = url;
    req.stop = a->head.stop;
    doc.envelope = true;
    found = IGJ_FIND_ERROR;

    if (igj_apify_document(a, &req, 0, "find", &doc, err) == IGJ_PROVIDER_OK) {
        found = igj_apify_find_in(a, doc.data, token, run, err);
        *n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(doc.data,
                                                                 "items"));
    }

    cJSON_Delete(doc.root);

    return found;
}


/* Runs that were started from `since` to `until`, oldest first; 0: to now. */

static igj_find_t
igj_apify_find_range(igj_apify_t *a, int64_t since_ms, int64_t until_ms,
    const char *token, igj_run_t *run, igj_provider_error_t *err)
{
    int         n, offset;
    char        after[64], before[64], range[128];
    igj_find_t  found;

    before[0] = '\0';
    igj_apify_find_time(after, sizeof(after), "startedAfter", since_ms);

    if (until_ms > 0) {
        igj_apify_find_time(before, sizeof(before), "startedBefore",
                            until_ms);
    }

    snprintf(range, sizeof(range), "%s%s", after, before);

    for (offset = 0; offset < IGJ_FIND_RUNS_MAX; offset += n) {
        n = 0;
        found = igj_apify_find_list(a, range, offset, token, run, &n, err);

        if (found != IGJ_FIND_ABSENT || n < IGJ_FIND_LIST_MAX) {
            return found;
        }
    }

    (void) igj_provider_fail(&a->head, err, IGJ_PROVIDER_RETRY,
                             "find: too many runs to look at");

    return IGJ_FIND_ERROR;
}


igj_find_t
igj_apify_find(igj_provider_t *p, const char *token, int64_t since_ms,
    int64_t until_ms, igj_run_t *run, igj_provider_error_t *err)
{
    igj_apify_t  *a = (igj_apify_t *) p;
    igj_find_t    found;

    if (until_ms > 0) {
        until_ms += IGJ_PROVIDER_CLOCK_SKEW_MS;
    }

    found = igj_apify_find_range(a, since_ms, until_ms, token, run, err);

    if (found != IGJ_FIND_ABSENT) {
        return found;
    }

    /* a second of both, since times are cut to seconds */
    return igj_apify_find_range(a, since_ms - IGJ_PROVIDER_CLOCK_SKEW_MS,
                                since_ms + 1000, token, run, err);
}
