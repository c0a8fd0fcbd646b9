/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Watchers of jobs: they come, are told, leave.  Ten thousand may watch one
 * job, so news costs a topic constant work, and a loop turn tells some of its
 * watchers only.
 */

#include "ngx_http_igjobs_topic.h"


/* watchers told in a loop turn: about a millisecond of writing */
#define NGX_HTTP_IGJOBS_TELL_TURN  128


static void ngx_http_igjobs_watches_tell(ngx_event_t *ev);
static void ngx_http_igjobs_topic_tell_one(ngx_http_igjobs_topic_t *topic);
static void ngx_http_igjobs_watch_call(ngx_http_igjobs_topic_t *topic,
    ngx_queue_t *queue, ngx_http_igjobs_document_e found);
static void ngx_http_igjobs_watch_put(ngx_http_igjobs_watch_t *watch,
    ngx_http_igjobs_watch_queue_e queue);
static void ngx_http_igjobs_watch_rest(ngx_http_igjobs_watch_t *watch);
static void ngx_http_igjobs_watch_detach(ngx_http_igjobs_watch_t *watch);
static void ngx_http_igjobs_topic_settle(ngx_http_igjobs_topic_t *topic);


ngx_http_igjobs_watches_t *
ngx_http_igjobs_watches_start(ngx_cycle_t *cycle,
    ngx_http_igjobs_watch_conf_t *conf, ngx_http_igjobs_pg_t *pg,
    ngx_http_igjobs_documents_t *documents,
    ngx_http_igjobs_redis_conf_t *redis,
    ngx_http_igjobs_resolve_conf_t *resolve)
{
    ngx_http_igjobs_watches_t  *watches;

    watches = ngx_pcalloc(cycle->pool, sizeof(ngx_http_igjobs_watches_t));
    if (watches == NULL) {
        return NULL;
    }

    watches->conf = conf;
    watches->pg = pg;
    watches->documents = documents;
    watches->log = cycle->log;

    ngx_rbtree_init(&watches->topics, &watches->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&watches->order);
    ngx_queue_init(&watches->reads);
    ngx_queue_init(&watches->telling);

    watches->tell.handler = ngx_http_igjobs_watches_tell;
    watches->tell.data = watches;
    watches->tell.log = cycle->log;

    watches->tick.handler = ngx_http_igjobs_watches_tick;
    watches->tick.data = watches;
    watches->tick.log = cycle->log;

    if (ngx_http_igjobs_subscription_start(watches, cycle, redis, resolve)
        != NGX_OK)
    {
        return NULL;
    }

    return watches;
}


/* at the end of a worker, nobody is told any more */

void
ngx_http_igjobs_watches_stop(ngx_http_igjobs_watches_t *watches)
{
    if (watches->redis) {
        ngx_http_igjobs_redis_stop(watches->redis);
    }
}


ngx_int_t
ngx_http_igjobs_watch(ngx_http_igjobs_watches_t *watches,
    const ngx_str_t *tenant, const igj_uuid_t *job,
    ngx_http_igjobs_watch_t *watch)
{
    ngx_http_igjobs_topic_t  *topic;

    if (watches->nwatches >= watches->conf->max) {
        return NGX_ERROR;
    }

    topic = ngx_http_igjobs_topic_get(watches, tenant, job);
    if (topic == NULL) {
        return NGX_ERROR;
    }

    watch->topic = topic;
    watch->version = 0;
    watch->ending = 0;

    topic->nwatches++;
    watches->nwatches++;

    if (topic->live && ngx_http_igjobs_subscription_works(watches)) {
        ngx_queue_insert_tail(&topic->queues[NGX_HTTP_IGJOBS_WATCH_BEHIND],
                              &watch->queue);
        ngx_http_igjobs_topic_tell(topic);
        return NGX_OK;
    }

    ngx_queue_insert_tail(&topic->queues[NGX_HTTP_IGJOBS_WATCH_FRESH],
                          &watch->queue);

    if (topic->redis_op == NULL) {
        ngx_http_igjobs_topic_read(topic);
    }

    return NGX_OK;
}


const ngx_str_t *
ngx_http_igjobs_watch_document(const ngx_http_igjobs_watch_t *watch)
{
    if (watch->topic == NULL || watch->topic->doc.data == NULL) {
        return NULL;
    }

    return &watch->topic->doc;
}


void
ngx_http_igjobs_watch_leave(ngx_http_igjobs_watch_t *watch)
{
    ngx_http_igjobs_topic_t  *topic;

    topic = watch->topic;

    if (topic != NULL) {
        ngx_http_igjobs_watch_detach(watch);
        ngx_http_igjobs_topic_settle(topic);
    }
}


void
ngx_http_igjobs_watch_pause(ngx_http_igjobs_watch_t *watch)
{
    if (watch->topic != NULL) {
        ngx_http_igjobs_watch_put(watch, NGX_HTTP_IGJOBS_WATCH_PAUSED);
    }
}


void
ngx_http_igjobs_watch_resume(ngx_http_igjobs_watch_t *watch)
{
    ngx_http_igjobs_topic_t  *topic;

    topic = watch->topic;

    if (topic == NULL) {
        return;
    }

    if (ngx_http_igjobs_topic_urgent(topic, watch->version)
        || (watch->version < topic->version
            && !(watch->paced && topic->pace.timer_set)))
    {
        ngx_http_igjobs_watch_put(watch, NGX_HTTP_IGJOBS_WATCH_BEHIND);
        ngx_http_igjobs_topic_tell(topic);
        return;
    }

    ngx_http_igjobs_watch_rest(watch);
}


static void
ngx_http_igjobs_watch_rest(ngx_http_igjobs_watch_t *watch)
{
    ngx_http_igjobs_watch_put(watch, watch->paced
                                     ? NGX_HTTP_IGJOBS_WATCH_PACED
                                     : NGX_HTTP_IGJOBS_WATCH_CURRENT);
}


static void
ngx_http_igjobs_watch_put(ngx_http_igjobs_watch_t *watch,
    ngx_http_igjobs_watch_queue_e queue)
{
    ngx_queue_remove(&watch->queue);
    ngx_queue_insert_tail(&watch->topic->queues[queue], &watch->queue);
}


static void
ngx_http_igjobs_watch_detach(ngx_http_igjobs_watch_t *watch)
{
    /* clang's analyser takes it for the one that was removed before */

    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    ngx_queue_remove(&watch->queue);

    watch->topic->nwatches--;
    watch->topic->watches->nwatches--;
    watch->topic = NULL;
}


/* a topic whose handler runs is freed behind it */

static void
ngx_http_igjobs_topic_settle(ngx_http_igjobs_topic_t *topic)
{
    if (topic->nwatches == 0 && topic != topic->watches->told) {
        ngx_http_igjobs_topic_free(topic);
    }
}


void
ngx_http_igjobs_topic_move(ngx_http_igjobs_topic_t *topic,
    ngx_http_igjobs_watch_queue_e from, ngx_http_igjobs_watch_queue_e to)
{
    ngx_queue_t  *queue;

    queue = &topic->queues[from];

    if (!ngx_queue_empty(queue)) {
        ngx_queue_add(&topic->queues[to], queue);
        ngx_queue_init(queue);
    }
}


void
ngx_http_igjobs_topic_tell(ngx_http_igjobs_topic_t *topic)
{
    ngx_http_igjobs_watches_t  *watches;

    watches = topic->watches;

    if (!topic->news) {
        topic->news = 1;
        ngx_queue_insert_tail(&watches->telling, &topic->telling);
    }

    if (!watches->tell.posted) {
        ngx_post_event(&watches->tell, &ngx_posted_events);
    }
}


/* in turn, topic by topic: who has many watchers does not hold up the others */

static void
ngx_http_igjobs_watches_tell(ngx_event_t *ev)
{
    ngx_uint_t                  n;
    ngx_queue_t                *q;
    ngx_http_igjobs_topic_t    *topic;
    ngx_http_igjobs_watches_t  *watches;

    watches = ev->data;

    for (n = 0; n < NGX_HTTP_IGJOBS_TELL_TURN; n++) {

        if (ngx_queue_empty(&watches->telling)) {
            return;
        }

        q = ngx_queue_head(&watches->telling);
        topic = ngx_queue_data(q, ngx_http_igjobs_topic_t, telling);

        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&watches->telling, q);

        ngx_http_igjobs_topic_tell_one(topic);
    }

    if (!ngx_queue_empty(&watches->telling) && !ev->posted) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}


/* or finds that nobody is to be told any more */

static void
ngx_http_igjobs_topic_tell_one(ngx_http_igjobs_topic_t *topic)
{
    ngx_queue_t  *queue;

    queue = &topic->queues[NGX_HTTP_IGJOBS_WATCH_REFUSED];

    if (!ngx_queue_empty(queue)) {
        ngx_http_igjobs_watch_call(topic, ngx_queue_head(queue),
                                   topic->refused);
        return;
    }

    queue = &topic->queues[NGX_HTTP_IGJOBS_WATCH_BEHIND];

    if (!ngx_queue_empty(queue)) {
        ngx_http_igjobs_watch_call(topic, ngx_queue_head(queue),
                                   topic->found);
        return;
    }

    topic->news = 0;
    ngx_queue_remove(&topic->telling);
}


static void
ngx_http_igjobs_watch_call(ngx_http_igjobs_topic_t *topic,
    ngx_queue_t *queue, ngx_http_igjobs_document_e found)
{
    ngx_uint_t                  known;
    ngx_http_igjobs_watch_t    *watch;
    ngx_http_igjobs_watches_t  *watches;

    watches = topic->watches;
    watch = ngx_queue_data(queue, ngx_http_igjobs_watch_t, queue);

    known = found == NGX_HTTP_IGJOBS_DOCUMENT_FOUND;
    watch->ending = watches->ending;

    if (known && !watch->ending && watch->version == topic->version) {
        ngx_http_igjobs_watch_rest(watch);
        return;
    }

    if (known) {
        watch->changed = watch->version < topic->changed;
        watch->version = topic->version;
    }

    if (!known || topic->final || watch->ending) {
        ngx_http_igjobs_watch_detach(watch);

    } else {
        ngx_http_igjobs_watch_rest(watch);
    }

    watches->told = topic;
    watch->handler(watch->data, found, known ? &topic->doc : NULL);
    watches->told = NULL;

    ngx_http_igjobs_topic_settle(topic);
}
