/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Calls to Postgres: a small pool of connections that threads take turns on.
 *
 * A connection is held only for the time of one call.  A call whose connection
 * breaks is repeated on a new one, after jittered waits, until it is answered
 * or the pool closes: an unknown COMMIT is answered by saying the same thing
 * again, so only statements that can be repeated may come here (the functions
 * of schema igjobs all can).  Any thread may call; no call is interrupted by a
 * lane's stop flag, since a page that was fetched should be stored.
 */

#ifndef IGJ_PG_H
#define IGJ_PG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "igj_base.h"


#define IGJ_PG_PARAMS_MAX     26
#define IGJ_PG_NUMBERS_MAX    640     /* text of all numbers of a call */
#define IGJ_PG_MESSAGE_MAX    256
#define IGJ_PG_STATEMENTS_MAX 64      /* ids of statements are below */
#define IGJ_PG_CONNECT_S      5
#define IGJ_PG_CALL_MS        30000   /* usual bound of a call */
#define IGJ_PG_RETRY_MS       100     /* first wait, doubled each time */
#define IGJ_PG_RETRY_MAX_MS   3000
#define IGJ_PG_AGAIN_MAX      8       /* deadlocks and the like, in a row */


/* A statement; id is unique in the process. */
typedef struct {
    int          id;
    const char  *name;         /* of the prepared statement, and in logs */
    const char  *sql;
} igj_pg_statement_t;


/* Parameters in order.  Texts are borrowed; numbers are kept inside. */
typedef struct {
    const char  *values[IGJ_PG_PARAMS_MAX];
    int          lengths[IGJ_PG_PARAMS_MAX];
    int          formats[IGJ_PG_PARAMS_MAX];
    int          n;
    char         numbers[IGJ_PG_NUMBERS_MAX];
    size_t       used;
} igj_pg_args_t;


typedef enum {
    IGJ_PG_OK = 0,
    IGJ_PG_REFUSED,            /* the statement failed for good */
    IGJ_PG_AWAY                /* no answer: the pool closes, or (without
                                  retries) the connection is broken */
} igj_pg_rc_t;


typedef struct {
    char  sqlstate[6];         /* "" if there is none */
    char  message[IGJ_PG_MESSAGE_MAX];
} igj_pg_error_t;


typedef struct {
    const char  *url;          /* borrowed; libpq URI or conninfo, secret */
    const char  *purpose;      /* for logs and application_name */
    int          connections;
    int          call_ms;      /* no answer for so long: broken */
    bool         prepare;      /* named statements */
    bool         retry;        /* repeat until answered */
} igj_pg_conf_t;


typedef struct igj_pg_s  igj_pg_t;


/* Is url something libpq understands?  Connects to nothing. */
IGJ_MUST_CHECK int igj_pg_check_url(const char *url,
    char message[IGJ_PG_MESSAGE_MAX]);

/* NULL when memory is short.  Connects lazily. */
igj_pg_t *igj_pg_create(const igj_pg_conf_t *conf) IGJ_MUST_CHECK;

/* Makes waiting and retried calls return IGJ_PG_AWAY. */
void igj_pg_close(igj_pg_t *pg);

/* After all threads have left. */
void igj_pg_destroy(igj_pg_t *pg);

/*
 * Runs the statement.  On IGJ_PG_OK *res is the caller's to PQclear(), else
 * NULL.  err may be NULL; every failure is logged here, once.
 */
IGJ_MUST_CHECK igj_pg_rc_t igj_pg_call(igj_pg_t *pg,
    const igj_pg_statement_t *statement, const igj_pg_args_t *args,
    PGresult **res, igj_pg_error_t *err);

/* How often a connection was opened so far: tells an outage from calm. */
uint64_t igj_pg_generation(igj_pg_t *pg);


void igj_pg_args_init(igj_pg_args_t *args);
void igj_pg_text(igj_pg_args_t *args, const char *value);    /* NULL: null */
void igj_pg_number(igj_pg_args_t *args, int64_t value);
void igj_pg_real(igj_pg_args_t *args, double value);
void igj_pg_boolean(igj_pg_args_t *args, bool value);
void igj_pg_binary(igj_pg_args_t *args, const char *data, size_t len);

/* A column of a row: NULL or "" where it is null, numbers 0. */
const char *igj_pg_get(const PGresult *res, int row, int column);
const char *igj_pg_get_text(const PGresult *res, int row, int column);
int64_t igj_pg_get_number(const PGresult *res, int row, int column);
bool igj_pg_get_boolean(const PGresult *res, int row, int column);


#endif /* IGJ_PG_H */
