/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The body of POST /api/schedules is a submission with members more, which say
 * when.  Here it is read as a submission; what is wrong with it is answered as
 * it is there.  It is small enough to be read in one go.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_call.h"

#include "igj_submit.h"


#define NGX_HTTP_IGJOBS_SCHEDULE_ROOM  (IGJ_SUBMIT_PARAMS_MAX + 256)


static ngx_int_t ngx_http_igjobs_schedule_members(ngx_http_request_t *r,
    const igj_submit_t *submit, ngx_str_t *members);
static ngx_int_t ngx_http_igjobs_schedule_refused(ngx_http_request_t *r,
    const igj_submit_t *submit);


ngx_int_t
ngx_http_igjobs_schedule_read(ngx_http_request_t *r, const ngx_str_t *body,
    ngx_str_t *members, ngx_int_t *answer)
{
    uint64_t       seed;
    ngx_int_t      rc;
    igj_submit_t  *submit;

    submit = ngx_palloc(r->pool, sizeof(igj_submit_t));

    if (submit == NULL
        || igj_random_system(NULL, &seed, sizeof(seed)) != IGJ_OK)
    {
        return NGX_ERROR;
    }

    igj_submit_init(submit, &igj_mem_system, seed);

    if (igj_submit_feed(submit, body->data, body->len) == IGJ_OK
        && igj_submit_finish(submit) == IGJ_OK)
    {
        rc = ngx_http_igjobs_schedule_members(r, submit, members);

    } else if (submit->problem == IGJ_PROBLEM_ACCOUNTS_MISSING) {
        /* those of a job, then; the call knows */
        rc = NGX_OK;

    } else {
        *answer = ngx_http_igjobs_schedule_refused(r, submit);
        rc = NGX_DECLINED;
    }

    igj_submit_free(submit);

    return rc;
}


static ngx_int_t
ngx_http_igjobs_schedule_members(ngx_http_request_t *r,
    const igj_submit_t *submit, ngx_str_t *members)
{
    char        *text;
    size_t       len, size;
    igj_json_t   json;

    text = ngx_pnalloc(r->pool, igj_accounts_text_max(&submit->accounts));
    if (text == NULL) {
        return NGX_ERROR;
    }

    len = igj_accounts_text(&submit->accounts, text);

    size = NGX_HTTP_IGJOBS_SCHEDULE_ROOM + igj_json_string_max(len);
    members->data = ngx_pnalloc(r->pool, size);
    if (members->data == NULL) {
        return NGX_ERROR;
    }

    igj_json_init(&json, (char *) members->data, size);
    igj_json_object_begin(&json);
    igj_json_key(&json, "job");
    igj_submit_params(&json, submit);
    igj_json_member_text(&json, "platform",
                         igj_platform_name(submit->platform));
    igj_json_member_integer(&json, "account_count", submit->accounts.count);
    igj_json_key(&json, "accounts");
    igj_json_string(&json, text, len);

    /* from an object of its own to members of another one */
    members->data[0] = ',';
    members->len = json.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_igjobs_schedule_refused(ngx_http_request_t *r,
    const igj_submit_t *submit)
{
    igj_problem_doc_t  doc;

    igj_submit_problem(submit, &doc);

    return ngx_http_igjobs_problem_doc(r, &doc);
}
