/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * POST /api/scrape-followers: takes a job.
 *
 * media type -> key -> room -> body, scanned as it arrives -> judged as a
 * whole -> stored -> turns -> 202, or the job's end for a client that waits.
 * Nothing touches Postgres before the body is complete; what is answered with
 * 202 is committed.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_change.h"
#include "ngx_http_igjobs_submission.h"
#include "ngx_http_igjobs_sync.h"


/* holds every answer but those that list faulty accounts */
#define NGX_HTTP_IGJOBS_ACCEPTED_SIZE  1024


static ngx_http_igjobs_submission_t *ngx_http_igjobs_submission_create(
    ngx_http_request_t *r);
static void ngx_http_igjobs_submission_release(void *data);
static igj_problem_e ngx_http_igjobs_submit_piece(void *data,
    const u_char *piece, size_t len);
static void ngx_http_igjobs_submit_end(void *data, igj_problem_e problem);
static ngx_int_t ngx_http_igjobs_submit_prepare(
    ngx_http_igjobs_submission_t *s);
static void ngx_http_igjobs_submit_turns(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_stored_t *stored);
static void ngx_http_igjobs_submit_answered(ngx_http_igjobs_submission_t *s);
static ngx_int_t ngx_http_igjobs_submit_accepted(
    ngx_http_igjobs_submission_t *s, ngx_str_t *body);
static ngx_int_t ngx_http_igjobs_submit_refused(
    ngx_http_igjobs_submission_t *s, igj_problem_e problem);


ngx_http_igjobs_submissions_t *
ngx_http_igjobs_submissions_start(ngx_cycle_t *cycle)
{
    ngx_http_igjobs_submissions_t  *all;

    all = ngx_pcalloc(cycle->pool, sizeof(ngx_http_igjobs_submissions_t));
    if (all == NULL) {
        return NULL;
    }

    igj_uuid_gen_init(&all->ids, NULL, NULL);

    return all;
}


ngx_int_t
ngx_http_igjobs_submit(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    igj_problem_e                  problem;
    ngx_http_igjobs_ctx_t         *ctx;
    ngx_http_igjobs_submission_t  *s;
    ngx_http_igjobs_main_conf_t   *mcf;
    ngx_http_igjobs_loc_conf_t    *lcf;
    ngx_http_igjobs_submit_key_t  *key;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_igjobs_module);

    problem = ngx_http_igjobs_body_type(r);

    if (problem == IGJ_PROBLEM_NONE && r->headers_in.content_type == NULL) {
        problem = IGJ_PROBLEM_UNSUPPORTED_MEDIA_TYPE;
    }

    if (problem == IGJ_PROBLEM_NONE) {
        problem = ngx_http_igjobs_submit_key(r, &key);
    }

    if (problem == IGJ_PROBLEM_NONE
        && (mcf->submissions->count >= mcf->max_submissions
            || mcf->submissions->bytes >= mcf->max_submission_bytes))
    {
        problem = IGJ_PROBLEM_OVERLOADED;
    }

    if (problem != IGJ_PROBLEM_NONE) {

        /* a body that nobody reads must not be taken for the next request */

        if (ngx_http_discard_request_body(r) != NGX_OK) {
            return NGX_HTTP_BAD_REQUEST;
        }

        return ngx_http_igjobs_problem(r, problem);
    }

    rc = ngx_http_igjobs_submit_wish(r);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    s = ngx_http_igjobs_submission_create(r);
    if (s == NULL || ngx_http_igjobs_prepare(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    ctx->data = s;

    s->key = key;

    s->body.max = lcf->max_body_size;
    s->body.min_rate = lcf->min_body_rate;
    s->body.piece = ngx_http_igjobs_submit_piece;
    s->body.end = ngx_http_igjobs_submit_end;
    s->body.data = s;

    return ngx_http_igjobs_body_read(r, &s->body);
}


static ngx_http_igjobs_submission_t *
ngx_http_igjobs_submission_create(ngx_http_request_t *r)
{
    uint64_t                       seed;
    ngx_http_cleanup_t            *cln;
    ngx_http_igjobs_main_conf_t   *mcf;
    ngx_http_igjobs_submission_t  *s;

    s = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_submission_t));
    if (s == NULL) {
        return NULL;
    }

    s->submit = ngx_palloc(r->pool, sizeof(igj_submit_t));
    if (s->submit == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    if (igj_random_system(NULL, &seed, sizeof(seed)) != IGJ_OK) {
        return NULL;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    s->request = r;
    s->all = mcf->submissions;
    s->all->count++;

    igj_submit_init(s->submit, &igj_mem_system, seed);

    cln->handler = ngx_http_igjobs_submission_release;
    cln->data = s;

    return s;
}


/* when it is stored, so that who waits for the job holds only its answer */

static void
ngx_http_igjobs_submission_release(void *data)
{
    ngx_http_igjobs_submission_t  *s = data;

    if (s->all == NULL) {
        return;
    }

    ngx_http_igjobs_submission_close(s);
    igj_submit_free(s->submit);
    (void) ngx_pfree(s->request->pool, s->submit);
    s->submit = NULL;

    s->all->bytes -= s->held;
    s->all->count--;
    s->all = NULL;
}


static igj_problem_e
ngx_http_igjobs_submit_piece(void *data, const u_char *piece, size_t len)
{
    ngx_http_igjobs_submission_t *s = data;

    int                           rc;
    ngx_http_igjobs_main_conf_t  *mcf;

    if (s->key
        && ngx_http_igjobs_submit_key_feed(s->key, piece, len) != NGX_OK)
    {
        return IGJ_PROBLEM_INTERNAL;
    }

    rc = igj_submit_feed(s->submit, piece, len);

    s->all->bytes -= s->held;
    s->held = igj_submit_memory(s->submit);
    s->all->bytes += s->held;

    if (rc != IGJ_OK) {
        return s->submit->problem;
    }

    mcf = ngx_http_get_module_main_conf(s->request, ngx_http_igjobs_module);

    if (s->all->bytes > mcf->max_submission_bytes) {
        return IGJ_PROBLEM_OVERLOADED;
    }

    return IGJ_PROBLEM_NONE;
}


static void
ngx_http_igjobs_submit_end(void *data, igj_problem_e problem)
{
    ngx_http_igjobs_submission_t *s = data;

    ngx_http_request_t  *r;

    r = s->request;

    if (problem == IGJ_PROBLEM_NONE
        && igj_submit_finish(s->submit) != IGJ_OK)
    {
        problem = s->submit->problem;
    }

    if (problem != IGJ_PROBLEM_NONE) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_submit_refused(s, problem));
        return;
    }

    s->batches = igj_accounts_batches(&s->submit->accounts);

    if (s->submit->dry_run) {
        ngx_http_igjobs_watch_client(r);
        ngx_http_igjobs_submit_dry_run(s);
        return;
    }

    if (ngx_http_igjobs_submit_prepare(s) != NGX_OK) {
        ngx_http_igjobs_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_igjobs_watch_client(r);
    ngx_http_igjobs_submission_store(s);
}


ngx_int_t
ngx_http_igjobs_make_id(ngx_http_igjobs_submissions_t *all, igj_uuid_t *id)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return igj_uuid_make(&all->ids, (uint64_t) tp->sec * 1000 + tp->msec, id)
           == IGJ_OK ? NGX_OK : NGX_ERROR;
}


/* The id of the job, also as text; the fingerprint. */

static ngx_int_t
ngx_http_igjobs_submit_prepare(ngx_http_igjobs_submission_t *s)
{
    if (ngx_http_igjobs_make_id(s->all, &s->id) != NGX_OK) {
        return NGX_ERROR;
    }

    s->job.data = ngx_pnalloc(s->request->pool, IGJ_UUID_TEXT_LEN + 1);
    if (s->job.data == NULL) {
        return NGX_ERROR;
    }

    igj_uuid_print(&s->id, (char *) s->job.data);
    s->job.data[IGJ_UUID_TEXT_LEN] = '\0';
    s->job.len = IGJ_UUID_TEXT_LEN;

    return s->key ? ngx_http_igjobs_submit_key_finish(s->key) : NGX_OK;
}


void
ngx_http_igjobs_submission_stored(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_stored_t *stored)
{
    ngx_http_igjobs_submit_turns(s, stored);
    ngx_http_igjobs_submit_answered(s);
}


void
ngx_http_igjobs_submission_replayed(ngx_http_igjobs_submission_t *s)
{
    if (ngx_http_igjobs_header_text(s->request, "Idempotent-Replayed", "true")
        != NGX_OK)
    {
        ngx_http_igjobs_finish(s->request, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_igjobs_submit_answered(s);
}


static void
ngx_http_igjobs_submit_answered(ngx_http_igjobs_submission_t *s)
{
    ngx_int_t  rc;
    ngx_str_t  body;

    rc = ngx_http_igjobs_submit_accepted(s, &body);
    ngx_http_igjobs_submission_release(s);

    if (rc != NGX_OK) {
        ngx_http_igjobs_finish(s->request, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_igjobs_submit_answer(s->request, &s->id, &body);
}


/* a new job has no turns yet, so only as many slots are looked at */

static void
ngx_http_igjobs_submit_turns(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_stored_t *stored)
{
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_queued_t      queued;
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(s->request, ngx_http_igjobs_module);
    ctx = ngx_http_get_module_ctx(s->request, ngx_http_igjobs_module);

    queued.tenant = ctx->tenant;
    queued.job = s->job;
    queued.kind.data = (u_char *) igj_platform_kind(s->submit->platform);
    queued.kind.len = ngx_strlen(queued.kind.data);
    queued.class_name = stored->class_name;

    ngx_http_igjobs_issue_turns(mcf, &queued,
                                ngx_min(s->batches,
                                        (ngx_uint_t) stored->parallelism));
}


/* format has a %V for the job */

static void
ngx_http_igjobs_submit_url(igj_json_t *json, const char *key,
    const char *format, ngx_str_t *job)
{
    u_char  url[64];

    igj_json_key(json, key);
    igj_json_string(json, (char *) url,
                    ngx_snprintf(url, sizeof(url), format, job) - url);
}


static void
ngx_http_igjobs_submit_document(ngx_http_igjobs_submission_t *s,
    igj_json_t *json)
{
    igj_json_object_begin(json);
    igj_json_member_boolean(json, "success", 1);
    igj_json_member_text(json, "job_id", (char *) s->job.data);
    igj_json_member_text(json, "status", "queued");
    ngx_http_igjobs_submit_url(json, "status_url", "/api/job-status/%V",
                               &s->job);
    ngx_http_igjobs_submit_url(json, "results_url",
                               "/api/job-results/%V", &s->job);
    ngx_http_igjobs_submit_url(json, "events_url", "/api/jobs/%V/events",
                               &s->job);
    igj_json_member_integer(json, "total_batches", s->batches);
    igj_json_member_text(json, "message",
                         "Job queued successfully. "
                         "Poll status_url for progress.");

    ngx_http_igjobs_submit_counts(s, json);

    igj_json_object_end(json);
    igj_json_raw(json, "\n", 1);
}


void
ngx_http_igjobs_submit_counts(ngx_http_igjobs_submission_t *s,
    igj_json_t *json)
{
    igj_json_key(json, "accounts");
    igj_json_object_begin(json);
    igj_json_member_integer(json, "given", s->submit->given);
    igj_json_member_integer(json, "accepted", s->submit->accounts.count);
    igj_json_member_integer(json, "duplicates", s->submit->accounts.duplicates);
    igj_json_member_integer(json, "invalid", s->submit->invalid);
    igj_json_object_end(json);

    if (s->submit->invalid) {
        igj_json_key(json, "skipped");
        igj_json_array_begin(json);
        igj_submit_errors(json, s->submit);
        igj_json_array_end(json);
    }
}


static ngx_int_t
ngx_http_igjobs_submit_accepted(ngx_http_igjobs_submission_t *s,
    ngx_str_t *body)
{
    size_t      size;
    igj_json_t  json;

    size = NGX_HTTP_IGJOBS_ACCEPTED_SIZE;

    do {
        body->data = ngx_pnalloc(s->request->pool, size);

        if (body->data == NULL) {
            return NGX_ERROR;
        }

        igj_json_init(&json, (char *) body->data, size);
        ngx_http_igjobs_submit_document(s, &json);
        size = json.len;

    } while (igj_json_overflow(&json));

    body->len = size;

    return NGX_OK;
}


void
ngx_http_igjobs_submission_refused(ngx_http_igjobs_submission_t *s)
{
    ngx_http_igjobs_finish(s->request,
                           ngx_http_igjobs_problem(s->request, s->refusal));
}


void
ngx_http_igjobs_submission_failed(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_reply_t *reply)
{
    u_char               detail[256];
    ngx_int_t            rc;
    ngx_http_request_t  *r;
    igj_problem_doc_t    doc;

    r = s->request;

    if (s->doubt || reply->outcome == NGX_HTTP_IGJOBS_PG_UNKNOWN) {

        /* a 503 must not be a lie */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "igjobs: nobody knows whether job %V was stored: %s%s%V",
                      &s->job, reply->sqlstate, reply->sqlstate[0] ? " " : "",
                      &reply->message);

        ngx_memzero(&doc, sizeof(igj_problem_doc_t));
        doc.problem = IGJ_PROBLEM_SUBMIT_IN_DOUBT;
        doc.detail = (char *) detail;

        *ngx_snprintf(detail, sizeof(detail) - 1,
                      "The database was lost while it stored the job. Ask "
                      "/api/job-status/%V in half a minute: 404 then says that "
                      "nothing was stored and the request can be sent again.",
                      &s->job) = '\0';

        rc = ngx_http_igjobs_problem_doc(r, &doc);

    } else {
        rc = ngx_http_igjobs_pg_problem(r, reply);
    }

    ngx_http_igjobs_finish(r, rc);
}


static ngx_int_t
ngx_http_igjobs_submit_refused(ngx_http_igjobs_submission_t *s,
    igj_problem_e problem)
{
    char               error[NGX_HTTP_IGJOBS_SYNC_ERROR_MAX];
    igj_problem_doc_t  doc;

    if (problem != s->submit->problem) {
        return ngx_http_igjobs_problem(s->request, problem);
    }

    igj_submit_problem(s->submit, &doc);
    ngx_http_igjobs_sync_refused(s->request, s->submit, &doc, error);

    return ngx_http_igjobs_problem_doc(s->request, &doc);
}
