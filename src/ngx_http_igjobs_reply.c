/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Answers.  An answer with a body of ours is sent here and finalized with what
 * the filters returned, never with its status: nginx would send a page of its
 * own for that.
 */

#include "ngx_http_igjobs.h"


#define NGX_HTTP_IGJOBS_PROBLEM  "application/problem+json"

/* seconds that a client is told to wait when we cannot serve it now */
#define NGX_HTTP_IGJOBS_RETRY    2

/* likewise, while jobs wait for workers: they are counted every 2 s */
#define NGX_HTTP_IGJOBS_RETRY_QUEUE  10


static void ngx_http_igjobs_head(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, off_t length);
static ngx_int_t ngx_http_igjobs_send_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_uint_t ngx_http_igjobs_problem_retry(const igj_problem_doc_t *doc);
static ngx_uint_t ngx_http_igjobs_wants_problem(ngx_http_request_t *r);
static char *ngx_http_igjobs_instance(ngx_http_request_t *r);


ngx_table_elt_t *
ngx_http_igjobs_find_header(ngx_http_request_t *r, const char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == len
            && ngx_strncmp(h[i].lowcase_key, name, len) == 0)
        {
            return &h[i];
        }
    }
}


ngx_int_t
ngx_http_igjobs_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    return NGX_OK;
}


ngx_int_t
ngx_http_igjobs_header_text(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_str_t  text;

    text.data = (u_char *) value;
    text.len = ngx_strlen(value);

    return ngx_http_igjobs_header(r, name, &text);
}


ngx_int_t
ngx_http_igjobs_retry_after(ngx_http_request_t *r, ngx_uint_t seconds)
{
    ngx_str_t  text;

    text.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    text.len = ngx_sprintf(text.data, "%ui", seconds) - text.data;

    return ngx_http_igjobs_header(r, "Retry-After", &text);
}


static void
ngx_http_igjobs_head(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, off_t length)
{
    r->headers_out.status = status;
    r->headers_out.content_length_n = length;
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = strcspn(type, ";");
    r->headers_out.content_type_lowcase = NULL;
}


ngx_int_t
ngx_http_igjobs_send_header(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, off_t length)
{
    ngx_http_igjobs_head(r, status, type, length);

    return ngx_http_send_header(r);
}


ngx_int_t
ngx_http_igjobs_reply_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    return ngx_http_igjobs_reply(r, status, NGX_HTTP_IGJOBS_JSON, body);
}


ngx_int_t
ngx_http_igjobs_reply_line(ngx_http_request_t *r, ngx_uint_t status,
    const ngx_str_t *line)
{
    ngx_int_t  rc;
    ngx_str_t  body;

    ngx_http_igjobs_head(r, status, NGX_HTTP_IGJOBS_JSON, line->len + 1);

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    body.len = line->len + 1;
    body.data = ngx_pnalloc(r->pool, body.len);

    if (body.data == NULL) {
        return NGX_ERROR;
    }

    *ngx_cpymem(body.data, line->data, line->len) = '\n';

    return ngx_http_igjobs_send_body(r, &body);
}


ngx_int_t
ngx_http_igjobs_reply(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_str_t *body)
{
    ngx_int_t  rc;

    ngx_http_igjobs_head(r, status, type, body->len);

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_igjobs_send_body(r, body);
}


static ngx_int_t
ngx_http_igjobs_send_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    if (body->len == 0) {
        return ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = 1;
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_igjobs_problem(ngx_http_request_t *r, igj_problem_e problem)
{
    igj_problem_doc_t  doc;

    ngx_memzero(&doc, sizeof(igj_problem_doc_t));
    doc.problem = problem;

    return ngx_http_igjobs_problem_doc(r, &doc);
}


ngx_int_t
ngx_http_igjobs_problem_doc(ngx_http_request_t *r, igj_problem_doc_t *doc)
{
    ngx_str_t    body;
    ngx_uint_t   status;
    igj_json_t   json;
    const char  *type;

    status = igj_problem(doc->problem)->status;

    if (doc->instance == NULL) {
        doc->instance = ngx_http_igjobs_instance(r);
    }

    if ((status == NGX_HTTP_SERVICE_UNAVAILABLE
         || status == NGX_HTTP_TOO_MANY_REQUESTS)
        && ngx_http_igjobs_retry_after(r, ngx_http_igjobs_problem_retry(doc))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    igj_json_init(&json, NULL, 0);
    igj_problem_write(&json, doc);

    body.len = json.len + 1;
    body.data = ngx_pnalloc(r->pool, body.len);
    if (body.data == NULL) {
        return NGX_ERROR;
    }

    igj_json_init(&json, (char *) body.data, json.len);
    igj_problem_write(&json, doc);
    body.data[body.len - 1] = '\n';

    type = ngx_http_igjobs_wants_problem(r) ? NGX_HTTP_IGJOBS_PROBLEM
                                            : NGX_HTTP_IGJOBS_JSON;

    return ngx_http_igjobs_reply(r, status, type, &body);
}


static ngx_uint_t
ngx_http_igjobs_problem_retry(const igj_problem_doc_t *doc)
{
    if (doc->retry_after) {
        return doc->retry_after;
    }

    return (doc->problem == IGJ_PROBLEM_QUEUE_FULL
            || doc->problem == IGJ_PROBLEM_TENANT_QUEUE_FULL)
           ? NGX_HTTP_IGJOBS_RETRY_QUEUE : NGX_HTTP_IGJOBS_RETRY;
}


static ngx_uint_t
ngx_http_igjobs_wants_problem(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    h = ngx_http_igjobs_find_header(r, "accept");

    return h != NULL
           && ngx_strlcasestrn(h->value.data, h->value.data + h->value.len,
                               (u_char *) NGX_HTTP_IGJOBS_PROBLEM,
                               sizeof(NGX_HTTP_IGJOBS_PROBLEM) - 2)
              != NULL;
}


/* the path of the request as a URI reference; NULL without memory */

static char *
ngx_http_igjobs_instance(ngx_http_request_t *r)
{
    u_char     *text;
    uintptr_t   escaped;

    escaped = ngx_escape_uri(NULL, r->uri.data, r->uri.len, NGX_ESCAPE_URI);

    text = ngx_pnalloc(r->pool, r->uri.len + 2 * escaped + 1);
    if (text == NULL) {
        return NULL;
    }

    *(u_char *) ngx_escape_uri(text, r->uri.data, r->uri.len, NGX_ESCAPE_URI)
        = '\0';

    return (char *) text;
}


ngx_int_t
ngx_http_igjobs_bad_parameter(ngx_http_request_t *r, const char *name,
    igj_form_e error)
{
    u_char             detail[160];
    igj_problem_doc_t  doc;

    *ngx_snprintf(detail, sizeof(detail) - 1, "%s %s.", name,
                  igj_form_error_text(error)) = '\0';

    ngx_memzero(&doc, sizeof(igj_problem_doc_t));
    doc.problem = IGJ_PROBLEM_INVALID_PARAMETER;
    doc.detail = (char *) detail;

    return ngx_http_igjobs_problem_doc(r, &doc);
}


ngx_int_t
ngx_http_igjobs_job_not_found(ngx_http_request_t *r, ngx_str_t *job)
{
    u_char             *error;
    size_t              size;
    igj_problem_doc_t   doc;

    size = job->len + sizeof("Job  not found");

    error = ngx_pnalloc(r->pool, size);
    if (error == NULL) {
        return NGX_ERROR;
    }

    *ngx_snprintf(error, size - 1, "Job %V not found", job) = '\0';

    ngx_memzero(&doc, sizeof(igj_problem_doc_t));
    doc.problem = IGJ_PROBLEM_JOB_NOT_FOUND;
    doc.error = (char *) error;

    return ngx_http_igjobs_problem_doc(r, &doc);
}


ngx_int_t
ngx_http_igjobs_pg_problem(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    return ngx_http_igjobs_problem(r,
                                   ngx_http_igjobs_pg_problem_of(r, reply));
}


igj_problem_e
ngx_http_igjobs_pg_problem_of(ngx_http_request_t *r,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "igjobs: Postgres did not serve the request: %s%s%V",
                  reply->sqlstate, reply->sqlstate[0] ? " " : "",
                  &reply->message);

    switch (reply->outcome) {

    case NGX_HTTP_IGJOBS_PG_UNAVAILABLE:
        return IGJ_PROBLEM_DATABASE_UNAVAILABLE;

    case NGX_HTTP_IGJOBS_PG_UNKNOWN:
        return IGJ_PROBLEM_DATABASE_TIMEOUT;

    default:
        return (ngx_strcmp(reply->sqlstate, "57014") == 0)
               ? IGJ_PROBLEM_DATABASE_TIMEOUT : IGJ_PROBLEM_INTERNAL;
    }
}
