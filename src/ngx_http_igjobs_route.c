/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The one table of paths.  A pattern is compared segment by segment; ":name"
 * takes one segment that is not empty.  Paths are case-sensitive and have no
 * slash at their end.
 */

#include "ngx_http_igjobs.h"


static ngx_uint_t ngx_http_igjobs_match(const char *pattern, ngx_str_t *uri,
    ngx_str_t *params);


static const ngx_http_igjobs_route_t  ngx_http_igjobs_routes[] = {

    { NGX_HTTP_POST, "/api/scrape-followers",
      ngx_http_igjobs_submit, NGX_HTTP_IGJOBS_BODY },

    { NGX_HTTP_GET, "/api/job-status/:job",
      ngx_http_igjobs_status, 0 },

    { NGX_HTTP_GET, "/api/job-results/:job",
      ngx_http_igjobs_results, 0 },

    { NGX_HTTP_GET, "/api/jobs/:job/events",
      ngx_http_igjobs_events, 0 },

    { NGX_HTTP_GET, "/api/problems/:slug",
      ngx_http_igjobs_problems, NGX_HTTP_IGJOBS_OPEN },

    { NGX_HTTP_GET, "/api/openapi.json",
      ngx_http_igjobs_openapi, NGX_HTTP_IGJOBS_OPEN },

    { NGX_HTTP_GET, "/api/docs",
      ngx_http_igjobs_docs, NGX_HTTP_IGJOBS_OPEN },

    { NGX_HTTP_GET, "/health",
      ngx_http_igjobs_health, NGX_HTTP_IGJOBS_OPEN },

    { NGX_HTTP_GET, "/healthz",
      ngx_http_igjobs_healthz, NGX_HTTP_IGJOBS_OPEN },

    { NGX_HTTP_GET, "/livez",
      ngx_http_igjobs_livez, NGX_HTTP_IGJOBS_OPEN },

    { NGX_HTTP_GET, "/readyz",
      ngx_http_igjobs_readyz, NGX_HTTP_IGJOBS_OPEN }
};


ngx_int_t
ngx_http_igjobs_route(ngx_http_request_t *r,
    const ngx_http_igjobs_route_t **route, ngx_str_t *params,
    ngx_uint_t *allowed)
{
    ngx_uint_t                      i, n, method;
    const ngx_http_igjobs_route_t  *row;

    n = sizeof(ngx_http_igjobs_routes) / sizeof(ngx_http_igjobs_routes[0]);
    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    *allowed = 0;

    for (i = 0; i < n; i++) {
        row = &ngx_http_igjobs_routes[i];

        if (!ngx_http_igjobs_match(row->pattern, &r->uri, params)) {
            continue;
        }

        if (row->method == method) {
            *route = row;
            return NGX_OK;
        }

        *allowed |= row->method;
    }

    return *allowed ? NGX_HTTP_NOT_ALLOWED : NGX_DECLINED;
}


static ngx_uint_t
ngx_http_igjobs_match(const char *pattern, ngx_str_t *uri, ngx_str_t *params)
{
    u_char      *p, *last;
    ngx_uint_t   n;

    n = 0;
    p = uri->data;
    last = p + uri->len;

    while (*pattern != '\0') {

        if (*pattern != ':') {

            if (p == last || *p != (u_char) *pattern) {
                return 0;
            }

            p++;
            pattern++;
            continue;
        }

        params[n].data = p;

        while (p < last && *p != '/') {
            p++;
        }

        params[n].len = p - params[n].data;

        if (params[n++].len == 0) {
            return 0;
        }

        while (*pattern != '\0' && *pattern != '/') {
            pattern++;
        }
    }

    return p == last;
}
