/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One ingestion on its way: read (ngx_http_igjobs_ingest.c), stored
 * (ngx_http_igjobs_ingest_store.c).
 */

#ifndef _NGX_HTTP_IGJOBS_INGEST_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_INGEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "igj_ingest.h"
#include "igj_uuid.h"

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_call.h"
#include "ngx_http_igjobs_submission.h"


/* In the pool of its request. */
typedef struct {
    ngx_http_request_t               *request;
    ngx_http_igjobs_submissions_t    *all;

    ngx_http_igjobs_body_t            body;
    size_t                            held;     /* counted in all->bytes */
    ngx_http_igjobs_submit_key_t     *key;      /* NULL: has none */

    /* what its calls are called with, the same in every try */
    ngx_str_t                         caller;   /* JSON */
    ngx_str_t                         params;   /* JSON */
    igj_uuid_t                        id;       /* "call" of params */

    /* storing a large one */
    ngx_http_igjobs_pg_bulk_t        *bulk;
    ngx_uint_t                        step;
    ngx_uint_t                        tries;
    igj_spool_place_t                 place;    /* of the lines, copied */
    uint32_t                          unit;     /* that is copied next */
    uint32_t                          left;     /* bytes of the one before */
    u_char                           *slice;
    ngx_event_t                       more;     /* posted: next slice */
    ngx_http_igjobs_pg_result_t      *result;   /* to be answered */

    unsigned                          queued:1; /* as an operation */
    unsigned                          trailer:1;    /* all is copied */
    unsigned                          doubt:1;  /* a COMMIT unanswered */

    igj_ingest_t                     *ingest;   /* NULL when stored */
} ngx_http_igjobs_ingest_t;


/*
 * Stores what was read.  Exactly one of ..._stored() and ..._failed() is called
 * later; reply is valid during the call, and its result is a row of
 * igjobs.ingest_answer, or of igjobs.api_change of what has begun.
 */
void ngx_http_igjobs_ingest_store(ngx_http_igjobs_ingest_t *in);
void ngx_http_igjobs_ingest_close(ngx_http_igjobs_ingest_t *in);

void ngx_http_igjobs_ingest_stored(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_reply_t *reply);
void ngx_http_igjobs_ingest_failed(ngx_http_igjobs_ingest_t *in,
    ngx_http_igjobs_pg_reply_t *reply);

/* Gives back what was read, and its place among those in flight. */
void ngx_http_igjobs_ingest_release(void *data);

/*
 * Renders the next part of COPY's data into in->slice; returns its size, 0
 * after the last.
 */
size_t ngx_http_igjobs_ingest_slice(ngx_http_igjobs_ingest_t *in);


#endif /* _NGX_HTTP_IGJOBS_INGEST_H_INCLUDED_ */
