/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One submission on its way: read (ngx_http_igjobs_submit.c), stored
 * (ngx_http_igjobs_submit_store.c), with the key that its client gave it
 * (ngx_http_igjobs_submit_key.c), answered (ngx_http_igjobs_submit_wait.c); or
 * only looked at (ngx_http_igjobs_submit_dry.c).
 */

#ifndef _NGX_HTTP_IGJOBS_SUBMISSION_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_SUBMISSION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "igj_idempotency.h"
#include "igj_submit.h"
#include "igj_uuid.h"

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_sql.h"


/* Of an nginx worker. */
struct ngx_http_igjobs_submissions_s {
    ngx_uint_t                  count;      /* in flight */
    size_t                      bytes;      /* of their accounts */
    igj_uuid_gen_t              ids;
};


/* What Postgres answers; class_name is valid during the call. */
typedef struct {
    ngx_str_t                   class_name;
    ngx_int_t                   parallelism;
} ngx_http_igjobs_stored_t;


/* Whose a key is, see igjobs.key_taken. */
typedef enum {
    NGX_HTTP_IGJOBS_KEY_OURS = 0,
    NGX_HTTP_IGJOBS_KEY_REPLAYED,
    NGX_HTTP_IGJOBS_KEY_REUSED,
    NGX_HTTP_IGJOBS_KEY_REFUSED,    /* nobody's, and the queue is full */
    NGX_HTTP_IGJOBS_KEY_IN_PROGRESS
} ngx_http_igjobs_key_outcome_e;


/* The Idempotency-Key, in the pool of its request. */
typedef struct {
    igj_idempotency_key_t           name;
    u_char                          fingerprint[32];    /* of the body */
    void                           *digest;     /* on the way to it */

    ngx_http_igjobs_key_outcome_e   outcome;
    igj_uuid_t                      job;        /* the first one's: REPLAYED */
    igj_problem_e                   refusal;    /* REFUSED */
} ngx_http_igjobs_submit_key_t;


/* In the pool of its request. */
typedef struct {
    ngx_http_request_t                    *request;
    ngx_http_igjobs_submissions_t          *all;

    ngx_http_igjobs_body_t                 body;
    size_t                                 held;    /* counted in all->bytes */

    ngx_http_igjobs_submit_key_t          *key;     /* NULL: has none */

    igj_uuid_t                             id;
    ngx_str_t                              job;     /* as text, with a NUL */
    ngx_uint_t                             batches;

    /* storing a large one */
    ngx_str_t                              params;  /* JSON */
    ngx_http_igjobs_pg_bulk_t             *bulk;
    ngx_uint_t                             step;
    ngx_uint_t                             tries;
    igj_accounts_iter_t                    next;    /* batch to copy */
    u_char                                *slice;
    ngx_event_t                            more;    /* posted: next slices */

    igj_problem_e                          refusal; /* the queue is full */

    ngx_http_igjobs_stored_t               stored;  /* points into result */
    ngx_http_igjobs_pg_result_t           *result;

    unsigned                               trailer:1;  /* all is copied */
    unsigned                               doubt:1; /* a COMMIT unanswered */

    igj_submit_t                          *submit;  /* NULL when stored */
} ngx_http_igjobs_submission_t;


/* A new id, of now. */
ngx_int_t ngx_http_igjobs_make_id(ngx_http_igjobs_submissions_t *all,
    igj_uuid_t *id);


/*
 * Stores a submission that is complete and valid: job, batches and accounts in
 * one transaction.  Exactly one of the three below is called later; refused is
 * one for which the queue is full: s->refusal.
 */
void ngx_http_igjobs_submission_store(ngx_http_igjobs_submission_t *s);
void ngx_http_igjobs_submission_close(ngx_http_igjobs_submission_t *s);

void ngx_http_igjobs_submission_stored(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_stored_t *stored);
void ngx_http_igjobs_submission_refused(ngx_http_igjobs_submission_t *s);
void ngx_http_igjobs_submission_failed(ngx_http_igjobs_submission_t *s,
    ngx_http_igjobs_pg_reply_t *reply);

/*
 * Renders the next rows of a large one into s->slice; returns their size, 0
 * after the last.
 */
size_t ngx_http_igjobs_submission_slice(ngx_http_igjobs_submission_t *s);

/* of a slice: others wait for the loop turn that makes it */
#define NGX_HTTP_IGJOBS_COPY_SLICE  (60 * 1024)

/* The options as JSON, in the pool; data is NULL when there are none. */
ngx_int_t ngx_http_igjobs_submission_options(ngx_http_igjobs_submission_t *s,
    ngx_str_t *options);

/* The members of an answer that tell what became of the accounts. */
void ngx_http_igjobs_submit_counts(ngx_http_igjobs_submission_t *s,
    igj_json_t *json);

/* Instead of storing: answers what the submission would take. */
void ngx_http_igjobs_submit_dry_run(ngx_http_igjobs_submission_t *s);

/* Answers as the first one with this key was; s->id and s->job are its. */
void ngx_http_igjobs_submission_replayed(ngx_http_igjobs_submission_t *s);


/*
 * The request's Idempotency-Key, of which there is one at most; of length 0
 * without one.
 */
igj_problem_e ngx_http_igjobs_key_name(ngx_http_request_t *r,
    igj_idempotency_key_t *name);

/*
 * Reads the header before the body; *key is NULL without one.  The body is fed
 * to the key as it arrives; ..._finish() makes the fingerprint.  NGX_ERROR: no
 * memory.
 */
igj_problem_e ngx_http_igjobs_submit_key(ngx_http_request_t *r,
    ngx_http_igjobs_submit_key_t **key);
ngx_int_t ngx_http_igjobs_submit_key_feed(ngx_http_igjobs_submit_key_t *key,
    const u_char *piece, size_t len);
ngx_int_t ngx_http_igjobs_submit_key_finish(
    ngx_http_igjobs_submit_key_t *key);

/*
 * Postgres has answered whose the key is: outcome and job id stand in column
 * and the next.  True: ours.  Otherwise ..._answer() answers the request.
 */
ngx_uint_t ngx_http_igjobs_submit_key_taken(ngx_http_igjobs_submit_key_t *key,
    ngx_http_igjobs_pg_reply_t *reply, ngx_uint_t column);
void ngx_http_igjobs_submit_key_answer(ngx_http_igjobs_submission_t *s);


/*
 * Whether a submission is answered at once or waits for its job, see
 * ngx_http_igjobs_submit_wait.c.  ..._wish() comes before the body is read:
 * NGX_DECLINED (go on), or what a reply function returned.  ..._answer() ends
 * the request, now or later; accepted is the body of the 202, in r->pool, which
 * ..._accept() sends.
 */
ngx_int_t ngx_http_igjobs_submit_wish(ngx_http_request_t *r);
ngx_int_t ngx_http_igjobs_submit_accept(ngx_http_request_t *r,
    const igj_uuid_t *job, const ngx_str_t *accepted);
void ngx_http_igjobs_submit_answer(ngx_http_request_t *r,
    const igj_uuid_t *job, const ngx_str_t *accepted);


#endif /* _NGX_HTTP_IGJOBS_SUBMISSION_H_INCLUDED_ */
