/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The body of an api function's call: a small JSON object, checked as it
 * arrives and kept whole.  Bytes that are kept count among those of the
 * submissions, whose sum has a limit.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_call.h"
#include "ngx_http_igjobs_submission.h"

#include "igj_object.h"


/* room for a body whose length is not known, at first */
#define NGX_HTTP_IGJOBS_CALL_BODY_SIZE  1024

#define NGX_HTTP_IGJOBS_CALL_BODY_KEY   "\"body\":"


/* In the pool of its request. */
typedef struct {
    ngx_http_request_t             *request;
    ngx_http_igjobs_submissions_t  *all;
    ngx_http_igjobs_body_t          body;
    igj_object_t                    object;
    ngx_str_t                       params;
    ngx_str_t                       text;
    size_t                          size;       /* of text, in all->bytes */
} ngx_http_igjobs_call_body_t;


static size_t ngx_http_igjobs_call_body_max(ngx_http_request_t *r);
static igj_problem_e ngx_http_igjobs_call_body_wrong(ngx_http_request_t *r);
static igj_problem_e ngx_http_igjobs_call_body_piece(void *data,
    const u_char *piece, size_t len);
static igj_problem_e ngx_http_igjobs_call_body_grow(
    ngx_http_igjobs_call_body_t *cb, size_t len);
static void ngx_http_igjobs_call_body_end(void *data, igj_problem_e problem);
static ngx_int_t ngx_http_igjobs_call_body_members(
    ngx_http_igjobs_call_body_t *cb, ngx_str_t *members, ngx_int_t *answer);
static ngx_int_t ngx_http_igjobs_call_body_params(
    ngx_http_igjobs_call_body_t *cb, const ngx_str_t *members,
    ngx_str_t *params);
static ngx_int_t ngx_http_igjobs_call_body_refused(
    ngx_http_igjobs_call_body_t *cb, igj_problem_e problem);
static void ngx_http_igjobs_call_body_release(void *data);


ngx_int_t
ngx_http_igjobs_call_read(ngx_http_request_t *r, const ngx_str_t *params)
{
    igj_problem_e                 problem;
    ngx_http_cleanup_t           *cln;
    ngx_http_igjobs_main_conf_t  *mcf;
    ngx_http_igjobs_loc_conf_t   *lcf;
    ngx_http_igjobs_call_body_t  *cb;

    problem = ngx_http_igjobs_call_body_wrong(r);

    if (problem != IGJ_PROBLEM_NONE) {

        if (ngx_http_discard_request_body(r) != NGX_OK) {
            return NGX_HTTP_BAD_REQUEST;
        }

        return ngx_http_igjobs_problem(r, problem);
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);
    lcf = ngx_http_get_module_loc_conf(r, ngx_http_igjobs_module);

    cb = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_call_body_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (cb == NULL || cln == NULL || ngx_http_igjobs_prepare(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_igjobs_call_body_release;
    cln->data = cb;

    cb->request = r;
    cb->all = mcf->submissions;
    cb->params = *params;
    igj_object_init(&cb->object);

    cb->body.max = ngx_http_igjobs_call_body_max(r);
    cb->body.min_rate = lcf->min_body_rate;
    cb->body.piece = ngx_http_igjobs_call_body_piece;
    cb->body.end = ngx_http_igjobs_call_body_end;
    cb->body.data = cb;

    return ngx_http_igjobs_body_read(r, &cb->body);
}


static size_t
ngx_http_igjobs_call_body_max(ngx_http_request_t *r)
{
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    return (ctx->route->flags & NGX_HTTP_IGJOBS_SCHEDULE)
           ? IGJ_MAX_SCHEDULE_BODY : IGJ_MAX_CALL_BODY;
}


/* before it is read; what names no type is taken for JSON */

static igj_problem_e
ngx_http_igjobs_call_body_wrong(ngx_http_request_t *r)
{
    igj_problem_e                 problem;
    igj_idempotency_key_t         key;
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    if (ctx->route->flags & NGX_HTTP_IGJOBS_ONCE) {
        problem = ngx_http_igjobs_key_name(r, &key);

        if (problem != IGJ_PROBLEM_NONE) {
            return problem;
        }
    }

    if (r->headers_in.content_length_n <= 0 && !r->headers_in.chunked) {
        return IGJ_PROBLEM_NONE;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    if (mcf->submissions->bytes >= mcf->max_submission_bytes) {
        return IGJ_PROBLEM_OVERLOADED;
    }

    problem = ngx_http_igjobs_body_type(r);

    return (problem == IGJ_PROBLEM_UNSUPPORTED_MEDIA_TYPE
            && (ctx->route->flags & NGX_HTTP_IGJOBS_ANY_TYPE))
           ? IGJ_PROBLEM_NONE : problem;
}


static igj_problem_e
ngx_http_igjobs_call_body_piece(void *data, const u_char *piece, size_t len)
{
    ngx_http_igjobs_call_body_t *cb = data;

    igj_problem_e  problem;

    if (igj_object_feed(&cb->object, piece, len) != IGJ_OK) {
        return cb->object.problem;
    }

    problem = ngx_http_igjobs_call_body_grow(cb, len);

    if (problem == IGJ_PROBLEM_NONE && len > 0) {
        ngx_memcpy(cb->text.data + cb->text.len, piece, len);
        cb->text.len += len;
    }

    return problem;
}


static igj_problem_e
ngx_http_igjobs_call_body_grow(ngx_http_igjobs_call_body_t *cb, size_t len)
{
    off_t    expected;
    size_t   size;
    u_char  *text;

    if (cb->size - cb->text.len >= len) {
        return IGJ_PROBLEM_NONE;
    }

    expected = cb->request->headers_in.content_length_n;

    size = ngx_max(2 * cb->size, NGX_HTTP_IGJOBS_CALL_BODY_SIZE);
    size = ngx_max(size, cb->text.len + len);

    if (expected > 0) {
        size = expected;
    }

    text = ngx_pnalloc(cb->request->pool, size);
    if (text == NULL) {
        return IGJ_PROBLEM_INTERNAL;
    }

    if (cb->text.len > 0) {
        ngx_memcpy(text, cb->text.data, cb->text.len);
        (void) ngx_pfree(cb->request->pool, cb->text.data);
    }

    cb->all->bytes += size - cb->size;
    cb->text.data = text;
    cb->size = size;

    return IGJ_PROBLEM_NONE;
}


static void
ngx_http_igjobs_call_body_end(void *data, igj_problem_e problem)
{
    ngx_http_igjobs_call_body_t *cb = data;

    ngx_int_t            rc, answer;
    ngx_str_t            params, members;
    ngx_http_request_t  *r;

    r = cb->request;

    if (problem == IGJ_PROBLEM_NONE
        && igj_object_finish(&cb->object) != IGJ_OK)
    {
        problem = cb->object.problem;
    }

    if (problem != IGJ_PROBLEM_NONE) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_call_body_refused(cb,
                                                                    problem));
        return;
    }

    answer = NGX_HTTP_INTERNAL_SERVER_ERROR;
    rc = ngx_http_igjobs_call_body_members(cb, &members, &answer);

    if (rc != NGX_OK
        || ngx_http_igjobs_call_body_params(cb, &members, &params) != NGX_OK)
    {
        ngx_http_igjobs_finish(r, answer);
        return;
    }

    ngx_http_igjobs_watch_client(r);
    ngx_http_igjobs_call_send(r, &params);
}


/* what the route adds to body; members is empty where it adds nothing */

static ngx_int_t
ngx_http_igjobs_call_body_members(ngx_http_igjobs_call_body_t *cb,
    ngx_str_t *members, ngx_int_t *answer)
{
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(cb->request, ngx_http_igjobs_module);

    ngx_str_null(members);

    if (cb->object.empty) {
        return NGX_OK;
    }

    if (ctx->route->flags & NGX_HTTP_IGJOBS_USERNAME) {
        return ngx_http_igjobs_username_read(cb->request, &cb->text, members);
    }

    if (!(ctx->route->flags & NGX_HTTP_IGJOBS_SCHEDULE)) {
        return NGX_OK;
    }

    return ngx_http_igjobs_schedule_read(cb->request, &cb->text, members,
                                         answer);
}


/* the object of the parameters, opened again for the body */

static ngx_int_t
ngx_http_igjobs_call_body_params(ngx_http_igjobs_call_body_t *cb,
    const ngx_str_t *members, ngx_str_t *params)
{
    u_char     *p;
    ngx_str_t   text;

    text = cb->text;

    if (cb->object.empty) {
        ngx_str_set(&text, "{}");
    }

    params->data = ngx_pnalloc(cb->request->pool,
                               cb->params.len + text.len + members->len
                               + sizeof(",}" NGX_HTTP_IGJOBS_CALL_BODY_KEY));
    if (params->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(params->data, cb->params.data, cb->params.len - 1);

    if (p - params->data > 1) {
        *p++ = ',';
    }

    p = ngx_cpymem(p, NGX_HTTP_IGJOBS_CALL_BODY_KEY,
                   sizeof(NGX_HTTP_IGJOBS_CALL_BODY_KEY) - 1);
    p = ngx_cpymem(p, text.data, text.len);

    if (members->len > 0) {
        p = ngx_cpymem(p, members->data, members->len);
    }

    *p++ = '}';

    params->len = p - params->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_igjobs_call_body_refused(ngx_http_igjobs_call_body_t *cb,
    igj_problem_e problem)
{
    igj_problem_doc_t  doc;

    if (problem != cb->object.problem) {
        return ngx_http_igjobs_problem(cb->request, problem);
    }

    igj_object_problem(&cb->object, &doc);

    return ngx_http_igjobs_problem_doc(cb->request, &doc);
}


static void
ngx_http_igjobs_call_body_release(void *data)
{
    ngx_http_igjobs_call_body_t  *cb = data;

    cb->all->bytes -= cb->size;
    cb->size = 0;
}
