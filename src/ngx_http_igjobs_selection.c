/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* See ngx_http_igjobs_selection.h. */

#include "ngx_http_igjobs_selection.h"

#include <stdio.h>
#include <stdlib.h>


typedef enum {
    NGX_HTTP_IGJOBS_FILTER_GENDER = 0,
    NGX_HTTP_IGJOBS_FILTER_SOURCE,
    NGX_HTTP_IGJOBS_FILTER_CONFIDENCE
} ngx_http_igjobs_filter_e;


static ngx_int_t ngx_http_igjobs_selection_text(ngx_http_request_t *r,
    const char *name, u_char *out, size_t size);
static ngx_int_t ngx_http_igjobs_selection_fields(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection, const char *fields);
static ngx_int_t ngx_http_igjobs_selection_gender(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);
static ngx_int_t ngx_http_igjobs_selection_source(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);
static ngx_int_t ngx_http_igjobs_selection_confidence(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);
static void ngx_http_igjobs_selection_filter(
    ngx_http_igjobs_selection_t *selection, ngx_http_igjobs_filter_e part,
    const void *data, size_t len);
static void ngx_http_igjobs_selection_job(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static ngx_int_t ngx_http_igjobs_selection_admit(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection,
    ngx_http_igjobs_pg_reply_t *reply);
static ngx_int_t ngx_http_igjobs_selection_not_completed(
    ngx_http_request_t *r, ngx_str_t *status);
static ngx_int_t ngx_http_igjobs_selection_start(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);
static void ngx_http_igjobs_selection_scope(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);


ngx_int_t
ngx_http_igjobs_selection_params(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection, const char *fields,
    const char *token)
{
    ngx_int_t               rc;
    igj_form_e              error;
    ngx_str_t              *job;
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    job = &ctx->params[0];

    if (igj_uuid_parse((char *) job->data, job->len, &selection->job)
        != IGJ_OK)
    {
        return ngx_http_igjobs_job_not_found(r, job);
    }

    selection->stream.job = *job;

    error = igj_form_boolean(ngx_http_igjobs_selection_query(r), "partial",
                             &selection->partial);

    if (error != IGJ_FORM_OK && error != IGJ_FORM_ABSENT) {
        return ngx_http_igjobs_bad_parameter(r, "partial", error);
    }

    rc = ngx_http_igjobs_selection_text(r, token, selection->token_text,
                                        sizeof(selection->token_text));
    if (rc != NGX_DECLINED) {
        return rc;
    }

    selection->token.data = selection->token_text;
    selection->token.len = ngx_strlen(selection->token_text);

    rc = ngx_http_igjobs_selection_fields(r, selection, fields);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_http_igjobs_selection_gender(r, selection);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_http_igjobs_selection_source(r, selection);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_http_igjobs_selection_confidence(r, selection);
}


igj_str_t
ngx_http_igjobs_selection_query(ngx_http_request_t *r)
{
    igj_str_t  query;

    query.data = (char *) r->args.data;
    query.len = r->args.len;

    return query;
}


ngx_uint_t
ngx_http_igjobs_selection_has(ngx_http_request_t *r, const char *name)
{
    char  text[1];

    return igj_form_text(ngx_http_igjobs_selection_query(r), name, text,
                         sizeof(text), NULL)
           != IGJ_FORM_ABSENT;
}


/* NGX_DECLINED: out is the value, "" if it is not there */

static ngx_int_t
ngx_http_igjobs_selection_text(ngx_http_request_t *r, const char *name,
    u_char *out, size_t size)
{
    igj_form_e  error;

    error = igj_form_text(ngx_http_igjobs_selection_query(r), name,
                          (char *) out, size, NULL);

    if (error == IGJ_FORM_OK) {
        return NGX_DECLINED;
    }

    out[0] = '\0';

    return (error == IGJ_FORM_ABSENT)
           ? NGX_DECLINED
           : ngx_http_igjobs_bad_parameter(r, name, error);
}


static ngx_int_t
ngx_http_igjobs_selection_fields(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection, const char *fields)
{
    ngx_int_t  rc;

    rc = ngx_http_igjobs_selection_text(r, "fields", selection->field_list,
                                        sizeof(selection->field_list));
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (selection->field_list[0] != '\0') {
        fields = (char *) selection->field_list;
    }

    if (ngx_http_igjobs_fields(&selection->fields, fields) != NGX_OK) {
        return ngx_http_igjobs_selection_bad(r, IGJ_PROBLEM_INVALID_PARAMETER,
                   "fields takes, each once and with commas between: "
                   NGX_HTTP_IGJOBS_FIELDS_ALL ".");
    }

    selection->fields.tokens = &selection->tokens;
    selection->stream.whole = ngx_http_igjobs_fields_whole(&selection->fields);
    selection->stream.evidence =
        (selection->fields.mask >> NGX_HTTP_IGJOBS_FIELD_EVIDENCE) & 1;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_igjobs_selection_gender(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection)
{
    u_char       text[IGJ_PARAM_VALUE_MAX];
    ngx_int_t    rc;
    ngx_uint_t   i;

    static const char  *genders[] = { "female", "male", "unknown" };

    rc = ngx_http_igjobs_selection_text(r, "gender", text, sizeof(text));

    if (rc != NGX_DECLINED || text[0] == '\0') {
        return rc;
    }

    for (i = 0; i < sizeof(genders) / sizeof(genders[0]); i++) {
        if (ngx_strcmp(text, genders[i]) == 0) {
            ngx_http_igjobs_selection_filter(selection,
                                         NGX_HTTP_IGJOBS_FILTER_GENDER,
                                         genders[i], ngx_strlen(genders[i]));
            return NGX_DECLINED;
        }
    }

    return ngx_http_igjobs_selection_bad(r, IGJ_PROBLEM_INVALID_PARAMETER,
                                  "gender takes female, male or unknown.");
}


static ngx_int_t
ngx_http_igjobs_selection_source(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection)
{
    u_char           text[IGJ_PARAM_VALUE_MAX];
    ngx_int_t        rc;
    igj_username_t  *name;

    rc = ngx_http_igjobs_selection_text(r, "source_account", text,
                                        sizeof(text));

    if (rc != NGX_DECLINED || text[0] == '\0') {
        return rc;
    }

    name = &selection->source_account;

    if (!igj_username_any((char *) text, ngx_strlen(text), name)) {
        return ngx_http_igjobs_selection_bad(r, IGJ_PROBLEM_INVALID_PARAMETER,
                         "source_account takes an account of the job.");
    }

    ngx_http_igjobs_selection_filter(selection, NGX_HTTP_IGJOBS_FILTER_SOURCE,
                                     name->text, name->len);

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_igjobs_selection_confidence(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection)
{
    char       *end;
    double      value;
    u_char      text[IGJ_PARAM_VALUE_MAX];
    ngx_int_t   rc;

    rc = ngx_http_igjobs_selection_text(r, "min_confidence", text,
                                        sizeof(text));

    if (rc != NGX_DECLINED || text[0] == '\0') {
        return rc;
    }

    value = strtod((char *) text, &end);

    if (*end != '\0' || !(value >= 0 && value <= 1)) {
        return ngx_http_igjobs_selection_bad(r, IGJ_PROBLEM_INVALID_PARAMETER,
                               "min_confidence takes a number from 0 to 1.");
    }

    (void) snprintf((char *) selection->confidence,
                    sizeof(selection->confidence), "%.6g", value);

    ngx_http_igjobs_selection_filter(selection,
                                     NGX_HTTP_IGJOBS_FILTER_CONFIDENCE,
                                     selection->confidence,
                                     ngx_strlen(selection->confidence));

    return NGX_DECLINED;
}


static void
ngx_http_igjobs_selection_filter(ngx_http_igjobs_selection_t *selection,
    ngx_http_igjobs_filter_e part, const void *data, size_t len)
{
    selection->filter[part].data = data;
    selection->filter[part].len = len;
    selection->stream.filter = selection->filter;
}


ngx_int_t
ngx_http_igjobs_selection_open(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection)
{
    ngx_int_t                     rc;
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_pg_param_t    params[2];
    ngx_http_igjobs_main_conf_t  *mcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    ctx->data = selection;

    ngx_memzero(params, sizeof(params));
    params[0].data = ctx->tenant.data;
    params[0].len = ctx->tenant.len;
    params[1].data = selection->stream.job.data;
    params[1].len = selection->stream.job.len;

    rc = ngx_http_igjobs_wait(r);
    if (rc != NGX_DONE) {
        return rc;
    }

    if (ngx_http_igjobs_ask_pg(r, mcf->token_key.len
                                  ? NGX_HTTP_IGJOBS_SQL_JOB_PAGE
                                  : NGX_HTTP_IGJOBS_SQL_JOB_PAGE_KEY,
                               params, ngx_http_igjobs_selection_job)
        != NGX_OK)
    {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_problem(r,
                                            IGJ_PROBLEM_DATABASE_UNAVAILABLE));
    }

    return NGX_DONE;
}


static void
ngx_http_igjobs_selection_job(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_int_t                     rc;
    ngx_http_igjobs_ctx_t        *ctx;
    ngx_http_igjobs_selection_t  *selection;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    selection = ctx->data;

    if (reply->outcome != NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_pg_problem(r, reply));
        return;
    }

    rc = ngx_http_igjobs_selection_admit(r, selection, reply);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_igjobs_selection_start(r, selection);
    }

    if (rc == NGX_DECLINED && selection->ready) {
        rc = selection->ready(r, selection);
    }

    if (rc != NGX_DECLINED) {
        ngx_http_igjobs_finish(r, rc);
        return;
    }

    ngx_http_igjobs_stream(r, &selection->stream);
}


/* NGX_DECLINED: go on; else what a reply function returned. */

static ngx_int_t
ngx_http_igjobs_selection_admit(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_str_t                     status, state, value;
    ngx_http_igjobs_main_conf_t  *mcf;

    if (ngx_http_igjobs_pg_rows(reply->result) == 0) {
        return ngx_http_igjobs_job_not_found(r, &selection->stream.job);
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    if (mcf->token_key.len == 0) {
        value = ngx_http_igjobs_pg_value(reply->result, 0, 4);

        if (ngx_http_igjobs_token_key(&mcf->token_key, &value) != NGX_OK) {
            return ngx_http_igjobs_problem(r, IGJ_PROBLEM_INTERNAL);
        }
    }

    status = ngx_http_igjobs_pg_value(reply->result, 0, 0);

    if (!selection->partial && ngx_strcmp(status.data, "completed") != 0) {
        return ngx_http_igjobs_selection_not_completed(r, &status);
    }

    state = ngx_http_igjobs_pg_value(reply->result, 0, 1);
    selection->ended = ngx_strcmp(state.data, "completed") == 0
                       || ngx_strcmp(state.data, "failed") == 0
                       || ngx_strcmp(state.data, "canceled") == 0;

    value = ngx_http_igjobs_pg_value(reply->result, 0, 2);
    selection->version.len = value.len;
    selection->version.data = ngx_pstrdup(r->pool, &value);

    value = ngx_http_igjobs_pg_value(reply->result, 0, 3);
    selection->total = ngx_atoof(value.data, value.len);

    return selection->version.data ? NGX_DECLINED : NGX_ERROR;
}


static ngx_int_t
ngx_http_igjobs_selection_not_completed(ngx_http_request_t *r,
    ngx_str_t *status)
{
    char               error[96];
    igj_problem_doc_t  doc;

    ngx_memzero(&doc, sizeof(igj_problem_doc_t));

    *ngx_snprintf((u_char *) error, sizeof(error) - 1,
                  "Job is not completed yet (status: %V)", status) = '\0';

    doc.problem = IGJ_PROBLEM_JOB_NOT_COMPLETED;
    doc.error = error;

    return ngx_http_igjobs_problem_doc(r, &doc);
}


/* NGX_DECLINED: first and end are set; else what a reply function returned. */

static ngx_int_t
ngx_http_igjobs_selection_start(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection)
{
    int64_t  first;

    ngx_http_igjobs_selection_scope(r, selection);

    first = 0;

    if (selection->token.len) {
        first = ngx_http_igjobs_token_ordinal(&selection->tokens,
                                              &selection->token);
        if (first == NGX_ERROR) {
            return ngx_http_igjobs_problem(r, IGJ_PROBLEM_BAD_PAGE_TOKEN);
        }
    }

    selection->stream.first = first;
    selection->stream.end = selection->total;
    selection->stream.next = first;

    return NGX_DECLINED;
}


/* what a token is bound to */

static void
ngx_http_igjobs_selection_scope(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection)
{
    u_char                      *p, *last;
    ngx_uint_t                   i;
    ngx_http_igjobs_ctx_t       *ctx;
    ngx_http_igjobs_tokens_t    *tokens;
    ngx_http_igjobs_pg_param_t  *part;
    ngx_http_igjobs_main_conf_t *mcf;
    char                         job[IGJ_UUID_TEXT_LEN];

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);
    tokens = &selection->tokens;

    /* as it is always written: it may have come in capitals */

    igj_uuid_print(&selection->job, job);

    last = tokens->scope + sizeof(tokens->scope);
    p = ngx_slprintf(tokens->scope, last, "results\n%V\n%*s", &ctx->tenant,
                     (size_t) IGJ_UUID_TEXT_LEN, job);

    for (i = 0; i < NGX_HTTP_IGJOBS_STREAM_FILTER; i++) {
        part = &selection->filter[i];
        p = ngx_slprintf(p, last, "\n%*s", part->len, part->data);
    }

    tokens->key = &mcf->token_key;
    tokens->len = p - tokens->scope;
}


ngx_int_t
ngx_http_igjobs_selection_bad(ngx_http_request_t *r, igj_problem_e problem,
    const char *detail)
{
    igj_problem_doc_t  doc;

    ngx_memzero(&doc, sizeof(igj_problem_doc_t));

    doc.problem = problem;
    doc.detail = detail;

    return ngx_http_igjobs_problem_doc(r, &doc);
}


ngx_int_t
ngx_http_igjobs_selection_headers(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection)
{
    ngx_str_t  total;

    total.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (total.data == NULL) {
        return NGX_ERROR;
    }

    total.len = ngx_sprintf(total.data, "%L", selection->total) - total.data;

    if (ngx_http_igjobs_header(r, "X-Total-Count", &total) != NGX_OK
        || ngx_http_igjobs_header_text(r, "Cache-Control", "private, no-cache")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_header_text(r, "Vary", "Accept");
}
