/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The Idempotency-Key of a submission.  Its row is the first insert of the
 * job's own transaction (sql/013_idempotency.sql), so that of all submissions
 * with one key, whichever nginx they came to, one stores a job.
 *
 * The fingerprint is over the bytes of the body: one that has the same is read
 * the same, and the first answer is made again from it and the first one's id.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_submission.h"

#include <openssl/evp.h>


/* seconds after which a client asks again what became of the first */
#define NGX_HTTP_IGJOBS_KEY_RETRY  1


static igj_problem_e ngx_http_igjobs_submit_key_header(ngx_http_request_t *r,
    ngx_table_elt_t **found);
static void ngx_http_igjobs_submit_key_free(void *data);
static ngx_uint_t ngx_http_igjobs_submit_key_is(const ngx_str_t *outcome,
    const char *word);


igj_problem_e
ngx_http_igjobs_submit_key(ngx_http_request_t *r,
    ngx_http_igjobs_submit_key_t **out)
{
    igj_problem_e                  problem;
    ngx_pool_cleanup_t            *cln;
    igj_idempotency_key_t          name;
    ngx_http_igjobs_submit_key_t  *key;

    *out = NULL;

    problem = ngx_http_igjobs_key_name(r, &name);

    if (problem != IGJ_PROBLEM_NONE || name.len == 0) {
        return problem;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_igjobs_submit_key_t));
    if (cln == NULL) {
        return IGJ_PROBLEM_INTERNAL;
    }

    key = cln->data;
    key->name = name;
    key->digest = EVP_MD_CTX_new();
    cln->handler = ngx_http_igjobs_submit_key_free;

    if (key->digest == NULL
        || EVP_DigestInit_ex(key->digest, EVP_sha256(), NULL) != 1)
    {
        return IGJ_PROBLEM_INTERNAL;
    }

    *out = key;

    return IGJ_PROBLEM_NONE;
}


igj_problem_e
ngx_http_igjobs_key_name(ngx_http_request_t *r, igj_idempotency_key_t *name)
{
    igj_str_t         value;
    igj_problem_e     problem;
    ngx_table_elt_t  *h;

    name->len = 0;
    problem = ngx_http_igjobs_submit_key_header(r, &h);

    if (problem != IGJ_PROBLEM_NONE || h == NULL) {
        return problem;
    }

    value.data = (char *) h->value.data;
    value.len = h->value.len;

    return (igj_idempotency_key(name, value) == IGJ_OK)
           ? IGJ_PROBLEM_NONE : IGJ_PROBLEM_BAD_IDEMPOTENCY_KEY;
}


/* The one header; NULL: there is none.  More than one are a problem. */

static igj_problem_e
ngx_http_igjobs_submit_key_header(ngx_http_request_t *r,
    ngx_table_elt_t **found)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    *found = NULL;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != sizeof("idempotency-key") - 1
                || ngx_strncmp(h[i].lowcase_key, "idempotency-key",
                               h[i].key.len)
                   != 0)
            {
                continue;
            }

            if (*found) {
                return IGJ_PROBLEM_BAD_IDEMPOTENCY_KEY;
            }

            *found = &h[i];
        }
    }

    return IGJ_PROBLEM_NONE;
}


static void
ngx_http_igjobs_submit_key_free(void *data)
{
    ngx_http_igjobs_submit_key_t *key = data;

    EVP_MD_CTX_free(key->digest);
}


ngx_int_t
ngx_http_igjobs_submit_key_feed(ngx_http_igjobs_submit_key_t *key,
    const u_char *piece, size_t len)
{
    return EVP_DigestUpdate(key->digest, piece, len) == 1 ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_igjobs_submit_key_finish(ngx_http_igjobs_submit_key_t *key)
{
    return EVP_DigestFinal_ex(key->digest, key->fingerprint, NULL) == 1
           ? NGX_OK : NGX_ERROR;
}


ngx_uint_t
ngx_http_igjobs_submit_key_taken(ngx_http_igjobs_submit_key_t *key,
    ngx_http_igjobs_pg_reply_t *reply, ngx_uint_t column)
{
    ngx_str_t  outcome, job;

    outcome = ngx_http_igjobs_pg_value(reply->result, 0, column);
    job = ngx_http_igjobs_pg_value(reply->result, 0, column + 1);

    if (ngx_http_igjobs_submit_key_is(&outcome, "stored")) {
        key->outcome = NGX_HTTP_IGJOBS_KEY_OURS;

    } else if (ngx_http_igjobs_submit_key_is(&outcome, "replayed")
               && igj_uuid_parse((char *) job.data, job.len, &key->job)
                  == IGJ_OK)
    {
        key->outcome = NGX_HTTP_IGJOBS_KEY_REPLAYED;

    } else if (ngx_http_igjobs_submit_key_is(&outcome, "reused")) {
        key->outcome = NGX_HTTP_IGJOBS_KEY_REUSED;

    } else {
        key->refusal = igj_problem_find((char *) outcome.data, outcome.len);
        key->outcome = key->refusal != IGJ_PROBLEM_NONE
                       ? NGX_HTTP_IGJOBS_KEY_REFUSED
                       : NGX_HTTP_IGJOBS_KEY_IN_PROGRESS;
    }

    return key->outcome == NGX_HTTP_IGJOBS_KEY_OURS;
}


static ngx_uint_t
ngx_http_igjobs_submit_key_is(const ngx_str_t *outcome, const char *word)
{
    return outcome->len == ngx_strlen(word)
           && ngx_strncmp(outcome->data, word, outcome->len) == 0;
}


void
ngx_http_igjobs_submit_key_answer(ngx_http_igjobs_submission_t *s)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = s->request;

    if (s->key->outcome == NGX_HTTP_IGJOBS_KEY_REPLAYED) {
        s->id = s->key->job;
        igj_uuid_print(&s->id, (char *) s->job.data);
        ngx_http_igjobs_submission_replayed(s);
        return;
    }

    if (s->key->outcome == NGX_HTTP_IGJOBS_KEY_REUSED) {
        rc = ngx_http_igjobs_problem(r, IGJ_PROBLEM_IDEMPOTENCY_KEY_REUSED);

    } else if (s->key->outcome == NGX_HTTP_IGJOBS_KEY_REFUSED) {
        rc = ngx_http_igjobs_problem(r, s->key->refusal);

    } else if (ngx_http_igjobs_retry_after(r, NGX_HTTP_IGJOBS_KEY_RETRY)
               == NGX_OK)
    {
        rc = ngx_http_igjobs_problem(r, IGJ_PROBLEM_IDEMPOTENCY_IN_PROGRESS);

    } else {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_igjobs_finish(r, rc);
}
