/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Requests to the server, one at a time over one connection that is kept.
 * https, proxies and their settings in the environment are libcurl's.
 */

#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include <sys/types.h>

#include "cli.h"


/* Takes a part of a body; IGJ_ERROR ends the request. */
typedef int (*cli_sink_pt)(void *data, const char *bytes, size_t len);

/* Gives the next bytes of a body, 0 at its end; -1: cannot. */
typedef ssize_t (*cli_source_pt)(void *data, char *buf, size_t size);

/* The body is wanted from its beginning again. */
typedef int (*cli_rewind_pt)(void *data);


typedef struct {
    const char     *method;        /* NULL: GET, or POST with a source */
    const char     *path;          /* and query, from "/" */
    const char     *accept;        /* media type */
    const char     *headers[3];    /* further ones, or NULL */

    /* Takes the body of a 2xx; NULL: the answer keeps it. */
    cli_sink_pt     sink;
    void           *sink_data;

    /* A body of JSON when source is given. */
    cli_source_pt   source;
    cli_rewind_pt   rewind;
    void           *source_data;
    int64_t         source_len;    /* -1: not known */
} cli_request_t;


typedef enum {
    CLI_ANSWERED = 0,
    CLI_NOT_SENT,                  /* there never was a connection */
    CLI_BROKEN,                    /* the request may have been served */
    CLI_STOPPED,                   /* by the sink, or the source failed */
    CLI_UNUSABLE                   /* and will stay so: TLS, URL, too long */
} cli_outcome_e;


typedef struct {
    cli_outcome_e   outcome;
    long            status;        /* 0: there was none */
    int64_t         retry_after;   /* seconds; -1: not said */
    bool            replayed;      /* Idempotent-Replayed: true */
    char            type[64];      /* of the body, without parameters */
    char           *body;          /* ends with a NUL */
    size_t          len;
    size_t          size;
    char            error[CLI_ERROR_MAX];
} cli_answer_t;


/* Checks the options; NULL when something is wrong, which was said. */
cli_http_t *cli_http_open(const cli_options_t *options);
void cli_http_close(cli_http_t *http);

/* One request.  The answer is free of memory before it, and freed by the
 * caller. */
void cli_http_ask(cli_http_t *http, const cli_request_t *request,
    cli_answer_t *answer);
void cli_answer_free(cli_answer_t *answer);

/* The server's URL as it may be shown. */
const char *cli_http_url(const cli_http_t *http);


#endif /* CLI_HTTP_H */
