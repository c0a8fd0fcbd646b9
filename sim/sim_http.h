/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Requests and answers, and the daemon that carries them.
 *
 * Each connection has a thread, so that a handler may wait, sleep and write
 * slowly without holding anybody else up.  A request belongs to its thread.
 */

#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include <microhttpd.h>

#include "sim_fault.h"
#include "sim_journal.h"
#include "sim_stream.h"

#define SIM_PATH_MAX      512        /* longer paths are answered 404 */
#define SIM_SEGMENTS_MAX  8
#define SIM_BODY_MAX      9437184    /* bytes of a request's body */

struct sim_answer {
    int                  code;
    const char          *type;           /* Content-Type, never freed */
    struct sim_text      text;           /* the body, unless there is: */
    struct sim_stream   *stream;
    struct sim_header    header[SIM_HEADERS_MAX];
    int                  headers;
};

struct sim_request {
    struct MHD_Connection  *connection;
    const char             *method;      /* override by query considered */
    char                    path[SIM_PATH_MAX];
    struct sim_text         body;
    int                     too_large;

    /* filled by the provider's identify() */
    char                    segments[SIM_PATH_MAX];
    int                     n;
    const char             *segment[SIM_SEGMENTS_MAX];
    const void             *route;
    struct sim_plan         plan;        /* of the input concerned, or empty */
    struct cJSON           *json;        /* body or query as read, or NULL */
    int                     limited;     /* over the provider's own limit */
    const char             *refusal;     /* why the input was refused */
    struct sim_entry        entry;       /* op, actor, run, offset, items */

    /* the answer on its way */
    struct sim_rule        *rule;        /* the fault, with a reference */
    struct sim_stream      *stream;
    int64_t                 length;      /* of the body; -1 = unknown */
    uint64_t                sent;
    int                     hung;
    int                     finished;    /* the last byte was produced */
    uint64_t                seq;         /* in the journal, 0 = not there */
};

struct sim_provider {
    const char   *name;
    const char   *prefix;                /* of its paths */

    /* Finds out what is asked for; no effect yet. */
    void        (*identify)(struct sim_request *r);

    /* Does it and answers. */
    void        (*perform)(struct sim_request *r,
                           const struct sim_verdict *verdict,
                           struct sim_answer *answer);

    /*
     * Answers with an error in the provider's own shape; a type of NULL is
     * the provider's usual one of the code.
     */
    void        (*error)(struct sim_answer *answer, int code,
                         const char *type, const char *message);
};

/* Values of the query and the headers; NULL if not there. */
const char *sim_query(const struct sim_request *r, const char *name);
const char *sim_header(const struct sim_request *r, const char *name);

/* A whole number in the query, or other; 1 and true, 0 and false. */
int64_t sim_query_number(const struct sim_request *r, const char *name,
    int64_t other);
int sim_query_flag(const struct sim_request *r, const char *name);

/* Splits the path at slashes into segment[0 ... n-1]. */
void sim_request_split(struct sim_request *r);

/*
 * Compares segment[1 ... n-1] with a pattern: words between slashes, where a
 * star at a word's end stands for anything.
 */
int sim_request_matches(const struct sim_request *r, const char *pattern);

/* Sets a header, replacing one of that name. */
void sim_answer_header(struct sim_answer *answer, const char *name,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Whether the token is "valid", "invalid" or "none", kept in the entry.  A
 * wanted one of NULL is any.
 */
void sim_request_token(struct sim_request *r, const char *token,
    const char *wanted, int in_url);

/*
 * Enters the request into the journal, once; called after it took effect, and
 * by handlers that are going to wait before that.  status is the answer's.
 */
void sim_request_note(struct sim_request *r, int status);

/* Removes body and headers. */
void sim_answer_clear(struct sim_answer *answer);

/*
 * Answers a request that was read completely; owned by sim_serve.c.  What it
 * returns, the access handler returns.
 */
enum MHD_Result sim_serve(struct sim_request *r);

/* Puts the answer on the wire with the faults of r->rule; sim_wire.c. */
enum MHD_Result sim_wire_send(struct sim_request *r, struct sim_answer *answer);

/* Frees what the request holds and notes its end in the journal. */
void sim_request_end(struct sim_request *r, int complete);

/* Listens; ends the program (1) if it cannot.  Returns the port. */
int sim_http_start(void);

/* Ends all connections; sim_stop() was called. */
void sim_http_stop(void);

#endif
