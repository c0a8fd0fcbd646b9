/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What pages and exports have in common: which job, may it be read, from which
 * row on, which fields, which filter.
 */

#ifndef _NGX_HTTP_IGJOBS_SELECTION_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_SELECTION_H_INCLUDED_


#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_fields.h"
#include "ngx_http_igjobs_stream.h"
#include "ngx_http_igjobs_token.h"

#include "igj_form.h"
#include "igj_username.h"


typedef struct ngx_http_igjobs_selection_s  ngx_http_igjobs_selection_t;

/* NGX_DECLINED: stream the rows; else what a reply function returned */
typedef ngx_int_t (*ngx_http_igjobs_selection_pt)(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);


struct ngx_http_igjobs_selection_s {
    ngx_http_igjobs_stream_t       stream;      /* first; renderers are set by
                                                   the operation */

    /* of the request */
    igj_uuid_t                     job;
    ngx_http_igjobs_fields_t       fields;
    u_char                         field_list[IGJ_PARAM_VALUE_MAX];
                                                /* as given; "" */
    int                            partial;
    ngx_str_t                      token;       /* as given; len 0 */
    u_char                         token_text[IGJ_PARAM_VALUE_MAX];
    ngx_http_igjobs_pg_param_t     filter[NGX_HTTP_IGJOBS_STREAM_FILTER];
    igj_username_t                 source_account;
    u_char                         confidence[16];

    /* of the job */
    ngx_http_igjobs_tokens_t       tokens;
    int64_t                        total;       /* rows */
    ngx_str_t                      version;
    unsigned                       ended:1;     /* no more rows will come */

    ngx_http_igjobs_selection_pt   ready;       /* or NULL */
};


/*
 * Reads the job of the path and of the query string: partial, fields, the
 * filter and the parameter named token.  NGX_DECLINED: go on; else what a
 * reply function returned.
 */
ngx_int_t ngx_http_igjobs_selection_params(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection, const char *fields,
    const char *token);

/*
 * Looks the job up.  If it may be read, ready is called with stream.first and
 * .end at the rows from the token on, and then they are streamed.  Returns what
 * an operation returns to nginx.
 */
ngx_int_t ngx_http_igjobs_selection_open(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);

/* The query string of the request. */
igj_str_t ngx_http_igjobs_selection_query(ngx_http_request_t *r);

/* Is the parameter there? */
ngx_uint_t ngx_http_igjobs_selection_has(ngx_http_request_t *r,
    const char *name);

/* 400 with this detail. */
ngx_int_t ngx_http_igjobs_selection_bad(ngx_http_request_t *r,
    igj_problem_e problem, const char *detail);

/* X-Total-Count, and that an answer is for its client alone. */
ngx_int_t ngx_http_igjobs_selection_headers(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);


#endif /* _NGX_HTTP_IGJOBS_SELECTION_H_INCLUDED_ */
