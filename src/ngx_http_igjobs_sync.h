/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The synchronous answer of the original to POST /api/scrape-followers: the
 * results of the job in one body.
 */

#ifndef _NGX_HTTP_IGJOBS_SYNC_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_SYNC_H_INCLUDED_


#include "igj_submit.h"

#include "ngx_http_igjobs_hold.h"


#define NGX_HTTP_IGJOBS_SYNC_ERROR_MAX  128


/* Sets what a hold needs for such an answer. */
void ngx_http_igjobs_sync_prepare(ngx_http_request_t *r,
    ngx_http_igjobs_hold_t *hold);

/*
 * A request with that wish is refused in the words of the synchronous original;
 * error is the caller's, of NGX_HTTP_IGJOBS_SYNC_ERROR_MAX.
 */
void ngx_http_igjobs_sync_refused(ngx_http_request_t *r,
    const igj_submit_t *submit, igj_problem_doc_t *doc, char *error);


#endif /* _NGX_HTTP_IGJOBS_SYNC_H_INCLUDED_ */
