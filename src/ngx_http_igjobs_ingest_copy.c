/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The lines of a large ingestion as rows of igjobs.ingest_units, a unit each,
 * in COPY's binary form, a slice a loop turn.  A unit may be longer than a
 * slice: COPY takes its bytes in pieces of any size.
 */

#include "ngx_http_igjobs_ingest.h"


/* a row up to its lines: field count, four lengths, tenant, job, number */
#define NGX_HTTP_IGJOBS_INGEST_ROW                                            \
    (2 + 4 * 4 + IGJ_TENANT_MAX + 16 + 4)


static u_char *ngx_http_igjobs_ingest_row(ngx_http_igjobs_ingest_t *in,
    u_char *p);


size_t
ngx_http_igjobs_ingest_slice(ngx_http_igjobs_ingest_t *in)
{
    static const u_char  header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";

    size_t   n;
    u_char  *p, *last;

    p = in->slice;
    last = in->slice + NGX_HTTP_IGJOBS_COPY_SLICE;

    if (in->unit == 0) {
        p = ngx_cpymem(p, header, sizeof(header) - 1);
    }

    for ( ;; ) {
        n = ngx_min(in->left, (size_t) (last - p));
        n = igj_spool_read(&in->ingest->lines, &in->place, (char *) p, n);
        p += n;
        in->left -= n;

        if (in->left > 0 || in->trailer
            || (size_t) (last - p) < NGX_HTTP_IGJOBS_INGEST_ROW)
        {
            return p - in->slice;
        }

        if (in->unit == igj_ingest_units(in->ingest)) {
            *p++ = 0xff;
            *p++ = 0xff;
            in->trailer = 1;
            continue;
        }

        p = ngx_http_igjobs_ingest_row(in, p);
    }
}


static u_char *
ngx_http_igjobs_ingest_number(u_char *p, uint32_t n)
{
    n = htonl(n);
    return ngx_cpymem(p, &n, 4);
}


/* tenant, job_id, batch_no, and the length of lines, which follow */

static u_char *
ngx_http_igjobs_ingest_row(ngx_http_igjobs_ingest_t *in, u_char *p)
{
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(in->request, ngx_http_igjobs_module);

    *p++ = 0;
    *p++ = 4;

    p = ngx_http_igjobs_ingest_number(p, ctx->tenant.len);
    p = ngx_cpymem(p, ctx->tenant.data, ctx->tenant.len);
    p = ngx_http_igjobs_ingest_number(p, sizeof(in->id.bytes));
    p = ngx_cpymem(p, in->id.bytes, sizeof(in->id.bytes));
    p = ngx_http_igjobs_ingest_number(p, 4);
    p = ngx_http_igjobs_ingest_number(p, in->unit);

    in->left = in->ingest->unit_size[in->unit++];

    return ngx_http_igjobs_ingest_number(p, in->left);
}
