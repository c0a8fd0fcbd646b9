/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Requests that wait for a job to end: what a client asks for (Prefer: wait=N,
 * ?wait=N, ?waitForFinish=N), and the waiting.
 *
 * A request that waits is its own memory, a timer and a place in the queue of
 * its job's watchers.  It is answered exactly once, whatever comes first.
 */

#ifndef _NGX_HTTP_IGJOBS_HOLD_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_HOLD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "igj_uuid.h"

#include "ngx_http_igjobs.h"


/* What the client asks for, within what the location allows. */
typedef struct {
    time_t                             seconds;       /* 0: not to wait */
    unsigned                           for_change:1;  /* not only its end */
    unsigned                           sync:1;        /* original's answer */
    unsigned                           sync_named:1;  /* by the client */
    unsigned                           respond_async:1;
} ngx_http_igjobs_wish_t;


/* Why the waiting is over. */
typedef enum {
    NGX_HTTP_IGJOBS_HOLD_ENDED = 0,    /* the job has ended */
    NGX_HTTP_IGJOBS_HOLD_ENOUGH,       /* what enough() waits for is there */
    NGX_HTTP_IGJOBS_HOLD_TIMEOUT,
    NGX_HTTP_IGJOBS_HOLD_RESTART,      /* nginx reloads or quits */
    NGX_HTTP_IGJOBS_HOLD_REFUSED,      /* nobody could be asked for the job */
    NGX_HTTP_IGJOBS_HOLD_FULL          /* no room: for callers of ..._start */
} ngx_http_igjobs_hold_over_e;


/*
 * Called once; doc is NULL unless found is FOUND, and valid until the handler
 * calls ..._hold_leave() or ..._hold_finish(), one of which it must.
 */
typedef void (*ngx_http_igjobs_hold_handler_pt)(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc);

/* Does a job that has not ended need no more waiting? */
typedef ngx_uint_t (*ngx_http_igjobs_hold_enough_pt)(
    ngx_http_igjobs_hold_t *hold, const ngx_str_t *doc);


/* In the pool of its request. */
struct ngx_http_igjobs_hold_s {
    /* set by the operation */
    ngx_http_igjobs_wish_t             wish;
    igj_uuid_t                         job;
    ngx_msec_t                         time;
    ngx_http_igjobs_hold_handler_pt    handler;
    ngx_http_igjobs_hold_enough_pt     enough;    /* or NULL */
    uint64_t                           known;     /* version, for enough() */
    ngx_str_t                          accepted;  /* body of a 202, or none */

    /* the hold's own */
    ngx_http_request_t                *request;
    ngx_http_igjobs_watch_t            watch;
    ngx_event_t                        timer;
    ngx_table_elt_t                   *applied;
};


/*
 * Reads the wish of a request: Prefer headers, and the query, which counts
 * more.  Anything but OK: *bad names the parameter that is faulty.
 */
igj_form_e ngx_http_igjobs_hold_wish(ngx_http_request_t *r,
    ngx_http_igjobs_wish_t *wish, const char **bad);

/*
 * The same before a body is read.  NGX_DECLINED: *wish is set; else the request
 * is answered by what this returns.
 */
ngx_int_t ngx_http_igjobs_hold_ask(ngx_http_request_t *r,
    ngx_http_igjobs_wish_t *wish);

/*
 * Waits; the handler is never called from inside.  The request was prepared.
 * NGX_ERROR: no room, nothing waits.
 */
ngx_int_t ngx_http_igjobs_hold_start(ngx_http_request_t *r,
    ngx_http_igjobs_hold_t *hold);

/* An enough(): any version higher than the known one. */
ngx_uint_t ngx_http_igjobs_hold_changed(ngx_http_igjobs_hold_t *hold,
    const ngx_str_t *doc);

/* Ends the waiting, and with finish() the request as well. */
void ngx_http_igjobs_hold_leave(ngx_http_igjobs_hold_t *hold);
void ngx_http_igjobs_hold_finish(ngx_http_igjobs_hold_t *hold, ngx_int_t rc);

/*
 * "Preference-Applied": what of the wish was granted, sync if that was; and
 * that it was not, after all, as long as the header was not sent.
 */
ngx_int_t ngx_http_igjobs_hold_applied(ngx_http_igjobs_hold_t *hold,
    ngx_uint_t sync);
void ngx_http_igjobs_hold_not_applied(ngx_http_igjobs_hold_t *hold);


#endif /* _NGX_HTTP_IGJOBS_HOLD_H_INCLUDED_ */
