/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The accounts of a large submission as rows of igjobs.batch_accounts, in
 * COPY's binary form, a slice a loop turn.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_submission.h"


/* five lengths and what they announce, for one row of batch_accounts */
#define NGX_HTTP_IGJOBS_COPY_ROW                                              \
    (2 + 5 * 4 + IGJ_TENANT_MAX + sizeof("instagram") + 16 + 4                \
     + IGJ_BATCH_ACCOUNTS * (IGJ_USERNAME_MAX + 1))


static u_char *ngx_http_igjobs_copy_row(ngx_http_igjobs_submission_t *s,
    u_char *p, igj_accounts_batch_t *batch);


size_t
ngx_http_igjobs_submission_slice(ngx_http_igjobs_submission_t *s)
{
    static const u_char  header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";

    u_char                *p, *last;
    igj_accounts_batch_t   batch;

    p = s->slice;
    last = s->slice + NGX_HTTP_IGJOBS_COPY_SLICE;

    if (s->trailer) {
        return 0;
    }

    if (s->next.next == 0) {
        p = ngx_cpymem(p, header, sizeof(header) - 1);
    }

    while ((size_t) (last - p) >= NGX_HTTP_IGJOBS_COPY_ROW) {

        if (!igj_accounts_next(&s->submit->accounts, &s->next, &batch)) {
            *p++ = 0xff;
            *p++ = 0xff;
            s->trailer = 1;
            break;
        }

        p = ngx_http_igjobs_copy_row(s, p, &batch);
    }

    return p - s->slice;
}


static u_char *
ngx_http_igjobs_copy_number(u_char *p, uint32_t n)
{
    n = htonl(n);
    return ngx_cpymem(p, &n, 4);
}


static u_char *
ngx_http_igjobs_copy_field(u_char *p, const void *data, size_t len)
{
    p = ngx_http_igjobs_copy_number(p, len);
    return ngx_cpymem(p, data, len);
}


/* tenant, platform, job_id, batch_no, accounts */

static u_char *
ngx_http_igjobs_copy_row(ngx_http_igjobs_submission_t *s, u_char *p,
    igj_accounts_batch_t *batch)
{
    uint32_t                number;
    const char             *platform;
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(s->request, ngx_http_igjobs_module);
    platform = igj_platform_name(s->submit->platform);
    number = htonl(batch->number);

    *p++ = 0;
    *p++ = 5;

    p = ngx_http_igjobs_copy_field(p, ctx->tenant.data, ctx->tenant.len);
    p = ngx_http_igjobs_copy_field(p, platform, ngx_strlen(platform));
    p = ngx_http_igjobs_copy_field(p, s->id.bytes, sizeof(s->id.bytes));
    p = ngx_http_igjobs_copy_field(p, &number, 4);
    p = ngx_http_igjobs_copy_field(p, batch->names.data, batch->names.len);

    return p;
}
