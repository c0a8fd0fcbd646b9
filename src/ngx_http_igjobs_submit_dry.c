/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A submission with "dry_run": what it would be, and what it would take
 * (igjobs.estimate_job).  The body is read and judged as always; nothing is
 * written, an Idempotency-Key is not used up.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_submission.h"


/* holds every answer but those that list faulty accounts */
#define NGX_HTTP_IGJOBS_DRY_RUN_SIZE  2048


static void ngx_http_igjobs_submit_estimated(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static ngx_int_t ngx_http_igjobs_dry_run_answer(
    ngx_http_igjobs_submission_t *s, ngx_http_igjobs_pg_result_t *result,
    ngx_str_t *body);
static void ngx_http_igjobs_dry_run_document(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_result_t *result, igj_json_t *json);
static void ngx_http_igjobs_dry_run_refusal(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_result_t *result, igj_json_t *json);
static void ngx_http_igjobs_dry_run_names(ngx_http_igjobs_submission_t *s,
    igj_json_t *json);


void
ngx_http_igjobs_submit_dry_run(ngx_http_igjobs_submission_t *s)
{
    u_char                       numbers[2][NGX_INT_T_LEN];
    ngx_str_t                    options;
    ngx_http_igjobs_ctx_t       *ctx;
    ngx_http_igjobs_pg_param_t   params[5];

    ctx = ngx_http_get_module_ctx(s->request, ngx_http_igjobs_module);

    ngx_memzero(params, sizeof(params));

    params[0].data = ctx->tenant.data;
    params[0].len = ctx->tenant.len;
    params[1].data = igj_platform_name(s->submit->platform);
    params[1].len = ngx_strlen(params[1].data);
    params[2].data = numbers[0];
    params[2].len = ngx_sprintf(numbers[0], "%uD", s->submit->accounts.count)
                    - numbers[0];
    params[3].data = numbers[1];
    params[3].len = ngx_sprintf(numbers[1], "%uD", s->submit->per_account)
                    - numbers[1];

    if (ngx_http_igjobs_submission_options(s, &options) != NGX_OK) {
        ngx_http_igjobs_finish(s->request, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    params[4].data = options.data;
    params[4].len = options.len;

    if (ngx_http_igjobs_ask_pg(s->request, NGX_HTTP_IGJOBS_SQL_ESTIMATE,
                               params, ngx_http_igjobs_submit_estimated)
        != NGX_OK)
    {
        ngx_http_igjobs_finish(s->request,
                        ngx_http_igjobs_problem(s->request,
                                            IGJ_PROBLEM_DATABASE_UNAVAILABLE));
    }
}


static void
ngx_http_igjobs_submit_estimated(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_int_t               rc;
    ngx_str_t               body;
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    if (reply->outcome != NGX_HTTP_IGJOBS_PG_OK) {
        rc = ngx_http_igjobs_pg_problem(r, reply);

    } else if (ngx_http_igjobs_dry_run_answer(ctx->data, reply->result, &body)
               == NGX_OK)
    {
        rc = ngx_http_igjobs_reply_json(r, NGX_HTTP_OK, &body);

    } else {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_igjobs_finish(r, rc);
}


static ngx_int_t
ngx_http_igjobs_dry_run_answer(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_result_t *result, ngx_str_t *body)
{
    size_t      size;
    igj_json_t  json;

    size = NGX_HTTP_IGJOBS_DRY_RUN_SIZE;

    do {
        body->data = ngx_pnalloc(s->request->pool, size);

        if (body->data == NULL) {
            return NGX_ERROR;
        }

        igj_json_init(&json, (char *) body->data, size);
        ngx_http_igjobs_dry_run_document(s, result, &json);
        size = json.len;

    } while (igj_json_overflow(&json));

    body->len = size;

    return NGX_OK;
}


static void
ngx_http_igjobs_dry_run_document(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_result_t *result, igj_json_t *json)
{
    ngx_str_t  parallelism, estimate;

    parallelism = ngx_http_igjobs_pg_value(result, 0, 1);
    estimate = ngx_http_igjobs_pg_value(result, 0, 2);

    igj_json_object_begin(json);
    igj_json_member_boolean(json, "success", 1);
    igj_json_member_boolean(json, "dry_run", 1);
    ngx_http_igjobs_dry_run_refusal(s, result, json);
    igj_json_member_integer(json, "total_batches", s->batches);
    igj_json_member_integer(json, "max_count_per_account",
                            s->submit->per_account);

    igj_json_key(json, "parallelism");
    igj_json_raw_value(json, (char *) parallelism.data, parallelism.len);

    ngx_http_igjobs_submit_counts(s, json);
    ngx_http_igjobs_dry_run_names(s, json);

    igj_json_key(json, "estimate");
    igj_json_raw_value(json, (char *) estimate.data, estimate.len);

    igj_json_object_end(json);
    igj_json_raw(json, "\n", 1);
}


/* The slug of the problem that it would be refused with, or null. */

static void
ngx_http_igjobs_dry_run_refusal(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_result_t *result, igj_json_t *json)
{
    ngx_str_t  refusal;

    igj_json_key(json, "refusal");

    if (s->submit->invalid && !s->submit->skip_invalid) {
        igj_json_text(json, igj_problem(IGJ_PROBLEM_INVALID_ACCOUNTS)->slug);

    } else if (ngx_http_igjobs_pg_is_null(result, 0, 0)) {
        igj_json_null(json);

    } else {
        refusal = ngx_http_igjobs_pg_value(result, 0, 0);
        igj_json_string(json, (char *) refusal.data, refusal.len);
    }
}


/* The first names, as they were understood. */

static void
ngx_http_igjobs_dry_run_names(ngx_http_igjobs_submission_t *s,
    igj_json_t *json)
{
    size_t                 len;
    ngx_uint_t             n;
    const char            *p, *end, *last;
    igj_accounts_iter_t    next;
    igj_accounts_batch_t   batch;

    igj_json_key(json, "names");
    igj_json_array_begin(json);

    ngx_memzero(&next, sizeof(igj_accounts_iter_t));

    if (igj_accounts_next(&s->submit->accounts, &next, &batch)) {
        p = batch.names.data;
        last = p + batch.names.len;

        for (n = 0; p < last && n < IGJ_DRY_RUN_NAMES; n++) {
            end = memchr(p, '\n', last - p);
            len = (end ? end : last) - p;
            igj_json_string(json, p, len);
            p += len + 1;
        }
    }

    igj_json_array_end(json);
}
