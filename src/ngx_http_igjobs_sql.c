/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The one table of statements that the module sends.  Constant; a statement
 * that only reads may be dropped when nobody waits for it any more.
 */

#include "ngx_http_igjobs_sql.h"


#define NGX_HTTP_IGJOBS_SUBMIT_CALL                                           \
    "select inserted, version, doc, class, parallelism from igjobs.submit("   \
    "$1::text, $2::text, $3::uuid, $4::text, $5::jsonb, $6::int, $7::int, "   \
    "$8::text[])"


static const ngx_http_igjobs_sql_t
    ngx_http_igjobs_sql_table[NGX_HTTP_IGJOBS_SQL_COUNT] = {

    [NGX_HTTP_IGJOBS_SQL_PING] = {
        "igjobs_ping",
        "select 1",
        0, NGX_HTTP_IGJOBS_PG_STATUS, 0 },

    /*
     * As a subquery, a document is looked up by its key whatever the planner
     * thinks.  It must not see how many there are either, which would be worth
     * a new plan to it each time (70 us).
     */

    [NGX_HTTP_IGJOBS_SQL_DOCUMENTS] = {
        "igjobs_documents",
        "select w.number,"
        " (select d.doc from igjobs.job_documents d"
        " where d.tenant = w.tenant and d.job_id = w.job_id)"
        " from unnest((select $1::text[]), (select $2::uuid[]))"
        " with ordinality as w (tenant, job_id, number)",
        2, NGX_HTTP_IGJOBS_PG_STATUS, 0 },

    [NGX_HTTP_IGJOBS_SQL_JOB_PAGE] = {
        "igjobs_job_page",
        "select status, state, version, total"
        " from igjobs.job_page($1::text, $2::uuid)",
        2, NGX_HTTP_IGJOBS_PG_STATUS, 0 },

    [NGX_HTTP_IGJOBS_SQL_RESULT_ROWS] = {
        "igjobs_result_rows",
        "select profile_id, username, full_name, created_at"
        " from igjobs.result_rows($1::text, $2::uuid, $3::bigint, $4::int)",
        4, NGX_HTTP_IGJOBS_PG_PAGES, 1 },

    [NGX_HTTP_IGJOBS_SQL_SUBMIT] = {
        "igjobs_submit",
        NGX_HTTP_IGJOBS_SUBMIT_CALL,
        8, NGX_HTTP_IGJOBS_PG_WRITES, 0 },

    [NGX_HTTP_IGJOBS_SQL_BULK_SUBMIT] = {
        "igjobs_bulk_submit",
        NGX_HTTP_IGJOBS_SUBMIT_CALL,
        8, NGX_HTTP_IGJOBS_PG_BULK, 0 },

    [NGX_HTTP_IGJOBS_SQL_BULK_COPY] = {
        "igjobs_bulk_copy",
        "copy igjobs.batch_accounts"
        " (tenant, platform, job_id, batch_no, accounts)"
        " from stdin (format binary)",
        0, NGX_HTTP_IGJOBS_PG_BULK, 0 },

    [NGX_HTTP_IGJOBS_SQL_BULK_COPIED] = {
        "igjobs_bulk_copied",
        "select inserted, version, doc, class, parallelism"
        " from igjobs.submit_copied($1::text, $2::uuid)",
        2, NGX_HTTP_IGJOBS_PG_BULK, 0 },
};


const ngx_http_igjobs_sql_t *
ngx_http_igjobs_sql(ngx_http_igjobs_sql_e statement)
{
    return &ngx_http_igjobs_sql_table[statement];
}
