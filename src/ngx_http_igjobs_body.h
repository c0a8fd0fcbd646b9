/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The body of a request, handed on as it arrives: never kept, never written to
 * a file.  The reader of one request lives in its pool.
 */

#ifndef _NGX_HTTP_IGJOBS_BODY_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_BODY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "igj_problem.h"


typedef struct ngx_http_igjobs_body_s  ngx_http_igjobs_body_t;

/* Takes a piece of at most some 64 KiB; anything but NONE ends the reading. */
typedef igj_problem_e (*ngx_http_igjobs_body_piece_pt)(void *data,
    const u_char *piece, size_t len);

/*
 * The body has ended, or cannot be read further.  Called once; it answers the
 * request, now or later.
 */
typedef void (*ngx_http_igjobs_body_end_pt)(void *data,
    igj_problem_e problem);


struct ngx_http_igjobs_body_s {
    /* set by the operation */
    size_t                          max;        /* bytes; above: 413 */
    size_t                          min_rate;   /* bytes/s; below: 408 */
    ngx_http_igjobs_body_piece_pt   piece;
    ngx_http_igjobs_body_end_pt     end;
    void                           *data;

    /* the reader's own */
    ngx_http_request_t             *request;
    size_t                          received;
    size_t                          checked;    /* received at last check */
    ngx_event_t                     pace;       /* ordinary timer */
    ngx_event_t                     more;       /* posted: next turn */
    unsigned                        ended:1;
};


/*
 * Whether the body is what we read: application/json or a type that ends in
 * +json, with any parameters, or of no named type; without Content-Encoding.
 */
igj_problem_e ngx_http_igjobs_body_type(ngx_http_request_t *r);

/*
 * Reads the body of r; body is zeroed but for what the operation sets.  The
 * operation returns what this returns to nginx.
 */
ngx_int_t ngx_http_igjobs_body_read(ngx_http_request_t *r,
    ngx_http_igjobs_body_t *body);


#endif /* _NGX_HTTP_IGJOBS_BODY_H_INCLUDED_ */
