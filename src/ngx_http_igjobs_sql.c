/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The one table of statements that the module sends.  Constant.
 */

#include "ngx_http_igjobs_sql.h"


static const igj_pg_type_t  ngx_http_igjobs_sql_job[] = {
    IGJ_PG_TEXT,            /* tenant */
    IGJ_PG_UUID             /* job */
};

static const igj_pg_type_t  ngx_http_igjobs_sql_submission[] = {
    IGJ_PG_TEXT,            /* tenant */
    IGJ_PG_TEXT,            /* platform */
    IGJ_PG_UUID,            /* job */
    IGJ_PG_TEXT,            /* target gender */
    IGJ_PG_INT4,            /* count per account */
    IGJ_PG_BOOL,            /* keep unknown */
    IGJ_PG_INT4,            /* number of accounts */
    IGJ_PG_TEXT,            /* the accounts */
    IGJ_PG_TEXT             /* options or null */
};


/* what the keys of submissions are keys of */

#define NGX_HTTP_IGJOBS_SUBMIT_ROUTE  "'POST /api/scrape-followers'"


/* igjobs.api_<name>(caller, params), see ngx_http_igjobs_call.c */

#define ngx_http_igjobs_sql_call(name)                                        \
    { "igjobs_api_" name,                                                     \
      "select status, body from igjobs.api_" name "($1::jsonb, $2::jsonb)",   \
      2, NGX_HTTP_IGJOBS_PG_CALLS, 0, NULL }


/*
 * the same for functions that write, and for those that change a job; and for
 * those of both kinds whose route has the flag NGX_HTTP_IGJOBS_ONCE, of which
 * some go through many thousand rows
 */

#define ngx_http_igjobs_sql_write(name)                                       \
    { "igjobs_api_" name,                                                     \
      "select status, body from igjobs.api_" name "($1::jsonb, $2::jsonb)",   \
      2, NGX_HTTP_IGJOBS_PG_CALLS, NGX_HTTP_IGJOBS_SQL_WRITE, NULL }

#define ngx_http_igjobs_sql_change(name)                                      \
    { "igjobs_api_" name,                                                     \
      "select status, body, job_id, doc, kind, class, turns"                  \
      " from igjobs.api_" name "($1::jsonb, $2::jsonb)",                      \
      2, NGX_HTTP_IGJOBS_PG_CALLS, NGX_HTTP_IGJOBS_SQL_WRITE, NULL }

#define ngx_http_igjobs_sql_api_once(name, columns, group)                    \
    { "igjobs_api_" name,                                                     \
      "select " columns ", igjobs.end_once($1::jsonb, status)"                \
      " from igjobs.api_" name                                                \
      "(igjobs.once($1::jsonb, $2::jsonb), $2::jsonb)",                       \
      2, NGX_HTTP_IGJOBS_PG_ ## group, NGX_HTTP_IGJOBS_SQL_WRITE, NULL }

#define ngx_http_igjobs_sql_once(name, group)                                 \
    ngx_http_igjobs_sql_api_once(name, "status, body", group)

#define ngx_http_igjobs_sql_change_once(name, group)                          \
    ngx_http_igjobs_sql_api_once(name,                                        \
        "status, body, job_id, doc, kind, class, turns", group)


static const ngx_http_igjobs_sql_t
    ngx_http_igjobs_sql_table[NGX_HTTP_IGJOBS_SQL_COUNT] = {

    [NGX_HTTP_IGJOBS_SQL_PING] = {
        "igjobs_ping",
        "select 1",
        0, NGX_HTTP_IGJOBS_PG_STATUS, 0, NULL },

    /*
     * As a subquery, a document is looked up by its key whatever the planner
     * thinks.  It must not see how many there are either, which would be worth
     * a new plan to it each time (70 us).
     */

    [NGX_HTTP_IGJOBS_SQL_DOCUMENTS] = {
        "igjobs_documents",
        "select (select d.doc from igjobs.job_documents d"
        " where d.tenant = w.tenant and d.job_id = w.job_id)"
        " from unnest((select $1::text[]), (select $2::uuid[]))"
        " with ordinality as w (tenant, job_id, place)"
        " order by w.place",
        2, NGX_HTTP_IGJOBS_PG_STATUS, 0, ngx_http_igjobs_sql_job },

    [NGX_HTTP_IGJOBS_SQL_JOB_PAGE] = {
        "igjobs_job_page",
        "select status, state, version, total"
        " from igjobs.job_page($1::text, $2::uuid)",
        2, NGX_HTTP_IGJOBS_PG_STATUS, 0, NULL },

    [NGX_HTTP_IGJOBS_SQL_JOB_PAGE_KEY] = {
        "igjobs_job_page_key",
        "select status, state, version, total, igjobs.token_key()"
        " from igjobs.job_page($1::text, $2::uuid)",
        2, NGX_HTTP_IGJOBS_PG_STATUS, 0, NULL },

    [NGX_HTTP_IGJOBS_SQL_RESULT_ROWS] = {
        "igjobs_result_rows",
        "select n, created_at, null::text, profile_ids, usernames, full_names"
        " from igjobs.result_rows($1::text, $2::uuid, $3::bigint, $4::int,"
        " $5::text)",
        5, NGX_HTTP_IGJOBS_PG_PAGES, NGX_HTTP_IGJOBS_SQL_BINARY, NULL },

    [NGX_HTTP_IGJOBS_SQL_WHOLE_ROWS] = {
        "igjobs_whole_rows",
        "select n, created_at, origin, profile_ids, usernames, full_names,"
        " genders, confidences, source_accounts, evidences"
        " from igjobs.whole_rows($1::text, $2::uuid, $3::bigint, $4::int,"
        " $5::text, $6::boolean)",
        6, NGX_HTTP_IGJOBS_PG_PAGES, 1, NULL },

    [NGX_HTTP_IGJOBS_SQL_FILTERED_ROWS] = {
        "igjobs_filtered_rows",
        "select n, created_at, origin, profile_ids, usernames, full_names,"
        " genders, confidences, source_accounts, evidences, ordinals"
        " from igjobs.filtered_rows($1::text, $2::uuid, $3::bigint, $4::int,"
        " $5::text, $6::text, $7::text, $8::real)",
        8, NGX_HTTP_IGJOBS_PG_PAGES, 1, NULL },

    [NGX_HTTP_IGJOBS_SQL_API_JOBS] = ngx_http_igjobs_sql_call("jobs"),

    [NGX_HTTP_IGJOBS_SQL_API_JOB] = ngx_http_igjobs_sql_call("job"),

    [NGX_HTTP_IGJOBS_SQL_API_EXPLAIN] = ngx_http_igjobs_sql_call("explain"),

    [NGX_HTTP_IGJOBS_SQL_API_JOB_ACCOUNTS] =
        ngx_http_igjobs_sql_call("job_accounts"),

    [NGX_HTTP_IGJOBS_SQL_API_CANCEL] = ngx_http_igjobs_sql_change("cancel"),

    [NGX_HTTP_IGJOBS_SQL_API_PAUSE] = ngx_http_igjobs_sql_change("pause"),

    [NGX_HTTP_IGJOBS_SQL_API_DELIVERIES] =
        ngx_http_igjobs_sql_call("deliveries"),

    [NGX_HTTP_IGJOBS_SQL_API_RESEND] = ngx_http_igjobs_sql_write("resend"),

    [NGX_HTTP_IGJOBS_SQL_API_RESUME] = ngx_http_igjobs_sql_change("resume"),

    [NGX_HTTP_IGJOBS_SQL_API_DELETE_JOB] =
        ngx_http_igjobs_sql_change("delete_job"),

    [NGX_HTTP_IGJOBS_SQL_ESTIMATE] = {
        "igjobs_estimate",
        "select refusal, parallelism, estimate from igjobs.estimate_job("
        "$1::text, $2::text, $3::int, $4::int, $5::jsonb)",
        5, NGX_HTTP_IGJOBS_PG_CALLS, 0, NULL },
    [NGX_HTTP_IGJOBS_SQL_API_CREATE_SCHEDULE] =
        ngx_http_igjobs_sql_write("create_schedule"),

    [NGX_HTTP_IGJOBS_SQL_API_PAUSE_SCHEDULE] =
        ngx_http_igjobs_sql_write("pause_schedule"),

    [NGX_HTTP_IGJOBS_SQL_API_RESUME_SCHEDULE] =
        ngx_http_igjobs_sql_write("resume_schedule"),

    [NGX_HTTP_IGJOBS_SQL_API_DELETE_SCHEDULE] =
        ngx_http_igjobs_sql_write("delete_schedule"),

    [NGX_HTTP_IGJOBS_SQL_API_SCHEDULES] =
        ngx_http_igjobs_sql_call("schedules"),

    [NGX_HTTP_IGJOBS_SQL_API_SCHEDULE] =
        ngx_http_igjobs_sql_call("schedule"),

    [NGX_HTTP_IGJOBS_SQL_API_DAILY_SELECTION] =
        ngx_http_igjobs_sql_once("daily_selection", LARGE_CALLS),

    [NGX_HTTP_IGJOBS_SQL_API_DISTRIBUTE] =
        ngx_http_igjobs_sql_once("distribute", LARGE_CALLS),

    [NGX_HTTP_IGJOBS_SQL_API_CREATE_SOURCE_PROFILE] =
        ngx_http_igjobs_sql_once("create_source_profile", CALLS),

    [NGX_HTTP_IGJOBS_SQL_API_DELETE_SOURCE_PROFILE] =
        ngx_http_igjobs_sql_write("delete_source_profile"),

    [NGX_HTTP_IGJOBS_SQL_API_SOURCE_PROFILES] =
        ngx_http_igjobs_sql_call("source_profiles"),

    [NGX_HTTP_IGJOBS_SQL_API_CAMPAIGNS] =
        ngx_http_igjobs_sql_call("campaigns"),

    [NGX_HTTP_IGJOBS_SQL_API_CAMPAIGN] =
        ngx_http_igjobs_sql_call("campaign"),

    [NGX_HTTP_IGJOBS_SQL_API_CAMPAIGN_ASSIGNMENTS] =
        ngx_http_igjobs_sql_call("campaign_assignments"),

    [NGX_HTTP_IGJOBS_SQL_API_POOL_STATS] =
        ngx_http_igjobs_sql_call("pool_stats"),

    [NGX_HTTP_IGJOBS_SQL_API_REDRIVE] = ngx_http_igjobs_sql_change("redrive"),

    [NGX_HTTP_IGJOBS_SQL_API_RUN_DAILY] =
        ngx_http_igjobs_sql_change_once("run_daily", CALLS),

    /* who asks while it runs may wait for the job */
    [NGX_HTTP_IGJOBS_SQL_API_OPERATION] =
        { "igjobs_api_operation",
          "select status, body,"
          " case status when 202 then $2::jsonb ->> 'operation' end"
          " from igjobs.api_operation($1::jsonb, $2::jsonb)",
          2, NGX_HTTP_IGJOBS_PG_CALLS, 0, NULL },

    [NGX_HTTP_IGJOBS_SQL_API_AIRTABLE_SYNC] =
        ngx_http_igjobs_sql_change_once("airtable_sync", LARGE_CALLS),

    [NGX_HTTP_IGJOBS_SQL_API_SYNC_STATUSES] =
        ngx_http_igjobs_sql_change_once("sync_statuses", LARGE_CALLS),

    [NGX_HTTP_IGJOBS_SQL_API_MARK_UNFOLLOW_DUE] =
        ngx_http_igjobs_sql_change_once("mark_unfollow_due", LARGE_CALLS),

    [NGX_HTTP_IGJOBS_SQL_API_DELETE_COMPLETED] =
        ngx_http_igjobs_sql_change_once("delete_completed", LARGE_CALLS),

    [NGX_HTTP_IGJOBS_SQL_API_CREATE_BASE] =
        ngx_http_igjobs_sql_change_once("create_base", CALLS),

    [NGX_HTTP_IGJOBS_SQL_API_VERIFY_BASE] =
        ngx_http_igjobs_sql_change_once("verify_base", CALLS),

    [NGX_HTTP_IGJOBS_SQL_SUBMIT] = {
        "igjobs_submit",
        "select class, parallelism, refusal from igjobs.submit_all("
        "'" NGX_HTTP_IGJOBS_KIND "', $1::text[], $2::text[], $3::uuid[],"
        " $4::text[], $5::int[], $6::boolean[], $7::int[], $8::text[],"
        " $9::text[])",
        9, NGX_HTTP_IGJOBS_PG_WRITES, NGX_HTTP_IGJOBS_SQL_WRITE,
        ngx_http_igjobs_sql_submission },

    /* with its first step it may wait: nobody is sent behind a call */

    [NGX_HTTP_IGJOBS_SQL_SUBMIT_WITH_KEY] = {
        "igjobs_submit_with_key",
        "select class, parallelism, outcome, job_id"
        " from igjobs.submit_with_key('" NGX_HTTP_IGJOBS_KIND "', "
        NGX_HTTP_IGJOBS_SUBMIT_ROUTE ", $1::text, $2::text, $3::uuid,"
        " $4::text, $5::int, $6::boolean, $7::int, $8::text, $10::text,"
        " $11::bytea, $9::text)",
        11, NGX_HTTP_IGJOBS_PG_CALLS, NGX_HTTP_IGJOBS_SQL_WRITE, NULL },

    [NGX_HTTP_IGJOBS_SQL_BULK_KEY] = {
        "igjobs_bulk_key",
        "select outcome, job_id from igjobs.take_key($1::text, "
        NGX_HTTP_IGJOBS_SUBMIT_ROUTE ", $3::text, $4::bytea, $2::uuid,"
        " p_platform => $5::text)",
        5, NGX_HTTP_IGJOBS_PG_BULK, 0, NULL },

    [NGX_HTTP_IGJOBS_SQL_BULK_SUBMIT] = {
        "igjobs_bulk_submit",
        "select class, parallelism, inserted, refusal from igjobs.submit("
        "$1::text, $2::text, $3::uuid, $4::text, $5::jsonb, $6::int,"
        " $7::int, $8::text[])",
        8, NGX_HTTP_IGJOBS_PG_BULK, 0, NULL },

    [NGX_HTTP_IGJOBS_SQL_BULK_COPY] = {
        "igjobs_bulk_copy",
        "copy igjobs.batch_accounts"
        " (tenant, platform, job_id, batch_no, accounts)"
        " from stdin (format binary)",
        0, NGX_HTTP_IGJOBS_PG_BULK, 0, NULL },

    [NGX_HTTP_IGJOBS_SQL_BULK_COPIED] = {
        "igjobs_bulk_copied",
        "select class, parallelism"
        " from igjobs.submit_copied($1::text, $2::uuid)",
        2, NGX_HTTP_IGJOBS_PG_BULK, 0, NULL },

    [NGX_HTTP_IGJOBS_SQL_API_INGEST] = ngx_http_igjobs_sql_call("ingest"),

    [NGX_HTTP_IGJOBS_SQL_INGEST] = {
        "igjobs_ingest",
        "select status, body, job_id, replayed from igjobs.ingest("
        "$1::jsonb, $2::jsonb, $3::text, $4::text, $5::bytea)",
        5, NGX_HTTP_IGJOBS_PG_LARGE_CALLS,
        NGX_HTTP_IGJOBS_SQL_WRITE, NULL },

    [NGX_HTTP_IGJOBS_SQL_BULK_INGEST_OPEN] = {
        "igjobs_ingest_open",
        "select status, body, job_id, replayed from igjobs.ingest_open("
        "$1::jsonb, $2::jsonb, $3::text, $4::bytea)",
        4, NGX_HTTP_IGJOBS_PG_BULK, 0, NULL },

    [NGX_HTTP_IGJOBS_SQL_BULK_INGEST_COPY] = {
        "igjobs_ingest_copy",
        "copy igjobs.ingest_units (tenant, job_id, batch_no, lines)"
        " from stdin (format binary)",
        0, NGX_HTTP_IGJOBS_PG_BULK, 0, NULL },

    [NGX_HTTP_IGJOBS_SQL_BULK_INGEST_CLOSE] = {
        "igjobs_ingest_close",
        "select status, body, job_id, doc, kind, class, turns"
        " from igjobs.ingest_close($1::jsonb, $2::jsonb)",
        2, NGX_HTTP_IGJOBS_PG_BULK, 0, NULL },
};


const ngx_http_igjobs_sql_t *
ngx_http_igjobs_sql(ngx_http_igjobs_sql_e statement)
{
    return &ngx_http_igjobs_sql_table[statement];
}
