/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Status documents of jobs: the last ones that this nginx worker saw, for a
 * moment; behind that Redis; behind that Postgres.  Waiters for one job share
 * one lookup.
 */

#ifndef _NGX_HTTP_IGJOBS_DOCUMENT_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_DOCUMENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "igj_uuid.h"

#include "ngx_http_igjobs_pg.h"
#include "ngx_http_igjobs_redis.h"


typedef struct ngx_http_igjobs_documents_s  ngx_http_igjobs_documents_t;

typedef enum {
    NGX_HTTP_IGJOBS_DOCUMENT_FOUND = 0,
    NGX_HTTP_IGJOBS_DOCUMENT_UNKNOWN,       /* no such job */
    NGX_HTTP_IGJOBS_DOCUMENT_UNAVAILABLE,   /* nobody could be asked */
    NGX_HTTP_IGJOBS_DOCUMENT_FAILED         /* Postgres refused to say */
} ngx_http_igjobs_document_e;

/* doc is valid during the call. */
typedef void (*ngx_http_igjobs_document_handler_pt)(void *data,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc);

/* Caller's memory; must be left (..._leave) before it goes. */
typedef struct {
    ngx_queue_t                           queue;
    ngx_http_igjobs_document_handler_pt   handler;
    void                                 *data;
    unsigned                              waiting:1;
} ngx_http_igjobs_document_waiter_t;


ngx_http_igjobs_documents_t *ngx_http_igjobs_documents_start(
    ngx_cycle_t *cycle, ngx_uint_t size, ngx_msec_t keep,
    ngx_http_igjobs_pg_t *pg, ngx_http_igjobs_redis_t *redis);

/*
 * NGX_OK: known, the handler was called.  NGX_AGAIN: it will be called.
 * NGX_ERROR: no room, the handler is not called.
 */
ngx_int_t ngx_http_igjobs_document_get(ngx_http_igjobs_documents_t *documents,
    const ngx_str_t *tenant, const igj_uuid_t *job,
    ngx_http_igjobs_document_waiter_t *waiter);
void ngx_http_igjobs_document_leave(ngx_http_igjobs_document_waiter_t *waiter);

/*
 * A new document of a job was committed: to Redis, where a higher version
 * stays, and to those who watch the job on any node.  This nginx worker's own
 * copy is forgotten.
 */
void ngx_http_igjobs_document_publish(ngx_http_igjobs_documents_t *documents,
    const ngx_str_t *tenant, const ngx_str_t *job, const ngx_str_t *doc);

/*
 * Somebody was told that the job has ended, out of Postgres or by a message:
 * whoever asks from now on is told it, too.  tenant has a NUL behind it.
 */
void ngx_http_igjobs_document_told(ngx_http_igjobs_documents_t *documents,
    const ngx_str_t *tenant, const igj_uuid_t *job, const ngx_str_t *doc);

/* What a document says of itself: its version (0: not a document), its end. */
uint64_t ngx_http_igjobs_document_version(const ngx_str_t *doc);
ngx_uint_t ngx_http_igjobs_document_final(const ngx_str_t *doc);

/* The part of it that says state and phase; data NULL: not a document. */
ngx_str_t ngx_http_igjobs_document_stage(const ngx_str_t *doc);


#endif /* _NGX_HTTP_IGJOBS_DOCUMENT_H_INCLUDED_ */
