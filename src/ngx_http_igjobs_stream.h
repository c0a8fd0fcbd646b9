/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Rows of a job's results as the body of an answer, in memory that does not
 * grow with their number: short statements over ranges of ordinals, rendered
 * into a ring of buffers.  The next range is asked for while this one is sent,
 * but only when the ring has drained, so a client that stalls holds nothing in
 * Postgres.
 */

#ifndef _NGX_HTTP_IGJOBS_STREAM_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_STREAM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "igj_json.h"

#include "ngx_http_igjobs_rows.h"


#define NGX_HTTP_IGJOBS_STREAM_FILTER  3    /* parameters of a filter */


typedef struct ngx_http_igjobs_stream_s  ngx_http_igjobs_stream_t;

typedef void (*ngx_http_igjobs_stream_render_pt)(
    ngx_http_igjobs_stream_t *stream, igj_json_t *json);


struct ngx_http_igjobs_stream_s {
    /* set by the operation */
    ngx_str_t                          job;         /* as text */
    int64_t                            first;       /* ordinal, from 0 */
    int64_t                            end;         /* ordinal behind */
    int64_t                            limit;       /* of rows; 0: none */
    void                              *data;
    const char                        *type;        /* NULL: JSON */

    /* all columns: SQL_WHOLE_ROWS; or a filter: SQL_FILTERED_ROWS */
    unsigned                           whole:1;
    unsigned                           evidence:1;
    const ngx_http_igjobs_pg_param_t  *filter;      /* so many; or NULL */

    /* adds headers to an answer that has rows, or NULL */
    ngx_int_t                        (*headers)(
                                           ngx_http_igjobs_stream_t *stream);

    /* render what stands before the rows, one row, what stands behind them */
    ngx_http_igjobs_stream_render_pt   head;
    ngx_http_igjobs_stream_render_pt   row;
    ngx_http_igjobs_stream_render_pt   tail;

    /* the answer when there can be no rows, or NULL: a problem document */
    ngx_int_t                        (*instead)(
                                           ngx_http_igjobs_stream_t *stream);

    /* for the renderers */
    ngx_http_igjobs_rows_t             rows;        /* the current one */
    int64_t                            sent;        /* rows before it */
    int64_t                            next;        /* at the tail: ordinal of
                                                       the row to go on with */

    /* the stream's own */
    ngx_http_request_t                *request;
    ngx_http_igjobs_rows_t             ahead;       /* the next range */
    igj_json_t                         json;
    ngx_str_t                          separator;   /* of rows */
    u_char                             rare[16];    /* one of these */
    int64_t                            asked;       /* rows, the last time */
    ngx_uint_t                         part;        /* to be rendered next */
    ngx_chain_t                       *free;
    ngx_chain_t                       *busy;
    ngx_uint_t                         buffers;
    unsigned                           header_sent:1;
    unsigned                           asking:1;
};


/*
 * Answers a waiting request with status 200 and the rows; ends it in every
 * case.  stream is zeroed but for what the operation sets and lives in r->pool.
 */
void ngx_http_igjobs_stream(ngx_http_request_t *r,
    ngx_http_igjobs_stream_t *stream);


#endif /* _NGX_HTTP_IGJOBS_STREAM_H_INCLUDED_ */
