/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* See ngx_http_igjobs_rows.h. */

#include "ngx_http_igjobs_rows.h"


/* columns of igjobs.result_rows() */

#define NGX_HTTP_IGJOBS_ROWS_N        0     /* bigint */
#define NGX_HTTP_IGJOBS_ROWS_CREATED  1     /* timestamptz */
#define NGX_HTTP_IGJOBS_ROWS_ORIGIN   2     /* text or null */
#define NGX_HTTP_IGJOBS_ROWS_FIRST    3     /* of the texts of the rows */


static ngx_uint_t ngx_http_igjobs_rows_whole(ngx_http_igjobs_rows_t *rows,
    ngx_uint_t chunk);
static ngx_str_t ngx_http_igjobs_rows_text(const ngx_http_igjobs_rows_t *rows,
    ngx_uint_t chunk, ngx_uint_t i);
static uint64_t ngx_http_igjobs_rows_integer(
    const ngx_http_igjobs_rows_t *rows, ngx_uint_t chunk, ngx_uint_t column);
static u_char *ngx_http_igjobs_rows_find(const ngx_http_igjobs_rows_t *rows,
    const ngx_str_t *text);
static void ngx_http_igjobs_rows_chunk(ngx_http_igjobs_rows_t *rows);


ngx_int_t
ngx_http_igjobs_rows_take(ngx_http_igjobs_rows_t *rows,
    ngx_http_igjobs_pg_result_t *result, const ngx_str_t *separator,
    int64_t first)
{
    ngx_uint_t  i;

    rows->result = result;
    rows->separator = *separator;
    rows->texts = ngx_http_igjobs_pg_columns(result)
                  - NGX_HTTP_IGJOBS_ROWS_FIRST;
    rows->bytes = 0;
    rows->ordinal = first - 1;
    rows->chunk = 0;
    rows->left = 0;

    for (i = 0; i < ngx_http_igjobs_pg_rows(result); i++) {
        if (!ngx_http_igjobs_rows_whole(rows, i)) {
            ngx_http_igjobs_rows_free(rows);
            return NGX_DECLINED;
        }
    }

    ngx_http_igjobs_rows_next(rows);

    return NGX_OK;
}


/* do the separators of a chunk stand between values and nowhere else? */

static ngx_uint_t
ngx_http_igjobs_rows_whole(ngx_http_igjobs_rows_t *rows, ngx_uint_t chunk)
{
    u_char      *p;
    uint64_t     n, values;
    ngx_str_t    text;
    ngx_uint_t   i;

    values = ngx_http_igjobs_rows_integer(rows, chunk, NGX_HTTP_IGJOBS_ROWS_N);

    for (i = 0; values != 0 && i < rows->texts; i++) {
        text = ngx_http_igjobs_rows_text(rows, chunk, i);
        n = 1;

        if (text.data == NULL) {
            continue;
        }

        rows->bytes += text.len;

        while ((p = ngx_http_igjobs_rows_find(rows, &text)) != NULL) {
            p += rows->separator.len;
            text.len -= p - text.data;
            text.data = p;
            n++;
        }

        if (n != values) {
            return 0;
        }
    }

    return 1;
}


/* of all values of a column; NULL if it was not asked for */

static ngx_str_t
ngx_http_igjobs_rows_text(const ngx_http_igjobs_rows_t *rows,
    ngx_uint_t chunk, ngx_uint_t i)
{
    ngx_str_t  text;

    ngx_str_null(&text);

    if (!ngx_http_igjobs_pg_is_null(rows->result, chunk,
                                    NGX_HTTP_IGJOBS_ROWS_FIRST + i))
    {
        text = ngx_http_igjobs_pg_value(rows->result, chunk,
                                        NGX_HTTP_IGJOBS_ROWS_FIRST + i);
    }

    return text;
}


static uint64_t
ngx_http_igjobs_rows_integer(const ngx_http_igjobs_rows_t *rows,
    ngx_uint_t chunk, ngx_uint_t column)
{
    uint64_t   value;
    ngx_str_t  text;

    text = ngx_http_igjobs_pg_value(rows->result, chunk, column);

    if (text.len != sizeof(value)) {
        return 0;
    }

    ngx_memcpy(&value, text.data, sizeof(value));

    return be64toh(value);
}


static u_char *
ngx_http_igjobs_rows_find(const ngx_http_igjobs_rows_t *rows,
    const ngx_str_t *text)
{
    if (rows->separator.len == 1) {
        return memchr(text->data, rows->separator.data[0], text->len);
    }

    return memmem(text->data, text->len, rows->separator.data,
                  rows->separator.len);
}


void
ngx_http_igjobs_rows_next(ngx_http_igjobs_rows_t *rows)
{
    u_char      *p;
    ngx_str_t   *rest, *value;
    ngx_uint_t   i;

    while (rows->left == 0) {
        if (rows->chunk == ngx_http_igjobs_pg_rows(rows->result)) {
            ngx_http_igjobs_rows_free(rows);
            return;
        }

        ngx_http_igjobs_rows_chunk(rows);
    }

    rows->left--;

    for (i = 0; i < rows->texts; i++) {
        rest = &rows->rest[i];
        value = &rows->value[i];
        *value = *rest;

        if (rows->left == 0 || rest->data == NULL) {
            continue;
        }

        p = ngx_http_igjobs_rows_find(rows, rest);
        value->len = p - rest->data;
        p += rows->separator.len;
        rest->len -= p - rest->data;
        rest->data = p;
    }

    rows->ordinal++;

    if (rows->texts > NGX_HTTP_IGJOBS_ROWS_ORDINAL) {
        value = &rows->value[NGX_HTTP_IGJOBS_ROWS_ORDINAL];
        rows->ordinal = ngx_atoof(value->data, value->len);
    }
}


static void
ngx_http_igjobs_rows_chunk(ngx_http_igjobs_rows_t *rows)
{
    ngx_uint_t  i;

    rows->left = ngx_http_igjobs_rows_integer(rows, rows->chunk,
                                              NGX_HTTP_IGJOBS_ROWS_N);
    rows->created = (int64_t) ngx_http_igjobs_rows_integer(rows, rows->chunk,
                                                NGX_HTTP_IGJOBS_ROWS_CREATED);
    rows->reused = !ngx_http_igjobs_pg_is_null(rows->result, rows->chunk,
                                               NGX_HTTP_IGJOBS_ROWS_ORIGIN);

    for (i = 0; i < rows->texts; i++) {
        rows->rest[i] = ngx_http_igjobs_rows_text(rows, rows->chunk, i);
    }

    rows->chunk++;
}


void
ngx_http_igjobs_rows_free(ngx_http_igjobs_rows_t *rows)
{
    if (rows->result) {
        ngx_http_igjobs_pg_result_free(rows->result);
        rows->result = NULL;
    }
}
