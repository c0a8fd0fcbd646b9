/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * GET /api/job-results/:job?page=&limit=&partial=: a page of profiles.
 *
 * The job's row says whether it may be read and how many rows there are; a page
 * is a range of ordinals, which costs the same at any depth.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_stream.h"

#include "igj_form.h"


typedef struct {
    ngx_http_igjobs_stream_t  stream;
    igj_form_page_t           page;
    int64_t                   total;
    int                       partial;

    /* created_at of the row before: those of a chunk have the same */
    int64_t                   created;
    igj_json_t                created_json;
    char                      created_text[IGJ_TIMESTAMP_LEN + 2];
} ngx_http_igjobs_results_t;


static ngx_int_t ngx_http_igjobs_results_params(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results);
static ngx_int_t ngx_http_igjobs_results_bad(ngx_http_request_t *r,
    igj_problem_e problem, const char *name, igj_form_e error);
static void ngx_http_igjobs_results_job(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static ngx_int_t ngx_http_igjobs_results_admit(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results, ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_results_head(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_results_row(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_results_created(
    ngx_http_igjobs_results_t *results, int64_t created);
static void ngx_http_igjobs_results_tail(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);


ngx_int_t
ngx_http_igjobs_results(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    igj_uuid_t                   id;
    ngx_str_t                   *job;
    ngx_http_igjobs_ctx_t       *ctx;
    ngx_http_igjobs_results_t   *results;
    ngx_http_igjobs_pg_param_t   params[2];

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    job = &ctx->params[0];

    if (igj_uuid_parse((char *) job->data, job->len, &id) != IGJ_OK) {
        return ngx_http_igjobs_job_not_found(r, job);
    }

    results = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_results_t));
    if (results == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_igjobs_results_params(r, results);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    results->stream.job = *job;
    results->stream.head = ngx_http_igjobs_results_head;
    results->stream.row = ngx_http_igjobs_results_row;
    results->stream.tail = ngx_http_igjobs_results_tail;
    ctx->data = results;

    ngx_memzero(params, sizeof(params));
    params[0].data = ctx->tenant.data;
    params[0].len = ctx->tenant.len;
    params[1].data = job->data;
    params[1].len = job->len;

    rc = ngx_http_igjobs_wait(r);
    if (rc != NGX_DONE) {
        return rc;
    }

    if (ngx_http_igjobs_ask_pg(r, NGX_HTTP_IGJOBS_SQL_JOB_PAGE, params,
                               ngx_http_igjobs_results_job)
        != NGX_OK)
    {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_problem(r,
                                            IGJ_PROBLEM_DATABASE_UNAVAILABLE));
    }

    return NGX_DONE;
}


/* NGX_DECLINED: go on; else what a reply function returned. */

static ngx_int_t
ngx_http_igjobs_results_params(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results)
{
    igj_str_t    query;
    igj_form_e   error;
    const char  *bad;

    query.data = (char *) r->args.data;
    query.len = r->args.len;

    error = igj_form_page(query, &results->page, &bad);

    if (error != IGJ_FORM_OK) {
        return ngx_http_igjobs_results_bad(r,
                       bad[0] == 'p' ? IGJ_PROBLEM_BAD_PAGE
                                     : IGJ_PROBLEM_BAD_LIMIT, bad, error);
    }

    error = igj_form_boolean(query, "partial", &results->partial);

    if (error != IGJ_FORM_OK && error != IGJ_FORM_ABSENT) {
        return ngx_http_igjobs_results_bad(r, IGJ_PROBLEM_INVALID_PARAMETER,
                                           "partial", error);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_igjobs_results_bad(ngx_http_request_t *r, igj_problem_e problem,
    const char *name, igj_form_e error)
{
    char               detail[160];
    igj_problem_doc_t  doc;

    ngx_memzero(&doc, sizeof(igj_problem_doc_t));

    *ngx_snprintf((u_char *) detail, sizeof(detail) - 1, "%s %s. %s",
                  name, igj_form_error_text(error),
                  igj_problem(problem)->advice) = '\0';

    doc.problem = problem;
    doc.detail = detail;

    return ngx_http_igjobs_problem_doc(r, &doc);
}


static void
ngx_http_igjobs_results_job(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_int_t                   rc;
    ngx_http_igjobs_ctx_t      *ctx;
    ngx_http_igjobs_results_t  *results;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    results = ctx->data;

    if (reply->outcome != NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_pg_problem(r, reply));
        return;
    }

    rc = ngx_http_igjobs_results_admit(r, results, reply);

    if (rc != NGX_DECLINED) {
        ngx_http_igjobs_finish(r, rc);
        return;
    }

    ngx_http_igjobs_stream(r, &results->stream);
}


/* NGX_DECLINED: go on; else what a reply function returned. */

static ngx_int_t
ngx_http_igjobs_results_admit(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results, ngx_http_igjobs_pg_reply_t *reply)
{
    char                       error[96];
    ngx_str_t                  status, total;
    igj_problem_doc_t          doc;
    ngx_http_igjobs_stream_t  *stream;

    stream = &results->stream;

    if (ngx_http_igjobs_pg_rows(reply->result) == 0) {
        return ngx_http_igjobs_job_not_found(r, &stream->job);
    }

    status = ngx_http_igjobs_pg_value(reply->result, 0, 0);
    total = ngx_http_igjobs_pg_value(reply->result, 0, 3);

    if (!results->partial
        && (status.len != sizeof("completed") - 1
            || ngx_strncmp(status.data, "completed", status.len) != 0))
    {
        ngx_memzero(&doc, sizeof(igj_problem_doc_t));

        *ngx_snprintf((u_char *) error, sizeof(error) - 1,
                      "Job is not completed yet (status: %V)", &status) = '\0';

        doc.problem = IGJ_PROBLEM_JOB_NOT_COMPLETED;
        doc.error = error;

        return ngx_http_igjobs_problem_doc(r, &doc);
    }

    results->total = ngx_atoof(total.data, total.len);

    stream->first = (results->page.page - 1) * results->page.limit;
    stream->end = ngx_min(stream->first + results->page.limit,
                          results->total);

    return NGX_DECLINED;
}


static void
ngx_http_igjobs_results_head(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    ngx_http_igjobs_results_t  *results;

    results = (ngx_http_igjobs_results_t *) stream;

    igj_json_object_begin(json);
    igj_json_member_boolean(json, "success", 1);
    igj_json_key(json, "job_id");
    igj_json_string(json, (char *) stream->job.data, stream->job.len);
    igj_json_member_integer(json, "page", results->page.page);
    igj_json_member_integer(json, "limit", results->page.limit);
    igj_json_member_integer(json, "total", results->total);
    igj_json_key(json, "profiles");
    igj_json_array_begin(json);
}


static void
ngx_http_igjobs_results_row(ngx_http_igjobs_stream_t *stream, igj_json_t *json)
{
    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_igjobs_results_t  *results;

    static const ngx_str_t  keys[] = {
        ngx_string("\"id\":"),
        ngx_string(",\"username\":"),
        ngx_string(",\"full_name\":"),
        ngx_string(",\"created_at\":")
    };

    results = (ngx_http_igjobs_results_t *) stream;

    igj_json_object_begin(json);

    for (i = 0; i < NGX_HTTP_IGJOBS_ROWS_TEXTS; i++) {
        value = &stream->rows.value[i];
        igj_json_raw(json, (char *) keys[i].data, keys[i].len);
        json->comma = 0;
        igj_json_string(json, (char *) value->data, value->len);
    }

    ngx_http_igjobs_results_created(results, stream->rows.created);

    igj_json_raw(json, (char *) keys[i].data, keys[i].len);
    igj_json_raw(json, results->created_text, results->created_json.len);

    igj_json_object_end(json);
}


static void
ngx_http_igjobs_results_created(ngx_http_igjobs_results_t *results,
    int64_t created)
{
    if (created == results->created && results->created_json.len != 0) {
        return;
    }

    igj_json_init(&results->created_json, results->created_text,
                  sizeof(results->created_text));
    igj_json_timestamp(&results->created_json, created);
    results->created = created;
}


static void
ngx_http_igjobs_results_tail(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    (void) stream;

    igj_json_array_end(json);
    igj_json_object_end(json);
    igj_json_raw(json, "\n", 1);
}
