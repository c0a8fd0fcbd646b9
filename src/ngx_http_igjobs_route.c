/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The one table of paths.  A pattern is compared segment by segment; ":name"
 * takes one segment that is not empty, ":name.ending" one with this ending.
 * Paths are case-sensitive and have no slash at their end.
 *
 * A row of ngx_http_igjobs_call also names its query parameters and its
 * statement; see ngx_http_igjobs_call.c for how to add one.
 */

#include "ngx_http_igjobs.h"


static ngx_uint_t ngx_http_igjobs_match(const char *pattern, ngx_str_t *uri,
    ngx_str_t *params);
static ngx_uint_t ngx_http_igjobs_match_name(const char **pattern, u_char **p,
    u_char *last, ngx_str_t *param);


#define ngx_http_igjobs_query(...)  (const char *const []) { __VA_ARGS__, NULL }


static const ngx_http_igjobs_route_t  ngx_http_igjobs_routes[] = {

    { NGX_HTTP_POST, "/api/scrape-followers",
      ngx_http_igjobs_submit, NGX_HTTP_IGJOBS_BODY, NULL, 0 },

    { NGX_HTTP_GET, "/api/job-status/:job",
      ngx_http_igjobs_status, 0, NULL, 0 },

    { NGX_HTTP_GET, "/api/job-results/:job",
      ngx_http_igjobs_results, 0, NULL, 0 },

    { NGX_HTTP_GET, "/api/job-results/:job.csv",
      ngx_http_igjobs_export, 0, NULL, 0 },

    { NGX_HTTP_GET, "/api/job-results/:job.ndjson",
      ngx_http_igjobs_export, 0, NULL, 0 },

    { NGX_HTTP_GET, "/api/job-results/:job.json",
      ngx_http_igjobs_export, 0, NULL, 0 },

    { NGX_HTTP_GET, "/api/jobs",
      ngx_http_igjobs_call, 0,
      ngx_http_igjobs_query("status", "state", "created_after",
                            "created_before", "page_size", "page_token"),
      NGX_HTTP_IGJOBS_SQL_API_JOBS },

    { NGX_HTTP_GET, "/api/jobs/:job",
      ngx_http_igjobs_call, 0, NULL, NGX_HTTP_IGJOBS_SQL_API_JOB },

    { NGX_HTTP_GET, "/api/jobs/:job/accounts",
      ngx_http_igjobs_call, 0,
      ngx_http_igjobs_query("outcome", "page_size", "page_token"),
      NGX_HTTP_IGJOBS_SQL_API_JOB_ACCOUNTS },

    { NGX_HTTP_GET, "/api/jobs/:job/events",
      ngx_http_igjobs_events, 0, NULL, 0 },

    { NGX_HTTP_GET, "/api/problems/:slug",
      ngx_http_igjobs_problems, NGX_HTTP_IGJOBS_OPEN, NULL, 0 },

    { NGX_HTTP_GET, "/api/openapi.json",
      ngx_http_igjobs_openapi, NGX_HTTP_IGJOBS_OPEN, NULL, 0 },

    { NGX_HTTP_GET, "/api/docs",
      ngx_http_igjobs_docs, NGX_HTTP_IGJOBS_OPEN, NULL, 0 },

    { NGX_HTTP_GET, "/health",
      ngx_http_igjobs_health, NGX_HTTP_IGJOBS_OPEN, NULL, 0 },

    { NGX_HTTP_GET, "/healthz",
      ngx_http_igjobs_healthz, NGX_HTTP_IGJOBS_OPEN, NULL, 0 },

    { NGX_HTTP_GET, "/livez",
      ngx_http_igjobs_livez, NGX_HTTP_IGJOBS_OPEN, NULL, 0 },

    { NGX_HTTP_GET, "/readyz",
      ngx_http_igjobs_readyz, NGX_HTTP_IGJOBS_OPEN, NULL, 0 }
};


ngx_int_t
ngx_http_igjobs_route(ngx_http_request_t *r,
    const ngx_http_igjobs_route_t **route, ngx_str_t *params,
    ngx_uint_t *allowed)
{
    ngx_str_t                       stood[NGX_HTTP_IGJOBS_MAX_PARAMS];
    ngx_uint_t                      i, n, method, fit, best;
    const ngx_http_igjobs_route_t  *row;

    n = sizeof(ngx_http_igjobs_routes) / sizeof(ngx_http_igjobs_routes[0]);
    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    best = 0;
    *route = NULL;
    *allowed = 0;

    for (i = 0; i < n; i++) {
        row = &ngx_http_igjobs_routes[i];
        fit = ngx_http_igjobs_match(row->pattern, &r->uri, stood);

        if (fit == 0 || fit < best) {
            continue;
        }

        if (fit > best) {
            best = fit;
            *route = NULL;
            *allowed = 0;
        }

        *allowed |= row->method;

        if (row->method == method) {
            *route = row;
            ngx_memcpy(params, stood, sizeof(stood));
        }
    }

    if (*route) {
        return NGX_OK;
    }

    return *allowed ? NGX_HTTP_NOT_ALLOWED : NGX_DECLINED;
}


/*
 * 0: the pattern does not fit; else a number that has, below its highest bit,
 * two bits for each segment, the first one highest: 3, it is fixed; 2, its
 * ending is; 0, nothing is.
 */

static ngx_uint_t
ngx_http_igjobs_match(const char *pattern, ngx_str_t *uri, ngx_str_t *params)
{
    u_char      *p, *last;
    ngx_uint_t   n, fixed;

    n = 0;
    fixed = 1;
    p = uri->data;
    last = p + uri->len;

    while (*pattern != '\0') {

        if (*pattern == ':') {
            fixed -= ngx_http_igjobs_match_name(&pattern, &p, last,
                                                &params[n]);

            if (params[n++].len == 0) {
                return 0;
            }

            continue;
        }

        if (p == last || *p != (u_char) *pattern) {
            return 0;
        }

        if (*pattern == '/') {
            fixed = fixed << 2 | 3;
        }

        p++;
        pattern++;
    }

    return (p == last) ? fixed : 0;
}


/*
 * Moves behind ":name" and its segment, up to their ending.  How much less
 * than a fixed segment that is; the parameter is empty if it does not fit.
 */

static ngx_uint_t
ngx_http_igjobs_match_name(const char **pattern, u_char **p, u_char *last,
    ngx_str_t *param)
{
    size_t       ending;
    u_char      *segment;
    const char  *name;

    segment = *p;

    while (*p < last && **p != '/') {
        (*p)++;
    }

    name = *pattern;
    *pattern += strcspn(name, "./");
    ending = strcspn(*pattern, "/");

    param->data = segment;
    param->len = 0;

    if ((size_t) (*p - segment) > ending) {
        *p -= ending;
        param->len = *p - segment;
    }

    return ending ? 1 : 3;
}
