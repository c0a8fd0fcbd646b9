/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Airtable: one request, from its turn to its answer.  What the requests are
 * is in igj_airtable_write.c, _delete.c, _read.c and _schema.c.
 */

#include "igj_airtable_private.h"
#include "igj_clock.h"
#include "igj_safe_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static igj_airtable_class_t igj_airtable_turn(igj_airtable_t *a,
    const igj_airtable_call_t *call, igj_airtable_error_t *err);
static igj_airtable_class_t igj_airtable_no_turn(igj_airtable_t *a,
    const igj_airtable_place_t *place, const igj_airtable_turn_t *turn,
    igj_airtable_error_t *err);
static igj_airtable_class_t igj_airtable_try(igj_airtable_t *a,
    igj_airtable_call_t *call, igj_http_request_t *req,
    igj_http_response_t *resp, igj_airtable_error_t *err);
static int igj_airtable_again(igj_airtable_t *a,
    const igj_airtable_call_t *call, const igj_http_response_t *resp, int n);
static int igj_airtable_verify(void *data, igj_http_t *h,
    const igj_http_response_t *resp);


igj_airtable_t *
igj_airtable_create(const igj_airtable_conf_t *conf, igj_http_t *http,
    const _Atomic int *stop, const igj_airtable_pace_t *pace,
    igj_airtable_error_t *err)
{
    igj_airtable_t  *a;
    const char      *problem;

    igj_airtable_error_init(err);
    problem = NULL;

    a = calloc(1, sizeof(igj_airtable_t));

    if (a == NULL) {
        problem = "out of memory";

    } else if (conf->token == NULL || conf->token[0] == '\0'
               || strpbrk(conf->token, " \t\r\n") != NULL)
    {
        problem = "the token is missing or has white space in it";

    } else if (igj_base_url(conf->base_url, "/v0", a->root, sizeof(a->root))
               != IGJ_OK)
    {
        problem = "the base URL must be http(s)://host[:port][/path]";
    }

    if (problem != NULL) {
        free(a);
        err->class = IGJ_AIRTABLE_DENIED;
        snprintf(err->message, sizeof(err->message), "%s", problem);
        return NULL;
    }

    a->http = http;
    a->token = conf->token;
    a->stop = stop;

    if (pace != NULL) {
        a->pace = *pace;
    }

    return a;
}


void
igj_airtable_destroy(igj_airtable_t *a)
{
    free(a);
}


static bool
igj_airtable_id_valid(const char *id, const char *prefix, size_t size)
{
    size_t  i, n;

    n = strlen(prefix);

    if (strncmp(id, prefix, n) != 0 || id[n] == '\0') {
        return false;
    }

    for (i = n; id[i] != '\0'; i++) {
        if (!isalnum((unsigned char) id[i]) && id[i] != '_') {
            return false;
        }
    }

    return i < size;
}


bool
igj_airtable_base_valid(const char *base)
{
    return igj_airtable_id_valid(base, "app", IGJ_AIRTABLE_BASE_MAX);
}


bool
igj_airtable_record_valid(const char *record_id)
{
    return igj_airtable_id_valid(record_id, "rec", IGJ_AIRTABLE_ID_MAX);
}


const char *
igj_airtable_string(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}


void
igj_airtable_url_begin(const igj_airtable_t *a, igj_airtable_url_t *url)
{
    url->len = strlen(a->root);
    url->full = false;
    memcpy(url->text, a->root, url->len + 1);
}


static void
igj_airtable_url_put(igj_airtable_url_t *url, const char *text, bool escape)
{
    static const char  hex[] = "0123456789ABCDEF";
    unsigned char      c;

    for ( /* void */ ; *text != '\0'; text++) {
        c = (unsigned char) *text;

        if (url->len + 4 > sizeof(url->text)) {
            url->full = true;
            return;
        }

        if (!escape || isalnum(c) || strchr("-._~", c) != NULL) {
            url->text[url->len++] = (char) c;

        } else {
            url->text[url->len++] = '%';
            url->text[url->len++] = hex[c >> 4];
            url->text[url->len++] = hex[c & 15];
        }

        url->text[url->len] = '\0';
    }
}


void
igj_airtable_url_part(igj_airtable_url_t *url, const char *text)
{
    igj_airtable_url_put(url, "/", false);
    igj_airtable_url_put(url, text, true);
}


void
igj_airtable_url_query(igj_airtable_url_t *url, const char *name,
    const char *text)
{
    igj_airtable_url_put(url, strchr(url->text, '?') ? "&" : "?", false);
    igj_airtable_url_put(url, name, true);
    igj_airtable_url_put(url, "=", false);
    igj_airtable_url_put(url, text, true);
}


igj_airtable_class_t
igj_airtable_records_url(igj_airtable_t *a, const igj_airtable_place_t *place,
    igj_airtable_url_t *url, igj_airtable_error_t *err)
{
    igj_airtable_error_init(err);

    /* a name of dots would be another path */
    if (!igj_airtable_base_valid(place->base)
        || place->table[strspn(place->table, ".")] == '\0')
    {
        return igj_airtable_fail(a, place, err, IGJ_AIRTABLE_REFUSED,
                                 "not the id of a base, or no table");
    }

    igj_airtable_url_begin(a, url);
    igj_airtable_url_part(url, place->base);
    igj_airtable_url_part(url, place->table);

    return IGJ_AIRTABLE_OK;
}


igj_airtable_class_t
igj_airtable_call(igj_airtable_t *a, igj_airtable_call_t *call,
    igj_airtable_error_t *err)
{
    igj_airtable_class_t  class;
    igj_http_response_t   resp = { 0 };
    igj_http_request_t    req = { 0 };
    char                 *body;
    int                   n;

    igj_airtable_error_init(err);
    call->answer = NULL;
    body = NULL;

    if (call->url->full) {
        return igj_airtable_fail(a, call->place, err, IGJ_AIRTABLE_REFUSED,
                                 "the URL would be too long");
    }

    if (call->body != NULL) {
        body = cJSON_PrintUnformatted(call->body);

        if (body == NULL) {
            return igj_airtable_fail(a, call->place, err, IGJ_AIRTABLE_RETRY,
                                     "out of memory");
        }
    }

    req.url = call->url->text;
    req.method = call->method;
    req.bearer = a->token;
    req.body = body;
    req.body_len = body ? strlen(body) : 0;
    req.kind = call->once ? IGJ_HTTP_EFFECT : IGJ_HTTP_QUICK;
    req.timeout_ms = IGJ_AIRTABLE_CALL_MS;
    req.max_bytes = call->max_bytes;
    req.stop = a->stop;
    req.verify = igj_airtable_verify;
    req.data = call;

    n = 0;

    do {
        class = igj_airtable_try(a, call, &req, &resp, err);
    } while (class == IGJ_AIRTABLE_RETRY
             && igj_airtable_again(a, call, &resp, n++) == 0);

    cJSON_free(body);

    return class;
}


static igj_airtable_class_t
igj_airtable_try(igj_airtable_t *a, igj_airtable_call_t *call,
    igj_http_request_t *req, igj_http_response_t *resp,
    igj_airtable_error_t *err)
{
    igj_airtable_class_t  class;

    class = igj_airtable_turn(a, call, err);

    if (class != IGJ_AIRTABLE_OK) {
        return class;
    }

    cJSON_Delete(call->answer);
    call->answer = NULL;

    if (igj_http_call(a->http, req, resp) == IGJ_HTTP_OK
        && resp->status / 100 == 2)
    {
        return IGJ_AIRTABLE_OK;
    }

    cJSON_Delete(call->answer);
    call->answer = NULL;

    class = igj_airtable_answered(a, call->place, resp, err);

    if ((class == IGJ_AIRTABLE_PARK || err->billing)
        && a->pace.freeze != NULL)
    {
        a->pace.freeze(a->pace.data, call->place->base,
                       err->billing ? -1 : err->delay_ms);
    }

    return class;
}


/* 0: it is transient, may be repeated, and the wait fits into the call. */

static int
igj_airtable_again(igj_airtable_t *a, const igj_airtable_call_t *call,
    const igj_http_response_t *resp, int n)
{
    int64_t  wait;

    wait = igj_http_wait_ms(a->http, resp, n);

    if (n == IGJ_AIRTABLE_RETRIES || (call->once && resp->sent)
        || wait > IGJ_HTTP_SLEEP_MAX_MS)
    {
        return -1;
    }

    /* who was stopped learns it from the next turn */
    (void) igj_http_sleep(a->http, wait, a->stop);

    return 0;
}


/* A cut body can look like success: what does not parse is asked again. */

static int
igj_airtable_verify(void *data, igj_http_t *h, const igj_http_response_t *resp)
{
    igj_airtable_call_t  *call = data;

    (void) h;

    cJSON_Delete(call->answer);

    /* the body has a NUL behind it; nothing may stand between */
    call->answer = cJSON_ParseWithLengthOpts(resp->body, resp->body_len + 1,
                                             NULL, 1);

    if (!cJSON_IsObject(call->answer)) {
        return -1;
    }

    return call->wanted == NULL
           || cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(call->answer,
                                                             call->wanted))
           ? 0 : -1;
}


/*
 * Turns are spread evenly over time.  One that is used late would come together
 * with the next, so a process that stood still meanwhile asks for another.
 */

static igj_airtable_class_t
igj_airtable_turn(igj_airtable_t *a, const igj_airtable_call_t *call,
    igj_airtable_error_t *err)
{
    igj_airtable_turn_t  turn;
    int64_t              asked, late;
    int                  n;

    for (n = 0; n < IGJ_AIRTABLE_STALE_MAX; n++) {
        turn = (igj_airtable_turn_t) { IGJ_AIRTABLE_TURN_GO, 0, 0 };
        asked = igj_http_now_ms(a->http);

        if (a->pace.turn != NULL) {
            a->pace.turn(a->pace.data, call->place->base,
                         call->wait_ms ? call->wait_ms : IGJ_AIRTABLE_WAIT_MS,
                         &turn);
        }

        if (turn.answer != IGJ_AIRTABLE_TURN_GO) {
            return igj_airtable_no_turn(a, call->place, &turn, err);
        }

        if (igj_http_sleep(a->http, turn.wait_ms, a->stop) != 0) {
            return igj_airtable_fail(a, call->place, err,
                                     IGJ_AIRTABLE_CANCELED, "stopped");
        }

        late = igj_http_now_ms(a->http) - asked - turn.wait_ms;

        if (turn.good_ms == 0 || late <= turn.good_ms) {
            break;
        }
    }

    return IGJ_AIRTABLE_OK;
}


static igj_airtable_class_t
igj_airtable_no_turn(igj_airtable_t *a, const igj_airtable_place_t *place,
    const igj_airtable_turn_t *turn, igj_airtable_error_t *err)
{
    switch (turn->answer) {

    case IGJ_AIRTABLE_TURN_USED_UP:
        (void) igj_airtable_fail(a, place, err, IGJ_AIRTABLE_DENIED,
                                 "the month's API calls of this base are "
                                 "used up");
        err->billing = true;
        break;

    case IGJ_AIRTABLE_TURN_TAKEN:
        (void) igj_airtable_fail(a, place, err, IGJ_AIRTABLE_DENIED,
                                 "this base is another tenant's");
        break;

    case IGJ_AIRTABLE_TURN_FAILED:
        (void) igj_airtable_fail(a, place, err, IGJ_AIRTABLE_RETRY,
                                 "the database gave no turn");
        break;

    case IGJ_AIRTABLE_TURN_GONE:
        (void) igj_airtable_fail(a, place, err, IGJ_AIRTABLE_CANCELED,
                                 "stopped");
        break;

    default:
        (void) igj_airtable_fail(a, place, err, IGJ_AIRTABLE_PARK,
                                 "others have the next turns of this base");
        /* not all of those that wait at once */
        err->delay_ms = turn->wait_ms
                        + igj_clock_jitter(IGJ_AIRTABLE_WAIT_MS);
        break;
    }

    return err->class;
}
