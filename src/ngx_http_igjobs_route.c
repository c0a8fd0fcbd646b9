/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The one table of paths.  A pattern is compared segment by segment; ":name"
 * takes one segment that is not empty, ":name.ending" one with this ending.
 * Paths are case-sensitive and have no slash at their end.
 *
 * Rows are tried in order and the first pattern that fits is the path's: what
 * is fixed, or has a fixed ending, stands before what takes any name.  Rows of
 * one pattern, with other methods, stand together.  Of those that cannot both
 * fit, what is asked most stands first.
 *
 * A row of ngx_http_igjobs_call also names its query parameters and its
 * statement; see ngx_http_igjobs_call.c for how to add one.
 */

#include "ngx_http_igjobs.h"


static ngx_uint_t ngx_http_igjobs_match(const char *pattern, ngx_str_t *uri,
    ngx_str_t *params);
static ngx_uint_t ngx_http_igjobs_match_name(const char **pattern, u_char **p,
    u_char *last, ngx_str_t *param);


/* a call that a worker does, while its client waits */
#define NGX_HTTP_IGJOBS_CALLS_AIRTABLE                                        \
    (NGX_HTTP_IGJOBS_BODY|NGX_HTTP_IGJOBS_ONCE                                \
     |NGX_HTTP_IGJOBS_OPERATION|NGX_HTTP_IGJOBS_WAITS)

#define ngx_http_igjobs_query(...)  (const char *const []) { __VA_ARGS__, NULL }


static const ngx_http_igjobs_route_t  ngx_http_igjobs_routes[] = {

    { NGX_HTTP_GET, "/api/job-status/:job",
      ngx_http_igjobs_status, 0, NULL, 0 },

    { NGX_HTTP_POST, "/api/scrape-followers",
      ngx_http_igjobs_submit, NGX_HTTP_IGJOBS_BODY, NULL, 0 },

    { NGX_HTTP_GET, "/api/job-results/:job.csv",
      ngx_http_igjobs_export, 0, NULL, 0 },

    { NGX_HTTP_GET, "/api/job-results/:job.ndjson",
      ngx_http_igjobs_export, 0, NULL, 0 },

    { NGX_HTTP_GET, "/api/job-results/:job.json",
      ngx_http_igjobs_export, 0, NULL, 0 },

    { NGX_HTTP_GET, "/api/job-results/:job",
      ngx_http_igjobs_results, 0, NULL, 0 },

    { NGX_HTTP_POST, "/api/ingest",
      ngx_http_igjobs_ingest, NGX_HTTP_IGJOBS_BODY|NGX_HTTP_IGJOBS_OPERATION,
      NULL, 0 },

    { NGX_HTTP_GET, "/api/ingest/:batch",
      ngx_http_igjobs_call, 0, NULL, NGX_HTTP_IGJOBS_SQL_API_INGEST },

    { NGX_HTTP_GET, "/api/jobs",
      ngx_http_igjobs_call, 0,
      ngx_http_igjobs_query("status", "state", "kind", "created_after",
                            "created_before", "page_size", "page_token"),
      NGX_HTTP_IGJOBS_SQL_API_JOBS },

    { NGX_HTTP_GET, "/api/jobs/:job",
      ngx_http_igjobs_call, 0, NULL, NGX_HTTP_IGJOBS_SQL_API_JOB },

    { NGX_HTTP_DELETE, "/api/jobs/:job",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY, NULL,
      NGX_HTTP_IGJOBS_SQL_API_DELETE_JOB },

    { NGX_HTTP_GET, "/api/jobs/:job/explain",
      ngx_http_igjobs_call, 0, NULL, NGX_HTTP_IGJOBS_SQL_API_EXPLAIN },

    { NGX_HTTP_POST, "/api/jobs/:job/cancel",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY, NULL,
      NGX_HTTP_IGJOBS_SQL_API_CANCEL },

    { NGX_HTTP_POST, "/api/jobs/:job/pause",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY, NULL,
      NGX_HTTP_IGJOBS_SQL_API_PAUSE },

    { NGX_HTTP_POST, "/api/jobs/:job/resume",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY, NULL,
      NGX_HTTP_IGJOBS_SQL_API_RESUME },

    { NGX_HTTP_POST, "/api/jobs/:job/redrive",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY, NULL,
      NGX_HTTP_IGJOBS_SQL_API_REDRIVE },

    { NGX_HTTP_GET, "/api/jobs/:job/accounts",
      ngx_http_igjobs_call, 0,
      ngx_http_igjobs_query("outcome", "page_size", "page_token"),
      NGX_HTTP_IGJOBS_SQL_API_JOB_ACCOUNTS },

    { NGX_HTTP_GET, "/api/jobs/:job/deliveries",
      ngx_http_igjobs_call, 0,
      ngx_http_igjobs_query("page_size", "page_token"),
      NGX_HTTP_IGJOBS_SQL_API_DELIVERIES },

    { NGX_HTTP_POST, "/api/jobs/:job/deliveries/:delivery/resend",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY, NULL,
      NGX_HTTP_IGJOBS_SQL_API_RESEND },

    { NGX_HTTP_GET, "/api/jobs/:job/events",
      ngx_http_igjobs_events, 0, NULL, 0 },

    { NGX_HTTP_POST, "/api/airtable/create-base",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_CALLS_AIRTABLE, NULL,
      NGX_HTTP_IGJOBS_SQL_API_CREATE_BASE },

    { NGX_HTTP_POST, "/api/airtable/verify-base",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_CALLS_AIRTABLE, NULL,
      NGX_HTTP_IGJOBS_SQL_API_VERIFY_BASE },

    { NGX_HTTP_GET, "/api/operations/:operation",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_OPERATION, NULL,
      NGX_HTTP_IGJOBS_SQL_API_OPERATION },

    { NGX_HTTP_POST, "/api/airtable-sync/:campaign",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_CALLS_AIRTABLE
                            |NGX_HTTP_IGJOBS_ANY_TYPE, NULL,
      NGX_HTTP_IGJOBS_SQL_API_AIRTABLE_SYNC },

    { NGX_HTTP_POST, "/api/sync-airtable-statuses",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_CALLS_AIRTABLE, NULL,
      NGX_HTTP_IGJOBS_SQL_API_SYNC_STATUSES },

    { NGX_HTTP_POST, "/api/mark-unfollow-due",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_CALLS_AIRTABLE, NULL,
      NGX_HTTP_IGJOBS_SQL_API_MARK_UNFOLLOW_DUE },

    { NGX_HTTP_POST, "/api/delete-completed-after-delay",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_CALLS_AIRTABLE, NULL,
      NGX_HTTP_IGJOBS_SQL_API_DELETE_COMPLETED },

    { NGX_HTTP_POST, "/api/schedules",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY|NGX_HTTP_IGJOBS_SCHEDULE,
      NULL, NGX_HTTP_IGJOBS_SQL_API_CREATE_SCHEDULE },

    { NGX_HTTP_GET, "/api/schedules",
      ngx_http_igjobs_call, 0,
      ngx_http_igjobs_query("page_size", "page_token"),
      NGX_HTTP_IGJOBS_SQL_API_SCHEDULES },

    { NGX_HTTP_GET, "/api/schedules/:schedule",
      ngx_http_igjobs_call, 0, NULL, NGX_HTTP_IGJOBS_SQL_API_SCHEDULE },

    { NGX_HTTP_DELETE, "/api/schedules/:schedule",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY, NULL,
      NGX_HTTP_IGJOBS_SQL_API_DELETE_SCHEDULE },

    { NGX_HTTP_POST, "/api/schedules/:schedule/pause",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY, NULL,
      NGX_HTTP_IGJOBS_SQL_API_PAUSE_SCHEDULE },

    { NGX_HTTP_POST, "/api/schedules/:schedule/resume",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY, NULL,
      NGX_HTTP_IGJOBS_SQL_API_RESUME_SCHEDULE },

    { NGX_HTTP_POST, "/api/daily-selection",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY|NGX_HTTP_IGJOBS_ONCE, NULL,
      NGX_HTTP_IGJOBS_SQL_API_DAILY_SELECTION },

    { NGX_HTTP_POST, "/api/distribute/:campaign",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY|NGX_HTTP_IGJOBS_ONCE, NULL,
      NGX_HTTP_IGJOBS_SQL_API_DISTRIBUTE },

    { NGX_HTTP_GET, "/api/campaigns",
      ngx_http_igjobs_call, 0,
      ngx_http_igjobs_query("base_id", "page_size", "page_token"),
      NGX_HTTP_IGJOBS_SQL_API_CAMPAIGNS },

    { NGX_HTTP_GET, "/api/campaigns/:campaign",
      ngx_http_igjobs_call, 0, ngx_http_igjobs_query("base_id"),
      NGX_HTTP_IGJOBS_SQL_API_CAMPAIGN },

    { NGX_HTTP_GET, "/api/campaigns/:campaign/assignments",
      ngx_http_igjobs_call, 0,
      ngx_http_igjobs_query("base_id", "table", "status", "page_size",
                            "page_token"),
      NGX_HTTP_IGJOBS_SQL_API_CAMPAIGN_ASSIGNMENTS },

    { NGX_HTTP_GET, "/api/global-usernames/stats",
      ngx_http_igjobs_call, 0, ngx_http_igjobs_query("base_id"),
      NGX_HTTP_IGJOBS_SQL_API_POOL_STATS },

    { NGX_HTTP_GET, "/api/source-profiles",
      ngx_http_igjobs_call, 0,
      ngx_http_igjobs_query("base_id", "page_size", "page_token"),
      NGX_HTTP_IGJOBS_SQL_API_SOURCE_PROFILES },

    { NGX_HTTP_POST, "/api/source-profiles",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY|NGX_HTTP_IGJOBS_ONCE
                            |NGX_HTTP_IGJOBS_USERNAME,
      NULL, NGX_HTTP_IGJOBS_SQL_API_CREATE_SOURCE_PROFILE },

    { NGX_HTTP_DELETE, "/api/source-profiles/:profile",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY,
      ngx_http_igjobs_query("base_id"),
      NGX_HTTP_IGJOBS_SQL_API_DELETE_SOURCE_PROFILE },

    { NGX_HTTP_POST, "/api/run-daily",
      ngx_http_igjobs_call, NGX_HTTP_IGJOBS_BODY|NGX_HTTP_IGJOBS_ONCE
                            |NGX_HTTP_IGJOBS_OPERATION, NULL,
      NGX_HTTP_IGJOBS_SQL_API_RUN_DAILY },

    { NGX_HTTP_POST, "/api/cleanup",
      ngx_http_igjobs_cleanup_gone, NGX_HTTP_IGJOBS_OPEN, NULL, 0 },

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
    ngx_uint_t                      i, n, method;
    const char                     *pattern;
    const ngx_http_igjobs_route_t  *row;

    n = sizeof(ngx_http_igjobs_routes) / sizeof(ngx_http_igjobs_routes[0]);
    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    pattern = NULL;
    *allowed = 0;

    for (i = 0; i < n; i++) {
        row = &ngx_http_igjobs_routes[i];

        if (pattern == NULL) {

            if (!ngx_http_igjobs_match(row->pattern, &r->uri, params)) {
                continue;
            }

            pattern = row->pattern;

        } else if (ngx_strcmp(row->pattern, pattern) != 0) {
            break;
        }

        if (row->method == method) {
            *route = row;
            return NGX_OK;
        }

        *allowed |= row->method;
    }

    return pattern ? NGX_HTTP_NOT_ALLOWED : NGX_DECLINED;
}


static ngx_uint_t
ngx_http_igjobs_match(const char *pattern, ngx_str_t *uri, ngx_str_t *params)
{
    u_char  *p, *last;

    p = uri->data;
    last = p + uri->len;

    while (*pattern != '\0') {

        if (*pattern == ':') {

            if (!ngx_http_igjobs_match_name(&pattern, &p, last, params++)) {
                return 0;
            }

            continue;
        }

        if (p == last || *p != (u_char) *pattern) {
            return 0;
        }

        p++;
        pattern++;
    }

    return p == last;
}


/* Moves behind ":name" and what stands for it, up to a fixed ending. */

static ngx_uint_t
ngx_http_igjobs_match_name(const char **pattern, u_char **p, u_char *last,
    ngx_str_t *param)
{
    size_t   ending;
    u_char  *end;

    *pattern += strcspn(*pattern, "./");
    ending = strcspn(*pattern, "/");

    end = memchr(*p, '/', last - *p);

    if (end == NULL) {
        end = last;
    }

    if ((size_t) (end - *p) <= ending) {
        return 0;
    }

    param->data = *p;
    param->len = end - ending - *p;
    *p = end - ending;

    return 1;
}
