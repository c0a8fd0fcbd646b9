/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Bounded repeats of an HTTP call that may be repeated, and the waits between
 * them.  Never sleeps longer than IGJ_HTTP_SLEEP_MAX_MS at a time: a longer
 * wait belongs to the caller, who can put the work back meanwhile.
 */

#include "igj_http.h"
#include "igj_http_private.h"

#include <stdio.h>


bool
igj_http_status_transient(long status)
{
    return status == 408 || status == 429 || status == 500
           || (status >= 502 && status <= 504)
           || (status >= 520 && status <= 526);
}


int64_t
igj_http_wait_ms(igj_http_t *h, const igj_http_response_t *resp, int n)
{
    int64_t  delay;

    delay = IGJ_HTTP_RETRY_BASE_MS;

    while (n-- > 0 && delay < IGJ_HTTP_SLEEP_MAX_MS) {
        delay *= 2;
    }

    delay += h->sys.random(h->sys.data) % (uint32_t) (delay + 1);

    if (delay > IGJ_HTTP_SLEEP_MAX_MS) {
        delay = IGJ_HTTP_SLEEP_MAX_MS;
    }

    return delay > resp->retry_after_ms ? delay : resp->retry_after_ms;
}


int
igj_http_sleep(igj_http_t *h, int64_t ms, const _Atomic int *stop)
{
    int64_t  slice;

    for ( ;; ) {
        if (stop != NULL && atomic_load(stop)) {
            return -1;
        }

        if (ms <= 0) {
            return 0;
        }

        slice = ms < IGJ_HTTP_TICK_MS ? ms : IGJ_HTTP_TICK_MS;
        h->sys.sleep_ms(h->sys.data, slice);
        ms -= slice;
    }
}


static bool
igj_http_may_help(const igj_http_response_t *resp)
{
    switch (resp->result) {

    case IGJ_HTTP_OK:
        return igj_http_status_transient(resp->status);

    case IGJ_HTTP_UNREACHABLE:
    case IGJ_HTTP_TIMEOUT:
    case IGJ_HTTP_BROKEN:
    case IGJ_HTTP_UNVERIFIED:
        /* a status that is final stays final, however its body ended */
        return resp->status < 400 || igj_http_status_transient(resp->status);

    default:
        return false;
    }
}


static void
igj_http_try(igj_http_t *h, const igj_http_request_t *req,
    igj_http_response_t *resp)
{
    if (igj_http_once(h, req, resp) != IGJ_HTTP_OK
        || resp->status / 100 != 2
        || req->verify == NULL
        || req->verify(req->data, h, resp) == 0)
    {
        return;
    }

    resp->result = IGJ_HTTP_UNVERIFIED;
    snprintf(resp->message, sizeof(resp->message),
             "the answer is incomplete or not what was asked for");
}


/* 0: try again now, -1: the answer stands. */
static int
igj_http_pause(igj_http_t *h, const igj_http_request_t *req,
    igj_http_response_t *resp, int n)
{
    int64_t  ms;

    ms = igj_http_wait_ms(h, resp, n);

    if (ms > IGJ_HTTP_SLEEP_MAX_MS) {
        return -1;
    }

    if (igj_http_sleep(h, ms, req->stop) != 0) {
        resp->result = IGJ_HTTP_STOPPED;
        snprintf(resp->message, sizeof(resp->message), "stopped");
        return -1;
    }

    return 0;
}


igj_http_result_t
igj_http_call(igj_http_t *h, const igj_http_request_t *req,
    igj_http_response_t *resp)
{
    int  tries, waits;

    igj_http_response_init(resp);
    h->identity = false;

    for (tries = 1, waits = 0; ; tries++) {

        if (req->begin != NULL && req->begin(req->data) != 0) {
            resp->result = IGJ_HTTP_SINK;
            snprintf(resp->message, sizeof(resp->message),
                     "the page buffer refused");
            break;
        }

        igj_http_try(h, req, resp);
        resp->tries = tries;

        if (resp->result == IGJ_HTTP_BAD_ENCODING && !h->identity) {
            h->identity = true;
            continue;
        }

        if (!igj_http_may_help(resp) || waits == req->retries
            || igj_http_pause(h, req, resp, waits) != 0)
        {
            break;
        }

        waits++;
    }

    h->identity = false;

    return resp->result;
}
