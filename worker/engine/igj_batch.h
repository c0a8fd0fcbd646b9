/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A batch as a kind sees it: what is to be done, and the calls that make it
 * last.  A kind (igj_kind.h) knows nothing of turns and leases; what it must
 * know of them reaches it as the stop flag and as these return codes.
 *
 * A batch belongs to the lane that claimed it, for the time of one run().
 * Every call here is one committed transaction, fenced by the batch's attempt,
 * and is repeated inside until Postgres has answered.
 */

#ifndef IGJ_BATCH_H
#define IGJ_BATCH_H

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igj_allowance.h"
#include "igj_base.h"


#define IGJ_BATCH_ID_MAX     128      /* token, run and dataset ids, with NUL */
#define IGJ_BATCH_ERROR_MAX  300
#define IGJ_BATCH_NO_COST    (-1.0)


typedef enum {
    IGJ_BATCH_OK = 0,
    IGJ_BATCH_STOP,          /* the job winds down, has no money for now, or
                                the worker ends: return
                                IGJ_OUTCOME_GIVE_BACK */
    IGJ_BATCH_LOST,          /* another worker has the batch, or the job has
                                ended: return IGJ_OUTCOME_LOST */
    IGJ_BATCH_ADOPTED,       /* run_started only: lost, but the run is recorded
                                for the next holder, who goes on with it; with
                                LOST it is recorded as nobody's */
    IGJ_BATCH_ERROR          /* Postgres refused: return IGJ_OUTCOME_RETRY */
} igj_batch_rc_t;


typedef enum {
    IGJ_BATCH_RUN_PLANNED,   /* accounts set apart, nothing started */
    IGJ_BATCH_RUN_INTENT,    /* the start call may be under way, no id known */
    IGJ_BATCH_RUN_STARTED,   /* id known */
    IGJ_BATCH_RUN_READING,   /* an earlier job's run, which is read again */
    IGJ_BATCH_RUN_CLOSED
} igj_batch_run_state_t;


typedef struct igj_batch_run_s  igj_batch_run_t;

struct igj_batch_run_s {
    igj_batch_run_t        *next;
    int                     run_no;
    igj_batch_run_state_t   state;
    char                    token[IGJ_BATCH_ID_MAX];
    char                    run_id[IGJ_BATCH_ID_MAX];
    char                    dataset_id[IGJ_BATCH_ID_MAX];   /* "": unknown */
    int64_t                 cursor;       /* items stored so far */
    int64_t                 intent_ms;    /* igj_clock_ms() of the intent */
    bool                    fresh;        /* the intent came with this claim:
                                             no call was made for it */
    igj_allowance_t         allowance;
    const char             *actor;        /* of an intent that was there; NULL:
                                             the configured one */
    bool                    reused;       /* is or was READING */
    int64_t                 account_max;  /* READING: items to take of each
                                             account; 0: all */
    const char             *accounts;     /* newline-joined; NULL: all */
};


/* One kept profile.  Strings are borrowed. */
typedef struct {
    const char             *profile_id;
    const char             *username;
    const char             *full_name;
    const char             *gender;
    const char             *evidence;     /* NULL: none */
    const char             *source;       /* NULL: unknown */
    float                   confidence;
} igj_batch_row_t;


typedef struct {
    int64_t                 from;         /* dataset offsets; to > from unless
                                             close */
    int64_t                 to;
    bool                    close;        /* the run ends with this page */
    const char             *run_state;    /* with close: succeeded, failed,
                                             timed_out, aborted, absent */
    double                  cost_usd;     /* IGJ_BATCH_NO_COST: not known */
    int                     items;        /* of the dataset, of any sort */
    int                     seen;         /* distinct profiles */
    int                     female;       /* of those, before the filter */
    int                     male;
    int                     unknown;
    const igj_batch_row_t  *rows;         /* kept, by profile_id (bytes),
                                             distinct */
    int                     nrows;
    const cJSON            *outcomes;     /* account name -> outcome, or NULL */
    int                     accounts_failed;
} igj_batch_page_t;


typedef struct {

    /* all borrowed from the claim, valid until run() returns */
    const char             *tenant;
    const char             *job;          /* uuid text */
    const char             *kind;
    const char             *class_name;
    const char             *phase;
    const char             *accounts;     /* newline-joined */
    const char             *platform;
    const char             *target_gender;
    const cJSON            *payload;      /* the kind's own, or NULL */
    const cJSON            *outcomes;     /* known so far, or NULL */
    bool                    keep_unknown;
    int                     max_count;    /* profiles per account */
    int                     parallelism;  /* of the job, as the next two */
    int                     total_batches;
    int                     job_accounts;
    int                     batch_no;
    int                     attempt;
    int                     failures;
    int                     losses;

    igj_batch_run_t        *runs;         /* by run_no, grows with calls */
    igj_batch_run_t        *last_run;

    const _Atomic int      *stop;         /* not 0: leave as soon as you can */
    int64_t                 lease_ms;

    /* brought up to date by the calls */
    bool                    closed;       /* the last run was closed */
    bool                    final;        /* the job has ended */
    bool                    probe;        /* others wait for whether the
                                             provider answers this batch */

    struct igj_claim_s     *claim;        /* the engine's */

} igj_batch_t;


/* An answer of igjobs.airtable_turn. */
typedef struct {
    bool                    go;           /* after wait_ms, and at most good_ms
                                             late */
    bool                    used_up;      /* not this month */
    bool                    taken;        /* it is another tenant's; none of
                                             these: ask again after wait_ms */
    int64_t                 wait_ms;
    int64_t                 good_ms;
} igj_batch_turn_t;


typedef enum {
    IGJ_OUTCOME_DONE = 0,    /* the batch is closed */
    IGJ_OUTCOME_RETRY,       /* later again; counted */
    IGJ_OUTCOME_AWAY,        /* the provider gave no proper answer: as RETRY,
                                but counted only if nobody else has that */
    IGJ_OUTCOME_UNSURE,      /* the same of a start that may have happened */
    IGJ_OUTCOME_REFUSED,     /* the same: it refuses the account or actor */
    IGJ_OUTCOME_PARK,        /* later again; not counted */
    IGJ_OUTCOME_FULL,        /* the same: the provider has no room */
    IGJ_OUTCOME_DEAD,        /* will never work */
    IGJ_OUTCOME_GIVE_BACK,   /* stopped in the middle; not counted */
    IGJ_OUTCOME_LOST         /* not ours any more: touch nothing */
} igj_outcome_class_t;


typedef struct {
    igj_outcome_class_t     class;
    int64_t                 delay_ms;     /* but for DEAD: -1 = the usual; of
                                             AWAY, REFUSED and FULL what the
                                             provider said */
    char                    error[IGJ_BATCH_ERROR_MAX];   /* for people */
    const char             *error_class;  /* a word of docs/api.md, static;
                                             NULL: internal */
} igj_outcome_t;


/*
 * Records that a run for these accounts (NULL: all of the batch) is about to
 * be started by a call of at most call_ms; waits for the lease to have that
 * much left.  *run is in the batch's list, with its token.
 */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_run_intent(igj_batch_t *b,
    const char *provider, const char *actor, const char *accounts,
    int64_t call_ms, igj_batch_run_t **run);

/* The provider's ids of a run.  LOST: abort it; the reaper books it. */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_run_started(igj_batch_t *b,
    igj_batch_run_t *run, const char *run_id, const char *dataset_id);

/* Nothing was started: the run is planned again. */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_run_refused(igj_batch_t *b,
    igj_batch_run_t *run);

/* Stores a page; with page->close ends the run, the last one the batch. */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_store_page(igj_batch_t *b,
    igj_batch_run_t *run, const igj_batch_page_t *page);

/* Closes a run (state as in igj_batch_page_t) and plans one for each part of
 * its accounts (newline-joined). */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_split_run(igj_batch_t *b,
    igj_batch_run_t *run, const char *state, double cost_usd,
    const char *const *parts, int nparts, const cJSON *outcomes,
    int accounts_failed);

/* Books a provider run that this attempt started, or held, and nobody will
 * collect. */
void igj_batch_book_run(igj_batch_t *b, const igj_batch_run_t *run,
    const char *state, double cost_usd, const char *run_id);

/* A second run with the token of run, found beside it: the reaper ends it. */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_run_stray(igj_batch_t *b,
    const igj_batch_run_t *run, const char *run_id);

/*
 * The provider's list does not have the run of this intent.  *left_ms: until
 * another look may prove that it was never started, 0: this one does.  LOST:
 * it is no intent any more.  grace_ms: from the intent until the call has
 * ended and the list has caught up.
 */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_run_absent(igj_batch_t *b,
    const igj_batch_run_t *run, int64_t grace_ms, int64_t *left_ms);

/*
 * A unit of an operation (igj_batch_unit.c): calls igjobs.unit_<step> with args
 * (NULL: none); *answer is the caller's, NULL for null.
 */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_step(igj_batch_t *b, const char *step,
    const cJSON *args, cJSON **answer);

/* Ends the unit with its result, an object (NULL: empty). */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_end(igj_batch_t *b,
    const cJSON *result);

/*
 * May this base of Airtable be asked once for the batch's tenant, at most
 * max_ms from now (igj_batch_pace.c)?  No BATCH_OK: Postgres did not say.
 */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_airtable_turn(igj_batch_t *b,
    const char *base, int64_t max_ms, igj_batch_turn_t *turn);

/* Airtable wants so many ms of silence; < 0: the month is used up. */
void igj_batch_airtable_freeze(igj_batch_t *b, const char *base, int64_t ms);

/* The provider has answered as it should: to be said once where b->probe. */
void igj_batch_answered(igj_batch_t *b, const char *provider,
    const char *actor);


#endif /* IGJ_BATCH_H */
