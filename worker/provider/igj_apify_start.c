/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Starting a run: the one call here that costs money, and that the API has no
 * idempotency key for.
 *
 * The call is made again only where it is certain that nothing was started:
 * the connection was never made, or the answer was 429.  Any other 4xx is a
 * certain refusal too, but waiting in the call would not change it.  All the
 * rest (5xx, 408, an answer that did not come) is "unknown": a gateway's 502,
 * 503 or 504, and even the API's own 500, may follow a run that was created.
 */

#include "igj_apify.h"
#include "igj_dialect.h"

#include <string.h>


#define IGJ_START_LEFT_MS  1000       /* no further try with less time left */


/* How many of each account, and of what. */
static int
igj_apify_input_counts(cJSON *input, const igj_provider_conf_t *conf,
    int max_count)
{
    const igj_dialect_t     *dialect;
    const igj_input_flag_t  *flag;

    dialect = igj_dialect(conf->platform);

    if (cJSON_AddNumberToObject(input, conf->max_count_field, max_count)
        == NULL)
    {
        return IGJ_ERROR;
    }

    if (dialect->also_count_field != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(input,
                                                dialect->also_count_field);

        if (cJSON_AddNumberToObject(input, dialect->also_count_field,
                                    max_count)
            == NULL)
        {
            return IGJ_ERROR;
        }
    }

    for (flag = dialect->flags; flag->name != NULL; flag++) {
        cJSON_DeleteItemFromObjectCaseSensitive(input, flag->name);

        if (cJSON_AddBoolToObject(input, flag->name, flag->value) == NULL) {
            return IGJ_ERROR;
        }
    }

    return IGJ_OK;
}


/* The actor's input as text, to be freed with cJSON_free(); NULL: no memory. */
static char *
igj_apify_input(const igj_apify_t *a, const igj_start_t *start)
{
    const igj_provider_conf_t  *conf;
    cJSON                      *input, *accounts;
    char                       *text;

    conf = &a->head.conf;

    input = a->extra ? cJSON_Duplicate(a->extra, 1) : cJSON_CreateObject();

    /* ours win over the extra input's */
    cJSON_DeleteItemFromObjectCaseSensitive(input, conf->usernames_field);
    cJSON_DeleteItemFromObjectCaseSensitive(input, conf->max_count_field);
    cJSON_DeleteItemFromObjectCaseSensitive(input, conf->token_field);

    accounts = cJSON_CreateStringArray(start->accounts, start->n);

    if (!cJSON_AddItemToObject(input, conf->usernames_field, accounts)) {
        cJSON_Delete(accounts);
        cJSON_Delete(input);
        return NULL;
    }

    text = NULL;

    if (igj_apify_input_counts(input, conf, start->max_count) == IGJ_OK
        && cJSON_AddStringToObject(input, conf->token_field, start->token)
           != NULL)
    {
        text = cJSON_PrintUnformatted(input);
    }

    cJSON_Delete(input);

    return text;
}


/* The smaller of two limits; 0 is none. */
static double
igj_apify_stricter(double a, double b)
{
    return a <= 0 || (b > 0 && b < a) ? b : a;
}


static int
igj_apify_start_url(const igj_apify_t *a, const igj_start_t *start, char *url)
{
    int                         mb, seconds;
    char                        memory[32], timeout[32], items[48], charge[48];
    double                      usd;
    int64_t                     most;
    const igj_provider_conf_t  *conf;

    conf = &a->head.conf;
    memory[0] = timeout[0] = items[0] = charge[0] = '\0';

    mb = start->memory_mb > 0 ? start->memory_mb : conf->memory_mb;
    seconds = start->run_timeout_s > 0 ? start->run_timeout_s
                                       : conf->run_timeout_s;
    most = start->max_items > 0 ? start->max_items
           : conf->cap_items ? (int64_t) start->n * start->max_count : 0;
    usd = igj_apify_stricter(start->max_charge_usd, conf->max_charge_usd);

    if (mb > 0) {
        snprintf(memory, sizeof(memory), "&memory=%d", mb);
    }

    if (seconds > 0) {
        snprintf(timeout, sizeof(timeout), "&timeout=%d", seconds);
    }

    if (most > 0) {
        snprintf(items, sizeof(items), "&maxItems=%lld", (long long) most);
    }

    /* as many digits as a reservation has: never more than that */
    if (usd > 0) {
        snprintf(charge, sizeof(charge), "&maxTotalChargeUsd=%.6f", usd);
    }

    /* the answer must bring the run's id at once: nothing is waited for */
    return igj_apify_url(a, url, "/%s/%s/runs?waitForFinish=0%s%s%s%s",
                         conf->path_prefix, a->actor, memory, timeout, items,
                         charge);
}


/* The last segment of the path. */
static int
igj_apify_run_from_location(igj_http_t *h, igj_run_t *run)
{
    const char  *location, *segment;
    char         id[IGJ_PROVIDER_ID_MAX];
    size_t       len;

    location = igj_http_header(h, "Location");
    if (location == NULL) {
        return IGJ_ERROR;
    }

    segment = strrchr(location, '/');
    segment = segment ? segment + 1 : location;
    len = strcspn(segment, "?#");

    if (len >= sizeof(id)) {
        return IGJ_ERROR;
    }

    memcpy(id, segment, len);
    id[len] = '\0';

    if (!igj_apify_id_valid(id)) {
        return IGJ_ERROR;
    }

    igj_run_init(run, id, NULL);

    return IGJ_OK;
}


/* A 2xx: the run exists, only its name has to be got hold of. */
static igj_provider_class_t
igj_apify_started(igj_apify_t *a, const igj_http_response_t *resp,
    igj_run_t *run, igj_provider_error_t *err)
{
    cJSON  *root;
    int     rc;

    root = cJSON_ParseWithLength(resp->body, resp->body_len);
    rc = igj_apify_run_read(cJSON_GetObjectItemCaseSensitive(root, "data"),
                            run);
    cJSON_Delete(root);

    if (rc == IGJ_OK
        || igj_apify_run_from_location(a->head.http, run) == IGJ_OK)
    {
        return IGJ_PROVIDER_OK;
    }

    err->http_status = resp->status;

    return igj_provider_fail(&a->head, err, IGJ_PROVIDER_UNKNOWN,
                             "start: HTTP %ld without the id of the run (%s)",
                             resp->status, resp->message);
}


static igj_provider_class_t
igj_apify_start_once(igj_apify_t *a, const igj_http_request_t *req,
    igj_http_response_t *resp, igj_run_t *run, igj_provider_error_t *err)
{
    igj_http_result_t  result;

    igj_provider_error_init(err);

    result = igj_http_once(a->head.http, req, resp);

    /* a status counts, whatever became of the body */
    if (resp->status / 100 == 2) {
        return igj_apify_started(a, resp, run, err);
    }

    (void) igj_apify_fail(a, "start", resp, err);

    if ((resp->status / 100 == 4 && resp->status != 408)
        || (result != IGJ_HTTP_OK && !resp->sent))
    {
        return err->class;
    }

    err->class = IGJ_PROVIDER_UNKNOWN;
    err->retry_after_ms = -1;

    return err->class;
}


/* 0: nothing was started and another try may do better, after a wait. */
static int
igj_apify_start_again(igj_apify_t *a, const igj_http_response_t *resp, int n,
    int64_t deadline)
{
    igj_http_t  *h;
    int64_t      wait, left;

    h = a->head.http;

    if (resp->status != 429
        && (resp->sent || (resp->result != IGJ_HTTP_UNREACHABLE
                           && resp->result != IGJ_HTTP_TIMEOUT)))
    {
        return -1;
    }

    wait = igj_http_wait_ms(h, resp, n);
    left = deadline - igj_http_now_ms(h);

    if (n == a->head.conf.max_retries || wait > IGJ_HTTP_SLEEP_MAX_MS
        || wait + IGJ_START_LEFT_MS > left
        || igj_http_sleep(h, wait, a->head.stop) != 0)
    {
        return -1;
    }

    /* a process that was frozen meanwhile may not have the batch any more */
    return igj_http_now_ms(h) < deadline ? 0 : -1;
}


igj_provider_class_t
igj_apify_start(igj_provider_t *p, const igj_start_t *start, igj_run_t *run,
    igj_provider_error_t *err)
{
    igj_provider_class_t   class;
    igj_http_response_t    resp;
    igj_http_request_t     req = { 0 };
    igj_apify_t           *a = (igj_apify_t *) p;
    int64_t                deadline, left;
    char                   url[IGJ_APIFY_URL_MAX], *input;
    int                    n;

    if (p->stop != NULL && atomic_load(p->stop)) {
        return igj_provider_fail(p, err, IGJ_PROVIDER_CANCELED,
                                 "start: stopped before it was sent");
    }

    deadline = igj_http_now_ms(p->http)
               + (start->timeout_ms > 0 ? start->timeout_ms
                                        : IGJ_START_CALL_MS);

    input = igj_apify_input(a, start);

    if (input == NULL || igj_apify_start_url(a, start, url) != IGJ_OK) {
        cJSON_free(input);
        return igj_provider_fail(p, err, IGJ_PROVIDER_RETRY,
                                 "start: out of memory");
    }

    /* no stop flag: a call broken off is a run that may exist and cost */
    req.kind = IGJ_HTTP_EFFECT;
    req.url = url;
    req.bearer = p->conf.api_key;
    req.body = input;
    req.body_len = strlen(input);

    n = 0;

    do {
        left = deadline - igj_http_now_ms(p->http);
        req.timeout_ms = left > 0 ? left : 1;
        class = igj_apify_start_once(a, &req, &resp, run, err);

    } while (class != IGJ_PROVIDER_OK
             && igj_apify_start_again(a, &resp, n++, deadline) == 0);

    cJSON_free(input);

    return class;
}
