/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The two halves of an api function's call: its request is read
 * (ngx_http_igjobs_call_body.c, ngx_http_igjobs_schedule.c,
 * ngx_http_igjobs_username.c), it is made (ngx_http_igjobs_call.c).
 */

#ifndef _NGX_HTTP_IGJOBS_CALL_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_CALL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "igj_idempotency.h"

#include "ngx_http_igjobs.h"


/* bytes of a path that its keys know */
#define NGX_HTTP_IGJOBS_KEY_PATH  128

#define NGX_HTTP_IGJOBS_CALLER_SIZE                                           \
    (256 + IGJ_TENANT_MAX + 2 * IGJ_MAX_BASE_ID                               \
     + 2 * IGJ_IDEMPOTENCY_KEY_MAX                                            \
     + igj_json_string_max(NGX_HTTP_IGJOBS_KEY_PATH))


/*
 * Writes the first argument of an api function into a buffer of this size:
 * {"tenant", "base_id" (the header X-Base-Id, if there is one), and of a route
 * with the flag ONCE "call", and "key" and "route" if there is a key}; returns
 * its length.
 */
size_t ngx_http_igjobs_call_caller(ngx_http_request_t *r, char *caller);

/* Answers a request with what an api function said. */
void ngx_http_igjobs_call_answer(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);

/*
 * Operations: reads, before the body, whether the client is to wait
 * (NGX_DECLINED: go on; else the request was answered); and lets a call that
 * has started one wait (NGX_OK), or does not (NGX_DECLINED).
 */
ngx_int_t ngx_http_igjobs_operation_wish(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_operation_wait(ngx_http_request_t *r,
    ngx_http_igjobs_pg_result_t *result);

/*
 * Reads the body and sends the call: params, a JSON object, gets the member
 * "body".  The operation returns what this returns.
 */
ngx_int_t ngx_http_igjobs_call_read(ngx_http_request_t *r,
    const ngx_str_t *params);

/* Sends the call of a request that waits and, later or now, answers it. */
void ngx_http_igjobs_call_send(ngx_http_request_t *r, const ngx_str_t *params);

/*
 * What a schedule's body says as a submission, for its call: members is what to
 * add to params, with a comma before it; empty for one without accounts.
 * NGX_OK; NGX_DECLINED: *answer is what a reply function returned; NGX_ERROR.
 */
ngx_int_t ngx_http_igjobs_schedule_read(ngx_http_request_t *r,
    const ngx_str_t *body, ngx_str_t *members, ngx_int_t *answer);

/*
 * The body's "username" as a user name is written, likewise to be added:
 * username, or username_fault; empty where there is no such string.  NGX_OK or
 * NGX_ERROR.
 */
ngx_int_t ngx_http_igjobs_username_read(ngx_http_request_t *r,
    const ngx_str_t *body, ngx_str_t *members);


#endif /* _NGX_HTTP_IGJOBS_CALL_H_INCLUDED_ */
