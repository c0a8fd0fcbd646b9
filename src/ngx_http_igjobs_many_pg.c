/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Ops that are one execution of a statement for many: parameter i of the
 * statement is the array of the parameters i of the ops.  To start a statement
 * costs more than a row that it writes: eight submissions in one cost a third
 * of eight apart.
 */

#include "ngx_http_igjobs_libpq.h"

#include "igj_pg_array.h"


static ngx_int_t ngx_http_igjobs_pg_array(igj_pg_array_t *array,
    ngx_http_igjobs_pg_op_t *op, ngx_uint_t n, ngx_uint_t param);


ngx_int_t
ngx_http_igjobs_pg_execute_many(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_op_t *first, ngx_uint_t n)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i, nparams;
    igj_pg_array_t               arrays[NGX_HTTP_IGJOBS_PG_MAX_PARAMS];
    ngx_http_igjobs_pg_values_t  params;

    rc = NGX_OK;
    nparams = first->sql->nparams;
    ngx_memzero(arrays, sizeof(arrays));

    for (i = 0; i < nparams && rc == NGX_OK; i++) {
        rc = ngx_http_igjobs_pg_array(&arrays[i], first, n, i);

        params.values[i] = arrays[i].data;
        params.lengths[i] = (int) arrays[i].len;
        params.formats[i] = 1;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_igjobs_pg_execute(conn, first, &params);
    }

    for (i = 0; i < nparams; i++) {
        igj_pg_array_free(&arrays[i]);
    }

    return rc;
}


/* op and those behind it in its queue */

static ngx_int_t
ngx_http_igjobs_pg_array(igj_pg_array_t *array, ngx_http_igjobs_pg_op_t *op,
    ngx_uint_t n, ngx_uint_t param)
{
    ngx_uint_t    i;
    ngx_queue_t  *q;

    igj_pg_array_begin(array, op->sql->elements[param]);

    q = &op->queue;

    for (i = 0; i < n; i++) {
        op = ngx_queue_data(q, ngx_http_igjobs_pg_op_t, queue);

        if (op->params.values[param]) {
            igj_pg_array_text(array, op->params.values[param],
                              op->params.lengths[param]);

        } else {
            igj_pg_array_null(array);
        }

        q = ngx_queue_next(q);
    }

    return igj_pg_array_end(array) == IGJ_OK ? NGX_OK : NGX_ERROR;
}
