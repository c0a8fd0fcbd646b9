/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The Airtable Web API, as far as campaigns need it: rows of outreach tables
 * written, read and deleted, and the tables of a base listed and made.
 *
 * An igj_airtable_t belongs to one thread (a lane) at a time.  Calls block;
 * before every single request, repeats too, they ask the pace, which speaks
 * for the whole fleet, and they look at the stop flag as igj_http.h says.
 * Every call here may be repeated: rows are merged on their field "id", what
 * is already deleted counts as deleted, and a table that exists is found.
 *
 * The token travels in a header only; no message made here carries it.
 */

#ifndef IGJ_AIRTABLE_H
#define IGJ_AIRTABLE_H

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "igj_base.h"
#include "igj_http.h"


#define IGJ_AIRTABLE_WRITE_ROWS    10      /* rows of a write, the API's own */
#define IGJ_AIRTABLE_PAGE_ROWS     100     /* records of a page, likewise */
#define IGJ_AIRTABLE_PAGE_BYTES    (4 * 1024 * 1024)    /* of a page */
#define IGJ_AIRTABLE_SCHEMA_BYTES  (16 * 1024 * 1024)   /* of a schema */
#define IGJ_AIRTABLE_CALL_MS       30000   /* time-out of a request */
#define IGJ_AIRTABLE_RETRIES       3       /* further tries of a request */
#define IGJ_AIRTABLE_RESTARTS      3       /* of a listing that expired */
#define IGJ_AIRTABLE_REFUSED_MAX   10      /* rows refused, none written: it is
                                              the table, not the rows */
#define IGJ_AIRTABLE_WAIT_MS       2000    /* for a turn, inside a call */
#define IGJ_AIRTABLE_GO_ON_MS      10000   /* likewise, of a listing's further
                                              pages: who leaves starts over */
#define IGJ_AIRTABLE_STALE_MAX     3       /* turns in a row missed by lateness,
                                              then the next one is used */
#define IGJ_AIRTABLE_PENALTY_MS    30000   /* silence that a 429 asks for, */
#define IGJ_AIRTABLE_SILENCE_MS    3600000 /* and at most, whatever it says */
#define IGJ_AIRTABLE_ID_MAX        32      /* ids of Airtable, with NUL */
#define IGJ_AIRTABLE_BASE_MAX      64      /* id of a base, with NUL */
#define IGJ_AIRTABLE_NAME_MAX      256     /* of a table or field, with NUL */
#define IGJ_AIRTABLE_TYPE_MAX      64
#define IGJ_AIRTABLE_MESSAGE_MAX   256

/* The fields of an outreach table; the first is its primary one. */
#define IGJ_AIRTABLE_KEY           "id"
#define IGJ_AIRTABLE_STATUS        "progress_status"


/* What the caller should do. */
typedef enum {
    IGJ_AIRTABLE_OK = 0,
    IGJ_AIRTABLE_RETRY,      /* transient: again later, counts as a failure */
    IGJ_AIRTABLE_PARK,       /* no turn, or a 429: again after delay_ms, no
                                failure; the fleet knows already */
    IGJ_AIRTABLE_DENIED,     /* 401, 403, the month's calls are used up,
                                configuration: nobody may call, until people
                                mend it. A 403 says no more than this table:
                                one that was renamed looks the same */
    IGJ_AIRTABLE_REFUSED,    /* this call will never work: table or field is
                                not there, the request is wrong */
    IGJ_AIRTABLE_CANCELED    /* the stop flag */
} igj_airtable_class_t;


/* Plain data, to be copied; message is UTF-8, bounded, free of secrets and
 * says which table, and which field where Airtable names one. */
typedef struct {
    igj_airtable_class_t   class;
    long                   http_status;    /* 0: none came */
    int64_t                delay_ms;       /* of PARK; else -1, or what the API
                                              said */
    bool                   billing;        /* DENIED: the month's calls */
    char                   type[IGJ_AIRTABLE_TYPE_MAX];   /* Airtable's word,
                                              "" if it said none */
    char                   message[IGJ_AIRTABLE_MESSAGE_MAX];
} igj_airtable_error_t;


/* An answer of the pace. */
typedef enum {
    IGJ_AIRTABLE_TURN_GO = 0,    /* send after wait_ms, and within good_ms of
                                    that moment, else ask for another */
    IGJ_AIRTABLE_TURN_WAIT,      /* busy or silenced: ask again after wait_ms */
    IGJ_AIRTABLE_TURN_USED_UP,   /* the month's calls of this base */
    IGJ_AIRTABLE_TURN_TAKEN,     /* the base is another tenant's */
    IGJ_AIRTABLE_TURN_FAILED,    /* the pace is broken: a failure of the call */
    IGJ_AIRTABLE_TURN_GONE       /* cannot be asked, the worker ends */
} igj_airtable_answer_t;


typedef struct {
    igj_airtable_answer_t  answer;
    int64_t                wait_ms;
    int64_t                good_ms;
} igj_airtable_turn_t;


/*
 * Leave to ask, for all workers together (sql/037_airtable_pace.sql).
 *
 * turn: may this base be asked once, at most max_ms ahead?  freeze: Airtable
 * wants silence of so many ms; < 0: the month's calls are used up.  A NULL
 * pace lets everything through.
 */
typedef struct {
    void                 (*turn)(void *data, const char *base, int64_t max_ms,
                                 igj_airtable_turn_t *turn);
    void                 (*freeze)(void *data, const char *base, int64_t ms);
    void                  *data;
} igj_airtable_pace_t;


/* Strings are borrowed and must outlive the client. */
typedef struct {
    const char            *token;          /* secret */
    const char            *base_url;       /* https://api.airtable.com, or with
                                              a path instead of /v0 */
} igj_airtable_conf_t;


/* A row to be written; NULL and 0 are fields that are not sent. */
typedef struct {
    const char            *record_id;      /* NULL or "": merged on id */
    const char            *id;
    const char            *username;
    const char            *full_name;
    int64_t                position;
    const char            *campaign_date;  /* YYYY-MM-DD */
    const char            *progress_status;
} igj_airtable_row_t;


/* What became of a row, or of a record to be deleted. */
typedef struct {
    char                   record_id[IGJ_AIRTABLE_ID_MAX];  /* "": not done */
    bool                   created;        /* upsert: was not there before */
    bool                   missing;        /* the record is not there (any
                                              more) */
    char                   problem[IGJ_AIRTABLE_MESSAGE_MAX];  /* "": none;
                                              why Airtable refuses this row */
} igj_airtable_done_t;


/*
 * Where a listing goes.  begin is called before the first page, and again
 * whenever the listing starts over, because Airtable forgot where it was: what
 * came before comes again then.  page, which may be NULL, ends each page.
 * fields is an object, and borrowed like record_id until the callback
 * returns.  Each returns 0, or -1, which ends the call with CANCELED.
 */
typedef struct {
    int                  (*begin)(void *data);
    int                  (*record)(void *data, const char *record_id,
                                   const cJSON *fields);
    int                  (*page)(void *data);
    void                  *data;
} igj_airtable_sink_t;


typedef struct igj_airtable_s  igj_airtable_t;


/*
 * conf and pace are copied (pace may be NULL), http and stop borrowed until
 * igj_airtable_destroy(); stop may be NULL.  NULL with *err (DENIED): the
 * configuration cannot work.
 */
IGJ_MUST_CHECK
igj_airtable_t *igj_airtable_create(const igj_airtable_conf_t *conf,
    igj_http_t *http, const _Atomic int *stop,
    const igj_airtable_pace_t *pace, igj_airtable_error_t *err);
void igj_airtable_destroy(igj_airtable_t *a);

/*
 * Rows are written, new ones where no record has their id, in requests of ten.
 * done has n entries and is filled whatever is returned.  OK: each row has its
 * record_id or a problem (a refused row does not keep its neighbours from
 * being written).  Any other class: those without either were not tried, or
 * may have been written and are to be sent again.  A record_id that is gone
 * is merged on id instead.
 */
IGJ_MUST_CHECK
igj_airtable_class_t igj_airtable_upsert(igj_airtable_t *a, const char *base,
    const char *table, const igj_airtable_row_t *rows, int n,
    igj_airtable_done_t *done, igj_airtable_error_t *err);

/* The same for rows with record_id: only their other fields that are set are
 * changed.  A record that is gone is "missing", with a problem. */
IGJ_MUST_CHECK
igj_airtable_class_t igj_airtable_update(igj_airtable_t *a, const char *base,
    const char *table, const igj_airtable_row_t *rows, int n,
    igj_airtable_done_t *done, igj_airtable_error_t *err);

/* Deletes records.  One that is gone is done, and "missing". */
IGJ_MUST_CHECK
igj_airtable_class_t igj_airtable_delete(igj_airtable_t *a, const char *base,
    const char *table, const char *const *record_ids, int n,
    igj_airtable_done_t *done, igj_airtable_error_t *err);

/* All records of a table; fields: names, NULL-terminated, or NULL for all.
 * Airtable leaves out fields that are empty. */
IGJ_MUST_CHECK
igj_airtable_class_t igj_airtable_list(igj_airtable_t *a, const char *base,
    const char *table, const char *const *fields,
    const igj_airtable_sink_t *sink, igj_airtable_error_t *err);

/* The tables of a base as Airtable describes them, an array of {"id", "name",
 * "fields": [{"name", "type", "options"}]}, the caller's to cJSON_Delete(). */
IGJ_MUST_CHECK
igj_airtable_class_t igj_airtable_schema(igj_airtable_t *a, const char *base,
    cJSON **tables, igj_airtable_error_t *err);

/* Makes an outreach table with all its fields and choices.  Where a lost
 * answer leaves open whether it was made: RETRY, and the schema tells. */
IGJ_MUST_CHECK
igj_airtable_class_t igj_airtable_create_table(igj_airtable_t *a,
    const char *base, const char *name, char table_id[IGJ_AIRTABLE_ID_MAX],
    igj_airtable_error_t *err);

/* Is it the id of a base as it may stand in a path: app and letters, digits
 * or _?  Likewise of a record: rec. */
bool igj_airtable_base_valid(const char *base);
bool igj_airtable_record_valid(const char *record_id);

/*
 * For people: tells on out whether the token works and which scopes it lacks.
 * 0, or 1 when it does not work or lacks one that every campaign needs.
 */
int igj_airtable_check(const igj_airtable_conf_t *conf, FILE *out);

/* The words used in logs: "retry", "park", … */
const char *igj_airtable_class_name(igj_airtable_class_t class);

#endif /* IGJ_AIRTABLE_H */
