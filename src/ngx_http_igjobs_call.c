/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Endpoints that are SQL functions: igjobs.api_<name>(caller, params) answers a
 * status and a body, which is passed on.  A new one is a row of the table of
 * routes, a row of the table of statements, and the function in sql/.
 *
 *   caller   {"tenant":"acme"}
 *   params   what stood in the path and in the query string, by name, as text
 *   body     a document; from status 400 on {"problem":"<slug>"} and, where
 *            that problem's own texts will not do, "error" and "detail"
 */

#include "ngx_http_igjobs.h"

#include <cjson/cJSON.h>


#define NGX_HTTP_IGJOBS_CALLER_SIZE  (64 + IGJ_TENANT_MAX)
#define NGX_HTTP_IGJOBS_NAME_MAX     32


static ngx_int_t ngx_http_igjobs_call_params(ngx_http_request_t *r,
    ngx_str_t *params);
static size_t ngx_http_igjobs_call_params_size(ngx_http_request_t *r,
    const ngx_http_igjobs_route_t *route);
static void ngx_http_igjobs_call_path(ngx_http_igjobs_ctx_t *ctx,
    igj_json_t *json);
static ngx_int_t ngx_http_igjobs_call_ask(ngx_http_request_t *r,
    ngx_str_t *params);
static void ngx_http_igjobs_call_done(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static ngx_int_t ngx_http_igjobs_call_reply(ngx_http_request_t *r,
    ngx_http_igjobs_pg_result_t *result);
static ngx_int_t ngx_http_igjobs_call_problem(ngx_http_request_t *r,
    ngx_str_t *body);


ngx_int_t
ngx_http_igjobs_call(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  params;

    ngx_str_null(&params);

    rc = ngx_http_igjobs_call_params(r, &params);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_http_igjobs_wait(r);
    if (rc != NGX_DONE) {
        return rc;
    }

    if (ngx_http_igjobs_call_ask(r, &params) != NGX_OK) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_problem(r,
                                            IGJ_PROBLEM_DATABASE_UNAVAILABLE));
    }

    return NGX_DONE;
}


/* NGX_DECLINED: go on; else what a reply function returned. */

static ngx_int_t
ngx_http_igjobs_call_params(ngx_http_request_t *r, ngx_str_t *params)
{
    char                    value[IGJ_PARAM_VALUE_MAX];
    size_t                  len, size;
    igj_str_t               query;
    igj_json_t              json;
    igj_form_e              error;
    const char *const      *name;
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    size = ngx_http_igjobs_call_params_size(r, ctx->route);
    params->data = ngx_pnalloc(r->pool, size);
    if (params->data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    query.data = (char *) r->args.data;
    query.len = r->args.len;

    igj_json_init(&json, (char *) params->data, size);
    igj_json_object_begin(&json);
    ngx_http_igjobs_call_path(ctx, &json);

    for (name = ctx->route->query; name && *name; name++) {
        error = igj_form_single(query, *name, value, sizeof(value), &len);

        if (error == IGJ_FORM_OK) {
            igj_json_key(&json, *name);
            igj_json_string(&json, value, len);

        } else if (error != IGJ_FORM_ABSENT) {
            return ngx_http_igjobs_bad_parameter(r, *name, error);
        }
    }

    igj_json_object_end(&json);
    params->len = json.len;

    return NGX_DECLINED;
}


/* no value is longer, decoded, than where it stood */

static size_t
ngx_http_igjobs_call_params_size(ngx_http_request_t *r,
    const ngx_http_igjobs_route_t *route)
{
    size_t              size;
    const char *const  *name;

    size = igj_json_string_max(r->uri.len + r->args.len)
           + ngx_strlen(route->pattern)
           + (NGX_HTTP_IGJOBS_MAX_PARAMS + 1) * sizeof("\"\":\"\",");

    for (name = route->query; name && *name; name++) {
        size += ngx_strlen(*name) + sizeof("\"\":\"\",");
    }

    return size;
}


/* what stood for each :name of the pattern */

static void
ngx_http_igjobs_call_path(ngx_http_igjobs_ctx_t *ctx, igj_json_t *json)
{
    char         name[NGX_HTTP_IGJOBS_NAME_MAX];
    size_t       len;
    ngx_str_t   *value;
    const char  *p;

    value = ctx->params;

    for (p = ctx->route->pattern; *p != '\0'; p++) {

        if (*p != ':') {
            continue;
        }

        len = strcspn(p + 1, "/");
        (void) ngx_cpystrn((u_char *) name, (u_char *) p + 1,
                           ngx_min(len + 1, sizeof(name)));

        igj_json_key(json, name);
        igj_json_string(json, (char *) value->data, value->len);
        value++;
    }
}


static ngx_int_t
ngx_http_igjobs_call_ask(ngx_http_request_t *r, ngx_str_t *params)
{
    char                        caller[NGX_HTTP_IGJOBS_CALLER_SIZE];
    igj_str_t                   tenant;
    igj_json_t                  json;
    ngx_http_igjobs_ctx_t      *ctx;
    ngx_http_igjobs_pg_param_t  values[2];

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    tenant.data = (char *) ctx->tenant.data;
    tenant.len = ctx->tenant.len;

    igj_json_init(&json, caller, sizeof(caller));
    igj_json_object_begin(&json);
    igj_json_member_string(&json, "tenant", tenant);
    igj_json_object_end(&json);

    ngx_memzero(values, sizeof(values));
    values[0].data = caller;
    values[0].len = json.len;
    values[1].data = params->data;
    values[1].len = params->len;

    return ngx_http_igjobs_ask_pg(r, ctx->route->statement, values,
                                  ngx_http_igjobs_call_done);
}


static void
ngx_http_igjobs_call_done(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    if (reply->outcome != NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_pg_problem(r, reply));
        return;
    }

    ngx_http_igjobs_finish(r, ngx_http_igjobs_call_reply(r, reply->result));
}


/* the row is there: the statement is one call of one function */

static ngx_int_t
ngx_http_igjobs_call_reply(ngx_http_request_t *r,
    ngx_http_igjobs_pg_result_t *result)
{
    ngx_int_t  status;
    ngx_str_t  text, body;

    text = ngx_http_igjobs_pg_value(result, 0, 0);
    status = ngx_atoi(text.data, text.len);
    text = ngx_http_igjobs_pg_value(result, 0, 1);

    if (status >= NGX_HTTP_BAD_REQUEST) {
        return ngx_http_igjobs_call_problem(r, &text);
    }

    if (status < NGX_HTTP_OK || ngx_http_igjobs_pg_is_null(result, 0, 1)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "igjobs: an api function answered no status or body");
        return ngx_http_igjobs_problem(r, IGJ_PROBLEM_INTERNAL);
    }

    body.len = text.len + 1;
    body.data = ngx_pnalloc(r->pool, body.len);

    if (body.data == NULL
        || ngx_http_igjobs_header_text(r, "Cache-Control", "private, no-cache")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    *ngx_cpymem(body.data, text.data, text.len) = '\n';

    return ngx_http_igjobs_reply_json(r, status, &body);
}


static ngx_int_t
ngx_http_igjobs_call_problem(ngx_http_request_t *r, ngx_str_t *body)
{
    cJSON              *json;
    ngx_int_t           rc;
    const char         *slug;
    igj_problem_doc_t   doc;

    ngx_memzero(&doc, sizeof(igj_problem_doc_t));

    json = cJSON_ParseWithLength((char *) body->data, body->len);
    slug = cJSON_GetStringValue(cJSON_GetObjectItem(json, "problem"));

    if (slug != NULL) {
        doc.problem = igj_problem_find(slug, ngx_strlen(slug));
        doc.error = cJSON_GetStringValue(cJSON_GetObjectItem(json, "error"));
        doc.detail = cJSON_GetStringValue(cJSON_GetObjectItem(json, "detail"));
    }

    if (doc.problem == IGJ_PROBLEM_NONE) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "igjobs: an api function answered no known problem: %V",
                      body);
        doc.problem = IGJ_PROBLEM_INTERNAL;
    }

    rc = ngx_http_igjobs_problem_doc(r, &doc);
    cJSON_Delete(json);

    return rc;
}
