/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Hints: a list under a lock, filled by any thread, and the one thread that
 * owns the connection.  A hint is a script and its words in one allocation.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_clock.h"
#include "igj_hints.h"
#include "igj_keys.h"
#include "igj_log.h"
#include "igj_redis.h"


#define IGJ_HINT_WORDS_MAX   12
#define IGJ_HINT_TEXT_MAX    32        /* of a number */


typedef struct igj_hint_s  igj_hint_t;

struct igj_hint_s {
    igj_hint_t       *next;
    igj_script_id_t   script;          /* IGJ_SCRIPT_COUNT: SET with PX */
    int               n;
    size_t            len[IGJ_HINT_WORDS_MAX];
    char              text[];          /* the words, each with a NUL */
};


struct igj_hints_s {
    igj_redis_t      *redis;           /* the thread's */
    pthread_t         thread;
    bool              started;
    atomic_bool       alive;

    pthread_mutex_t   lock;            /* guards all below */
    pthread_cond_t    wake;
    igj_hint_t       *first;
    igj_hint_t      **last;
    int               n;
    uint64_t          dropped;
    bool              closing;
};


static void *igj_hints_main(void *data);
static igj_hint_t *igj_hints_next(igj_hints_t *h);
static igj_hint_t *igj_hints_send(igj_hints_t *h, igj_hint_t *list);
static int igj_hints_replies(igj_hints_t *h, igj_hint_t *list, int n);
static void igj_hint_args(const igj_hint_t *hint, igj_redis_args_t *args);
static void igj_hint_free_list(igj_hint_t *hint);
static void igj_hints_add(igj_hints_t *h, igj_script_id_t script, int n,
    const char *const *words);
static igj_hint_t *igj_hint_create(igj_script_id_t script, int n,
    const char *const *words);
static bool igj_hints_replace(igj_hints_t *h, igj_hint_t *hint);
static void igj_hints_drop_first(igj_hints_t *h);
static int igj_hints_turn_keys(const igj_turn_t *turn, igj_key_t *turns,
    igj_key_t *clocks, igj_key_t *later, igj_key_t *parked);


igj_hints_t *
igj_hints_create(const igj_redis_url_t *url)
{
    igj_hints_t  *h;

    h = calloc(1, sizeof(igj_hints_t));

    if (h == NULL) {
        return NULL;
    }

    h->redis = igj_redis_create(url, "hints");

    if (h->redis == NULL) {
        free(h);
        return NULL;
    }

    h->last = &h->first;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, NULL);

    return h;
}


int
igj_hints_start(igj_hints_t *h)
{
    if (pthread_create(&h->thread, NULL, igj_hints_main, h) != 0) {
        return IGJ_ERROR;
    }

    h->started = true;

    return IGJ_OK;
}


void
igj_hints_destroy(igj_hints_t *h)
{
    if (h == NULL) {
        return;
    }

    pthread_mutex_lock(&h->lock);
    h->closing = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);

    if (h->started) {
        pthread_join(h->thread, NULL);
    }

    igj_hint_free_list(h->first);
    igj_redis_destroy(h->redis);
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    free(h);
}


bool
igj_hints_alive(igj_hints_t *h)
{
    return atomic_load(&h->alive);
}


/* Takes all that waits, sends it, and throws away what cannot be sent. */

static void *
igj_hints_main(void *data)
{
    igj_hint_t   *list;
    igj_hints_t  *h;

    h = data;

    for ( ;; ) {
        list = igj_hints_next(h);

        if (list == NULL) {
            return NULL;
        }

        while (list != NULL && igj_redis_ready(h->redis) == IGJ_OK) {
            list = igj_hints_send(h, list);
        }

        atomic_store(&h->alive, list == NULL);
        igj_hint_free_list(list);
    }
}


static igj_hint_t *
igj_hints_next(igj_hints_t *h)
{
    igj_hint_t  *list;

    pthread_mutex_lock(&h->lock);

    while (h->first == NULL && !h->closing) {
        pthread_cond_wait(&h->wake, &h->lock);
    }

    list = h->first;
    h->first = NULL;
    h->last = &h->first;
    h->n = 0;

    if (h->dropped > 0) {
        igj_log(IGJ_LOG_WARN, "redis is slow, hints dropped",
                igj_i("count", h->dropped));
        h->dropped = 0;
    }

    pthread_mutex_unlock(&h->lock);

    return list;
}


/* Sends the first hints of the list in one go; returns the rest. */

static igj_hint_t *
igj_hints_send(igj_hints_t *h, igj_hint_t *list)
{
    int                n;
    igj_hint_t        *hint, *rest;
    igj_redis_args_t   args;

    n = 0;

    for (hint = list; hint != NULL && n < IGJ_HINTS_PIPELINE;
         hint = hint->next)
    {
        igj_hint_args(hint, &args);

        if (igj_redis_send(h->redis, &args) != IGJ_OK) {
            return list;
        }

        n++;
    }

    rest = hint;

    if (igj_hints_replies(h, list, n) != IGJ_OK) {
        return list;
    }

    while (list != rest) {
        hint = list->next;
        free(list);
        list = hint;
    }

    return rest;
}


/*
 * Reads the n replies.  A script that Redis does not know is sent again by its
 * text after the others, which loads it: only then is the order disturbed, and
 * status documents guard themselves by their version.
 */

static int
igj_hints_replies(igj_hints_t *h, igj_hint_t *list, int n)
{
    int                i;
    igj_hint_t        *hint, *unknown[IGJ_HINTS_PIPELINE];
    redisReply        *reply;
    igj_redis_args_t   args;

    hint = list;

    for (i = 0; i < n && hint != NULL; i++, hint = hint->next) {
        reply = igj_redis_reply(h->redis, IGJ_REDIS_REPLY_MS);

        if (reply == NULL) {
            return IGJ_ERROR;
        }

        unknown[i] = igj_redis_is_noscript(reply) ? hint : NULL;

        if (reply->type == REDIS_REPLY_ERROR && unknown[i] == NULL) {
            igj_log(IGJ_LOG_WARN, "redis refused a hint",
                    igj_s("error", reply->str));
        }

        freeReplyObject(reply);
    }

    n = i;

    for (i = 0; i < n; i++) {
        if (unknown[i] == NULL) {
            continue;
        }

        igj_hint_args(unknown[i], &args);
        igj_redis_script_eval(&args, unknown[i]->script);
        reply = igj_redis_command(h->redis, &args);

        if (reply == NULL) {
            return IGJ_ERROR;
        }

        freeReplyObject(reply);
    }

    return IGJ_OK;
}


static void
igj_hint_args(const igj_hint_t *hint, igj_redis_args_t *args)
{
    int          i;
    const char  *word;

    if (hint->script == IGJ_SCRIPT_COUNT) {
        igj_redis_begin(args, "SET");
    } else {
        igj_redis_script_begin(args, hint->script);
    }

    word = hint->text;

    for (i = 0; i < hint->n; i++) {
        igj_redis_bytes(args, word, hint->len[i]);
        word += hint->len[i] + 1;
    }
}


static void
igj_hint_free_list(igj_hint_t *hint)
{
    igj_hint_t  *next;

    for ( /* void */ ; hint != NULL; hint = next) {
        next = hint->next;
        free(hint);
    }
}


/* Memory short: no hint.  Nothing depends on one. */

static void
igj_hints_add(igj_hints_t *h, igj_script_id_t script, int n,
    const char *const *words)
{
    igj_hint_t  *hint;

    hint = igj_hint_create(script, n, words);

    if (hint == NULL) {
        return;
    }

    pthread_mutex_lock(&h->lock);

    if (!igj_hints_replace(h, hint)) {
        if (h->n == IGJ_HINTS_MAX) {
            igj_hints_drop_first(h);
        }

        *h->last = hint;
        h->last = &hint->next;
        h->n++;
        pthread_cond_signal(&h->wake);
    }

    pthread_mutex_unlock(&h->lock);
}


static igj_hint_t *
igj_hint_create(igj_script_id_t script, int n, const char *const *words)
{
    int          i;
    char        *at;
    size_t       size;
    igj_hint_t  *hint;

    size = 0;

    for (i = 0; i < n; i++) {
        size += strlen(words[i]) + 1;
    }

    hint = calloc(1, sizeof(igj_hint_t) + size);

    if (hint == NULL) {
        return NULL;
    }

    hint->script = script;
    hint->n = n;
    at = hint->text;

    for (i = 0; i < n; i++) {
        hint->len[i] = strlen(words[i]);
        memcpy(at, words[i], hint->len[i] + 1);
        at += hint->len[i] + 1;
    }

    return hint;
}


/*
 * A document takes the place of one of the same job that waits, unless that is
 * newer.  Documents are few among hints, and most wait for microseconds.
 */

static bool
igj_hints_replace(igj_hints_t *h, igj_hint_t *hint)
{
    const char    *version;
    igj_hint_t    *held, **at;

    if (hint->script != IGJ_SCRIPT_STATUS) {
        return false;
    }

    for (at = &h->first; *at != NULL; at = &(*at)->next) {
        held = *at;

        if (held->script != IGJ_SCRIPT_STATUS
            || strcmp(held->text, hint->text) != 0)
        {
            continue;
        }

        version = held->text + held->len[0] + 1;

        if (strtoll(version, NULL, 10)
            >= strtoll(hint->text + hint->len[0] + 1, NULL, 10))
        {
            free(hint);
            return true;
        }

        hint->next = held->next;
        *at = hint;

        if (h->last == &held->next) {
            h->last = &hint->next;
        }

        free(held);
        return true;
    }

    return false;
}


static void
igj_hints_drop_first(igj_hints_t *h)
{
    igj_hint_t  *hint;

    hint = h->first;
    h->first = hint->next;

    if (h->first == NULL) {
        h->last = &h->first;
    }

    h->n--;
    h->dropped++;
    free(hint);
}


void
igj_hints_status(igj_hints_t *h, const char *tenant, const char *job,
    const char *version, const char *doc, bool final)
{
    char       ttl[IGJ_HINT_TEXT_MAX];
    igj_key_t  status, events;

    if (igj_key_status(&status, tenant, job) == 0
        || igj_key_events(&events, tenant, job) == 0)
    {
        return;
    }

    snprintf(ttl, sizeof(ttl), "%d",
             1000 * (final ? IGJ_STATUS_FINAL_TTL_S : IGJ_STATUS_TTL_S));

    igj_hints_add(h, IGJ_SCRIPT_STATUS, 5,
                  (const char *const []) { status.text, version, doc, ttl,
                                           events.text });
}


void
igj_hints_return(igj_hints_t *h, const igj_turn_t *turn, bool charge)
{
    char       member[IGJ_TURN_MAX], queue[IGJ_QUEUE_MAX];
    igj_key_t  turns, clocks, later, parked;

    if (igj_hints_turn_keys(turn, &turns, &clocks, &later, &parked)
        != IGJ_OK)
    {
        return;
    }

    igj_turn_member(turn, member);
    igj_turn_queue(turn->kind, turn->class_name, queue);

    igj_hints_add(h, IGJ_SCRIPT_RETURN, 8,
                  (const char *const []) { turns.text, clocks.text,
                                           later.text, parked.text, queue,
                                           member, turn->tenant,
                                           charge ? "1" : "0" });
}


void
igj_hints_issue(igj_hints_t *h, const igj_turn_t *turn, int wanted,
    int parallelism, const char *weight)
{
    char       queue[IGJ_QUEUE_MAX];
    char       count[IGJ_HINT_TEXT_MAX], slots[IGJ_HINT_TEXT_MAX];
    igj_key_t  turns, clocks, later, parked;

    if (igj_hints_turn_keys(turn, &turns, &clocks, &later, &parked)
        != IGJ_OK)
    {
        return;
    }

    igj_turn_queue(turn->kind, turn->class_name, queue);
    snprintf(count, sizeof(count), "%d", wanted);
    snprintf(slots, sizeof(slots), "%d", parallelism);

    igj_hints_add(h, IGJ_SCRIPT_ISSUE, 10,
                  (const char *const []) { turns.text, clocks.text,
                                           later.text, parked.text, queue,
                                           turn->tenant, turn->job, count,
                                           slots, weight ? weight : "" });
}


void
igj_hints_later(igj_hints_t *h, const igj_turn_t *turn, int64_t wait_ms)
{
    char       queue[IGJ_QUEUE_MAX], wait[IGJ_HINT_TEXT_MAX];
    igj_key_t  later;

    if (igj_key_later(&later) == 0) {
        return;
    }

    igj_turn_queue(turn->kind, turn->class_name, queue);
    snprintf(wait, sizeof(wait), "%lld", (long long) wait_ms);

    igj_hints_add(h, IGJ_SCRIPT_LATER, 5,
                  (const char *const []) { later.text, queue, turn->tenant,
                                           turn->job, wait });
}


void
igj_hints_park(igj_hints_t *h, const igj_turn_t *turn, const char *scope)
{
    char       member[IGJ_TURN_MAX], queue[IGJ_QUEUE_MAX];
    igj_key_t  parked, index, order, clocks;

    if (igj_key_parked(&parked, scope) == 0
        || igj_key_parked_index(&index) == 0
        || igj_key_parked_clocks(&order, scope) == 0
        || igj_key_clocks(&clocks, turn->kind, turn->class_name) == 0)
    {
        return;
    }

    igj_turn_member(turn, member);
    igj_turn_queue(turn->kind, turn->class_name, queue);

    igj_hints_add(h, IGJ_SCRIPT_PARK, 8,
                  (const char *const []) { parked.text, index.text,
                                           order.text, clocks.text, queue,
                                           member, turn->tenant, scope });
}


void
igj_hints_unpark(igj_hints_t *h, const char *scope, int64_t count)
{
    char       text[IGJ_HINT_TEXT_MAX];
    igj_key_t  parked, index, order;

    if (igj_key_parked(&parked, scope) == 0
        || igj_key_parked_index(&index) == 0
        || igj_key_parked_clocks(&order, scope) == 0)
    {
        return;
    }

    snprintf(text, sizeof(text), "%lld", (long long) count);

    igj_hints_add(h, IGJ_SCRIPT_UNPARK, 6,
                  (const char *const []) { parked.text, index.text,
                                           order.text, text,
                                           IGJ_KEY_TURNS_PREFIX,
                                           IGJ_KEY_CLOCKS_PREFIX });
}


void
igj_hints_heartbeat(igj_hints_t *h, const char *worker, const char *json,
    int64_t ttl_ms)
{
    char       ttl[IGJ_HINT_TEXT_MAX];
    igj_key_t  key;

    if (igj_key_worker(&key, worker) == 0) {
        return;
    }

    snprintf(ttl, sizeof(ttl), "%lld", (long long) ttl_ms);

    igj_hints_add(h, IGJ_SCRIPT_COUNT, 4,
                  (const char *const []) { key.text, json, "PX", ttl });
}


static int
igj_hints_turn_keys(const igj_turn_t *turn, igj_key_t *turns,
    igj_key_t *clocks, igj_key_t *later, igj_key_t *parked)
{
    return (igj_key_turns(turns, turn->kind, turn->class_name) != 0
            && igj_key_clocks(clocks, turn->kind, turn->class_name) != 0
            && igj_key_later(later) != 0
            && igj_key_parked_index(parked) != 0)
           ? IGJ_OK : IGJ_ERROR;
}
