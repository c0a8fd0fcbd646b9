/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The taker.  Under the lock: how many lanes wait, the turn that was fetched
 * for one of them, and the state of direct asking.  The thread owns the
 * connection to Redis and everything in igj_taker_queue_t.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "igj_clock.h"
#include "igj_keys.h"
#include "igj_log.h"
#include "igj_redis.h"
#include "igj_taker.h"


#define IGJ_TAKER_KINDS_MAX  8
#define IGJ_TAKER_CLASSES    2


typedef struct {
    const char             *kind;
    const char             *class_name;
    igj_key_t               turns;
    igj_key_t               clocks;
} igj_taker_queue_t;


struct igj_taker_s {
    igj_taker_conf_t        conf;
    pthread_t               thread;
    bool                    started;

    /* the thread's own */
    igj_redis_t            *redis;           /* NULL: direct only */
    igj_taker_queue_t       queues[IGJ_TAKER_CLASSES][IGJ_TAKER_KINDS_MAX];
    int                     nkinds;
    unsigned                round;           /* of the classes' 3 : 1 */
    int64_t                 due_at;          /* next look at `later` */

    pthread_mutex_t         lock;            /* guards all below */
    pthread_cond_t          lanes;           /* a turn is there */
    pthread_cond_t          work;            /* for the thread */
    bool                    closing;
    int                     idle;            /* lanes that wait */
    bool                    ready;           /* `turn` waits for a lane */
    igj_turn_t              turn;
    bool                    asking;          /* a direct turn is out */
    int64_t                 ask_at;          /* next direct turn */
    int64_t                 slow_ask_at;     /* the same while Redis works */
};


static int igj_taker_queues(igj_taker_t *t);
static void *igj_taker_main(void *data);
static bool igj_taker_wanted(igj_taker_t *t);
static bool igj_taker_slow_ask(igj_taker_t *t);
static bool igj_taker_fetch(igj_taker_t *t, igj_turn_t *turn);
static void igj_taker_due(igj_taker_t *t);
static bool igj_taker_pop(igj_taker_t *t, igj_turn_t *turn);
static void igj_taker_pop_args(igj_taker_t *t, igj_redis_args_t *args);
static bool igj_taker_popped(igj_taker_t *t, const redisReply *reply,
    igj_turn_t *turn);
static void igj_taker_direct(igj_taker_t *t, int64_t until);
static void igj_taker_give(igj_taker_t *t, const igj_turn_t *turn);


igj_taker_t *
igj_taker_create(const igj_taker_conf_t *conf)
{
    igj_taker_t  *t;

    t = calloc(1, sizeof(igj_taker_t));

    if (t == NULL) {
        return NULL;
    }

    t->conf = *conf;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->lanes, NULL);
    pthread_cond_init(&t->work, NULL);
    t->slow_ask_at = igj_clock_ms() + IGJ_TAKER_SLOW_POLL_MS;

    if (conf->redis != NULL) {
        t->redis = igj_redis_create(conf->redis, "turns");
    }

    if ((conf->redis != NULL && t->redis == NULL)
        || igj_taker_queues(t) != IGJ_OK)
    {
        igj_taker_destroy(t);
        return NULL;
    }

    return t;
}


static int
igj_taker_queues(igj_taker_t *t)
{
    static const char *const  classes[IGJ_TAKER_CLASSES] = { "small", "bulk" };

    int                 c, k;
    igj_taker_queue_t  *q;

    for (k = 0; t->conf.kinds[k] != NULL; k++) {
        if (k == IGJ_TAKER_KINDS_MAX) {
            return IGJ_ERROR;
        }

        for (c = 0; c < IGJ_TAKER_CLASSES; c++) {
            q = &t->queues[c][k];
            q->kind = t->conf.kinds[k];
            q->class_name = classes[c];

            if (igj_key_turns(&q->turns, q->kind, q->class_name) == 0
                || igj_key_clocks(&q->clocks, q->kind, q->class_name) == 0)
            {
                return IGJ_ERROR;
            }
        }
    }

    t->nkinds = k;

    return IGJ_OK;
}


int
igj_taker_start(igj_taker_t *t)
{
    if (pthread_create(&t->thread, NULL, igj_taker_main, t) != 0) {
        return IGJ_ERROR;
    }

    t->started = true;

    return IGJ_OK;
}


void
igj_taker_close(igj_taker_t *t)
{
    bool  untaken;

    pthread_mutex_lock(&t->lock);
    t->closing = true;
    untaken = t->ready && !igj_turn_is_direct(&t->turn);
    t->ready = false;
    pthread_cond_broadcast(&t->lanes);
    pthread_cond_signal(&t->work);
    pthread_mutex_unlock(&t->lock);

    if (untaken) {
        igj_hints_return(t->conf.hints, &t->turn, false);
    }
}


void
igj_taker_destroy(igj_taker_t *t)
{
    if (t == NULL) {
        return;
    }

    if (t->started) {
        igj_taker_close(t);
        pthread_join(t->thread, NULL);
    }

    igj_redis_destroy(t->redis);
    pthread_cond_destroy(&t->work);
    pthread_cond_destroy(&t->lanes);
    pthread_mutex_destroy(&t->lock);
    free(t);
}


bool
igj_turn_is_direct(const igj_turn_t *turn)
{
    return turn->kind[0] == '\0';
}


int
igj_taker_take(igj_taker_t *t, igj_turn_t *turn)
{
    int  rc;

    pthread_mutex_lock(&t->lock);
    t->idle++;
    pthread_cond_signal(&t->work);

    while (!t->ready && !t->closing) {
        pthread_cond_wait(&t->lanes, &t->lock);
    }

    t->idle--;
    rc = IGJ_ERROR;

    if (t->ready) {
        *turn = t->turn;
        t->ready = false;
        rc = IGJ_OK;
    }

    pthread_cond_signal(&t->work);
    pthread_mutex_unlock(&t->lock);

    return rc;
}


void
igj_taker_report(igj_taker_t *t, bool got_batch)
{
    pthread_mutex_lock(&t->lock);
    t->asking = false;
    t->ask_at = got_batch ? 0 : igj_clock_ms() + t->conf.direct_poll_ms;

    if (got_batch) {
        t->slow_ask_at = 0;
    }

    pthread_cond_signal(&t->work);
    pthread_mutex_unlock(&t->lock);
}


void
igj_taker_nudge(igj_taker_t *t)
{
    pthread_mutex_lock(&t->lock);
    t->ask_at = 0;
    pthread_cond_signal(&t->work);
    pthread_mutex_unlock(&t->lock);
}


static void *
igj_taker_main(void *data)
{
    igj_turn_t    turn;
    igj_taker_t  *t;

    t = data;

    while (igj_taker_wanted(t)) {

        if (t->redis == NULL || igj_redis_ready(t->redis) != IGJ_OK) {
            igj_taker_direct(t, igj_clock_ms() + IGJ_TAKER_BLOCK_MS);
            continue;
        }

        if (igj_taker_fetch(t, &turn)) {
            igj_taker_give(t, &turn);

        } else if (igj_taker_slow_ask(t)) {
            igj_taker_direct(t, igj_clock_ms());
        }
    }

    return NULL;
}


/*
 * Redis has no turns: that is believed for a while only, since the one who
 * should issue them may be cut off from Redis.
 */

static bool
igj_taker_slow_ask(igj_taker_t *t)
{
    bool     ask;
    int64_t  now;

    now = igj_clock_ms();

    pthread_mutex_lock(&t->lock);
    ask = (now >= t->slow_ask_at);

    if (ask) {
        t->slow_ask_at = now + IGJ_TAKER_SLOW_POLL_MS;
    }

    pthread_mutex_unlock(&t->lock);

    return ask;
}


/* Waits until a lane has nothing to do; false: closing. */

static bool
igj_taker_wanted(igj_taker_t *t)
{
    bool  open;

    pthread_mutex_lock(&t->lock);

    while (!t->closing && (t->idle == 0 || t->ready)) {
        pthread_cond_wait(&t->work, &t->lock);
    }

    open = !t->closing;
    pthread_mutex_unlock(&t->lock);

    return open;
}


static bool
igj_taker_fetch(igj_taker_t *t, igj_turn_t *turn)
{
    if (igj_clock_ms() >= t->due_at) {
        t->due_at = igj_clock_ms() + IGJ_TAKER_BLOCK_MS;
        igj_taker_due(t);
    }

    return igj_taker_pop(t, turn);
}


static void
igj_taker_due(igj_taker_t *t)
{
    igj_key_t          later, parked;
    redisReply        *reply;
    igj_redis_args_t   args;

    if (igj_key_later(&later) == 0 || igj_key_parked_index(&parked) == 0) {
        return;
    }

    igj_redis_script_begin(&args, IGJ_SCRIPT_DUE);
    igj_redis_text(&args, later.text);
    igj_redis_text(&args, parked.text);
    igj_redis_number(&args, IGJ_TAKER_DUE_MAX);
    igj_redis_text(&args, IGJ_KEY_TURNS_PREFIX);
    igj_redis_text(&args, IGJ_KEY_CLOCKS_PREFIX);

    reply = igj_redis_script(t->redis, IGJ_SCRIPT_DUE, &args);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        igj_log(IGJ_LOG_WARN, "redis refused a script",
                igj_s("script", "due"), igj_s("error", reply->str));
    }

    if (reply != NULL) {
        freeReplyObject(reply);
    }
}


/* Blocks until a turn is there, at most IGJ_TAKER_BLOCK_MS. */

static bool
igj_taker_pop(igj_taker_t *t, igj_turn_t *turn)
{
    bool               found;
    redisReply        *reply;
    igj_redis_args_t   args;

    igj_taker_pop_args(t, &args);

    if (igj_redis_send(t->redis, &args) != IGJ_OK) {
        return false;
    }

    reply = igj_redis_reply(t->redis, IGJ_TAKER_BLOCK_MS + IGJ_REDIS_REPLY_MS);

    if (reply == NULL) {
        return false;
    }

    found = igj_taker_popped(t, reply, turn);

    if (reply->type == REDIS_REPLY_ERROR) {
        igj_log(IGJ_LOG_WARN, "redis refused a pop",
                igj_s("error", reply->str));

        /* a read-only replica, a full disk: ask Postgres meanwhile */
        igj_taker_direct(t, igj_clock_ms() + IGJ_TAKER_BLOCK_MS);
    }

    freeReplyObject(reply);

    return found;
}


/*
 * BZPOPMIN takes from the first key that holds anything: in three rounds of
 * four small comes first, in the fourth bulk does, and each gets everything
 * while the other is empty.  Within a class the kinds take turns at the head.
 */

static void
igj_taker_pop_args(igj_taker_t *t, igj_redis_args_t *args)
{
    int  c, class, k, first;

    igj_redis_begin(args, "BZPOPMIN");

    first = (t->round % (IGJ_CLASS_WEIGHT_SMALL + IGJ_CLASS_WEIGHT_BULK)
             < IGJ_CLASS_WEIGHT_SMALL) ? 0 : 1;

    for (c = 0; c < IGJ_TAKER_CLASSES; c++) {
        class = (first + c) % IGJ_TAKER_CLASSES;

        for (k = 0; k < t->nkinds; k++) {
            igj_redis_text(args,
                t->queues[class][(k + (int) t->round) % t->nkinds].turns.text);
        }
    }

    igj_redis_number(args, IGJ_TAKER_BLOCK_MS / 1000);
    t->round = (t->round + 1) % 840;
}


/* Key, member, score; the clock of the class follows the score. */

static bool
igj_taker_popped(igj_taker_t *t, const redisReply *reply, igj_turn_t *turn)
{
    int                 c, k;
    redisReply         *taken;
    igj_redis_args_t    args;
    igj_taker_queue_t  *q;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) {
        return false;
    }

    q = NULL;

    for (c = 0; c < IGJ_TAKER_CLASSES; c++) {
        for (k = 0; k < t->nkinds; k++) {
            if (strcmp(t->queues[c][k].turns.text, reply->element[0]->str)
                == 0)
            {
                q = &t->queues[c][k];
            }
        }
    }

    if (q == NULL
        || igj_turn_parse(turn, q->kind, q->class_name,
                          reply->element[1]->str,
                          (size_t) reply->element[1]->len)
           != IGJ_OK)
    {
        igj_log(IGJ_LOG_WARN, "not a turn, dropped",
                igj_s("member", reply->element[1]->str));
        return false;
    }

    igj_redis_script_begin(&args, IGJ_SCRIPT_TAKEN);
    igj_redis_text(&args, q->clocks.text);
    igj_redis_bytes(&args, reply->element[2]->str,
                    (size_t) reply->element[2]->len);

    taken = igj_redis_script(t->redis, IGJ_SCRIPT_TAKEN, &args);

    if (taken != NULL) {
        freeReplyObject(taken);
    }

    return true;
}


/*
 * Gives the permission to ask Postgres as soon as its time has come and no
 * other lane is asking; comes back at `until` at the latest.
 */

static void
igj_taker_direct(igj_taker_t *t, int64_t until)
{
    int64_t          now, at;
    struct timespec  ts;

    pthread_mutex_lock(&t->lock);

    while (!t->closing && t->idle > 0 && !t->ready) {
        now = igj_clock_ms();

        if (!t->asking && now >= t->ask_at) {
            t->asking = true;
            memset(&t->turn, 0, sizeof(igj_turn_t));
            t->ready = true;
            pthread_cond_signal(&t->lanes);
            break;
        }

        if (now >= until) {
            break;
        }

        at = (!t->asking && t->ask_at < until) ? t->ask_at : until;
        ts = igj_clock_after(at - now);
        (void) pthread_cond_clockwait(&t->work, &t->lock, CLOCK_MONOTONIC,
                                      &ts);
    }

    pthread_mutex_unlock(&t->lock);
}


/* Hands the turn to a lane; nobody left to take it: it goes back unused. */

static void
igj_taker_give(igj_taker_t *t, const igj_turn_t *turn)
{
    bool  given;

    pthread_mutex_lock(&t->lock);
    given = !t->closing && t->idle > 0;
    t->slow_ask_at = igj_clock_ms() + IGJ_TAKER_SLOW_POLL_MS;

    if (given) {
        t->turn = *turn;
        t->ready = true;
        pthread_cond_signal(&t->lanes);
    }

    pthread_mutex_unlock(&t->lock);

    if (!given) {
        igj_hints_return(t->conf.hints, turn, false);
    }
}
