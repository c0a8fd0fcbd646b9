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


/* One search; range and actor are parts of the list's URL. */
typedef struct {
    igj_apify_t         *apify;
    const igj_search_t  *search;
    igj_found_t         *found;
    char                 actor[IGJ_APIFY_NAME_MAX];
    char                 range[128];
} igj_apify_find_t;


/*
 * The token is looked for under any name: the setting may have changed since
 * the run was started.
 */

static bool
igj_apify_find_token(const cJSON *input, const char *token)
{
    const cJSON  *member;

    cJSON_ArrayForEach(member, input) {
        if (cJSON_IsString(member)
            && strcmp(cJSON_GetStringValue(member), token) == 0)
        {
            return cJSON_IsObject(input);
        }
    }

    return false;
}


/* 1: this run carries the token, 0: it does not, -1: not known, see *err. */
static int
igj_apify_find_compare(igj_apify_t *a, const cJSON *item, const char *token,
    igj_provider_error_t *err)
{
    igj_http_request_t   req = { 0 };
    igj_apify_doc_t      doc;
    const char          *store;
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
        rc = igj_apify_find_token(doc.data, token);

    } else if (igj_apify_not_found(err)) {
        /* somebody started the actor without any input */
        rc = 0;
    }

    cJSON_Delete(doc.root);

    return rc;
}


/*
 * Every run of the list is looked at, also after one that carries the token:
 * whatever lies between us and the API may have delivered the start twice.
 */

static igj_find_t
igj_apify_find_in(igj_apify_find_t *f, const cJSON *list,
    igj_provider_error_t *err)
{
    igj_provider_error_t   error;
    const cJSON           *item, *items;
    igj_found_t           *found;
    bool                   doubt;

    doubt = false;
    found = f->found;
    items = cJSON_GetObjectItemCaseSensitive(list, "items");
    igj_provider_error_init(&error);

    cJSON_ArrayForEach(item, items) {
        switch (igj_apify_find_compare(f->apify, item, f->search->token,
                                       &error))
        {
        case 1:
            if (found->n == IGJ_FOUND_MAX
                || igj_apify_run_read(item, &found->runs[found->n]) == IGJ_OK)
            {
                found->n += (found->n < IGJ_FOUND_MAX);
                break;
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
        (void) igj_provider_fail(&f->apify->head, err, IGJ_PROVIDER_RETRY,
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
igj_apify_find_list(igj_apify_find_t *f, int offset, int *n,
    igj_provider_error_t *err)
{
    igj_http_request_t   req = { 0 };
    igj_apify_t         *a;
    igj_apify_doc_t      doc;
    igj_find_t           rc;
    char                 url[IGJ_APIFY_URL_MAX];

    a = f->apify;

    if (igj_apify_url(a, url, "/%s/%s/runs?desc=0&offset=%d&limit=%d%s",
                      a->head.conf.path_prefix, f->actor, offset,
                      IGJ_FIND_LIST_MAX, f->range) != IGJ_OK)
    {
        (void) igj_provider_fail(&a->head, err, IGJ_PROVIDER_GIVE_UP,
                                 "find: the URL is too long");
        return IGJ_FIND_ERROR;
    }

    req.url = url;
    req.stop = a->head.stop;
    doc.envelope = true;
    rc = IGJ_FIND_ERROR;

    if (igj_apify_document(a, &req, 0, "find", &doc, err) == IGJ_PROVIDER_OK) {
        rc = igj_apify_find_in(f, doc.data, err);
        *n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(doc.data,
                                                                 "items"));
    }

    cJSON_Delete(doc.root);

    return rc;
}


/* Runs that were started from `since` to `until`, oldest first; 0: to now. */

static igj_find_t
igj_apify_find_range(igj_apify_find_t *f, int64_t since_ms, int64_t until_ms,
    igj_provider_error_t *err)
{
    int         n, offset;
    char        after[64], before[64];
    igj_find_t  rc;

    before[0] = '\0';
    igj_apify_find_time(after, sizeof(after), "startedAfter", since_ms);

    if (until_ms > 0) {
        igj_apify_find_time(before, sizeof(before), "startedBefore",
                            until_ms);
    }

    snprintf(f->range, sizeof(f->range), "%s%s", after, before);

    for (offset = 0; offset < IGJ_FIND_RUNS_MAX; offset += n) {
        n = 0;
        rc = igj_apify_find_list(f, offset, &n, err);

        if (rc != IGJ_FIND_ABSENT || n < IGJ_FIND_LIST_MAX) {
            return f->found->n > 0 ? IGJ_FIND_FOUND : rc;
        }
    }

    (void) igj_provider_fail(&f->apify->head, err, IGJ_PROVIDER_RETRY,
                             "find: too many runs to look at");

    return f->found->n > 0 ? IGJ_FIND_FOUND : IGJ_FIND_ERROR;
}


igj_find_t
igj_apify_find(igj_provider_t *p, const igj_search_t *search,
    igj_found_t *found, igj_provider_error_t *err)
{
    igj_find_t        rc;
    igj_apify_find_t  f;

    f.apify = (igj_apify_t *) p;
    f.search = search;
    f.found = found;

    if (igj_apify_actor(search->actor ? search->actor : p->conf.actor,
                        f.actor)
        != IGJ_OK)
    {
        (void) igj_provider_fail(p, err, IGJ_PROVIDER_GIVE_UP,
                                 "find: not an actor");
        return IGJ_FIND_ERROR;
    }

    rc = igj_apify_find_range(&f, search->since_ms, 0, err);

    if (rc != IGJ_FIND_ABSENT) {
        return rc;
    }

    /* a second of both, since times are cut to seconds */
    return igj_apify_find_range(&f,
                                search->since_ms - IGJ_PROVIDER_CLOCK_SKEW_MS,
                                search->since_ms + 1000, err);
}
