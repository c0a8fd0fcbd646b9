/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the files *_pg.c share; nobody else includes this, and so nobody else
 * sees libpq.
 *
 *   ngx_http_igjobs_conninfo_pg.c   connection strings, at configuration time
 *   ngx_http_igjobs_connect_pg.c    one connection: connect, watch, close
 *   ngx_http_igjobs_pipeline_pg.c   ops in the pipeline of a connection
 *   ngx_http_igjobs_many_pg.c       ops that are one execution of a statement
 *   ngx_http_igjobs_bulk_pg.c       COPY transactions, a connection each
 *   ngx_http_igjobs_pg.c            groups, queues, ops: the face
 *
 * Invariants: libpq owns the socket, nginx only watches it, level-triggered.
 * An op that waits or is in flight has an ordinary timer, which keeps a
 * worker that shuts down alive; everything else has cancelable ones.
 */

#ifndef _NGX_HTTP_IGJOBS_LIBPQ_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_LIBPQ_H_INCLUDED_


#include <libpq-fe.h>

#include "ngx_http_igjobs_pg.h"
#include "ngx_http_igjobs_sql.h"


/* an op is sent at most so often when its connections are lost */
#define NGX_HTTP_IGJOBS_PG_MAX_SENDS      4

/* a connection that sent or got more at once is replaced: buffers stay grown */
#define NGX_HTTP_IGJOBS_PG_LARGE          (2 * 1024 * 1024)

/* back-off after failed connects, doubled each time, with jitter */
#define NGX_HTTP_IGJOBS_PG_BACKOFF_MIN    50
#define NGX_HTTP_IGJOBS_PG_BACKOFF_MAX    2000

#define NGX_HTTP_IGJOBS_PG_MAX_OPTIONS    64

_Static_assert(NGX_HTTP_IGJOBS_SQL_COUNT <= 64,
               "each statement has a bit in `prepared`");


typedef struct ngx_http_igjobs_pg_conn_s   ngx_http_igjobs_pg_conn_t;
typedef struct ngx_http_igjobs_pg_group_s  ngx_http_igjobs_pg_group_t;


/* How a group uses its connections. */
typedef struct {
    /* connected: take work */
    void  (*ready)(ngx_http_igjobs_pg_conn_t *conn);
    /* input was consumed or output flushed: look at results */
    void  (*progress)(ngx_http_igjobs_pg_conn_t *conn);
    /* gone: give work back; PGconn is still there, nothing watches it */
    void  (*lost)(ngx_http_igjobs_pg_conn_t *conn, ngx_str_t *why);
} ngx_http_igjobs_pg_use_t;


/* in the order in which they are passed through */
typedef enum {
    NGX_HTTP_IGJOBS_PG_DOWN = 0,        /* timer: next attempt, or none */
    NGX_HTTP_IGJOBS_PG_RESOLVING,
    NGX_HTTP_IGJOBS_PG_CONNECTING,      /* timer: connect_timeout */
    NGX_HTTP_IGJOBS_PG_READY            /* timer: max_age */
} ngx_http_igjobs_pg_state_e;


struct ngx_http_igjobs_pg_conn_s {
    ngx_http_igjobs_pg_group_t   *group;
    ngx_http_igjobs_pg_state_e    state;

    PGconn                       *pq;
    ngx_connection_t             *c;        /* watches the socket */
    ngx_event_t                   timer;    /* cancelable */
    ngx_log_t                     log;

    ngx_http_igjobs_resolve_t    *resolve;
    ngx_http_igjobs_addr_t        addrs[NGX_HTTP_IGJOBS_MAX_ADDRS];
    ngx_uint_t                    naddrs;
    ngx_uint_t                    addr;     /* next to be tried */
    ngx_uint_t                    host;     /* likewise */
    ngx_uint_t                    failures; /* rounds without success */

    /* pipeline */
    ngx_queue_t                   sent;     /* ops, oldest first */
    ngx_queue_t                   received; /* of these, until their Sync */
    ngx_uint_t                    nsent;
    ngx_uint_t                    nsyncs;
    ngx_msec_t                    sent_at;  /* the last of them */
    uint64_t                      prepared; /* bit: statement */

    /* bulk */
    ngx_http_igjobs_pg_bulk_t    *bulk;

    u_char                        text[512];  /* last message, one line */

    unsigned                      failed:1;   /* the batch that is received */
    unsigned                      got:1;      /* a result since the last NULL */
    unsigned                      retire:1;   /* replace when it is idle */
};


struct ngx_http_igjobs_pg_group_s {
    ngx_http_igjobs_pg_t             *pg;
    const ngx_http_igjobs_pg_use_t   *use;
    ngx_http_igjobs_pg_group_e        id;

    ngx_http_igjobs_pg_conn_t        *conns;
    ngx_uint_t                        nconns;
    ngx_uint_t                        nready;

    ngx_queue_t                       waiting;  /* ops, or bulks */
    ngx_uint_t                        nwaiting;
    ngx_event_t                       event;    /* posted: dispatch */
    ngx_event_t                       hold;     /* cancelable: dispatch */

    ngx_uint_t                        ops_per_sync;
    ngx_uint_t                        max_syncs;    /* of one connection */
    ngx_msec_t                        timeout;      /* of an op, once sent */
    ngx_msec_t                        queue_timeout;

    ngx_msec_t                        failed_since;
    unsigned                          failing:1;
};


struct ngx_http_igjobs_pg_s {
    ngx_http_igjobs_pg_conf_t        *conf;
    ngx_http_igjobs_resolve_conf_t   *resolve;
    ngx_log_t                        *log;
    ngx_http_igjobs_pg_group_t        groups[NGX_HTTP_IGJOBS_PG_GROUPS];
    char                              user[64];     /* if the string has none */
    unsigned                          trouble:1;    /* logged already */
    unsigned                          stopping:1;
};


typedef enum {
    NGX_HTTP_IGJOBS_PG_OP_WAITING = 0,
    NGX_HTTP_IGJOBS_PG_OP_SENT,
    NGX_HTTP_IGJOBS_PG_OP_DONE          /* about to be answered */
} ngx_http_igjobs_pg_op_state_e;


/* Parameters as libpq takes them. */
typedef struct {
    const char                     *values[NGX_HTTP_IGJOBS_PG_MAX_PARAMS];
    int                             lengths[NGX_HTTP_IGJOBS_PG_MAX_PARAMS];
    int                             formats[NGX_HTTP_IGJOBS_PG_MAX_PARAMS];
} ngx_http_igjobs_pg_values_t;


struct ngx_http_igjobs_pg_op_s {
    ngx_queue_t                     queue;
    ngx_http_igjobs_pg_group_t     *group;
    ngx_http_igjobs_pg_conn_t      *conn;       /* if sent */
    const ngx_http_igjobs_sql_t    *sql;
    ngx_http_igjobs_sql_e           statement;
    ngx_http_igjobs_pg_op_state_e   state;

    ngx_http_igjobs_pg_handler_pt   handler;    /* NULL: detached */
    void                           *data;
    ngx_event_t                     timer;      /* ordinary */

    PGresult                       *result;     /* of the statement itself */
    ngx_uint_t                      row;        /* in it */
    size_t                          size;       /* of the parameters */
    ngx_uint_t                      sends;
    ngx_uint_t                      expect;     /* results to come */

    unsigned                        last:1;     /* a Sync follows */
    unsigned                        prepare:1;  /* a Prepare goes before */
    unsigned                        alone:1;    /* must have its own Sync */
    unsigned                        doubt:1;    /* may have been executed */
    unsigned                        follows:1;  /* executed with the op before,
                                                   which owns the result */

    ngx_http_igjobs_pg_values_t     params;
};


/* connect: life of one connection */
void ngx_http_igjobs_pg_conn_init(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_group_t *group);
void ngx_http_igjobs_pg_connect(ngx_http_igjobs_pg_conn_t *conn);
/* closes after trouble and connects again; why is one line without secrets */
void ngx_http_igjobs_pg_lost(ngx_http_igjobs_pg_conn_t *conn, ngx_str_t *why);
/* closes without trouble; connects again unless the worker is exiting */
void ngx_http_igjobs_pg_replace(ngx_http_igjobs_pg_conn_t *conn);
/* closes for good */
void ngx_http_igjobs_pg_shut(ngx_http_igjobs_pg_conn_t *conn);
/* goes on with connecting, while nothing watches the socket */
void ngx_http_igjobs_pg_poll(ngx_http_igjobs_pg_conn_t *conn,
    PostgresPollingStatusType status);
/* the connection has work, or none: what reload and age may do with it */
void ngx_http_igjobs_pg_busy(ngx_http_igjobs_pg_conn_t *conn);
void ngx_http_igjobs_pg_idle(ngx_http_igjobs_pg_conn_t *conn);
/* libpq's message in one line, valid until the next call */
ngx_str_t ngx_http_igjobs_pg_error(ngx_http_igjobs_pg_conn_t *conn);

/* socket: watches it, for writing or reading; NGX_ERROR: no room */
ngx_int_t ngx_http_igjobs_pg_watch(ngx_http_igjobs_pg_conn_t *conn,
    ngx_uint_t write);
void ngx_http_igjobs_pg_unwatch(ngx_http_igjobs_pg_conn_t *conn);
/* flushes output and watches for writability as needed; NGX_ERROR: broken */
ngx_int_t ngx_http_igjobs_pg_flush(ngx_http_igjobs_pg_conn_t *conn);

/* groups and ops */
void ngx_http_igjobs_pg_post(ngx_http_igjobs_pg_group_t *group);
void ngx_http_igjobs_pg_requeue(ngx_http_igjobs_pg_op_t *op);
void ngx_http_igjobs_pg_answer(ngx_http_igjobs_pg_op_t *op,
    ngx_http_igjobs_pg_outcome_e outcome, ngx_str_t *why);
ngx_uint_t ngx_http_igjobs_pg_hopeless(ngx_http_igjobs_pg_group_t *group);
/* is the result an error whose SQLSTATE begins so? NULL is none */
ngx_uint_t ngx_http_igjobs_pg_is(const PGresult *result,
    const char *sqlstate);
/* fills sqlstate and message from a result that is an error */
void ngx_http_igjobs_pg_describe(ngx_http_igjobs_pg_reply_t *reply,
    const PGresult *result);

/* pipeline: takes ops of the group's queue and sends them with one Sync */
void ngx_http_igjobs_pg_send(ngx_http_igjobs_pg_conn_t *conn, ngx_uint_t n);

/* sends the statement of an op with these parameters */
ngx_int_t ngx_http_igjobs_pg_execute(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_op_t *op, ngx_http_igjobs_pg_values_t *params);

/* many: sends the statement for n ops, the first and those behind it */
ngx_int_t ngx_http_igjobs_pg_execute_many(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_op_t *first, ngx_uint_t n);

/* bulk: gives free connections to waiting transactions */
void ngx_http_igjobs_pg_bulk_dispatch(ngx_http_igjobs_pg_group_t *group);

extern const ngx_http_igjobs_pg_use_t  ngx_http_igjobs_pg_pipeline;
extern const ngx_http_igjobs_pg_use_t  ngx_http_igjobs_pg_bulk;


#endif /* _NGX_HTTP_IGJOBS_LIBPQ_H_INCLUDED_ */
