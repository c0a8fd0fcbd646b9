/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Webhooks on their way: many requests at a time over one libcurl multi
 * handle, so that endpoints that hang hold nobody up.  Each has a connection
 * of its own, verified and straight: no proxy, no redirect, no address that is
 * not open (igj_webhook_target.h).
 *
 * An igj_webhooks_t belongs to one thread.  Secrets are used while a request
 * is made and not kept.
 */

#ifndef IGJ_WEBHOOK_H
#define IGJ_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igj_base.h"


#define IGJ_WEBHOOK_SLOTS         64      /* under way at once */
#define IGJ_WEBHOOK_CONNECT_MS    5000    /* DNS, TCP and TLS together */
#define IGJ_WEBHOOK_HEADERS_MAX   16384   /* of an answer */
#define IGJ_WEBHOOK_ANSWER_MAX    500     /* bytes that are kept of its body */
#define IGJ_WEBHOOK_ERROR_MAX     256


typedef enum {
    IGJ_WEBHOOK_DELIVERED = 0,    /* 2xx in time */
    IGJ_WEBHOOK_GONE,             /* 410 */
    IGJ_WEBHOOK_FAILED,           /* anything else: try again */
    IGJ_WEBHOOK_REFUSED,          /* may not be sent there */
    IGJ_WEBHOOK_RETURNED          /* broken off by us */
} igj_webhook_outcome_t;


typedef struct {
    int64_t      timeout_ms;      /* of the whole call */
    bool         allow_private;   /* addresses that are not open, any port */
} igj_webhook_conf_t;


/* Strings are borrowed for the call only. */
typedef struct {
    const char  *url;
    const char  *id;
    const char  *payload;
    const char  *secrets;
    void        *data;            /* handed back with the result */
} igj_webhook_request_t;


typedef struct {
    igj_webhook_outcome_t  outcome;
    void                  *data;
    long                   status;       /* 0: no answer */
    int64_t                ms;
    int64_t                wait_ms;      /* Retry-After; 0: none */
    char                   error[IGJ_WEBHOOK_ERROR_MAX];  /* "": none */
    /* the beginning of the body as UTF-8, each fault three bytes */
    char                   answer[3 * IGJ_WEBHOOK_ANSWER_MAX + 1];
} igj_webhook_result_t;


typedef struct igj_webhooks_s  igj_webhooks_t;


/* conf is copied.  NULL when memory is short. */
igj_webhooks_t *igj_webhooks_create(const igj_webhook_conf_t *conf)
    IGJ_MUST_CHECK;

/* Breaks off what is under way, without results. */
void igj_webhooks_destroy(igj_webhooks_t *w);

/* How many are under way. */
int igj_webhooks_busy(const igj_webhooks_t *w);

/* What was sent is IGJ_WEBHOOK_SLOTS at most.  True: it is under way; false:
 * *result says why not. */
IGJ_MUST_CHECK bool igj_webhooks_send(igj_webhooks_t *w,
    const igj_webhook_request_t *request, igj_webhook_result_t *result);

/* Moves all on; waits for something to happen, at most ms. */
void igj_webhooks_turn(igj_webhooks_t *w, int ms);

/* The next one that has ended; false: none. */
IGJ_MUST_CHECK bool igj_webhooks_next(igj_webhooks_t *w,
    igj_webhook_result_t *result);

/* Breaks one off; false: none is under way. */
IGJ_MUST_CHECK bool igj_webhooks_return(igj_webhooks_t *w,
    igj_webhook_result_t *result);


#endif /* IGJ_WEBHOOK_H */
