/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What this process remembers of a job decides whether Redis is asked; a job
 * that another one displaced is tried again.  One BITFIELD command a page sets
 * all its bits and brings what they were.  That it is one command is what
 * keeps pages from waiting in a circle: of two pages the one that came first
 * has all the profiles that they share.
 *
 * The lock guards all, and holds the connection for one page at a time.
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_keys.h"
#include "igj_log.h"
#include "igj_redis.h"
#include "igj_seen.h"
#include "igj_uuid.h"


#define IGJ_SEEN_JOBS      64             /* that are remembered */
#define IGJ_SEEN_HEAD_MAX  (IGJ_KEY_MAX + 64)
#define IGJ_SEEN_ROW_MAX   48             /* one SET as it is sent */

/* Appends a literal; a page has thousands of them. */
#define igj_seen_put(at, literal)                                             \
    ((char *) memcpy(at, literal, sizeof(literal) - 1) + sizeof(literal) - 1)


typedef struct {
    char              job[IGJ_UUID_TEXT_LEN + 1];
    int               pages;              /* stored by this process */
    bool              repeats;            /* one of them had known rows */
} igj_seen_job_t;


struct igj_seen_s {
    pthread_mutex_t   lock;
    igj_seen_job_t    jobs[IGJ_SEEN_JOBS];
    igj_redis_t      *redis;
    char             *text;               /* the command */
    size_t            size;
};


static igj_seen_job_t *igj_seen_job(igj_seen_t *s, const igj_batch_t *b);
static bool igj_seen_needed(igj_seen_t *s, const igj_batch_t *b);
static int igj_seen_room(igj_seen_t *s, int n);
static size_t igj_seen_command(igj_seen_t *s, const igj_batch_t *b,
    const igj_key_t *key, const igj_batch_row_t *rows, int n);
static char *igj_seen_number(char *at, uint32_t number);
static uint32_t igj_seen_bits(const igj_batch_t *b);
static uint32_t igj_seen_bit(const char *profile_id, uint32_t bits);
static int igj_seen_ask(igj_seen_t *s, const igj_key_t *key, size_t len, int n,
    bool *is_new);
static int igj_seen_read(const redisReply *reply, int n, bool *is_new);


igj_seen_t *
igj_seen_create(const igj_redis_url_t *url)
{
    igj_seen_t  *s;

    s = calloc(1, sizeof(igj_seen_t));

    if (s == NULL) {
        return NULL;
    }

    s->redis = igj_redis_create(url, "seen");

    if (s->redis == NULL) {
        free(s);
        return NULL;
    }

    pthread_mutex_init(&s->lock, NULL);

    return s;
}


void
igj_seen_destroy(igj_seen_t *s)
{
    if (s == NULL) {
        return;
    }

    igj_redis_destroy(s->redis);
    pthread_mutex_destroy(&s->lock);
    free(s->text);
    free(s);
}


int
igj_seen_rows(igj_seen_t *s, const igj_batch_t *b,
    const igj_batch_row_t *rows, int n, bool *is_new)
{
    int        known;
    size_t     len;
    igj_key_t  key;

    /* a batch that is alone has no neighbour to wait for */

    if (n == 0 || b->total_batches == 1
        || igj_key_seen(&key, b->tenant, b->job) == 0)
    {
        return -1;
    }

    known = -1;
    pthread_mutex_lock(&s->lock);

    if (!igj_seen_needed(s, b)) {
        memset(is_new, true, (size_t) n * sizeof(bool));
        known = n;

    } else if (igj_redis_ready(s->redis) == IGJ_OK
               && igj_seen_room(s, n) == IGJ_OK)
    {
        len = igj_seen_command(s, b, &key, rows, n);
        known = igj_seen_ask(s, &key, len, n, is_new);
    }

    pthread_mutex_unlock(&s->lock);

    return known;
}


/* The place of a job, which is its own now. */

static igj_seen_job_t *
igj_seen_job(igj_seen_t *s, const igj_batch_t *b)
{
    igj_seen_job_t  *job;

    job = &s->jobs[igj_seen_bit(b->job, IGJ_SEEN_JOBS)];

    if (strcmp(job->job, b->job) != 0) {
        memset(job, 0, sizeof(igj_seen_job_t));
        snprintf(job->job, sizeof(job->job), "%s", b->job);
    }

    return job;
}


static bool
igj_seen_needed(igj_seen_t *s, const igj_batch_t *b)
{
    igj_seen_job_t  *job;

    job = igj_seen_job(s, b);

    return job->repeats || job->pages < IGJ_SEEN_TRIAL;
}


void
igj_seen_stored(igj_seen_t *s, const igj_batch_t *b, int n, int kept)
{
    igj_seen_job_t  *job;

    pthread_mutex_lock(&s->lock);

    job = igj_seen_job(s, b);
    job->pages++;
    job->repeats |= (kept < n);

    pthread_mutex_unlock(&s->lock);
}


static int
igj_seen_room(igj_seen_t *s, int n)
{
    char    *text;
    size_t   size;

    size = IGJ_SEEN_HEAD_MAX + (size_t) n * IGJ_SEEN_ROW_MAX;

    if (size <= s->size) {
        return IGJ_OK;
    }

    text = realloc(s->text, size);

    if (text == NULL) {
        return IGJ_ERROR;
    }

    s->text = text;
    s->size = size;

    return IGJ_OK;
}


/* BITFIELD key SET u1 bit 1 SET u1 bit 1 ..., as it is sent. */

static size_t
igj_seen_command(igj_seen_t *s, const igj_batch_t *b, const igj_key_t *key,
    const igj_batch_row_t *rows, int n)
{
    int       i;
    char     *at;
    uint32_t  bits;

    bits = igj_seen_bits(b);
    at = s->text + sprintf(s->text, "*%d\r\n$8\r\nBITFIELD\r\n$%zu\r\n%s\r\n",
                           2 + 4 * n, key->len, key->text);

    for (i = 0; i < n; i++) {
        at = igj_seen_put(at, "$3\r\nSET\r\n$2\r\nu1\r\n");
        at = igj_seen_number(at, igj_seen_bit(rows[i].profile_id, bits));
        at = igj_seen_put(at, "$1\r\n1\r\n");
    }

    return (size_t) (at - s->text);
}


/* Appends a number below IGJ_SEEN_BITS_MAX, after its length: one digit. */

static char *
igj_seen_number(char *at, uint32_t number)
{
    char    digits[10];
    size_t  first, n;

    first = sizeof(digits);

    do {
        digits[--first] = (char) ('0' + number % 10);
        number /= 10;
    } while (number > 0);

    n = sizeof(digits) - first;

    *at++ = '$';
    *at++ = (char) ('0' + n);
    at = igj_seen_put(at, "\r\n");
    memcpy(at, digits + first, n);

    return igj_seen_put(at + n, "\r\n");
}


/* A power of two; the same for all pages of a job. */

static uint32_t
igj_seen_bits(const igj_batch_t *b)
{
    int64_t   wanted;
    uint32_t  bits;

    wanted = (int64_t) b->job_accounts * b->max_count * IGJ_SEEN_BITS_EACH;
    bits = IGJ_SEEN_BITS_MIN;

    while (bits < IGJ_SEEN_BITS_MAX && (int64_t) bits < wanted) {
        bits *= 2;
    }

    return bits;
}


/* FNV-1a, with its high half mixed in: neighbours' ids differ at their end. */

static uint32_t
igj_seen_bit(const char *profile_id, uint32_t bits)
{
    uint64_t     hash;
    const char  *p;

    hash = 0xcbf29ce484222325;

    for (p = profile_id; *p != '\0'; p++) {
        hash = (hash ^ (unsigned char) *p) * 0x100000001b3;
    }

    return (uint32_t) (hash ^ (hash >> 32)) & (bits - 1);
}


static int
igj_seen_ask(igj_seen_t *s, const igj_key_t *key, size_t len, int n,
    bool *is_new)
{
    int                known;
    redisReply        *reply;
    igj_redis_args_t   args;

    igj_redis_begin(&args, "PEXPIRE");
    igj_redis_text(&args, key->text);
    igj_redis_number(&args, IGJ_SEEN_TTL_MS);

    if (igj_redis_send_text(s->redis, s->text, len) != IGJ_OK
        || igj_redis_send(s->redis, &args) != IGJ_OK)
    {
        return -1;
    }

    reply = igj_redis_reply(s->redis, IGJ_SEEN_REPLY_MS);

    if (reply == NULL) {
        return -1;
    }

    known = igj_seen_read(reply, n, is_new);
    freeReplyObject(reply);

    reply = igj_redis_reply(s->redis, IGJ_SEEN_REPLY_MS);

    if (reply != NULL) {
        freeReplyObject(reply);
    }

    return known;
}


static int
igj_seen_read(const redisReply *reply, int n, bool *is_new)
{
    int  i, known;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != (size_t) n) {
        igj_log(IGJ_LOG_DEBUG, "redis does not say what is new",
                igj_s("error", reply->str));
        return -1;
    }

    known = 0;

    for (i = 0; i < n; i++) {
        is_new[i] = (reply->element[i]->integer == 0);
        known += is_new[i];
    }

    return known;
}


void
igj_seen_forget(igj_seen_t *s, const igj_batch_t *b)
{
    igj_key_t          key;
    redisReply        *reply;
    igj_redis_args_t   args;

    if (b->total_batches == 1
        || igj_key_seen(&key, b->tenant, b->job) == 0)
    {
        return;
    }

    pthread_mutex_lock(&s->lock);

    if (igj_redis_ready(s->redis) == IGJ_OK) {
        igj_redis_begin(&args, "UNLINK");
        igj_redis_text(&args, key.text);
        reply = igj_redis_command(s->redis, &args);

        if (reply != NULL) {
            freeReplyObject(reply);
        }
    }

    pthread_mutex_unlock(&s->lock);
}
