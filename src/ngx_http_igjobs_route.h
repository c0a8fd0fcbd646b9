/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One static table of paths: which methods a path takes and which operation
 * each starts.  A new endpoint is one row here.
 */

#ifndef _NGX_HTTP_IGJOBS_ROUTE_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_ROUTE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_igjobs_pg.h"


#define NGX_HTTP_IGJOBS_MAX_PARAMS  2

/* flags of a route */
#define NGX_HTTP_IGJOBS_BODY        0x01   /* the operation reads the body */
#define NGX_HTTP_IGJOBS_OPEN        0x02   /* needs no tenant, no backend */
#define NGX_HTTP_IGJOBS_SCHEDULE    0x04   /* the body is a submission, too */
#define NGX_HTTP_IGJOBS_ONCE        0x08   /* the caller has a call's id */
#define NGX_HTTP_IGJOBS_OPERATION   0x10   /* clients may wait for its end */
#define NGX_HTTP_IGJOBS_WAITS       0x20   /* and do, unless they say no */
#define NGX_HTTP_IGJOBS_USERNAME    0x40   /* the body has a user name */
#define NGX_HTTP_IGJOBS_ANY_TYPE    0x80   /* the body may have any type */


typedef struct {
    ngx_uint_t            method;      /* NGX_HTTP_GET (takes HEAD too), ... */
    const char           *pattern;     /* "/api/job-status/:job" */
    ngx_http_handler_pt   operation;
    ngx_uint_t            flags;

    /* of ngx_http_igjobs_call: parameters that it takes, and which call */
    const char *const    *query;       /* names, NULL behind the last one;
                                          or NULL */
    ngx_http_igjobs_sql_e statement;
} ngx_http_igjobs_route_t;


/*
 * Finds the row of the request's path and method and writes what stood for
 * each :name into params, in order.  NGX_OK: *route is set.  NGX_DECLINED: no
 * such path.  NGX_HTTP_NOT_ALLOWED: the path takes the methods in *allowed.
 */
ngx_int_t ngx_http_igjobs_route(ngx_http_request_t *r,
    const ngx_http_igjobs_route_t **route, ngx_str_t *params,
    ngx_uint_t *allowed);


#endif /* _NGX_HTTP_IGJOBS_ROUTE_H_INCLUDED_ */
