/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Topics hear of their jobs' new documents from Redis.  A topic subscribes
 * when its first watcher comes, and is read once that is acknowledged: what
 * was committed before is in the read, what comes later is a message.  After
 * each new connection all of them subscribe and are read again.
 *
 * Redis is a hint: without it topics live on their re-reads.
 */

#include "ngx_http_igjobs_topic.h"


#define NGX_HTTP_IGJOBS_SUBSCRIBES  512     /* under way */

#define NGX_HTTP_IGJOBS_PING_TICKS  5


static void ngx_http_igjobs_subscription_ready(void *data);
static void ngx_http_igjobs_subscription_message(void *data,
    const ngx_str_t *channel, const ngx_str_t *text);
static void ngx_http_igjobs_subscription_pump(
    ngx_http_igjobs_watches_t *watches);
static void ngx_http_igjobs_subscription_answered(void *data,
    ngx_http_igjobs_redis_reply_t *reply);


static const ngx_http_igjobs_subscriber_t  ngx_http_igjobs_subscription = {
    ngx_http_igjobs_subscription_ready,
    ngx_http_igjobs_subscription_message
};


ngx_int_t
ngx_http_igjobs_subscription_start(ngx_http_igjobs_watches_t *watches,
    ngx_cycle_t *cycle, ngx_http_igjobs_redis_conf_t *conf,
    ngx_http_igjobs_resolve_conf_t *resolve)
{
    ngx_queue_init(&watches->unheard);

    if (conf->hosts == NULL) {
        return NGX_OK;
    }

    watches->redis = ngx_http_igjobs_subscriber_create(cycle, conf, resolve,
                                                &ngx_http_igjobs_subscription,
                                                watches);

    return watches->redis ? NGX_OK : NGX_ERROR;
}


ngx_uint_t
ngx_http_igjobs_subscription_works(ngx_http_igjobs_watches_t *watches)
{
    return !watches->refused && ngx_http_igjobs_redis_ready(watches->redis);
}


/* a topic is new, or Redis has forgotten it */

void
ngx_http_igjobs_topic_subscribe(ngx_http_igjobs_topic_t *topic)
{
    ngx_http_igjobs_watches_t  *watches;

    watches = topic->watches;
    topic->live = 0;
    topic->subscribed = 0;

    if (watches->redis == NULL) {
        return;
    }

    if (!topic->queued && topic->redis_op == NULL) {
        topic->queued = 1;
        ngx_queue_insert_tail(&watches->unheard, &topic->unheard);
    }

    ngx_http_igjobs_subscriber_connect(watches->redis);
    ngx_http_igjobs_subscription_pump(watches);
}


void
ngx_http_igjobs_topic_unsubscribe(ngx_http_igjobs_topic_t *topic)
{
    ngx_http_igjobs_watches_t  *watches;

    watches = topic->watches;

    if (topic->queued) {
        topic->queued = 0;
        ngx_queue_remove(&topic->unheard);
    }

    if (topic->redis_op) {
        ngx_http_igjobs_redis_detach(topic->redis_op);
        topic->redis_op = NULL;
        topic->subscribed = 1;
        watches->nsubscribing--;
    }

    if (topic->subscribed) {
        topic->subscribed = 0;
        ngx_http_igjobs_unsubscribe(watches->redis, &topic->node.str);
        ngx_http_igjobs_subscription_pump(watches);
    }
}


static void
ngx_http_igjobs_subscription_pump(ngx_http_igjobs_watches_t *watches)
{
    ngx_queue_t              *q;
    ngx_http_igjobs_topic_t  *topic;

    while (watches->nsubscribing < NGX_HTTP_IGJOBS_SUBSCRIBES
           && !ngx_queue_empty(&watches->unheard))
    {
        q = ngx_queue_head(&watches->unheard);
        topic = ngx_queue_data(q, ngx_http_igjobs_topic_t, unheard);

        topic->redis_op = ngx_http_igjobs_subscribe(watches->redis,
                                        &topic->node.str,
                                        ngx_http_igjobs_subscription_answered,
                                        topic);
        if (topic->redis_op == NULL) {
            return;
        }

        ngx_queue_remove(q);
        topic->queued = 0;
        watches->nsubscribing++;
    }
}


/* acknowledged, refused, or the connection is lost: in any case it is read */

static void
ngx_http_igjobs_subscription_answered(void *data,
    ngx_http_igjobs_redis_reply_t *reply)
{
    ngx_http_igjobs_topic_t *topic = data;

    ngx_http_igjobs_watches_t  *watches;

    watches = topic->watches;

    topic->redis_op = NULL;
    watches->nsubscribing--;

    if (reply->type == NGX_HTTP_IGJOBS_REDIS_REFUSED) {

        if (!watches->refused) {
            ngx_log_error(NGX_LOG_ERR, watches->log, 0,
                          "igjobs: Redis refused a subscription: %V",
                          &reply->text);
        }

        watches->refused = 1;

    } else if (reply->type != NGX_HTTP_IGJOBS_REDIS_LOST) {
        topic->subscribed = 1;
    }

    if (topic->pg_op) {
        topic->again = 1;
    }

    ngx_http_igjobs_topic_read(topic);
    ngx_http_igjobs_subscription_pump(watches);
}


/* connected, for the first time or again */

static void
ngx_http_igjobs_subscription_ready(void *data)
{
    ngx_http_igjobs_watches_t *watches = data;

    ngx_queue_t              *q;
    ngx_http_igjobs_topic_t  *topic;

    watches->refused = 0;

    for (q = ngx_queue_head(&watches->order);
         q != ngx_queue_sentinel(&watches->order);
         q = ngx_queue_next(q))
    {
        topic = ngx_queue_data(q, ngx_http_igjobs_topic_t, order);
        ngx_http_igjobs_topic_subscribe(topic);
    }
}


static void
ngx_http_igjobs_subscription_message(void *data, const ngx_str_t *channel,
    const ngx_str_t *text)
{
    ngx_http_igjobs_watches_t *watches = data;

    ngx_http_igjobs_topic_t  *topic;

    topic = ngx_http_igjobs_topic_find(watches, channel);

    if (topic == NULL) {
        ngx_http_igjobs_unsubscribe(watches->redis, channel);
        return;
    }

    if (ngx_http_igjobs_document_version(text) > topic->version) {
        ngx_http_igjobs_topic_document(topic, text);
    }
}


/* a connection that is dead says nothing, so it is asked */

void
ngx_http_igjobs_subscription_tick(ngx_http_igjobs_watches_t *watches)
{
    if (++watches->ticks % NGX_HTTP_IGJOBS_PING_TICKS == 0
        && ngx_http_igjobs_redis_ready(watches->redis))
    {
        ngx_http_igjobs_subscriber_ping(watches->redis);
    }
}
