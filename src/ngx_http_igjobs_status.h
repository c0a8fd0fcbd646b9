/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Answers made of a job's status document, whoever has waited for it. */

#ifndef _NGX_HTTP_IGJOBS_STATUS_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_STATUS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "igj_uuid.h"

#include "ngx_http_igjobs_document.h"


#define NGX_HTTP_IGJOBS_STATUS_PATH  "/api/job-status/"


/*
 * Both return what goes to ngx_http_finalize_request().  The document is only
 * looked at during the call.
 */
ngx_int_t ngx_http_igjobs_status_answer(ngx_http_request_t *r,
    ngx_uint_t status, const igj_uuid_t *job, const ngx_str_t *doc);

/* The answer where there is no document: found is not ..._FOUND. */
ngx_int_t ngx_http_igjobs_status_problem(ngx_http_request_t *r,
    ngx_str_t *job, ngx_http_igjobs_document_e found);

/* "Location: /api/job-status/<job>". */
ngx_int_t ngx_http_igjobs_status_location(ngx_http_request_t *r,
    const igj_uuid_t *job);


#endif /* _NGX_HTTP_IGJOBS_STATUS_H_INCLUDED_ */
