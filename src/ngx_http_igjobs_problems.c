/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * GET /api/problems/:slug: what an error is about and what to do, for those who
 * follow the `type` of an error document.  And the path of the original that
 * was replaced.
 */

#include "ngx_http_igjobs.h"


ngx_int_t
ngx_http_igjobs_problems(ngx_http_request_t *r)
{
    char                     *buf;
    size_t                    size;
    ngx_str_t                *slug, body;
    igj_json_t                json;
    igj_problem_e             problem;
    ngx_http_igjobs_ctx_t    *ctx;
    const igj_problem_row_t  *row;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    slug = &ctx->params[0];

    problem = igj_problem_find((char *) slug->data, slug->len);
    if (problem == IGJ_PROBLEM_NONE) {
        return ngx_http_igjobs_problem(r, IGJ_PROBLEM_NOT_FOUND);
    }

    row = igj_problem(problem);

    size = 128 + igj_json_string_max(ngx_strlen(row->code)
                                     + ngx_strlen(row->title)
                                     + ngx_strlen(row->advice));

    buf = ngx_pnalloc(r->pool, size);
    if (buf == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    igj_json_init(&json, buf, size);
    igj_json_object_begin(&json);
    igj_json_member_text(&json, "code", row->code);
    igj_json_member_integer(&json, "status", row->status);
    igj_json_member_text(&json, "title", row->title);
    igj_json_member_text(&json, "advice", row->advice);
    igj_json_object_end(&json);
    igj_json_raw(&json, "\n", 1);

    body.data = (u_char *) buf;
    body.len = json.len;

    return ngx_http_igjobs_reply_json(r, NGX_HTTP_OK, &body);
}


ngx_int_t
ngx_http_igjobs_cleanup_gone(ngx_http_request_t *r)
{
    return ngx_http_igjobs_problem(r, IGJ_PROBLEM_CLEANUP_GONE);
}
