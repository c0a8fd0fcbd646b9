/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A scraping provider, as a lane sees it: start a run, wait for it, read its
 * items page by page, abort it, ask what it cost, find a run whose start was
 * not acknowledged.  Knows no database and no job.
 *
 * A provider object belongs to one lane (thread), as the igj_http_t it is made
 * with.  Calls block.  wait, read_page and find return IGJ_PROVIDER_CANCELED
 * within about 0.2 s of the stop flag being set; start looks at the flag only
 * before it sends (an interrupted start is an unknown outcome, and money);
 * abort and cost do not look at it, since a stopped lane needs them.
 *
 * No call sleeps longer than IGJ_HTTP_SLEEP_MAX_MS between tries: a longer
 * wait is returned as RETRY or PARK with retry_after_ms.
 */

#ifndef IGJ_PROVIDER_H
#define IGJ_PROVIDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "igj_base.h"
#include "igj_http.h"
#include "igj_limits.h"
#include "igj_platform.h"


#define IGJ_PROVIDER_ID_MAX          64      /* run and dataset ids, with NUL */
#define IGJ_PROVIDER_TOKEN_MAX       64      /* bytes of a token, with NUL */
#define IGJ_PROVIDER_TYPE_MAX        64
#define IGJ_PROVIDER_MESSAGE_MAX     256
#define IGJ_FOUND_MAX                4       /* runs with one token */
#define IGJ_PROVIDER_PAGE_DEFAULT    2500
#define IGJ_PROVIDER_PAGE_MAX        IGJ_PROVIDER_PAGE_ITEMS
#define IGJ_PROVIDER_RETRIES         3       /* further tries in one call */
#define IGJ_PROVIDER_LONG_POLL_S     60      /* the API's own maximum */
#define IGJ_PROVIDER_COST_SETTLES_MS 10000   /* cost is final so long after
                                                the run's end */


/* What the caller should do. */
typedef enum {
    IGJ_PROVIDER_OK = 0,
    IGJ_PROVIDER_RETRY,      /* transient: again later, counts as a failure */
    IGJ_PROVIDER_SPLIT,      /* this input was refused: halve it, give up one
                                that is alone */
    IGJ_PROVIDER_PARK,       /* 429; run slots, memory: put back, no failure */
    IGJ_PROVIDER_STOP,       /* 401, 403, credits, configuration: no call of
                                this account will work; alarm */
    IGJ_PROVIDER_GIVE_UP,    /* this request can never work */
    IGJ_PROVIDER_CANCELED,   /* the stop flag */
    IGJ_PROVIDER_UNKNOWN     /* start only: a run may exist; use find */
} igj_provider_class_t;


/* Plain data, to be copied; message is UTF-8, bounded, free of secrets. */
typedef struct {
    igj_provider_class_t   class;
    long                   http_status;        /* 0: none came */
    int64_t                retry_after_ms;     /* -1: the caller's choice */
    char                   type[IGJ_PROVIDER_TYPE_MAX];   /* provider's word */
    char                   message[IGJ_PROVIDER_MESSAGE_MAX];
} igj_provider_error_t;


/* Strings are borrowed and must outlive the provider object. */
typedef struct {
    const char            *api_key;            /* secret */
    const char            *actor;              /* id, or owner~name */
    igj_platform_e         platform;           /* of the actor's accounts */
    const char            *base_url;           /* without a path: /v2 */
    const char            *path_prefix;        /* "actors" or "acts" */
    const char            *usernames_field;    /* input: array of names */
    const char            *max_count_field;    /* input: items per account */
    const char            *token_field;        /* input: our token */
    const char            *extra_input;        /* a JSON object merged into the
                                                  input, or NULL */
    const char            *fields;             /* only these item fields are
                                                  sent, NULL: all */
    int                    memory_mb;          /* of a run, 0: actor's own */
    int                    run_timeout_s;      /* of a run, 0: actor's own */
    int                    page_size;
    int                    max_retries;        /* further tries in one call */
    int                    long_poll_s;        /* 1 to 60 */
    double                 max_charge_usd;     /* cap of a run, 0: none */
    bool                   cap_items;          /* never pay for more than
                                                  accounts * max_count items */
} igj_provider_conf_t;


typedef enum {
    IGJ_RUN_RUNNING = 0,     /* whatever is not known to be final */
    IGJ_RUN_SUCCEEDED,       /* does not mean that there is data */
    IGJ_RUN_FAILED,          /* this and all below: partial items exist, were
                                paid for and should be read */
    IGJ_RUN_TIMED_OUT,
    IGJ_RUN_ABORTED,
    IGJ_RUN_LOST             /* the provider does not know the run (any more):
                                nothing can be read, a new run is needed */
} igj_run_state_t;


/* A run as known so far.  Kept by the caller between calls and across
 * restarts (id and dataset_id are enough, see igj_run_init()). */
typedef struct {
    char                   id[IGJ_PROVIDER_ID_MAX];
    char                   dataset_id[IGJ_PROVIDER_ID_MAX];  /* "": not known */
    igj_run_state_t        state;
    char                   status[32];         /* the provider's own word */
    double                 cost_usd;           /* -1: not known yet */
    int64_t                total_seen;         /* longest dataset seen */
    bool                   old;                /* started long ago: what is not
                                                  found is gone */
} igj_run_t;


typedef struct {
    const char *const     *accounts;           /* borrowed, normalised names */
    int                    n;
    int                    max_count;          /* items per account, > 0 */
    int64_t                max_items;          /* to be paid for; this and the
                                                  next three 0: as configured */
    double                 max_charge_usd;
    int                    memory_mb;
    int                    run_timeout_s;
    const char            *token;              /* unique per intent */
    int64_t                timeout_ms;         /* whole call, retries included;
                                                  0: IGJ_START_CALL_MS */
} igj_start_t;


/* Strings are never NULL, valid UTF-8 without NUL and live until the callback
 * returns. */
typedef struct {
    const char            *id;                 /* falls back to username */
    const char            *username;
    const char            *full_name;          /* "": absent */
    const char            *source_account;     /* "": the item does not say */
    const char            *picture_url;        /* "": absent */
    int                    is_private;         /* -1: the item does not say */
    int                    is_verified;
    int                    has_picture;
    int64_t                followers;          /* -1: the item does not say */
    int64_t                following;
    int64_t                posts;
} igj_profile_t;


typedef enum {
    IGJ_ACCOUNT_NOT_FOUND = 0,
    IGJ_ACCOUNT_PRIVATE,
    IGJ_ACCOUNT_EMPTY,       /* empty, private or blocked: the provider does
                                not tell them apart; once more later */
    IGJ_ACCOUNT_BLOCKED      /* the provider was blocked: once more later */
} igj_account_fault_t;


/* Same lifetime as igj_profile_t. */
typedef struct {
    const char            *account;            /* "": the item does not say */
    igj_account_fault_t    fault;
    const char            *message;            /* "": none */
} igj_account_error_t;


/*
 * Where a page goes.  A page may be cut or garbled in ways that show only at
 * its end, and is then read again: so the callbacks collect into a page
 * buffer of the caller, begin empties that buffer (it is called before every
 * try), and nothing of it may be used unless igj_provider_read_page() returned
 * IGJ_PROVIDER_OK.  Each returns 0, or -1 (no memory), which ends the call
 * with RETRY.
 */
typedef struct {
    int                  (*begin)(void *data);
    int                  (*profile)(void *data, const igj_profile_t *p);
    int                  (*account_error)(void *data,
                                          const igj_account_error_t *e);
    void                  *data;
} igj_page_sink_t;


typedef struct {
    int64_t                offset;             /* as asked */
    int64_t                next_offset;        /* the cursor after this page */
    int                    items;              /* next_offset - offset: every
                                                  line, whatever it held */
    int                    profiles;           /* handed to the sink */
    int                    account_errors;     /* likewise */
    int                    malformed;          /* skipped */
    int64_t                total;              /* dataset length at present */
    bool                   end;                /* run->state is final and
                                                  nothing can follow */
} igj_page_t;


typedef enum {
    IGJ_FIND_FOUND = 0,
    IGJ_FIND_ABSENT,         /* looked at every candidate: no such run now */
    IGJ_FIND_ERROR           /* not known, see the error */
} igj_find_t;


typedef struct {
    const char            *token;
    const char            *actor;              /* NULL: the configured one */
    int64_t                since_ms;           /* Unix time of the intent */
} igj_search_t;


/* More than one was never asked for. */
typedef struct {
    int                    n;
    igj_run_t              runs[IGJ_FOUND_MAX];    /* oldest first */
} igj_found_t;


typedef struct igj_provider_s  igj_provider_t;


void igj_provider_conf_defaults(igj_provider_conf_t *conf);

/* The platform, and the names of its actors' inputs; the default is
 * Instagram. */
void igj_provider_conf_platform(igj_provider_conf_t *conf,
    igj_platform_e platform);

/*
 * kind: "apify".  conf (copied), its strings, http and stop are borrowed until
 * igj_provider_destroy(); stop may be NULL.  NULL with *err (STOP) if the
 * configuration cannot work.
 */
IGJ_MUST_CHECK
igj_provider_t *igj_provider_create(const char *kind,
    const igj_provider_conf_t *conf, igj_http_t *http, const _Atomic int *stop,
    igj_provider_error_t *err);
void igj_provider_destroy(igj_provider_t *p);

/* Clears *run; dataset_id may be NULL or "". */
void igj_run_init(igj_run_t *run, const char *id, const char *dataset_id);
bool igj_run_final(const igj_run_t *run);

/*
 * OK: the run exists, run->id is set (dataset_id nearly always).  UNKNOWN: the
 * call died after the request was sent, the run may exist and cost; the caller
 * must not start again before find answered for the token.  Every other class:
 * nothing was started.
 */
IGJ_MUST_CHECK
igj_provider_class_t igj_provider_start(igj_provider_t *p,
    const igj_start_t *start, igj_run_t *run, igj_provider_error_t *err);

/*
 * Waits until the run is final or timeout_ms have passed, and brings *run up
 * to date; OK in both cases, so look at run->state.
 */
IGJ_MUST_CHECK
igj_provider_class_t igj_provider_wait(igj_provider_t *p, igj_run_t *run,
    int64_t timeout_ms, igj_provider_error_t *err);

/*
 * Reads items [offset, offset + limit); limit 0 is the configured page size,
 * at most IGJ_PROVIDER_PAGE_MAX.  May be called while the run works, also for
 * items that are not there yet.  Set run->state (wait) before relying on
 * page->end.  An empty page that is not the end means: wait, then read again.
 */
IGJ_MUST_CHECK
igj_provider_class_t igj_provider_read_page(igj_provider_t *p, igj_run_t *run,
    int64_t offset, int limit, const igj_page_sink_t *sink, igj_page_t *page,
    igj_provider_error_t *err);

/* Asks the provider to end the run; harmless for one that has ended.  The
 * partial dataset stays readable. */
IGJ_MUST_CHECK
igj_provider_class_t igj_provider_abort(igj_provider_t *p, igj_run_t *run,
    igj_provider_error_t *err);

/* Sets run->cost_usd (and state); may be preliminary until
 * IGJ_PROVIDER_COST_SETTLES_MS after the end of the run. */
IGJ_MUST_CHECK
igj_provider_class_t igj_provider_cost(igj_provider_t *p, igj_run_t *run,
    igj_provider_error_t *err);

/*
 * Looks for runs that carry the token among those started since then (clock
 * skew is allowed for).  Whether "absent" is final is the caller's: a start
 * call may still be under way.
 */
IGJ_MUST_CHECK
igj_find_t igj_provider_find(igj_provider_t *p, const igj_search_t *search,
    igj_found_t *found, igj_provider_error_t *err);

/*
 * For people: tells on out whether credentials and actor work, without
 * starting anything.  0, or 1 with the reason on out.
 */
int igj_provider_check(const char *kind, const igj_provider_conf_t *conf,
    FILE *out);

/* The words used in logs, tables and messages: "retry", "timed_out", ... */
const char *igj_provider_class_name(igj_provider_class_t class);
const char *igj_run_state_name(igj_run_state_t state);
const char *igj_account_fault_name(igj_account_fault_t fault);

#endif /* IGJ_PROVIDER_H */
