/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The transport policy of every outgoing HTTP call of the worker, in one
 * place: time-outs, protocols, encodings, caps, what counts as transient, and
 * the bounded retries of calls that may be repeated.
 *
 * An igj_http_t belongs to one thread (a lane) at a time and keeps its
 * connections alive between calls.  Calls block, and look at a stop flag at
 * least every IGJ_HTTP_TICK_MS, even while the peer is silent.
 * curl_global_init() and ignoring SIGPIPE are main's, before any thread.
 *
 * Secrets travel only in request headers; no URL, message or log line made
 * here carries them.
 */

#ifndef IGJ_HTTP_H
#define IGJ_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igj_base.h"


#define IGJ_HTTP_TICK_MS          100      /* reaction to the stop flag */
#define IGJ_HTTP_CONNECT_MS       5000     /* DNS, TCP and TLS together */
#define IGJ_HTTP_QUICK_MS         20000    /* total time of a short call */
#define IGJ_HTTP_DOWNLOAD_MS      300000   /* total time of a download */
#define IGJ_HTTP_LOW_SPEED        1000     /* bytes/s a download must reach */
#define IGJ_HTTP_LOW_SPEED_S      30       /* over so many seconds */
#define IGJ_HTTP_BODY_MAX         (2 * 1024 * 1024)   /* answer kept whole */
#define IGJ_HTTP_STREAM_MAX       (256 * 1024 * 1024) /* answer streamed */
#define IGJ_HTTP_HEADERS_MAX      (128 * 1024)        /* all answer headers */
#define IGJ_HTTP_MESSAGE_MAX      256
#define IGJ_HTTP_RETRY_BASE_MS    500      /* first wait, doubled each time */
#define IGJ_HTTP_SLEEP_MAX_MS     4000     /* longest wait inside a call */


/* Clock, sleep and chance reach the unit through this table. */
typedef struct {
    int64_t         (*now_ms)(void *data);     /* monotonic */
    void            (*sleep_ms)(void *data, int64_t ms);
    uint32_t        (*random)(void *data);
    void             *data;
} igj_http_sys_t;


typedef enum {
    IGJ_HTTP_OK = 0,        /* a whole answer came, whatever its status */
    IGJ_HTTP_STOPPED,       /* the stop flag was set */
    IGJ_HTTP_UNREACHABLE,   /* DNS, connect, first TLS: nothing was sent */
    IGJ_HTTP_TIMEOUT,
    IGJ_HTTP_BROKEN,        /* reset, closed early, cut body */
    IGJ_HTTP_BAD_ENCODING,  /* content encoding does not decode */
    IGJ_HTTP_TOO_BIG,       /* the answer passed the request's cap */
    IGJ_HTTP_SINK,          /* the caller's sink refused the bytes */
    IGJ_HTTP_UNVERIFIED,    /* the caller's verify refused the answer */
    IGJ_HTTP_PERMANENT      /* URL, certificate, protocol, configuration */
} igj_http_result_t;


typedef enum {
    IGJ_HTTP_QUICK = 0,     /* small document */
    IGJ_HTTP_LONG_POLL,     /* silent until timeout_ms: no low-speed rule */
    IGJ_HTTP_DOWNLOAD,      /* streamed; low-speed rule instead of patience */
    IGJ_HTTP_EFFECT         /* must not be sent twice: fresh connection, so
                               that libcurl never re-sends it by itself */
} igj_http_kind_t;


typedef struct igj_http_s           igj_http_t;
typedef struct igj_http_response_s  igj_http_response_t;


/*
 * Strings are borrowed for the call.  With a sink, the decoded bytes of a 2xx
 * answer go to it piece by piece and all other bodies are kept (bounded).
 */
typedef struct {
    const char            *url;
    const char            *method;         /* NULL: GET, or POST with a body */
    const char            *bearer;         /* secret, or NULL */
    const char *const     *headers;        /* further ones, NULL-terminated */
    const char            *body;           /* NULL: none */
    size_t                 body_len;
    const char            *content_type;   /* NULL: application/json */
    igj_http_kind_t        kind;
    int64_t                timeout_ms;     /* 0: the kind's default */
    uint64_t               max_bytes;      /* 0: the default cap */
    int                    retries;        /* further tries, igj_http_call() */
    const _Atomic int     *stop;           /* NULL: not to be interrupted */

    /* each returns 0, or -1 to refuse; all optional */
    int                  (*begin)(void *data);   /* before each try: forget
                                                    what the last one brought */
    int                  (*sink)(void *data, const char *bytes, size_t len);
    int                  (*verify)(void *data, igj_http_t *h,
                                   const igj_http_response_t *resp);  /* 2xx */
    void                  *data;
} igj_http_request_t;


struct igj_http_response_s {
    igj_http_result_t      result;
    long                   status;         /* 0: no status line came */
    const char            *body;           /* NUL-terminated, never NULL; the
                                              context's, until its next call */
    size_t                 body_len;
    int64_t                retry_after_ms; /* -1: no such header */
    bool                   sent;           /* the peer may have the request */
    int                    tries;
    char                   message[IGJ_HTTP_MESSAGE_MAX];  /* for people */
};


/* sys NULL: the real clock.  NULL when memory is short. */
IGJ_MUST_CHECK
igj_http_t *igj_http_create(const igj_http_sys_t *sys);
void igj_http_destroy(igj_http_t *h);

/* One try.  Fills *resp in all cases and returns resp->result. */
IGJ_MUST_CHECK
igj_http_result_t igj_http_once(igj_http_t *h, const igj_http_request_t *req,
    igj_http_response_t *resp);

/*
 * Up to 1 + req->retries tries of a request that may be repeated, with
 * exponential, jittered waits or what Retry-After says.  Where the wait would
 * pass IGJ_HTTP_SLEEP_MAX_MS the last answer is returned instead, so that the
 * caller can put the work back.  A bad encoding is tried once more with
 * "identity".
 */
IGJ_MUST_CHECK
igj_http_result_t igj_http_call(igj_http_t *h, const igj_http_request_t *req,
    igj_http_response_t *resp);

/*
 * What may come compressed, for Accept-Encoding.  Nothing over plain HTTP: it
 * is spoken to servers beside this one, where to compress costs more than it
 * saves.  What comes so all the same is understood.
 */
const char *igj_http_encodings(const char *url);

/* A header of the last answer, NULL if absent; valid until the next call. */
const char *igj_http_header(igj_http_t *h, const char *name);

/* As igj_http_header(), as a number; -1 if absent or no whole number. */
int64_t igj_http_header_int(igj_http_t *h, const char *name);

/* The transient ones: 408, 429, 500, 502 to 504, 520 to 526. */
bool igj_http_status_transient(long status);

/*
 * The wait before retry number n (from 0) of the call that resp answered:
 * exponential with jitter, at most IGJ_HTTP_SLEEP_MAX_MS, or what Retry-After
 * says if that is longer, whatever it says.
 */
int64_t igj_http_wait_ms(igj_http_t *h, const igj_http_response_t *resp, int n);

/* Sleeps in ticks; -1 as soon as the flag (may be NULL) is set, else 0. */
int igj_http_sleep(igj_http_t *h, int64_t ms, const _Atomic int *stop);

int64_t igj_http_now_ms(igj_http_t *h);

#endif /* IGJ_HTTP_H */
