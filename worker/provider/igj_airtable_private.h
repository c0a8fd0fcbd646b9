/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the files of the Airtable client share: igj_airtable.c (one request:
 * turn, repeats, answer), igj_airtable_error.c (what a bad answer means),
 * igj_airtable_write.c (rows), igj_airtable_delete.c, igj_airtable_read.c
 * (listing), igj_airtable_schema.c (tables), igj_airtable_check.c.  Facts about
 * the API that more than one of them relies on:
 *
 *   - a write of up to ten is all or nothing, and its answer has the records in
 *     the order of the request;
 *   - the sixth request within a second gets 429, and so do all for 30 s.
 */

#ifndef IGJ_AIRTABLE_PRIVATE_H
#define IGJ_AIRTABLE_PRIVATE_H

#include "igj_airtable.h"


#define IGJ_AIRTABLE_URL_MAX   2048
#define IGJ_AIRTABLE_ROOT_MAX  512


struct igj_airtable_s {
    igj_http_t                *http;
    const char                *token;
    const _Atomic int         *stop;
    igj_airtable_pace_t        pace;
    char                       root[IGJ_AIRTABLE_ROOT_MAX];  /* with /v0 */
};


/* Where a call goes; names it in errors. */
typedef struct {
    const char                *what;      /* "upsert" */
    const char                *base;
    const char                *table;     /* NULL: none */
} igj_airtable_place_t;


/* A URL that is being written. */
typedef struct {
    char                       text[IGJ_AIRTABLE_URL_MAX];
    size_t                     len;
    bool                       full;      /* it did not fit */
} igj_airtable_url_t;


/* One request, and its answer. */
typedef struct {
    const igj_airtable_place_t  *place;
    const igj_airtable_url_t    *url;
    const char                  *method;  /* NULL: GET, or POST with a body */
    const cJSON                 *body;    /* NULL: none */
    const char                  *wanted;  /* array that the answer must have,
                                             NULL: any object */
    size_t                       max_bytes;
    int64_t                      wait_ms; /* for a turn at most; 0:
                                             IGJ_AIRTABLE_WAIT_MS */
    bool                         once;    /* not to be repeated when it may have
                                             had its effect */
    cJSON                       *answer;  /* out: the caller's */
} igj_airtable_call_t;


/* Begins with the root; part adds /text, escaped; query adds name=text after
 * ? or &, both escaped. */
void igj_airtable_url_begin(const igj_airtable_t *a, igj_airtable_url_t *url);
void igj_airtable_url_part(igj_airtable_url_t *url, const char *text);
void igj_airtable_url_query(igj_airtable_url_t *url, const char *name,
    const char *text);

/* root/base/table; checks the base. */
IGJ_MUST_CHECK
igj_airtable_class_t igj_airtable_records_url(igj_airtable_t *a,
    const igj_airtable_place_t *place, igj_airtable_url_t *url,
    igj_airtable_error_t *err);

/* Makes the call, each try in its turn; call->answer is set only with OK. */
IGJ_MUST_CHECK
igj_airtable_class_t igj_airtable_call(igj_airtable_t *a,
    igj_airtable_call_t *call, igj_airtable_error_t *err);

void igj_airtable_error_init(igj_airtable_error_t *err);

/* Fills *err and returns class; the message begins with the place and is
 * cleaned as igj_safe_text.h says. */
igj_airtable_class_t igj_airtable_fail(const igj_airtable_t *a,
    const igj_airtable_place_t *place, igj_airtable_error_t *err,
    igj_airtable_class_t class, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Fills *err from a response that is not what was wanted; returns its class. */
igj_airtable_class_t igj_airtable_answered(const igj_airtable_t *a,
    const igj_airtable_place_t *place, const igj_http_response_t *resp,
    igj_airtable_error_t *err);

/* Is it about some of the rows, so that others may be written without them?
 * by_record: rows were named by record id. */
bool igj_airtable_about_rows(const igj_airtable_error_t *err, bool by_record);

/* The record that was named is not there. */
bool igj_airtable_gone(const igj_airtable_error_t *err);

/* The listing has to begin again. */
bool igj_airtable_expired(const igj_airtable_error_t *err);

/* A string member, NULL if it is not there or not a string. */
const char *igj_airtable_string(const cJSON *object, const char *name);


/*
 * A write of any number of rows in requests of ten, halved where Airtable
 * refuses some of them.
 */
typedef struct igj_airtable_write_s  igj_airtable_write_t;

struct igj_airtable_write_s {
    igj_airtable_t             *a;
    igj_airtable_place_t        place;
    igj_airtable_url_t          url;
    igj_airtable_done_t        *done;
    igj_airtable_error_t       *err;
    int                         written;
    int                         refused;
    const void                 *rows;     /* of the kind of write */

    /* writes rows [from, from + n), n up to ten, in one request */
    igj_airtable_class_t      (*send)(igj_airtable_write_t *w, int from, int n);
    /* are some of them named by their records? */
    bool                      (*named)(const igj_airtable_write_t *w, int from,
                                       int n);
    /* a row that is refused alone; true: it is done all the same, or can be
     * sent once more */
    bool                      (*alone)(igj_airtable_write_t *w, int i);
};

/* All n rows; fills done as igj_airtable.h says. */
IGJ_MUST_CHECK
igj_airtable_class_t igj_airtable_write_all(igj_airtable_write_t *w, int n);

#endif /* IGJ_AIRTABLE_PRIVATE_H */
