/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Storing a submission: small ones by one statement, large ones by COPY in a
 * transaction of their own.
 *
 * Both can be repeated: the job id is made before, and a job that is there
 * already is answered as it is.  So after a lost connection the whole is sent
 * again, and the answer is true whatever became of the first COMMIT.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_submission.h"


typedef enum {
    NGX_HTTP_IGJOBS_STORE_BEGIN = 0,
    NGX_HTTP_IGJOBS_STORE_KEY,
    NGX_HTTP_IGJOBS_STORE_NOTHING,      /* refused; the key is another's */
    NGX_HTTP_IGJOBS_STORE_JOB,
    NGX_HTTP_IGJOBS_STORE_COPY,
    NGX_HTTP_IGJOBS_STORE_COPIED,
    NGX_HTTP_IGJOBS_STORE_QUEUED,
    NGX_HTTP_IGJOBS_STORE_COMMIT
} ngx_http_igjobs_store_e;


static void ngx_http_igjobs_store_small(ngx_http_igjobs_submission_t *s);
static void ngx_http_igjobs_store_param(ngx_http_igjobs_pg_param_t *param,
    const void *data, size_t len);
static void ngx_http_igjobs_store_key_params(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_param_t *params);
static ngx_int_t ngx_http_igjobs_store_texts(ngx_http_igjobs_submission_t *s,
    ngx_str_t *texts);
static void ngx_http_igjobs_store_small_done(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static ngx_uint_t ngx_http_igjobs_store_refused(
    ngx_http_igjobs_submission_t *s, ngx_http_igjobs_pg_reply_t *reply,
    ngx_uint_t column);
static void ngx_http_igjobs_store_params(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_param_t *params, u_char numbers[2][NGX_INT_T_LEN]);
static void ngx_http_igjobs_store_answer(ngx_http_igjobs_pg_reply_t *reply,
    ngx_http_igjobs_stored_t *stored);
static void ngx_http_igjobs_store_large(ngx_http_igjobs_submission_t *s);
static ngx_int_t ngx_http_igjobs_store_large_init(
    ngx_http_igjobs_submission_t *s);
static void ngx_http_igjobs_store_step(void *data,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_store_advance(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_store_nothing(ngx_http_igjobs_submission_t *s);
static void ngx_http_igjobs_store_again(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_store_key(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_param_t *params);
static void ngx_http_igjobs_store_job(ngx_http_igjobs_submission_t *s,
    const ngx_http_igjobs_pg_param_t *params);
static void ngx_http_igjobs_store_job_done(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_store_copy(ngx_http_igjobs_submission_t *s);
static void ngx_http_igjobs_store_more(ngx_event_t *ev);


void
ngx_http_igjobs_submission_store(ngx_http_igjobs_submission_t *s)
{
    if (s->batches <= IGJ_SMALL_SUBMIT_BATCHES) {
        ngx_http_igjobs_store_small(s);

    } else {
        ngx_http_igjobs_store_large(s);
    }
}


/* The request ends, whatever is under way. */

void
ngx_http_igjobs_submission_close(ngx_http_igjobs_submission_t *s)
{
    if (s->bulk) {
        ngx_http_igjobs_pg_bulk_close(s->bulk);
        s->bulk = NULL;
    }

    if (s->more.posted) {
        ngx_delete_posted_event(&s->more);
    }

    if (s->result) {
        ngx_http_igjobs_pg_result_free(s->result);
        s->result = NULL;
    }
}


static void
ngx_http_igjobs_store_fail(ngx_http_igjobs_submission_t *s)
{
    ngx_http_igjobs_pg_reply_t  reply;

    ngx_memzero(&reply, sizeof(ngx_http_igjobs_pg_reply_t));
    reply.outcome = NGX_HTTP_IGJOBS_PG_UNAVAILABLE;

    ngx_http_igjobs_submission_failed(s, &reply);
}


/*
 * Parameters of igjobs.submit_all(), each an element in binary form, or of
 * igjobs.submit_with_key().
 */

static void
ngx_http_igjobs_store_small(ngx_http_igjobs_submission_t *s)
{
    u_char                       keep_unknown;
    uint32_t                     per_account, accounts;
    const char                  *platform, *gender;
    ngx_str_t                    texts, options;
    ngx_http_igjobs_ctx_t       *ctx;
    ngx_http_igjobs_sql_e        statement;
    ngx_http_igjobs_pg_param_t   params[11];

    ctx = ngx_http_get_module_ctx(s->request, ngx_http_igjobs_module);

    if (ngx_http_igjobs_store_texts(s, &texts) != NGX_OK
        || ngx_http_igjobs_submission_options(s, &options) != NGX_OK)
    {
        ngx_http_igjobs_store_fail(s);
        return;
    }

    platform = igj_platform_name(s->submit->platform);
    gender = igj_gender_name(s->submit->target_gender);
    per_account = htonl(s->submit->per_account);
    keep_unknown = s->submit->keep_unknown != 0;
    accounts = htonl(s->submit->accounts.count);

    ngx_memzero(params, sizeof(params));

    ngx_http_igjobs_store_param(&params[0], ctx->tenant.data, ctx->tenant.len);
    ngx_http_igjobs_store_param(&params[1], platform, ngx_strlen(platform));
    ngx_http_igjobs_store_param(&params[2], s->id.bytes, sizeof(s->id.bytes));
    ngx_http_igjobs_store_param(&params[3], gender, ngx_strlen(gender));
    ngx_http_igjobs_store_param(&params[4], &per_account, sizeof(uint32_t));
    ngx_http_igjobs_store_param(&params[5], &keep_unknown, 1);
    ngx_http_igjobs_store_param(&params[6], &accounts, sizeof(uint32_t));
    ngx_http_igjobs_store_param(&params[7], texts.data, texts.len);
    ngx_http_igjobs_store_param(&params[8], options.data, options.len);

    statement = NGX_HTTP_IGJOBS_SQL_SUBMIT;

    if (s->key) {
        statement = NGX_HTTP_IGJOBS_SQL_SUBMIT_WITH_KEY;
        ngx_http_igjobs_store_key_params(s, &params[9]);
    }

    if (ngx_http_igjobs_ask_pg(s->request, statement, params,
                               ngx_http_igjobs_store_small_done)
        != NGX_OK)
    {
        ngx_http_igjobs_store_fail(s);
    }
}


static void
ngx_http_igjobs_store_param(ngx_http_igjobs_pg_param_t *param,
    const void *data, size_t len)
{
    param->data = data;
    param->len = len;
    param->binary = 1;
}


static void
ngx_http_igjobs_store_key_params(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_param_t *params)
{
    ngx_http_igjobs_store_param(&params[0], s->key->name.text,
                                s->key->name.len);
    ngx_http_igjobs_store_param(&params[1], s->key->fingerprint,
                                sizeof(s->key->fingerprint));
}


ngx_int_t
ngx_http_igjobs_submission_options(ngx_http_igjobs_submission_t *s,
    ngx_str_t *options)
{
    igj_json_t  json;

    ngx_str_null(options);

    if (!igj_options_any(&s->submit->options)) {
        return NGX_OK;
    }

    options->data = ngx_pnalloc(s->request->pool, IGJ_OPTIONS_JSON_MAX + 2);
    if (options->data == NULL) {
        return NGX_ERROR;
    }

    igj_json_init(&json, (char *) options->data, IGJ_OPTIONS_JSON_MAX + 2);
    igj_json_object_begin(&json);
    igj_options_members(&json, &s->submit->options);
    igj_json_object_end(&json);

    options->len = json.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_igjobs_store_texts(ngx_http_igjobs_submission_t *s, ngx_str_t *texts)
{
    texts->data = ngx_pnalloc(s->request->pool,
                              igj_accounts_text_max(&s->submit->accounts));
    if (texts->data == NULL) {
        return NGX_ERROR;
    }

    texts->len = igj_accounts_text(&s->submit->accounts, (char *) texts->data);

    return NGX_OK;
}


static void
ngx_http_igjobs_store_small_done(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_ctx_t         *ctx;
    ngx_http_igjobs_stored_t       stored;
    ngx_http_igjobs_submission_t  *s;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    s = ctx->data;

    if (reply->outcome != NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_submission_failed(s, reply);
        return;
    }

    if (s->key && !ngx_http_igjobs_submit_key_taken(s->key, reply, 2)) {
        ngx_http_igjobs_submit_key_answer(s);
        return;
    }

    if (!s->key && ngx_http_igjobs_store_refused(s, reply, 2)) {
        ngx_http_igjobs_submission_refused(s);
        return;
    }

    ngx_http_igjobs_store_answer(reply, &stored);
    ngx_http_igjobs_submission_stored(s, &stored);
}


/* Whether the queue is full: the column names the problem. */

static ngx_uint_t
ngx_http_igjobs_store_refused(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_reply_t *reply, ngx_uint_t column)
{
    ngx_str_t  slug;

    if (ngx_http_igjobs_pg_is_null(reply->result, reply->row, column)) {
        return 0;
    }

    slug = ngx_http_igjobs_pg_value(reply->result, reply->row, column);
    s->refusal = igj_problem_find((char *) slug.data, slug.len);

    return s->refusal != IGJ_PROBLEM_NONE;
}


/* Parameters of igjobs.submit(); the last, the accounts, is null. */

static void
ngx_http_igjobs_store_params(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_param_t *params, u_char numbers[2][NGX_INT_T_LEN])
{
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(s->request, ngx_http_igjobs_module);

    ngx_memzero(params, 8 * sizeof(ngx_http_igjobs_pg_param_t));

    params[0].data = ctx->tenant.data;
    params[0].len = ctx->tenant.len;
    params[1].data = igj_platform_name(s->submit->platform);
    params[1].len = ngx_strlen(params[1].data);
    params[2].data = s->job.data;
    params[2].len = s->job.len;
    params[3].data = NGX_HTTP_IGJOBS_KIND;
    params[3].len = sizeof(NGX_HTTP_IGJOBS_KIND) - 1;
    params[4].data = s->params.data;
    params[4].len = s->params.len;
    params[5].data = numbers[0];
    params[5].len = ngx_sprintf(numbers[0], "%uD", s->submit->accounts.count)
                    - numbers[0];
    params[6].data = numbers[1];
    params[6].len = ngx_sprintf(numbers[1], "%ui", s->batches) - numbers[1];
}


/* class, parallelism */

static void
ngx_http_igjobs_store_answer(ngx_http_igjobs_pg_reply_t *reply,
    ngx_http_igjobs_stored_t *stored)
{
    ngx_str_t  parallelism;

    stored->class_name = ngx_http_igjobs_pg_value(reply->result, reply->row,
                                                  0);

    parallelism = ngx_http_igjobs_pg_value(reply->result, reply->row, 1);
    stored->parallelism = ngx_atoi(parallelism.data, parallelism.len);

    if (stored->parallelism < 1) {
        stored->parallelism = 1;
    }
}


static void
ngx_http_igjobs_store_large(ngx_http_igjobs_submission_t *s)
{
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(s->request, ngx_http_igjobs_module);

    if (s->slice == NULL && ngx_http_igjobs_store_large_init(s) != NGX_OK) {
        ngx_http_igjobs_store_fail(s);
        return;
    }

    ngx_memzero(&s->next, sizeof(igj_accounts_iter_t));
    s->trailer = 0;
    s->step = NGX_HTTP_IGJOBS_STORE_BEGIN;
    s->tries++;

    s->bulk = ngx_http_igjobs_pg_bulk_open(mcf->pg, ngx_http_igjobs_store_step,
                                           s);
    if (s->bulk == NULL) {
        ngx_http_igjobs_store_fail(s);
    }
}


/* What all tries share: room for rows, the parameters of the job. */

static ngx_int_t
ngx_http_igjobs_store_large_init(ngx_http_igjobs_submission_t *s)
{
    igj_json_t  json;

    s->params.data = ngx_pnalloc(s->request->pool,
                                 IGJ_SUBMIT_PARAMS_MAX);
    s->slice = ngx_palloc(s->request->pool, NGX_HTTP_IGJOBS_COPY_SLICE);

    if (s->params.data == NULL || s->slice == NULL) {
        return NGX_ERROR;
    }

    igj_json_init(&json, (char *) s->params.data, IGJ_SUBMIT_PARAMS_MAX);
    igj_submit_params(&json, s->submit);

    s->params.len = json.len;

    s->more.handler = ngx_http_igjobs_store_more;
    s->more.data = s;
    s->more.log = s->request->connection->log;

    return NGX_OK;
}


/* A step of the transaction has ended. */

static void
ngx_http_igjobs_store_step(void *data, ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_connection_t              *c;
    ngx_http_igjobs_submission_t  *s;

    s = data;
    c = s->request->connection;

    ngx_http_set_log_request(c->log, s->request);

    if (reply->outcome == NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_store_advance(s, reply);

    } else {
        ngx_http_igjobs_store_again(s, reply);
    }

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_igjobs_store_advance(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_reply_t *reply)
{
    u_char                       numbers[2][NGX_INT_T_LEN];
    ngx_http_igjobs_pg_param_t   params[8];

    ngx_http_igjobs_store_params(s, params, numbers);

    switch ((ngx_http_igjobs_store_e) s->step) {

    case NGX_HTTP_IGJOBS_STORE_BEGIN:

        if (s->key) {
            ngx_http_igjobs_store_key(s, params);

        } else {
            ngx_http_igjobs_store_job(s, params);
        }

        break;

    case NGX_HTTP_IGJOBS_STORE_KEY:

        if (ngx_http_igjobs_submit_key_taken(s->key, reply, 0)) {
            ngx_http_igjobs_store_job(s, params);

        } else {
            s->step = NGX_HTTP_IGJOBS_STORE_NOTHING;
            ngx_http_igjobs_pg_bulk_commit(s->bulk);
        }

        break;

    case NGX_HTTP_IGJOBS_STORE_NOTHING:
        ngx_http_igjobs_submission_close(s);
        ngx_http_igjobs_store_nothing(s);
        break;

    case NGX_HTTP_IGJOBS_STORE_JOB:
        ngx_http_igjobs_store_job_done(s, reply);
        break;

    case NGX_HTTP_IGJOBS_STORE_COPY:
        ngx_http_igjobs_store_copy(s);
        break;

    case NGX_HTTP_IGJOBS_STORE_COPIED:
        s->step = NGX_HTTP_IGJOBS_STORE_QUEUED;
        params[1] = params[2];
        ngx_http_igjobs_pg_bulk_query(s->bulk,
                                      NGX_HTTP_IGJOBS_SQL_BULK_COPIED, params);
        break;

    case NGX_HTTP_IGJOBS_STORE_QUEUED:
        s->step = NGX_HTTP_IGJOBS_STORE_COMMIT;
        ngx_http_igjobs_store_answer(reply, &s->stored);
        s->result = reply->result;
        reply->result = NULL;
        ngx_http_igjobs_pg_bulk_commit(s->bulk);
        break;

    case NGX_HTTP_IGJOBS_STORE_COMMIT:
        ngx_http_igjobs_pg_bulk_close(s->bulk);
        s->bulk = NULL;
        ngx_http_igjobs_submission_stored(s, &s->stored);
        break;
    }
}


static void
ngx_http_igjobs_store_nothing(ngx_http_igjobs_submission_t *s)
{
    if (s->refusal != IGJ_PROBLEM_NONE) {
        ngx_http_igjobs_submission_refused(s);

    } else {
        ngx_http_igjobs_submit_key_answer(s);
    }
}


/* params are those of igjobs.submit(), of which take_key() takes three. */

static void
ngx_http_igjobs_store_key(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_param_t *params)
{
    params[4] = params[1];
    params[1] = params[2];
    ngx_http_igjobs_store_key_params(s, &params[2]);

    s->step = NGX_HTTP_IGJOBS_STORE_KEY;
    ngx_http_igjobs_pg_bulk_query(s->bulk, NGX_HTTP_IGJOBS_SQL_BULK_KEY,
                                  params);
}


static void
ngx_http_igjobs_store_job(ngx_http_igjobs_submission_t *s,
    const ngx_http_igjobs_pg_param_t *params)
{
    s->step = NGX_HTTP_IGJOBS_STORE_JOB;
    ngx_http_igjobs_pg_bulk_query(s->bulk, NGX_HTTP_IGJOBS_SQL_BULK_SUBMIT,
                                  params);
}


/*
 * The connection was lost, or Postgres refused.  Before the COMMIT a loss
 * means that nothing was stored; after it nobody knows, and only sending the
 * whole again tells.
 */

static void
ngx_http_igjobs_store_again(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_reply_t *reply)
{
    if (s->step == NGX_HTTP_IGJOBS_STORE_COMMIT
        && reply->outcome == NGX_HTTP_IGJOBS_PG_UNKNOWN)
    {
        s->doubt = 1;

    } else if (reply->outcome == NGX_HTTP_IGJOBS_PG_UNKNOWN) {
        reply->outcome = NGX_HTTP_IGJOBS_PG_UNAVAILABLE;
    }

    ngx_http_igjobs_submission_close(s);

    if (reply->outcome == NGX_HTTP_IGJOBS_PG_REFUSED
        || s->tries >= IGJ_MAX_STORE_TRIES)
    {
        ngx_http_igjobs_submission_failed(s, reply);
        return;
    }

    ngx_http_igjobs_store_large(s);
}


static void
ngx_http_igjobs_store_job_done(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_str_t                 inserted;
    ngx_http_igjobs_stored_t  stored;

    if (ngx_http_igjobs_store_refused(s, reply, 3)) {

        if (s->key) {

            /* full since it got its key, which must not stay */

            ngx_http_igjobs_submission_close(s);
            ngx_http_igjobs_store_nothing(s);
            return;
        }

        s->step = NGX_HTTP_IGJOBS_STORE_NOTHING;
        ngx_http_igjobs_pg_bulk_commit(s->bulk);
        return;
    }

    inserted = ngx_http_igjobs_pg_value(reply->result, 0, 2);

    if (inserted.len == 0 || inserted.data[0] != 't') {

        /* the COMMIT that was not answered did its work */

        ngx_http_igjobs_store_answer(reply, &stored);
        ngx_http_igjobs_submission_stored(s, &stored);
        return;
    }

    s->step = NGX_HTTP_IGJOBS_STORE_COPY;
    ngx_http_igjobs_pg_bulk_copy(s->bulk, NGX_HTTP_IGJOBS_SQL_BULK_COPY);
}


/* Gives the connection a slice; the next one in the next loop turn. */

static void
ngx_http_igjobs_store_copy(ngx_http_igjobs_submission_t *s)
{
    size_t  len;

    len = ngx_http_igjobs_submission_slice(s);

    if (len == 0) {
        s->step = NGX_HTTP_IGJOBS_STORE_COPIED;
        ngx_http_igjobs_pg_bulk_copy_end(s->bulk);
        return;
    }

    if (ngx_http_igjobs_pg_bulk_put(s->bulk, s->slice, len) == NGX_OK) {
        ngx_post_event(&s->more, &ngx_posted_next_events);
    }
}


static void
ngx_http_igjobs_store_more(ngx_event_t *ev)
{
    ngx_connection_t              *c;
    ngx_http_igjobs_submission_t  *s;

    s = ev->data;
    c = s->request->connection;

    ngx_http_set_log_request(c->log, s->request);

    ngx_http_igjobs_store_copy(s);
    ngx_http_run_posted_requests(c);
}
