/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Pool of Postgres connections.  Under the pool's lock: which connections are
 * idle.  A connection's own members belong to the thread that holds it.
 * libpq's asynchronous calls are used with poll(), so that a server that
 * stopped answering costs call_ms and not for ever.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_clock.h"
#include "igj_log.h"
#include "igj_pg.h"


typedef struct {
    PGconn         *conn;            /* NULL: not connected */
    bool            held;
    bool            prepared[IGJ_PG_STATEMENTS_MAX];
} igj_pg_conn_t;


struct igj_pg_s {
    igj_pg_conf_t   conf;
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    atomic_bool     closing;
    atomic_uint_least64_t generation;
    igj_pg_conn_t   conns[];         /* conf.connections */
};


/* What a failed call means for the next try. */
typedef enum {
    IGJ_PG_FAULT_NONE,
    IGJ_PG_FAULT_CLOSED,             /* the pool closes */
    IGJ_PG_FAULT_BROKEN,             /* connection lost, server away */
    IGJ_PG_FAULT_AGAIN,              /* deadlock, serialization */
    IGJ_PG_FAULT_FORGOTTEN,          /* prepared statement is not there */
    IGJ_PG_FAULT_PERMANENT
} igj_pg_fault_t;


static igj_pg_fault_t igj_pg_try(igj_pg_t *pg,
    const igj_pg_statement_t *statement, const igj_pg_args_t *args,
    PGresult **res, igj_pg_error_t *err);
static igj_pg_conn_t *igj_pg_hold(igj_pg_t *pg);
static void igj_pg_release(igj_pg_t *pg, igj_pg_conn_t *c);
static igj_pg_fault_t igj_pg_connect(igj_pg_t *pg, igj_pg_conn_t *c,
    igj_pg_error_t *err);
static void igj_pg_disconnect(igj_pg_conn_t *c);
static PGresult *igj_pg_execute(igj_pg_t *pg, igj_pg_conn_t *c,
    const igj_pg_statement_t *statement, const igj_pg_args_t *args);
static PGresult *igj_pg_wait(igj_pg_t *pg, PGconn *conn);
static int igj_pg_poll(PGconn *conn, int64_t deadline);
static igj_pg_fault_t igj_pg_fault(igj_pg_conn_t *c, const PGresult *res,
    igj_pg_error_t *err);
static void igj_pg_pause(igj_pg_t *pg, int n);
static void igj_pg_set_error(igj_pg_error_t *err, const char *sqlstate,
    const char *message);
static void igj_pg_notice(void *data, const PGresult *res);


int
igj_pg_check_url(const char *url, char message[IGJ_PG_MESSAGE_MAX])
{
    char              *text;
    PQconninfoOption  *options;

    text = NULL;
    options = PQconninfoParse(url, &text);

    if (options == NULL) {
        /* libpq's text may quote parts of the URL, secrets among them */
        snprintf(message, IGJ_PG_MESSAGE_MAX,
                 "is neither a postgresql:// URI nor key=value pairs");
        PQfreemem(text);
        return IGJ_ERROR;
    }

    PQconninfoFree(options);

    return IGJ_OK;
}


igj_pg_t *
igj_pg_create(const igj_pg_conf_t *conf)
{
    igj_pg_t  *pg;

    pg = calloc(1, sizeof(igj_pg_t)
                   + (size_t) conf->connections * sizeof(igj_pg_conn_t));

    if (pg == NULL) {
        return NULL;
    }

    pg->conf = *conf;
    pthread_mutex_init(&pg->lock, NULL);
    pthread_cond_init(&pg->changed, NULL);

    return pg;
}


void
igj_pg_close(igj_pg_t *pg)
{
    pthread_mutex_lock(&pg->lock);
    atomic_store(&pg->closing, true);
    pthread_cond_broadcast(&pg->changed);
    pthread_mutex_unlock(&pg->lock);
}


void
igj_pg_destroy(igj_pg_t *pg)
{
    int  i;

    if (pg == NULL) {
        return;
    }

    for (i = 0; i < pg->conf.connections; i++) {
        igj_pg_disconnect(&pg->conns[i]);
    }

    pthread_cond_destroy(&pg->changed);
    pthread_mutex_destroy(&pg->lock);
    free(pg);
}


uint64_t
igj_pg_generation(igj_pg_t *pg)
{
    return atomic_load(&pg->generation);
}


igj_pg_rc_t
igj_pg_call(igj_pg_t *pg, const igj_pg_statement_t *statement,
    const igj_pg_args_t *args, PGresult **res, igj_pg_error_t *err)
{
    int              tries;
    igj_pg_error_t   scratch;
    igj_pg_fault_t   fault;

    err = err ? err : &scratch;

    for (tries = 0; ; tries++) {
        fault = igj_pg_try(pg, statement, args, res, err);

        if (fault == IGJ_PG_FAULT_NONE) {
            return IGJ_PG_OK;
        }

        if (fault == IGJ_PG_FAULT_CLOSED) {
            return IGJ_PG_AWAY;
        }

        if (fault == IGJ_PG_FAULT_PERMANENT
            || (fault != IGJ_PG_FAULT_BROKEN && tries >= IGJ_PG_AGAIN_MAX))
        {
            igj_log(IGJ_LOG_ERROR, "postgres refused a call",
                    igj_s("call", statement->name),
                    igj_s("sqlstate", err->sqlstate),
                    igj_s("error", err->message));
            return IGJ_PG_REFUSED;
        }

        igj_log(tries == 0 ? IGJ_LOG_WARN : IGJ_LOG_DEBUG,
                "postgres call failed, again", igj_s("call", statement->name),
                igj_s("for", pg->conf.purpose), igj_i("tries", tries + 1),
                igj_s("sqlstate", err->sqlstate),
                igj_s("error", err->message));

        if (fault == IGJ_PG_FAULT_BROKEN && !pg->conf.retry) {
            return IGJ_PG_AWAY;
        }

        igj_pg_pause(pg, tries);
    }
}


/* One try on one connection. */

static igj_pg_fault_t
igj_pg_try(igj_pg_t *pg, const igj_pg_statement_t *statement,
    const igj_pg_args_t *args, PGresult **res, igj_pg_error_t *err)
{
    igj_pg_conn_t   *c;
    igj_pg_fault_t   fault;

    *res = NULL;
    igj_pg_set_error(err, "", "");

    c = igj_pg_hold(pg);

    if (c == NULL) {
        return IGJ_PG_FAULT_CLOSED;
    }

    fault = igj_pg_connect(pg, c, err);

    if (fault == IGJ_PG_FAULT_NONE) {
        *res = igj_pg_execute(pg, c, statement, args);
        fault = igj_pg_fault(c, *res, err);
    }

    if (fault != IGJ_PG_FAULT_NONE) {
        PQclear(*res);
        *res = NULL;
    }

    if (fault == IGJ_PG_FAULT_BROKEN) {
        igj_pg_disconnect(c);

        if (atomic_load(&pg->closing)) {
            fault = IGJ_PG_FAULT_CLOSED;
        }
    }

    igj_pg_release(pg, c);

    return fault;
}


/* The first idle connection, rather one that is connected; NULL: closing. */

static igj_pg_conn_t *
igj_pg_hold(igj_pg_t *pg)
{
    int             i;
    igj_pg_conn_t  *c;

    pthread_mutex_lock(&pg->lock);

    for ( ;; ) {
        c = NULL;

        for (i = 0; i < pg->conf.connections; i++) {
            if (pg->conns[i].held) {
                continue;
            }
            if (c == NULL || (c->conn == NULL && pg->conns[i].conn != NULL)) {
                c = &pg->conns[i];
            }
        }

        if (c != NULL || atomic_load(&pg->closing)) {
            break;
        }

        pthread_cond_wait(&pg->changed, &pg->lock);
    }

    if (c != NULL) {
        c->held = true;
    }

    pthread_mutex_unlock(&pg->lock);

    return c;
}


static void
igj_pg_release(igj_pg_t *pg, igj_pg_conn_t *c)
{
    pthread_mutex_lock(&pg->lock);
    c->held = false;
    pthread_cond_signal(&pg->changed);
    pthread_mutex_unlock(&pg->lock);
}


/*
 * The defaults come first, so that the URL's own parameters win.  GSS would
 * cost a round trip and may replace the socket.
 */

static igj_pg_fault_t
igj_pg_connect(igj_pg_t *pg, igj_pg_conn_t *c, igj_pg_error_t *err)
{
    char         name[64], timeout[16];
    const char  *keywords[] = { "connect_timeout", "keepalives_idle",
                                "keepalives_interval", "keepalives_count",
                                "tcp_user_timeout", "gssencmode",
                                "client_encoding", "fallback_application_name",
                                "dbname", NULL };
    const char  *values[] = { timeout, "30", "5", "3", "20000", "disable",
                              "UTF8", name, pg->conf.url, NULL };

    if (c->conn != NULL && PQstatus(c->conn) == CONNECTION_OK) {
        return IGJ_PG_FAULT_NONE;
    }

    igj_pg_disconnect(c);
    snprintf(name, sizeof(name), "igjobs-worker %s", pg->conf.purpose);
    snprintf(timeout, sizeof(timeout), "%d", IGJ_PG_CONNECT_S);

    c->conn = PQconnectdbParams(keywords, values, 1);

    if (c->conn == NULL || PQstatus(c->conn) != CONNECTION_OK) {
        igj_pg_set_error(err, "", c->conn ? PQerrorMessage(c->conn)
                                          : "out of memory");
        return IGJ_PG_FAULT_BROKEN;
    }

    PQsetnonblocking(c->conn, 1);
    PQsetNoticeReceiver(c->conn, igj_pg_notice, NULL);
    atomic_fetch_add(&pg->generation, 1);

    return IGJ_PG_FAULT_NONE;
}


static void
igj_pg_disconnect(igj_pg_conn_t *c)
{
    if (c->conn != NULL) {
        PQfinish(c->conn);
        c->conn = NULL;
    }

    memset(c->prepared, 0, sizeof(c->prepared));
}


/* The last result of the statement, or NULL when no answer came. */

static PGresult *
igj_pg_execute(igj_pg_t *pg, igj_pg_conn_t *c,
    const igj_pg_statement_t *statement, const igj_pg_args_t *args)
{
    int        sent;
    PGresult  *res;

    if (!pg->conf.prepare) {
        sent = PQsendQueryParams(c->conn, statement->sql, args->n, NULL,
                                 args->values, args->lengths, args->formats,
                                 0);
        return sent ? igj_pg_wait(pg, c->conn) : NULL;
    }

    if (!c->prepared[statement->id]) {
        sent = PQsendPrepare(c->conn, statement->name, statement->sql, 0,
                             NULL);
        res = sent ? igj_pg_wait(pg, c->conn) : NULL;

        if (PQresultStatus(res) != PGRES_COMMAND_OK) {
            return res;
        }

        PQclear(res);
        c->prepared[statement->id] = true;
    }

    sent = PQsendQueryPrepared(c->conn, statement->name, args->n,
                               args->values, args->lengths, args->formats, 0);

    return sent ? igj_pg_wait(pg, c->conn) : NULL;
}


/*
 * Sends what is still queued and waits for the end of the answer; NULL if that
 * does not come within call_ms.
 */

static PGresult *
igj_pg_wait(igj_pg_t *pg, PGconn *conn)
{
    int64_t    deadline;
    PGresult  *res, *next;

    res = NULL;
    deadline = igj_clock_ms() + pg->conf.call_ms;

    for ( ;; ) {
        while (PQisBusy(conn)) {
            if (igj_pg_poll(conn, deadline) != IGJ_OK) {
                PQclear(res);
                return NULL;
            }
        }

        next = PQgetResult(conn);

        if (next == NULL) {
            return res;
        }

        PQclear(res);
        res = next;
    }
}


static int
igj_pg_poll(PGconn *conn, int64_t deadline)
{
    int            n, unsent;
    int64_t        left;
    struct pollfd  fd;

    unsent = PQflush(conn);
    left = deadline - igj_clock_ms();

    if (unsent < 0 || left <= 0) {
        return IGJ_ERROR;
    }

    fd.fd = PQsocket(conn);
    fd.events = unsent ? POLLIN|POLLOUT : POLLIN;
    n = poll(&fd, 1, (int) left);

    if (n < 0) {
        return errno == EINTR ? IGJ_OK : IGJ_ERROR;
    }

    if (n == 0) {
        return IGJ_ERROR;
    }

    return ((fd.revents & ~POLLOUT) == 0 || PQconsumeInput(conn))
           ? IGJ_OK : IGJ_ERROR;
}


/*
 * What to do about a failed call.  Besides lost connections (class 08) the
 * server's own "not now": shutdown and start-up, too many clients and other
 * resources (class 53), a read-only standby after a failover, a pooler's
 * refusal.
 */

static igj_pg_fault_t
igj_pg_fault(igj_pg_conn_t *c, const PGresult *res, igj_pg_error_t *err)
{
    static const char *const  away[] = { "57P01", "57P02", "57P03", "25006" };

    size_t       i;
    const char  *state, *message;

    if (PQresultStatus(res) == PGRES_TUPLES_OK
        || PQresultStatus(res) == PGRES_COMMAND_OK)
    {
        return IGJ_PG_FAULT_NONE;
    }

    state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    message = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    if (state == NULL || PQstatus(c->conn) != CONNECTION_OK) {
        igj_pg_set_error(err, state, message ? message
                                             : PQerrorMessage(c->conn));
        if (err->message[0] == '\0') {
            igj_pg_set_error(err, state, "no answer in time");
        }
        return IGJ_PG_FAULT_BROKEN;
    }

    igj_pg_set_error(err, state, message);

    if (strcmp(state, "26000") == 0) {
        memset(c->prepared, 0, sizeof(c->prepared));
        return IGJ_PG_FAULT_FORGOTTEN;
    }

    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0
        || strcmp(state, "55P03") == 0)
    {
        return IGJ_PG_FAULT_AGAIN;
    }

    for (i = 0; i < sizeof(away) / sizeof(away[0]); i++) {
        if (strcmp(state, away[i]) == 0) {
            return IGJ_PG_FAULT_BROKEN;
        }
    }

    if (strncmp(state, "08", 2) == 0 || strncmp(state, "53", 2) == 0
        || (strcmp(state, "XX000") == 0
            && (strstr(err->message, "EMAXCONN") != NULL
                || strstr(err->message, "ECHECKOUTTIMEOUT") != NULL)))
    {
        return IGJ_PG_FAULT_BROKEN;
    }

    return IGJ_PG_FAULT_PERMANENT;
}


/* Waits before the next try; ends early when the pool closes. */

static void
igj_pg_pause(igj_pg_t *pg, int n)
{
    struct timespec  until;

    until = igj_clock_after(igj_clock_backoff(IGJ_PG_RETRY_MS, n,
                                              IGJ_PG_RETRY_MAX_MS));

    pthread_mutex_lock(&pg->lock);

    while (!atomic_load(&pg->closing)
           && pthread_cond_clockwait(&pg->changed, &pg->lock, CLOCK_MONOTONIC,
                                     &until)
              != ETIMEDOUT)
    {
        /* void */
    }

    pthread_mutex_unlock(&pg->lock);
}


static void
igj_pg_set_error(igj_pg_error_t *err, const char *sqlstate,
    const char *message)
{
    snprintf(err->sqlstate, sizeof(err->sqlstate), "%s",
             sqlstate ? sqlstate : "");
    snprintf(err->message, sizeof(err->message), "%s", message ? message : "");
}


static void
igj_pg_notice(void *data, const PGresult *res)
{
    (void) data;

    igj_log(IGJ_LOG_DEBUG, "postgres notice",
            igj_s("text", PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY)));
}
