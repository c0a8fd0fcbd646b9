/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Status documents out of Postgres.  The lookups of one loop turn go together
 * in one statement: what a statement costs beside its rows is most of the cost
 * of a single row.
 */

#ifndef _NGX_HTTP_IGJOBS_LOOKUP_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_LOOKUP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "igj_uuid.h"

#include "ngx_http_igjobs_pg.h"


typedef struct ngx_http_igjobs_lookups_s  ngx_http_igjobs_lookups_t;
typedef struct ngx_http_igjobs_lookup_s   ngx_http_igjobs_lookup_t;

/* doc is NULL if there is no such job or the outcome is not PG_OK. */
typedef void (*ngx_http_igjobs_lookup_handler_pt)(
    ngx_http_igjobs_lookup_t *lookup, ngx_http_igjobs_pg_outcome_e outcome,
    const ngx_str_t *doc);

/* Caller's memory, as what it points to: stays until the handler is called. */
struct ngx_http_igjobs_lookup_s {
    ngx_queue_t                         queue;
    const ngx_str_t                    *tenant;
    const igj_uuid_t                   *job;
    ngx_http_igjobs_lookup_handler_pt   handler;
    unsigned                            alone:1;    /* others failed with it */
};


ngx_http_igjobs_lookups_t *ngx_http_igjobs_lookups_start(ngx_cycle_t *cycle,
    ngx_http_igjobs_pg_t *pg);

/* The handler is called exactly once, later. */
void ngx_http_igjobs_lookup(ngx_http_igjobs_lookups_t *lookups,
    ngx_http_igjobs_lookup_t *lookup);


#endif /* _NGX_HTTP_IGJOBS_LOOKUP_H_INCLUDED_ */
