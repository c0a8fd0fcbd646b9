/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Answers: JSON documents, problem documents, headers.
 *
 * Every function that sends returns what goes to ngx_http_finalize_request():
 * an operation that has not waited returns it to nginx, one that has waited
 * passes it to ngx_http_igjobs_finish().  Headers are added before sending.
 */

#ifndef _NGX_HTTP_IGJOBS_REPLY_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_REPLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "igj_form.h"
#include "igj_problem.h"

#include "ngx_http_igjobs_pg.h"


#define NGX_HTTP_IGJOBS_JSON  "application/json"


/* A header of the request, by its name in lower case; NULL if absent. */
ngx_table_elt_t *ngx_http_igjobs_find_header(ngx_http_request_t *r,
    const char *name);

/* Adds a header; name is a literal, value must live in r->pool. */
ngx_int_t ngx_http_igjobs_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);
ngx_int_t ngx_http_igjobs_header_text(ngx_http_request_t *r, const char *name,
    const char *value);

/* "Retry-After: <seconds>". */
ngx_int_t ngx_http_igjobs_retry_after(ngx_http_request_t *r,
    ngx_uint_t seconds);

/*
 * Sets status, Content-Type (a literal) and Content-Length (-1: unknown,
 * chunked) and sends the header: for bodies that are rendered piece by piece.
 * Body pieces then go through ngx_http_output_filter().
 */
ngx_int_t ngx_http_igjobs_send_header(ngx_http_request_t *r,
    ngx_uint_t status, const char *type, off_t length);

/* A whole answer of application/json; body must live in r->pool. */
ngx_int_t ngx_http_igjobs_reply_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);

/*
 * The same of a line that somebody else owns, and a line end.  It is copied
 * once it is known that a body is sent: not for HEAD, not for 304.
 */
ngx_int_t ngx_http_igjobs_reply_line(ngx_http_request_t *r, ngx_uint_t status,
    const ngx_str_t *line);

/* A whole answer of another type; type is a literal. */
ngx_int_t ngx_http_igjobs_reply(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_str_t *body);

/*
 * A problem document: the short form with the texts of the table, the long
 * form with what doc says (its instance is filled in if it is NULL).  503 and
 * 429 carry Retry-After.
 */
ngx_int_t ngx_http_igjobs_problem(ngx_http_request_t *r,
    igj_problem_e problem);
ngx_int_t ngx_http_igjobs_problem_doc(ngx_http_request_t *r,
    igj_problem_doc_t *doc);

/* 400: what is wrong with a parameter of the query string. */
ngx_int_t ngx_http_igjobs_bad_parameter(ngx_http_request_t *r,
    const char *name, igj_form_e error);

/* 404 "Job <id> not found". */
ngx_int_t ngx_http_igjobs_job_not_found(ngx_http_request_t *r,
    ngx_str_t *job);

/* The answer to a Postgres reply that is not NGX_HTTP_IGJOBS_PG_OK; logs. */
ngx_int_t ngx_http_igjobs_pg_problem(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
igj_problem_e ngx_http_igjobs_pg_problem_of(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);

/*
 * Cross-origin headers of the answer, and the answer to OPTIONS; allowed is
 * the method set of the path.
 */
ngx_int_t ngx_http_igjobs_cors(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_options(ngx_http_request_t *r, ngx_uint_t allowed);
ngx_int_t ngx_http_igjobs_allow(ngx_http_request_t *r, ngx_uint_t allowed);


#endif /* _NGX_HTTP_IGJOBS_REPLY_H_INCLUDED_ */
