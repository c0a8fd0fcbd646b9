/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Endpoints that are SQL functions: igjobs.api_<name>(caller, params) answers a
 * status and a body, which is passed on.  A new one is
 *   - a row of the table of routes; for POST and DELETE with the flag
 *     NGX_HTTP_IGJOBS_BODY, whether they use a body or not
 *   - a row of the table of statements: ..._sql_call("name") for one that only
 *     reads, ..._sql_write("name") for one that writes but no job,
 *     ..._sql_change("name") for one that may change a job
 *   - the function, in sql/, and its grant to igjobs_api
 *
 *   caller   {"tenant":"acme"}; with the header X-Base-Id also "base_id", as
 *            it was sent; on a route with the flag NGX_HTTP_IGJOBS_ONCE also
 *            "call", a UUID version 7 which a repeat of the call has, too: what
 *            a function creates has this id.  A call with the Idempotency-Key
 *            of an earlier one gets that one's (igjobs.once), and so its answer
 *   params   what stood in the path and in the query string, by name, as text;
 *            of a route with the flag also "body", the object that was sent
 *   status   an answer of 202 carries Retry-After
 *   body     a document; from status 400 on {"problem":"<slug>"} and, where
 *            that problem's own texts will not do, "error" and "detail", and
 *            "pointer" to the member of the body that is wrong ("#/reason"),
 *            "members", an object: what else this answer has, and for
 *            429 and 503 "retry_after", the seconds of that header
 *
 * The body of a request is a JSON object of at most 64 KiB; none, null and []
 * are {}.  It was checked to be one that jsonb takes (igj_object.h); its
 * members are the function's to check, those that it does not know are to be
 * ignored.  application/json need not be named; no other type may be, except
 * where the original asked for none (NGX_HTTP_IGJOBS_ANY_TYPE).
 *
 * A function that may change a job answers igjobs.api_change: also job_id and,
 * if the job's document has changed, that document as the row holds it.  Once
 * it is committed the module writes it to Redis, where a higher version stays,
 * which replaces copies of a job that had ended, too, and tells those who watch
 * the job.  turns is how many turns are to stand then in the queue of kind and
 * class: least(parallelism, runnable batches) of a job that is to run (again),
 * otherwise 0.
 *
 * A function that starts an operation (ngx_http_igjobs_operation.c) answers
 * igjobs.api_change, too, with 202 and the job; its route has the flag
 * NGX_HTTP_IGJOBS_OPERATION, and NGX_HTTP_IGJOBS_WAITS where clients wait for
 * the end by themselves.
 *
 * Functions that write are idempotent.  A call whose connection is lost before
 * its answer is made again on the next one, whatever became of the first; one
 * that has no answer by the end of its time is 503, and the client sends it
 * again; on a route with the flag ONCE it is told to look first.  A call that
 * was sent goes on when its client leaves, and what it has changed is told all
 * the same.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_call.h"
#include "ngx_http_igjobs_change.h"
#include "ngx_http_igjobs_submission.h"

#include <cjson/cJSON.h>


#define NGX_HTTP_IGJOBS_NAME_MAX     32

/* sqlstates of igjobs.once, and when to ask again after the second */
#define NGX_HTTP_IGJOBS_KEY_REUSED_STATE   "IGJ04"
#define NGX_HTTP_IGJOBS_KEY_STARTED_STATE  "IGJ05"
#define NGX_HTTP_IGJOBS_KEY_AGAIN          1


/* A call that writes, in memory of its own: its client may leave before. */
typedef struct {
    ngx_http_request_t           *request;    /* NULL: has left */
    ngx_http_igjobs_main_conf_t  *mcf;
    ngx_str_t                     tenant;     /* NUL-terminated */
} ngx_http_igjobs_writer_t;


static ngx_int_t ngx_http_igjobs_call_params(ngx_http_request_t *r,
    ngx_str_t *params);
static ngx_int_t ngx_http_igjobs_call_bad(ngx_http_request_t *r,
    const char *name, igj_form_e error);
static size_t ngx_http_igjobs_call_params_size(ngx_http_request_t *r,
    const ngx_http_igjobs_route_t *route);
static void ngx_http_igjobs_call_path(ngx_http_igjobs_ctx_t *ctx,
    igj_json_t *json);
static void ngx_http_igjobs_call_base(ngx_http_request_t *r,
    igj_json_t *json);
static void ngx_http_igjobs_call_id(ngx_http_request_t *r, igj_json_t *json);
static ngx_int_t ngx_http_igjobs_call_write(ngx_http_request_t *r,
    ngx_http_igjobs_pg_param_t *values);
static void ngx_http_igjobs_call_left(ngx_http_igjobs_ctx_t *ctx);
static void ngx_http_igjobs_call_written(void *data,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_call_done(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static igj_problem_e ngx_http_igjobs_call_fault(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply);
static ngx_int_t ngx_http_igjobs_call_repeated(ngx_http_request_t *r,
    ngx_http_igjobs_pg_result_t *result);
static ngx_int_t ngx_http_igjobs_call_reply(ngx_http_request_t *r,
    ngx_http_igjobs_pg_result_t *result);
static ngx_int_t ngx_http_igjobs_call_problem(ngx_http_request_t *r,
    ngx_str_t *body);
static unsigned ngx_http_igjobs_call_retry(const cJSON *answer);
static void ngx_http_igjobs_call_errors(igj_json_t *json, const void *data);
static void ngx_http_igjobs_call_members(igj_json_t *json, const void *data);


ngx_int_t
ngx_http_igjobs_call(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_str_t               params;
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    ngx_str_null(&params);

    rc = ngx_http_igjobs_call_params(r, &params);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ctx->route->flags & NGX_HTTP_IGJOBS_OPERATION) {
        rc = ngx_http_igjobs_operation_wish(r);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    if (ctx->route->flags & NGX_HTTP_IGJOBS_BODY) {
        return ngx_http_igjobs_call_read(r, &params);
    }

    rc = ngx_http_igjobs_wait(r);

    if (rc == NGX_DONE) {
        ngx_http_igjobs_call_send(r, &params);
    }

    return rc;
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
            return ngx_http_igjobs_call_bad(r, *name, error);
        }
    }

    igj_json_object_end(&json);
    params->len = json.len;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_igjobs_call_bad(ngx_http_request_t *r, const char *name,
    igj_form_e error)
{
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    if (!ctx->unread && ngx_http_discard_request_body(r) != NGX_OK) {
        return NGX_HTTP_BAD_REQUEST;
    }

    return ngx_http_igjobs_bad_parameter(r, name, error);
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


void
ngx_http_igjobs_call_send(ngx_http_request_t *r, const ngx_str_t *params)
{
    char                        caller[NGX_HTTP_IGJOBS_CALLER_SIZE];
    ngx_int_t                   rc;
    ngx_http_igjobs_ctx_t      *ctx;
    ngx_http_igjobs_pg_param_t  values[2];

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    ngx_memzero(values, sizeof(values));
    values[0].data = caller;
    values[0].len = ngx_http_igjobs_call_caller(r, caller);
    values[1].data = params->data;
    values[1].len = params->len;

    rc = (ctx->route->flags & NGX_HTTP_IGJOBS_BODY)
         ? ngx_http_igjobs_call_write(r, values)
         : ngx_http_igjobs_ask_pg(r, ctx->route->statement, values,
                                  ngx_http_igjobs_call_done);

    if (rc != NGX_OK) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_problem(r,
                                            IGJ_PROBLEM_DATABASE_UNAVAILABLE));
    }
}


size_t
ngx_http_igjobs_call_caller(ngx_http_request_t *r, char *caller)
{
    igj_str_t               tenant;
    igj_json_t              json;
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    tenant.data = (char *) ctx->tenant.data;
    tenant.len = ctx->tenant.len;

    igj_json_init(&json, caller, NGX_HTTP_IGJOBS_CALLER_SIZE);
    igj_json_object_begin(&json);
    igj_json_member_string(&json, "tenant", tenant);
    ngx_http_igjobs_call_base(r, &json);

    if (ctx->route->flags & NGX_HTTP_IGJOBS_ONCE) {
        ngx_http_igjobs_call_id(r, &json);
    }

    igj_json_object_end(&json);

    return json.len;
}


/* What is no printable ASCII, or too long, is no id: SQL says so. */

static void
ngx_http_igjobs_call_base(ngx_http_request_t *r, igj_json_t *json)
{
    char              base[IGJ_MAX_BASE_ID];
    size_t            i, len;
    ngx_table_elt_t  *h;

    h = ngx_http_igjobs_find_header(r, "x-base-id");

    if (h == NULL) {
        return;
    }

    len = ngx_min(h->value.len, sizeof(base));

    for (i = 0; i < len; i++) {
        base[i] = (h->value.data[i] >= ' ' && h->value.data[i] < 0x7f)
                  ? (char) h->value.data[i] : '?';
    }

    igj_json_key(json, "base_id");
    igj_json_string(json, base, len);
}


/*
 * Without an id, which can fail to be made, a function does not know its
 * repeats; a call with a key is refused then.
 */

static void
ngx_http_igjobs_call_id(ngx_http_request_t *r, igj_json_t *json)
{
    char                          id[IGJ_UUID_TEXT_LEN];
    igj_uuid_t                    call;
    igj_idempotency_key_t         key;
    ngx_http_igjobs_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);

    if (ngx_http_igjobs_make_id(mcf->submissions, &call) == NGX_OK) {
        igj_uuid_print(&call, id);
        igj_json_key(json, "call");
        igj_json_string(json, id, sizeof(id));
    }

    /* a header that is wrong was refused before */

    if (ngx_http_igjobs_key_name(r, &key) == IGJ_PROBLEM_NONE && key.len > 0) {
        igj_json_key(json, "key");
        igj_json_string(json, key.text, key.len);
        igj_json_key(json, "route");
        igj_json_string(json, (char *) r->uri.data,
                        ngx_min(r->uri.len, NGX_HTTP_IGJOBS_KEY_PATH));
    }
}


static ngx_int_t
ngx_http_igjobs_call_write(ngx_http_request_t *r,
    ngx_http_igjobs_pg_param_t *values)
{
    ngx_http_igjobs_ctx_t     *ctx;
    ngx_http_igjobs_writer_t  *writer;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    writer = ngx_alloc(sizeof(ngx_http_igjobs_writer_t) + ctx->tenant.len + 1,
                       r->connection->log);
    if (writer == NULL) {
        return NGX_ERROR;
    }

    writer->request = r;
    writer->mcf = ngx_http_get_module_main_conf(r, ngx_http_igjobs_module);
    writer->tenant.data = (u_char *) (writer + 1);
    writer->tenant.len = ctx->tenant.len;
    *ngx_cpymem(writer->tenant.data, ctx->tenant.data, ctx->tenant.len) = '\0';

    if (ngx_http_igjobs_pg_query(writer->mcf->pg, ctx->route->statement,
                                 values, ngx_http_igjobs_call_written, writer)
        == NULL)
    {
        ngx_free(writer);
        return NGX_ERROR;
    }

    ctx->data = writer;
    ctx->leave = ngx_http_igjobs_call_left;

    return NGX_OK;
}


static void
ngx_http_igjobs_call_left(ngx_http_igjobs_ctx_t *ctx)
{
    ngx_http_igjobs_writer_t  *writer;

    writer = ctx->data;
    writer->request = NULL;
}


static void
ngx_http_igjobs_call_written(void *data, ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_writer_t *writer = data;

    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_igjobs_ctx_t  *ctx;

    if (reply->outcome == NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_changed(writer->mcf, &writer->tenant, reply->result);
    }

    r = writer->request;
    ngx_free(writer);

    if (r == NULL) {
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    ctx->leave = NULL;

    c = ngx_http_igjobs_wake(r);
    ngx_http_igjobs_call_done(r, reply);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_igjobs_call_done(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    if ((ctx->route->flags & NGX_HTTP_IGJOBS_ONCE)
        && reply->outcome == NGX_HTTP_IGJOBS_PG_OK
        && ngx_http_igjobs_call_repeated(r, reply->result) != NGX_OK)
    {
        ngx_http_igjobs_finish(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    if ((ctx->route->flags & NGX_HTTP_IGJOBS_OPERATION)
        && reply->outcome == NGX_HTTP_IGJOBS_PG_OK
        && ngx_http_igjobs_operation_wait(r, reply->result) == NGX_OK)
    {
        return;
    }

    ngx_http_igjobs_call_answer(r, reply);
}


void
ngx_http_igjobs_call_answer(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_int_t      rc;
    igj_problem_e  problem;

    if (reply->outcome == NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_finish(r, ngx_http_igjobs_call_reply(r,
                                                             reply->result));
        return;
    }

    problem = ngx_http_igjobs_call_fault(r, reply);
    rc = NGX_OK;

    if (problem == IGJ_PROBLEM_IDEMPOTENCY_IN_PROGRESS) {
        rc = ngx_http_igjobs_retry_after(r, NGX_HTTP_IGJOBS_KEY_AGAIN);
    }

    ngx_http_igjobs_finish(r, rc == NGX_OK ? ngx_http_igjobs_problem(r, problem)
                                           : rc);
}


static igj_problem_e
ngx_http_igjobs_call_fault(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    igj_problem_e           problem;
    ngx_http_igjobs_ctx_t  *ctx;

    if (ngx_strcmp(reply->sqlstate, NGX_HTTP_IGJOBS_KEY_REUSED_STATE) == 0) {
        return IGJ_PROBLEM_IDEMPOTENCY_KEY_REUSED;
    }

    if (ngx_strcmp(reply->sqlstate, NGX_HTTP_IGJOBS_KEY_STARTED_STATE) == 0) {
        return IGJ_PROBLEM_IDEMPOTENCY_IN_PROGRESS;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    problem = ngx_http_igjobs_pg_problem_of(r, reply);

    /* who sends it again has it done anew */

    return ((ctx->route->flags & NGX_HTTP_IGJOBS_ONCE)
            && reply->outcome == NGX_HTTP_IGJOBS_PG_UNKNOWN)
           ? IGJ_PROBLEM_CALL_IN_DOUBT : problem;
}


/* the last column of an answer on a route with the flag ONCE */

static ngx_int_t
ngx_http_igjobs_call_repeated(ngx_http_request_t *r,
    ngx_http_igjobs_pg_result_t *result)
{
    ngx_str_t  repeated;

    repeated = ngx_http_igjobs_pg_value(result, 0,
                                    ngx_http_igjobs_pg_columns(result) - 1);

    return (repeated.len == 1 && repeated.data[0] == 't')
           ? ngx_http_igjobs_header_text(r, "Idempotent-Replayed", "true")
           : NGX_OK;
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

    if (status == NGX_HTTP_ACCEPTED
        && ngx_http_igjobs_retry_after(r, IGJ_RETRY_AFTER_MIN_S) != NGX_OK)
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

        if (cJSON_IsString(cJSON_GetObjectItem(json, "pointer"))) {
            doc.errors = ngx_http_igjobs_call_errors;
        }

        if (cJSON_IsObject(cJSON_GetObjectItem(json, "members"))) {
            doc.members = ngx_http_igjobs_call_members;
        }

        doc.retry_after = ngx_http_igjobs_call_retry(json);

        doc.data = json;
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


/* 0: as usual */

static unsigned
ngx_http_igjobs_call_retry(const cJSON *answer)
{
    const cJSON  *seconds;

    seconds = cJSON_GetObjectItem(answer, "retry_after");

    return cJSON_IsNumber(seconds) && seconds->valueint > 0
           ? (unsigned) seconds->valueint : 0;
}


static void
ngx_http_igjobs_call_errors(igj_json_t *json, const void *data)
{
    const char   *pointer, *detail, *slug;
    const cJSON  *answer;

    answer = data;

    pointer = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "pointer"));
    detail = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "detail"));
    slug = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "problem"));

    if (detail == NULL) {
        detail = igj_problem(igj_problem_find(slug, ngx_strlen(slug)))->advice;
    }

    igj_problem_pointer(json, pointer, detail);
}


static void
ngx_http_igjobs_call_members(igj_json_t *json, const void *data)
{
    char         *text;
    const cJSON  *answer, *member;

    answer = data;

    cJSON_ArrayForEach(member, cJSON_GetObjectItem(answer, "members")) {
        text = cJSON_PrintUnformatted(member);

        igj_json_key(json, member->string);
        igj_json_raw_value(json, text ? text : "null",
                           text ? ngx_strlen(text) : 4);
        cJSON_free(text);
    }
}
