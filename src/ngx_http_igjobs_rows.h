/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Rows of results as Postgres sends them: those of a chunk together, each
 * column one text whose values a separator divides.  That costs both sides half
 * of what columns of their own would.
 */

#ifndef _NGX_HTTP_IGJOBS_ROWS_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_ROWS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_igjobs_pg.h"


typedef enum {
    NGX_HTTP_IGJOBS_ROWS_ID = 0,
    NGX_HTTP_IGJOBS_ROWS_USERNAME,
    NGX_HTTP_IGJOBS_ROWS_FULL_NAME,     /* SQL_RESULT_ROWS ends here */
    NGX_HTTP_IGJOBS_ROWS_GENDER,
    NGX_HTTP_IGJOBS_ROWS_CONFIDENCE,    /* decimal; "" if unknown */
    NGX_HTTP_IGJOBS_ROWS_SOURCE_ACCOUNT,/* "" if unknown */
    NGX_HTTP_IGJOBS_ROWS_EVIDENCE,      /* the same; SQL_WHOLE_ROWS ends */
    NGX_HTTP_IGJOBS_ROWS_ORDINAL,       /* SQL_FILTERED_ROWS */
    NGX_HTTP_IGJOBS_ROWS_TEXTS
} ngx_http_igjobs_rows_text_e;


typedef struct {
    /* of the current row; they belong to the result */
    ngx_str_t                     value[NGX_HTTP_IGJOBS_ROWS_TEXTS];
    int64_t                       created;  /* us since 2000-01-01 UTC */
    int64_t                       ordinal;  /* in the job, from 0 */
    unsigned                      reused:1; /* bought for an earlier job */

    /* the rows' own */
    ngx_http_igjobs_pg_result_t  *result;   /* NULL: no rows left */
    ngx_str_t                     separator;
    ngx_uint_t                    texts;    /* columns of text */
    size_t                        bytes;    /* of all texts */
    ngx_uint_t                    chunk;    /* the next one */
    ngx_uint_t                    left;     /* rows of the one before it */
    ngx_str_t                     rest[NGX_HTTP_IGJOBS_ROWS_TEXTS];
} ngx_http_igjobs_rows_t;


/*
 * Takes a result of SQL_RESULT_ROWS, SQL_WHOLE_ROWS or SQL_FILTERED_ROWS, which
 * was asked for from this ordinal on with this separator, and goes to its first
 * row.  NGX_DECLINED: a value contains the separator, the result was freed.
 */
ngx_int_t ngx_http_igjobs_rows_take(ngx_http_igjobs_rows_t *rows,
    ngx_http_igjobs_pg_result_t *result, const ngx_str_t *separator,
    int64_t first);

/* Goes to the next row; behind the last one frees the result. */
void ngx_http_igjobs_rows_next(ngx_http_igjobs_rows_t *rows);

/* Frees the result, if there is one. */
void ngx_http_igjobs_rows_free(ngx_http_igjobs_rows_t *rows);


#endif /* _NGX_HTTP_IGJOBS_ROWS_H_INCLUDED_ */
