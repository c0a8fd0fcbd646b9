/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * POST /api/ingest: takes profiles in.
 *
 * media type -> key -> room -> body, scanned as it arrives -> stored ->
 * answered: up to IGJ_INGEST_UNIT profiles with 200 and the counts, more with
 * 202, or, for a client that waits, with what the operation has counted.
 * Nothing touches Postgres before the body is complete.
 */

#include "ngx_http_igjobs_ingest.h"


/* seconds after which a client asks again what became of the first */
#define NGX_HTTP_IGJOBS_INGEST_RETRY  1

/* columns of igjobs.ingest_answer */
#define NGX_HTTP_IGJOBS_INGEST_STATUS    0
#define NGX_HTTP_IGJOBS_INGEST_REPLAYED  3

#define NGX_HTTP_IGJOBS_INGEST_PARAMS_SIZE                                    \
    (sizeof("{\"body\":{\"base_id\":\"\"},\"call\":\"\",\"given\":,"          \
            "\"invalid\":,\"queued\":false}")                                \
     + 2 * IGJ_MAX_BASE_ID + IGJ_UUID_TEXT_LEN + 2 * NGX_INT32_LEN)


static igj_problem_e ngx_http_igjobs_ingest_admit(ngx_http_request_t *r,
    ngx_http_igjobs_submit_key_t **key);
static ngx_http_igjobs_ingest_t *ngx_http_igjobs_ingest_create(
    ngx_http_request_t *r);
static igj_problem_e ngx_http_igjobs_ingest_piece(void *data,
    const u_char *piece, size_t len);
static void ngx_http_igjobs_ingest_end(void *data, igj_problem_e problem);
static ngx_int_t ngx_http_igjobs_ingest_refused(ngx_http_igjobs_ingest_t *in,
    igj_problem_e problem);
static ngx_int_t ngx_http_igjobs_ingest_prepare(ngx_http_igjobs_ingest_t *in);
static ngx_int_t ngx_http_igjobs_ingest_params(ngx_http_igjobs_ingest_t *in);
static ngx_int_t ngx_http_igjobs_ingest_headers(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_result_t *result);


ngx_int_t
ngx_http_igjobs_ingest(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    igj_problem_e                  problem;
    ngx_http_igjobs_ctx_t         *ctx;
    ngx_http_igjobs_ingest_t      *in;
    ngx_http_igjobs_loc_conf_t    *lcf;
    ngx_http_igjobs_submit_key_t  *key;

    problem = ngx_http_igjobs_ingest_admit(r, &key);

    if (problem != IGJ_PROBLEM_NONE) {

        /* a body that nobody reads must not be taken for the next request */

        if (ngx_http_discard_request_body(r) != NGX_OK) {
            return NGX_HTTP_BAD_REQUEST;
        }

        return ngx_http_igjobs_problem(r, problem);
    }

    rc = ngx_http_igjobs_operation_wish(r);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    in = ngx_http_igjobs_ingest_create(r);
    if (in == NULL || ngx_http_igjobs_prepare(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_igjobs_module);

    ctx->data = in;
    in->key = key;

    in->body.max = lcf->max_ingest_size;
    in->body.min_rate = lcf->min_body_rate;
    in->body.piece = ngx_http_igjobs_ingest_piece;
    in->body.end = ngx_http_igjobs_ingest_end;
    in->body.data = in;

    return ngx_http_igjobs_body_read(r, &in->body);
}


/* what can be refused before the body is read */

static igj_problem_e
ngx_http_igjobs_ingest_admit(ngx_http_request_t *r,
    ngx_http_igjobs_submit_key_t **key)
{
    igj_problem_e                 problem;
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    problem = ngx_http_igjobs_body_type(r);

    if (problem == IGJ_PROBLEM_NONE) {
        problem = ngx_http_igjobs_submit_key(r, key);
    }

    if (problem == IGJ_PROBLEM_NONE
        && (mcf->submissions->count >= mcf->max_submissions
            || mcf->submissions->bytes >= mcf->max_submission_bytes))
    {
        problem = IGJ_PROBLEM_OVERLOADED;
    }

    return problem;
}


static ngx_http_igjobs_ingest_t *
ngx_http_igjobs_ingest_create(ngx_http_request_t *r)
{
    ngx_http_cleanup_t           *cln;
    ngx_http_igjobs_ingest_t     *in;
    ngx_http_igjobs_main_conf_t  *mcf;

    in = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_ingest_t));
    if (in == NULL) {
        return NULL;
    }

    in->ingest = ngx_palloc(r->pool, sizeof(igj_ingest_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (in->ingest == NULL || cln == NULL) {
        return NULL;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    in->request = r;
    in->all = mcf->submissions;
    in->all->count++;

    igj_ingest_init(in->ingest, &igj_mem_system);

    cln->handler = ngx_http_igjobs_ingest_release;
    cln->data = in;

    return in;
}


void
ngx_http_igjobs_ingest_release(void *data)
{
    ngx_http_igjobs_ingest_t *in = data;

    if (in->all == NULL) {
        return;
    }

    ngx_http_igjobs_ingest_close(in);
    igj_ingest_free(in->ingest);
    (void) ngx_pfree(in->request->pool, in->ingest);
    in->ingest = NULL;

    in->all->bytes -= in->held;
    in->all->count--;
    in->all = NULL;
}


static igj_problem_e
ngx_http_igjobs_ingest_piece(void *data, const u_char *piece, size_t len)
{
    ngx_http_igjobs_ingest_t *in = data;

    int                           rc;
    ngx_http_igjobs_main_conf_t  *mcf;

    if (in->key
        && ngx_http_igjobs_submit_key_feed(in->key, piece, len) != NGX_OK)
    {
        return IGJ_PROBLEM_INTERNAL;
    }

    rc = igj_ingest_feed(in->ingest, piece, len);

    in->all->bytes -= in->held;
    in->held = in->ingest->lines.held;
    in->all->bytes += in->held;

    if (rc != IGJ_OK) {
        return in->ingest->problem;
    }

    mcf = ngx_http_get_module_main_conf(in->request, ngx_http_igjobs_module);

    return (in->all->bytes > mcf->max_submission_bytes)
           ? IGJ_PROBLEM_OVERLOADED : IGJ_PROBLEM_NONE;
}


static void
ngx_http_igjobs_ingest_end(void *data, igj_problem_e problem)
{
    ngx_http_igjobs_ingest_t *in = data;

    ngx_http_request_t  *r;

    r = in->request;

    if (problem == IGJ_PROBLEM_NONE
        && igj_ingest_finish(in->ingest) != IGJ_OK)
    {
        problem = in->ingest->problem;
    }

    if (problem != IGJ_PROBLEM_NONE) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_ingest_refused(in, problem));
        return;
    }

    in->queued = in->ingest->given > IGJ_INGEST_UNIT;

    if (ngx_http_igjobs_ingest_prepare(in) != NGX_OK) {
        ngx_http_igjobs_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_igjobs_watch_client(r);
    ngx_http_igjobs_ingest_store(in);
}


static ngx_int_t
ngx_http_igjobs_ingest_refused(ngx_http_igjobs_ingest_t *in,
    igj_problem_e problem)
{
    igj_problem_doc_t  doc;

    if (problem != in->ingest->problem) {
        return ngx_http_igjobs_problem(in->request, problem);
    }

    igj_ingest_problem(in->ingest, &doc);

    return ngx_http_igjobs_problem_doc(in->request, &doc);
}


/* the arguments of its calls, and the fingerprint */

static ngx_int_t
ngx_http_igjobs_ingest_prepare(ngx_http_igjobs_ingest_t *in)
{
    in->caller.data = ngx_pnalloc(in->request->pool,
                                  NGX_HTTP_IGJOBS_CALLER_SIZE);

    if (in->caller.data == NULL
        || ngx_http_igjobs_ingest_params(in) != NGX_OK)
    {
        return NGX_ERROR;
    }

    in->caller.len = ngx_http_igjobs_call_caller(in->request,
                                                 (char *) in->caller.data);

    return in->key ? ngx_http_igjobs_submit_key_finish(in->key) : NGX_OK;
}


static ngx_int_t
ngx_http_igjobs_ingest_params(ngx_http_igjobs_ingest_t *in)
{
    char        id[IGJ_UUID_TEXT_LEN];
    igj_json_t  json;

    if (ngx_http_igjobs_make_id(in->all, &in->id) != NGX_OK) {
        return NGX_ERROR;
    }

    igj_uuid_print(&in->id, id);

    in->params.data = ngx_pnalloc(in->request->pool,
                                  NGX_HTTP_IGJOBS_INGEST_PARAMS_SIZE);
    if (in->params.data == NULL) {
        return NGX_ERROR;
    }

    igj_json_init(&json, (char *) in->params.data,
                  NGX_HTTP_IGJOBS_INGEST_PARAMS_SIZE);

    igj_json_object_begin(&json);
    igj_json_key(&json, "body");
    igj_json_object_begin(&json);
    igj_json_member_text(&json, "base_id", in->ingest->base_id);
    igj_json_object_end(&json);
    igj_json_key(&json, "call");
    igj_json_string(&json, id, sizeof(id));
    igj_json_member_integer(&json, "given", in->ingest->given);
    igj_json_member_integer(&json, "invalid", in->ingest->invalid);
    igj_json_member_boolean(&json, "queued", in->queued);
    igj_json_object_end(&json);

    in->params.len = json.len;

    return NGX_OK;
}


void
ngx_http_igjobs_ingest_stored(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_request_t  *r;

    r = in->request;

    if (ngx_http_igjobs_ingest_headers(in, reply->result) != NGX_OK) {
        ngx_http_igjobs_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if (in->queued
        && ngx_http_igjobs_operation_wait(r, reply->result) == NGX_OK)
    {
        return;
    }

    ngx_http_igjobs_call_answer(r, reply);
}


static ngx_int_t
ngx_http_igjobs_ingest_headers(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_result_t *result)
{
    ngx_str_t  text;

    text = ngx_http_igjobs_pg_value(result, 0, NGX_HTTP_IGJOBS_INGEST_STATUS);

    if (ngx_atoi(text.data, text.len) == NGX_HTTP_CONFLICT) {
        return ngx_http_igjobs_retry_after(in->request,
                                           NGX_HTTP_IGJOBS_INGEST_RETRY);
    }

    text = ngx_http_igjobs_pg_value(result, 0,
                                    NGX_HTTP_IGJOBS_INGEST_REPLAYED);

    if (in->key && text.len == 1 && text.data[0] == 't') {
        return ngx_http_igjobs_header_text(in->request, "Idempotent-Replayed",
                                           "true");
    }

    return NGX_OK;
}


void
ngx_http_igjobs_ingest_failed(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;
    igj_problem_doc_t    doc;

    r = in->request;

    if (in->doubt || reply->outcome == NGX_HTTP_IGJOBS_PG_UNKNOWN) {

        /* a 503 must not be a lie */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "igjobs: nobody knows whether an ingestion was stored: "
                      "%s%s%V", reply->sqlstate,
                      reply->sqlstate[0] ? " " : "", &reply->message);

        ngx_memzero(&doc, sizeof(igj_problem_doc_t));
        doc.problem = IGJ_PROBLEM_INGEST_IN_DOUBT;

        rc = ngx_http_igjobs_problem_doc(r, &doc);

    } else {
        rc = ngx_http_igjobs_pg_problem(r, reply);
    }

    ngx_http_igjobs_finish(r, rc);
}
