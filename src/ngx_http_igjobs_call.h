/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The two halves of an api function's call: its request is read
 * (ngx_http_igjobs_call_body.c, ngx_http_igjobs_schedule.c), it is made
 * (ngx_http_igjobs_call.c).
 */

#ifndef _NGX_HTTP_IGJOBS_CALL_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_CALL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


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


#endif /* _NGX_HTTP_IGJOBS_CALL_H_INCLUDED_ */
