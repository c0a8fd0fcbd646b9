/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Postgres on the event loop, without libpq's types.
 *
 * A statement of the table below belongs to a group of connections.  An
 * operation (op) is one execution: it waits for a connection, is sent in a
 * pipeline, and its handler is called exactly once, later, unless it was
 * detached.  An op lives in memory of its own: a request may end before it.
 *
 * All statements can be repeated.  An op whose connection was lost before its
 * answer came is sent again by itself until its time is over.
 */

#ifndef _NGX_HTTP_IGJOBS_PG_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_PG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "igj_pg_array.h"

#include "ngx_http_igjobs_resolve.h"


typedef enum {
    NGX_HTTP_IGJOBS_PG_STATUS = 0,  /* short reads, one Sync a loop turn */
    NGX_HTTP_IGJOBS_PG_PAGES,       /* ranges of rows */
    NGX_HTTP_IGJOBS_PG_CALLS,       /* SQL functions, one at a time */
    NGX_HTTP_IGJOBS_PG_LARGE_CALLS, /* those that write thousands of rows */
    NGX_HTTP_IGJOBS_PG_WRITES,      /* small submissions */
    NGX_HTTP_IGJOBS_PG_BULK,        /* COPY: no pipeline, one owner */
    NGX_HTTP_IGJOBS_PG_GROUPS
} ngx_http_igjobs_pg_group_e;


/* Rows of the statement table in ngx_http_igjobs_sql.c. */
typedef enum {
    NGX_HTTP_IGJOBS_SQL_PING = 0,
    NGX_HTTP_IGJOBS_SQL_DOCUMENTS,      /* tenant, job: doc, for many */
    NGX_HTTP_IGJOBS_SQL_JOB_PAGE,       /* tenant, job: status, state,
                                           version, total */
    NGX_HTTP_IGJOBS_SQL_JOB_PAGE_KEY,   /* the same, key of page tokens */
    NGX_HTTP_IGJOBS_SQL_RESULT_ROWS,    /* tenant, job, first, count,
                                           separator: ngx_http_igjobs_rows.h */
    NGX_HTTP_IGJOBS_SQL_WHOLE_ROWS,     /* the same, evidence */
    NGX_HTTP_IGJOBS_SQL_FILTERED_ROWS,  /* the same, gender, source account,
                                           least confidence */
    NGX_HTTP_IGJOBS_SQL_API_JOBS,       /* calls: caller, params: status, */
    NGX_HTTP_IGJOBS_SQL_API_JOB,        /* body */
    NGX_HTTP_IGJOBS_SQL_API_EXPLAIN,
    NGX_HTTP_IGJOBS_SQL_API_JOB_ACCOUNTS,
    NGX_HTTP_IGJOBS_SQL_API_CANCEL,     /* calls that change a job: also */
    NGX_HTTP_IGJOBS_SQL_API_PAUSE,      /* job_id, doc, kind, class, turns */
    NGX_HTTP_IGJOBS_SQL_API_RESUME,
    NGX_HTTP_IGJOBS_SQL_API_DELETE_JOB,
    NGX_HTTP_IGJOBS_SQL_ESTIMATE,       /* igjobs.estimate_job(), a call */
    NGX_HTTP_IGJOBS_SQL_API_DELIVERIES,
    NGX_HTTP_IGJOBS_SQL_API_RESEND,
    NGX_HTTP_IGJOBS_SQL_API_REDRIVE,
    NGX_HTTP_IGJOBS_SQL_API_RUN_DAILY,
    NGX_HTTP_IGJOBS_SQL_API_OPERATION,
    NGX_HTTP_IGJOBS_SQL_API_AIRTABLE_SYNC,
    NGX_HTTP_IGJOBS_SQL_API_SYNC_STATUSES,
    NGX_HTTP_IGJOBS_SQL_API_MARK_UNFOLLOW_DUE,
    NGX_HTTP_IGJOBS_SQL_API_DELETE_COMPLETED,
    NGX_HTTP_IGJOBS_SQL_API_CREATE_BASE,
    NGX_HTTP_IGJOBS_SQL_API_VERIFY_BASE,
    NGX_HTTP_IGJOBS_SQL_API_CREATE_SCHEDULE,    /* calls that write */
    NGX_HTTP_IGJOBS_SQL_API_PAUSE_SCHEDULE,
    NGX_HTTP_IGJOBS_SQL_API_RESUME_SCHEDULE,
    NGX_HTTP_IGJOBS_SQL_API_DELETE_SCHEDULE,
    NGX_HTTP_IGJOBS_SQL_API_SCHEDULES,
    NGX_HTTP_IGJOBS_SQL_API_SCHEDULE,
    NGX_HTTP_IGJOBS_SQL_API_DAILY_SELECTION,
    NGX_HTTP_IGJOBS_SQL_API_DISTRIBUTE,
    NGX_HTTP_IGJOBS_SQL_API_CREATE_SOURCE_PROFILE,
    NGX_HTTP_IGJOBS_SQL_API_DELETE_SOURCE_PROFILE,
    NGX_HTTP_IGJOBS_SQL_API_SOURCE_PROFILES,
    NGX_HTTP_IGJOBS_SQL_API_CAMPAIGNS,
    NGX_HTTP_IGJOBS_SQL_API_CAMPAIGN,
    NGX_HTTP_IGJOBS_SQL_API_CAMPAIGN_ASSIGNMENTS,
    NGX_HTTP_IGJOBS_SQL_API_POOL_STATS,
    NGX_HTTP_IGJOBS_SQL_SUBMIT,         /* igjobs.submit_all(), for many */
    NGX_HTTP_IGJOBS_SQL_SUBMIT_WITH_KEY,    /* a call, for one */
    NGX_HTTP_IGJOBS_SQL_BULK_KEY,       /* tenant, job, key, fingerprint:
                                           igjobs.take_key() */
    NGX_HTTP_IGJOBS_SQL_BULK_SUBMIT,    /* igjobs.submit(), 8 parameters */
    NGX_HTTP_IGJOBS_SQL_BULK_COPY,      /* copy igjobs.batch_accounts ... */
    NGX_HTTP_IGJOBS_SQL_BULK_COPIED,    /* tenant, job: igjobs.submit_copied */
    NGX_HTTP_IGJOBS_SQL_API_INGEST,
    NGX_HTTP_IGJOBS_SQL_INGEST,         /* caller, params, lines, key,
                                           fingerprint: igjobs.ingest() */
    NGX_HTTP_IGJOBS_SQL_BULK_INGEST_OPEN,   /* the same without lines */
    NGX_HTTP_IGJOBS_SQL_BULK_INGEST_COPY,   /* copy igjobs.ingest_units ... */
    NGX_HTTP_IGJOBS_SQL_BULK_INGEST_CLOSE,  /* caller, params: a change */
    NGX_HTTP_IGJOBS_SQL_COUNT
} ngx_http_igjobs_sql_e;


/* Flags: results in binary format; goes on when nobody waits for it. */
#define NGX_HTTP_IGJOBS_SQL_BINARY  1
#define NGX_HTTP_IGJOBS_SQL_WRITE   2

/*
 * A statement with elements is for many: ops that go out together are one
 * execution of it.  Its parameters are arrays of these types, those of an op
 * are one element of each, in binary form; its answer has one row an op, in
 * their order.
 */
typedef struct {
    const char                  *name;      /* of the prepared statement */
    const char                  *text;
    ngx_uint_t                   nparams;
    ngx_http_igjobs_pg_group_e   group;
    ngx_uint_t                   flags;
    const igj_pg_type_t         *elements;  /* or NULL */
} ngx_http_igjobs_sql_t;


/* One parameter; data NULL is SQL NULL.  Copied by those who take it. */
typedef struct {
    const void  *data;
    size_t       len;
    unsigned     binary:1;
} ngx_http_igjobs_pg_param_t;

#define NGX_HTTP_IGJOBS_PG_MAX_PARAMS  11


typedef enum {
    /* the result is there and, for a write, committed */
    NGX_HTTP_IGJOBS_PG_OK = 0,
    /* Postgres refused the statement: sqlstate and message say why */
    NGX_HTTP_IGJOBS_PG_REFUSED,
    /* it was never sent or never executed: no connection in time */
    NGX_HTTP_IGJOBS_PG_UNAVAILABLE,
    /* sent, but an answer did not come: a write may have been committed */
    NGX_HTTP_IGJOBS_PG_UNKNOWN
} ngx_http_igjobs_pg_outcome_e;


/* Opaque: rows of an answer. */
typedef struct ngx_http_igjobs_pg_result_s  ngx_http_igjobs_pg_result_t;

typedef struct ngx_http_igjobs_pg_reply_s {
    ngx_http_igjobs_pg_outcome_e   outcome;

    /*
     * Set if PG_OK.  Freed after the handler, unless the handler takes it:
     * sets the member to NULL and calls ..._result_free() later.  The rows of
     * a statement for many are not to be taken; row is the one of this op.
     */
    ngx_http_igjobs_pg_result_t   *result;
    ngx_uint_t                     row;

    char                           sqlstate[6];     /* "" if none */
    ngx_str_t                      message;         /* one line, for the log */
} ngx_http_igjobs_pg_reply_t;


typedef struct ngx_http_igjobs_pg_s       ngx_http_igjobs_pg_t;
typedef struct ngx_http_igjobs_pg_op_s    ngx_http_igjobs_pg_op_t;
typedef struct ngx_http_igjobs_pg_bulk_s  ngx_http_igjobs_pg_bulk_t;

typedef void (*ngx_http_igjobs_pg_handler_pt)(void *data,
    ngx_http_igjobs_pg_reply_t *reply);


/* Configuration, filled by the directives. */

typedef struct {
    ngx_str_t    keyword;                   /* NUL-terminated, as value */
    ngx_str_t    value;
} ngx_http_igjobs_pg_option_t;

typedef struct {
    ngx_array_t *options;                   /* of the connection string */
    ngx_array_t *hosts;                     /* ngx_http_igjobs_host_t */
    ngx_uint_t   pool[NGX_HTTP_IGJOBS_PG_GROUPS];
    ngx_uint_t   queue;                     /* ops waiting in a group */
    ngx_msec_t   connect_timeout;
    ngx_msec_t   queue_timeout;             /* an op waits for a connection */
    ngx_msec_t   timeout;                   /* an op, once it was sent */
    ngx_msec_t   bulk_timeout;              /* a step of a bulk transaction */
    ngx_msec_t   max_age;                   /* of a connection */
    ngx_flag_t   prepared;
    ngx_flag_t   statement_timeout;         /* sent with the connect packet */
} ngx_http_igjobs_pg_conf_t;


/*
 * Parses a connection string at configuration time.  Returns NULL or a message
 * that names what is wrong and never shows a password.
 */
char *ngx_http_igjobs_pg_parse(ngx_conf_t *cf, ngx_http_igjobs_pg_conf_t *conf,
    ngx_str_t *conninfo);


/* Life of a worker: opens the groups; closes everything. */
ngx_http_igjobs_pg_t *ngx_http_igjobs_pg_start(ngx_cycle_t *cycle,
    ngx_http_igjobs_pg_conf_t *conf, ngx_http_igjobs_resolve_conf_t *resolve);
void ngx_http_igjobs_pg_stop(ngx_http_igjobs_pg_t *pg);

/* Connections of a group that are ready for statements. */
ngx_uint_t ngx_http_igjobs_pg_ready(ngx_http_igjobs_pg_t *pg,
    ngx_http_igjobs_pg_group_e group);


/*
 * Starts a statement with as many params as the table says; copies them.  The
 * handler is never called from inside.  NULL: the queue of the group is full,
 * the group has been down for longer than an op would wait, or no memory.
 */
ngx_http_igjobs_pg_op_t *ngx_http_igjobs_pg_query(ngx_http_igjobs_pg_t *pg,
    ngx_http_igjobs_sql_e statement,
    const ngx_http_igjobs_pg_param_t *params,
    ngx_http_igjobs_pg_handler_pt handler, void *data);

/*
 * The handler will not be called.  An op that was not sent yet and only reads
 * is dropped; a write goes on to its end.
 */
void ngx_http_igjobs_pg_detach(ngx_http_igjobs_pg_op_t *op);


/* Results: rows and columns count from 0; the bytes belong to the result. */
ngx_uint_t ngx_http_igjobs_pg_rows(const ngx_http_igjobs_pg_result_t *result);
ngx_uint_t ngx_http_igjobs_pg_columns(
    const ngx_http_igjobs_pg_result_t *result);
ngx_uint_t ngx_http_igjobs_pg_is_null(
    const ngx_http_igjobs_pg_result_t *result, ngx_uint_t row,
    ngx_uint_t column);
ngx_str_t ngx_http_igjobs_pg_value(const ngx_http_igjobs_pg_result_t *result,
    ngx_uint_t row, ngx_uint_t column);
void ngx_http_igjobs_pg_result_free(ngx_http_igjobs_pg_result_t *result);


/*
 * Bulk: one transaction on a connection of its own.
 *
 *     bulk = open(pg, handler, data)          handler: PG_OK, begun
 *     query(bulk, BULK_KEY, params)           if it has one; likewise
 *     query(bulk, BULK_SUBMIT, params)        handler: its rows
 *     copy(bulk, BULK_COPY)                   handler: PG_OK, put now
 *     put(bulk, bytes, n) ...                 NGX_AGAIN: wait for the handler
 *     copy_end(bulk)                          handler: PG_OK
 *     query(bulk, BULK_COPIED, params)        handler: its rows
 *     commit(bulk)                            handler: PG_OK, or PG_UNKNOWN
 *     close(bulk)
 *
 * Each step but put() and close() calls the handler exactly once, later; the
 * next step may be started from the handler.  Every step has a time-out.
 * After any outcome but PG_OK only close() is left; PG_UNKNOWN is given for a
 * commit whose answer did not come: ask again with SQL_SUBMIT.  close() is good
 * at any time, also from the handler: an open transaction is rolled back (by
 * closing the connection).
 */
ngx_http_igjobs_pg_bulk_t *ngx_http_igjobs_pg_bulk_open(
    ngx_http_igjobs_pg_t *pg, ngx_http_igjobs_pg_handler_pt handler,
    void *data);
void ngx_http_igjobs_pg_bulk_query(ngx_http_igjobs_pg_bulk_t *bulk,
    ngx_http_igjobs_sql_e statement,
    const ngx_http_igjobs_pg_param_t *params);
void ngx_http_igjobs_pg_bulk_copy(ngx_http_igjobs_pg_bulk_t *bulk,
    ngx_http_igjobs_sql_e statement);
/*
 * NGX_OK: taken, go on.  NGX_AGAIN: taken, but the socket is full: the handler
 * is called with PG_OK when there is room.  NGX_ERROR: not taken, the handler
 * is called with what went wrong.  Put at most some 64 KiB at a time.
 */
ngx_int_t ngx_http_igjobs_pg_bulk_put(ngx_http_igjobs_pg_bulk_t *bulk,
    const void *data, size_t len);
void ngx_http_igjobs_pg_bulk_copy_end(ngx_http_igjobs_pg_bulk_t *bulk);
void ngx_http_igjobs_pg_bulk_commit(ngx_http_igjobs_pg_bulk_t *bulk);
void ngx_http_igjobs_pg_bulk_close(ngx_http_igjobs_pg_bulk_t *bulk);


#endif /* _NGX_HTTP_IGJOBS_PG_H_INCLUDED_ */
