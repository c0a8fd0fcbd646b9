/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Apify: configuration, calls and documents, and all that concerns one known
 * run.  Starting, finding and reading are igj_apify_start.c, _find.c, _page.c.
 */

#include "igj_apify.h"
#include "igj_jsonl.h"
#include "igj_safe_text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>


#define IGJ_APIFY_POLL_MIN_MS     1000    /* between polls not held back */
#define IGJ_APIFY_POLL_MARGIN_MS  15000   /* over what the server may hold */


bool
igj_apify_id_valid(const char *id)
{
    size_t  len;

    len = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789_-");

    return len > 0 && len < IGJ_PROVIDER_ID_MAX && id[len] == '\0';
}


const char *
igj_apify_string(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}


static void
igj_apify_clear(igj_provider_t *p)
{
    igj_apify_t  *a = (igj_apify_t *) p;

    cJSON_Delete(a->extra);
    free(a->line);
}


int
igj_apify_actor(const char *actor, char out[IGJ_APIFY_NAME_MAX])
{
    size_t  i;

    if (actor == NULL || actor[0] == '\0'
        || strlen(actor) >= IGJ_APIFY_NAME_MAX)
    {
        return IGJ_ERROR;
    }

    for (i = 0; actor[i] != '\0'; i++) {
        out[i] = (actor[i] == '/') ? '~' : actor[i];

        if (!isalnum((unsigned char) actor[i])
            && strchr("~/._-", actor[i]) == NULL)
        {
            return IGJ_ERROR;
        }
    }

    out[i] = '\0';

    return IGJ_OK;
}


static int
igj_apify_init_extra(igj_apify_t *a)
{
    const char  *text;

    text = a->head.conf.extra_input;
    if (text == NULL || text[0] == '\0') {
        return IGJ_OK;
    }

    a->extra = cJSON_ParseWithOpts(text, NULL, 1);

    return cJSON_IsObject(a->extra) ? IGJ_OK : IGJ_ERROR;
}


static int
igj_apify_init(igj_provider_t *p, igj_provider_error_t *err)
{
    igj_apify_t  *a = (igj_apify_t *) p;
    const char   *problem;

    a->line = malloc(IGJ_JSONL_LINE_MAX);
    problem = NULL;

    if (a->line == NULL) {
        problem = "out of memory";

    } else if (p->conf.api_key == NULL || p->conf.api_key[0] == '\0'
               || strpbrk(p->conf.api_key, " \t\r\n") != NULL)
    {
        problem = "the API key is missing or has white space in it";

    } else if (igj_apify_actor(a->head.conf.actor, a->actor) != IGJ_OK) {
        problem = "the actor must be an id or owner~name";

    } else if (igj_base_url(p->conf.base_url, "/v2", a->base, sizeof(a->base))
               != IGJ_OK)
    {
        problem = "the base URL must be http(s)://host[:port][/path]";

    } else if (!igj_apify_id_valid(p->conf.path_prefix)) {
        problem = "the path prefix must be one word, \"actors\" or \"acts\"";

    } else if (igj_apify_init_extra(a) != IGJ_OK) {
        problem = "the extra input must be a JSON object";

    } else if (p->conf.usernames_field[0] == '\0'
               || p->conf.max_count_field[0] == '\0'
               || p->conf.token_field[0] == '\0')
    {
        problem = "the names of the input fields must not be empty";
    }

    if (problem == NULL) {
        return IGJ_OK;
    }

    (void) igj_provider_fail(p, err, IGJ_PROVIDER_STOP, "apify: %s", problem);

    return IGJ_ERROR;
}


int
igj_apify_url(const igj_apify_t *a, char *url, const char *format, ...)
{
    va_list  args;
    size_t   base;
    int      n;

    base = strlen(a->base);
    memcpy(url, a->base, base);

    va_start(args, format);
    n = vsnprintf(url + base, IGJ_APIFY_URL_MAX - base, format, args);
    va_end(args);

    return (n < 0 || (size_t) n >= IGJ_APIFY_URL_MAX - base) ? IGJ_ERROR
                                                             : IGJ_OK;
}


igj_provider_class_t
igj_apify_call(igj_apify_t *a, igj_http_request_t *req, int64_t grace_ms,
    const char *what, igj_http_response_t *resp, igj_provider_error_t *err)
{
    int64_t  began;

    req->bearer = a->head.conf.api_key;
    req->retries = a->head.conf.max_retries;

    began = igj_http_now_ms(a->head.http);

    for ( ;; ) {
        if (igj_http_call(a->head.http, req, resp) == IGJ_HTTP_OK
            && resp->status / 100 == 2)
        {
            return IGJ_PROVIDER_OK;
        }

        if (resp->status != 404
            || igj_http_now_ms(a->head.http) - began >= grace_ms)
        {
            break;
        }

        if (igj_http_sleep(a->head.http, IGJ_APIFY_AGAIN_MS, req->stop) != 0) {
            resp->result = IGJ_HTTP_STOPPED;
            break;
        }
    }

    return igj_apify_fail(a, what, resp, err);
}


static int
igj_apify_doc_begin(void *data)
{
    igj_apify_doc_t  *doc = data;

    cJSON_Delete(doc->root);
    doc->root = NULL;
    doc->data = NULL;

    return 0;
}


/* A cut body can look like success: what does not parse is asked again. */
static int
igj_apify_doc_verify(void *data, igj_http_t *h,
    const igj_http_response_t *resp)
{
    igj_apify_doc_t  *doc = data;

    (void) h;

    /* the body has a NUL behind it; nothing may stand between */
    doc->root = cJSON_ParseWithLengthOpts(resp->body, resp->body_len + 1, NULL,
                                          1);

    if (!doc->envelope) {
        doc->data = doc->root;
        return doc->root != NULL ? 0 : -1;
    }

    doc->data = cJSON_GetObjectItemCaseSensitive(doc->root, "data");

    return cJSON_IsObject(doc->data) ? 0 : -1;
}


igj_provider_class_t
igj_apify_document(igj_apify_t *a, igj_http_request_t *req, int64_t grace_ms,
    const char *what, igj_apify_doc_t *doc, igj_provider_error_t *err)
{
    igj_http_response_t  resp;

    doc->root = NULL;
    doc->data = NULL;

    req->begin = igj_apify_doc_begin;
    req->verify = igj_apify_doc_verify;
    req->data = doc;

    return igj_apify_call(a, req, grace_ms, what, &resp, err);
}


static igj_run_state_t
igj_apify_state(const char *status)
{
    static const struct {
        const char       *status;
        igj_run_state_t   state;
    } states[] = {
        { "SUCCEEDED", IGJ_RUN_SUCCEEDED },
        { "FAILED",    IGJ_RUN_FAILED },
        { "TIMED-OUT", IGJ_RUN_TIMED_OUT },
        { "ABORTED",   IGJ_RUN_ABORTED },
    };

    size_t  i;

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(states[i].status, status) == 0) {
            return states[i].state;
        }
    }

    return IGJ_RUN_RUNNING;
}


int
igj_apify_run_read(const cJSON *data, igj_run_t *run)
{
    const char  *id, *dataset, *status;
    double       cost;

    id = igj_apify_string(data, "id");
    dataset = igj_apify_string(data, "defaultDatasetId");
    status = igj_apify_string(data, "status");

    if (id == NULL || !igj_apify_id_valid(id)) {
        return IGJ_ERROR;
    }

    snprintf(run->id, sizeof(run->id), "%s", id);

    if (dataset != NULL && igj_apify_id_valid(dataset)) {
        snprintf(run->dataset_id, sizeof(run->dataset_id), "%s", dataset);
    }

    if (status != NULL && igj_apify_id_valid(status)) {
        run->state = igj_apify_state(status);
        snprintf(run->status, sizeof(run->status), "%.31s", status);
    }

    /* NaN if it is null or absent */
    cost = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(data,
                                                            "usageTotalUsd"));
    if (isfinite(cost) && cost >= 0) {
        run->cost_usd = cost;
    }

    return IGJ_OK;
}


/* Makes a call about the run and reads the answer into *run.  That the API
 * does not know the run is an answer too. */
static igj_provider_class_t
igj_apify_run_call(igj_apify_t *a, igj_http_request_t *req, const char *what,
    igj_run_t *run, igj_provider_error_t *err)
{
    igj_provider_class_t  class;
    igj_apify_doc_t       doc;

    doc.envelope = true;
    class = igj_apify_document(a, req, IGJ_APIFY_GRACE_MS, what, &doc, err);

    if (class == IGJ_PROVIDER_OK
        && igj_apify_run_read(doc.data, run) != IGJ_OK)
    {
        class = igj_provider_fail(&a->head, err, IGJ_PROVIDER_RETRY,
                                  "%s: the answer is no run", what);
    }

    cJSON_Delete(doc.root);

    if (class != IGJ_PROVIDER_OK && igj_apify_not_found(err)) {
        run->state = IGJ_RUN_LOST;
        snprintf(run->status, sizeof(run->status), "LOST");
        igj_provider_error_init(err);
        return IGJ_PROVIDER_OK;
    }

    return class;
}


static igj_provider_class_t
igj_apify_run_get(igj_apify_t *a, igj_run_t *run, int64_t hold_s,
    const _Atomic int *stop, const char *what, igj_provider_error_t *err)
{
    igj_http_request_t  req = { 0 };
    char                url[IGJ_APIFY_URL_MAX];

    if (!igj_apify_id_valid(run->id)
        || igj_apify_url(a, url, "/actor-runs/%s?waitForFinish=%lld", run->id,
                         (long long) hold_s) != IGJ_OK)
    {
        return igj_provider_fail(&a->head, err, IGJ_PROVIDER_GIVE_UP,
                                 "%s: not a run id", what);
    }

    req.url = url;
    req.stop = stop;

    if (hold_s > 0) {
        req.kind = IGJ_HTTP_LONG_POLL;
        req.timeout_ms = hold_s * 1000 + IGJ_APIFY_POLL_MARGIN_MS;
    }

    return igj_apify_run_call(a, &req, what, run, err);
}


static igj_provider_class_t
igj_apify_wait(igj_provider_t *p, igj_run_t *run, int64_t timeout_ms,
    igj_provider_error_t *err)
{
    igj_provider_class_t   class;
    igj_apify_t           *a = (igj_apify_t *) p;
    int64_t                began, end, hold_s, left, pause;

    end = igj_http_now_ms(p->http) + timeout_ms;

    for ( ;; ) {
        began = igj_http_now_ms(p->http);
        hold_s = (end - began) / 1000;

        if (hold_s > p->conf.long_poll_s) {
            hold_s = p->conf.long_poll_s;
        }

        class = igj_apify_run_get(a, run, hold_s > 0 ? hold_s : 0, p->stop,
                                  "wait", err);

        if (class != IGJ_PROVIDER_OK || igj_run_final(run)) {
            return class;
        }

        left = end - igj_http_now_ms(p->http);
        if (left <= 0) {
            return IGJ_PROVIDER_OK;
        }

        /* a server that does not hold the answer back is not hammered */
        pause = began + IGJ_APIFY_POLL_MIN_MS - igj_http_now_ms(p->http);
        pause = pause < left ? pause : left;

        if (igj_http_sleep(p->http, pause, p->stop) != 0) {
            return igj_provider_fail(p, err, IGJ_PROVIDER_CANCELED,
                                     "wait: stopped");
        }
    }
}


/* At once, not gracefully: what the actor has pushed stays readable either
 * way, and each further second costs. */
static igj_provider_class_t
igj_apify_abort(igj_provider_t *p, igj_run_t *run, igj_provider_error_t *err)
{
    igj_http_request_t   req = { 0 };
    igj_apify_t         *a = (igj_apify_t *) p;
    char                 url[IGJ_APIFY_URL_MAX];

    if (!igj_apify_id_valid(run->id)
        || igj_apify_url(a, url, "/actor-runs/%s/abort", run->id) != IGJ_OK)
    {
        return igj_provider_fail(p, err, IGJ_PROVIDER_GIVE_UP,
                                 "abort: not a run id");
    }

    req.url = url;
    req.body = "";

    return igj_apify_run_call(a, &req, "abort", run, err);
}


static igj_provider_class_t
igj_apify_cost(igj_provider_t *p, igj_run_t *run, igj_provider_error_t *err)
{
    return igj_apify_run_get((igj_apify_t *) p, run, 0, NULL, "cost", err);
}


static int
igj_apify_check_one(igj_apify_t *a, const char *url, const char *label,
    const char *const *names, FILE *out, igj_provider_error_t *err)
{
    igj_http_request_t   req = { 0 };
    igj_apify_doc_t      doc;
    const char          *value;
    int                  rc;

    doc.envelope = true;
    req.url = url;
    req.stop = a->head.stop;

    rc = IGJ_ERROR;

    if (igj_apify_document(a, &req, 0, label, &doc, err) == IGJ_PROVIDER_OK) {
        fprintf(out, "%-8s works:", label);

        for ( /* void */ ; *names != NULL; names++) {
            value = igj_apify_string(doc.data, *names);

            if (value != NULL) {
                fprintf(out, " %s=%s", *names, value);
            }
        }

        fprintf(out, "\n");
        rc = IGJ_OK;
    }

    cJSON_Delete(doc.root);

    return rc;
}


static int
igj_apify_check(igj_provider_t *p, FILE *out, igj_provider_error_t *err)
{
    static const char *const  user[] = { "username", "id", NULL };
    static const char *const  actor[] = { "username", "name", "title", "id",
                                          NULL };
    igj_apify_t              *a = (igj_apify_t *) p;
    char                      url[IGJ_APIFY_URL_MAX];

    fprintf(out, "API      %s\n", a->base);

    if (igj_apify_url(a, url, "/users/me") != IGJ_OK
        || igj_apify_check_one(a, url, "token", user, out, err) != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    if (igj_apify_url(a, url, "/%s/%s", p->conf.path_prefix, a->actor) != IGJ_OK
        || igj_apify_check_one(a, url, "actor", actor, out, err) != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    return IGJ_OK;
}


const igj_provider_ops_t  igj_apify_ops = {
    "apify",
    sizeof(igj_apify_t),
    igj_apify_init,
    igj_apify_clear,
    igj_apify_start,
    igj_apify_wait,
    igj_apify_read_page,
    igj_apify_abort,
    igj_apify_cost,
    igj_apify_find,
    igj_apify_check
};
