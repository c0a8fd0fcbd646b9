/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the files of the Apify client share.  Facts about the API that more
 * than one of them relies on:
 *
 *   - success is {"data": {...}}, failure {"error": {"type", "message"}};
 *     dataset items and stored inputs come without an envelope;
 *   - a run or dataset just made may answer 404 for a moment;
 *   - there is no idempotency key for starting a run.
 */

#ifndef IGJ_APIFY_H
#define IGJ_APIFY_H

#include <cjson/cJSON.h>

#include "igj_provider_private.h"


#define IGJ_APIFY_URL_MAX     2048
#define IGJ_APIFY_BASE_MAX    512
#define IGJ_APIFY_NAME_MAX    128         /* actor id or owner~name */
#define IGJ_APIFY_GRACE_MS    3000        /* for a 404 right after a start */
#define IGJ_APIFY_AGAIN_MS    250         /* between tries meanwhile */


typedef struct {
    igj_provider_t     head;
    char               base[IGJ_APIFY_BASE_MAX];    /* no slash at the end */
    char               actor[IGJ_APIFY_NAME_MAX];
    cJSON             *extra;             /* further input, or NULL */
    char              *line;              /* IGJ_JSONL_LINE_MAX bytes */
} igj_apify_t;


/* A JSON document as answer; data is the envelope's object, or the root. */
typedef struct {
    bool               envelope;          /* in: one is expected */
    cJSON             *root;              /* out: freed by the caller */
    const cJSON       *data;
} igj_apify_doc_t;


/* Appends the formatted path to the base; url has IGJ_APIFY_URL_MAX bytes.
 * IGJ_ERROR if it is too long. */
IGJ_MUST_CHECK
int igj_apify_url(const igj_apify_t *a, char *url, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "owner/name", as people write it, is owner~name in a path.  IGJ_ERROR: no
 * name of an actor. */
IGJ_MUST_CHECK
int igj_apify_actor(const char *actor, char out[IGJ_APIFY_NAME_MAX]);

/*
 * Makes a call that may be repeated; what names it in errors ("wait").  OK
 * means 2xx.  A 404 is tried again for grace_ms.
 */
IGJ_MUST_CHECK
igj_provider_class_t igj_apify_call(igj_apify_t *a, igj_http_request_t *req,
    int64_t grace_ms, const char *what, igj_http_response_t *resp,
    igj_provider_error_t *err);

/* The same for a JSON document; req needs url, and what differs from a GET. */
IGJ_MUST_CHECK
igj_provider_class_t igj_apify_document(igj_apify_t *a,
    igj_http_request_t *req, int64_t grace_ms, const char *what,
    igj_apify_doc_t *doc, igj_provider_error_t *err);

/* Copies what a Run object says; IGJ_ERROR if it has no usable id. */
IGJ_MUST_CHECK
int igj_apify_run_read(const cJSON *data, igj_run_t *run);

/* True for what may stand in a path: letters, digits, - and _. */
bool igj_apify_id_valid(const char *id);

/* A string member, NULL if it is not there or not a string. */
const char *igj_apify_string(const cJSON *object, const char *name);

/* The API itself said that it does not know the thing; a 404 of something in
 * between, which does not speak the API's language, is not that. */
bool igj_apify_not_found(const igj_provider_error_t *err);

/* Fills *err from a response that is not what was wanted; returns its class. */
igj_provider_class_t igj_apify_fail(igj_apify_t *a, const char *what,
    const igj_http_response_t *resp, igj_provider_error_t *err);


igj_provider_class_t igj_apify_start(igj_provider_t *p,
    const igj_start_t *start, igj_run_t *run, igj_provider_error_t *err);
igj_provider_class_t igj_apify_read_page(igj_provider_t *p, igj_run_t *run,
    const igj_page_sink_t *sink, igj_page_t *page, int limit,
    igj_provider_error_t *err);
igj_find_t igj_apify_find(igj_provider_t *p, const igj_search_t *search,
    igj_found_t *found, igj_provider_error_t *err);

#endif /* IGJ_APIFY_H */
