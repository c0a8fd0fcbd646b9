/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Jobs that are watched.  Their documents come from reads of Postgres: at
 * first, and slowly again and again; and from messages of Redis.  A bounded
 * number of reads is under way; those of one loop turn are one execution of
 * the statement for many.
 *
 * The tick is an ordinary timer: it keeps a worker that shuts down alive until
 * every watcher was told.
 */

#include "ngx_http_igjobs_topic.h"

#include "igj_keys.h"


#define NGX_HTTP_IGJOBS_TICK           1000

#define NGX_HTTP_IGJOBS_READS          256   /* under way */

/* re-reads without subscriptions come so often, unless less is wanted */
#define NGX_HTTP_IGJOBS_REREAD_BLIND   1000


static ngx_http_igjobs_topic_t *ngx_http_igjobs_topic_create(
    ngx_http_igjobs_watches_t *watches, const ngx_str_t *tenant,
    const igj_uuid_t *job, const igj_key_t *name);
static void ngx_http_igjobs_watches_read(ngx_http_igjobs_watches_t *watches);
static ngx_int_t ngx_http_igjobs_topic_ask(ngx_http_igjobs_topic_t *topic);
static void ngx_http_igjobs_topic_answered(void *data,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_topic_row(ngx_http_igjobs_topic_t *topic,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_topic_refuse(ngx_http_igjobs_topic_t *topic,
    ngx_http_igjobs_document_e found);
static void ngx_http_igjobs_topic_unknown(ngx_http_igjobs_topic_t *topic);
static ngx_int_t ngx_http_igjobs_topic_keep(ngx_http_igjobs_topic_t *topic,
    const ngx_str_t *doc);
static void ngx_http_igjobs_topic_news(ngx_http_igjobs_topic_t *topic);
static void ngx_http_igjobs_topic_pace(ngx_event_t *ev);
static void ngx_http_igjobs_topic_tell_all(ngx_http_igjobs_topic_t *topic);
static void ngx_http_igjobs_watches_reread(ngx_http_igjobs_watches_t *watches);
static void ngx_http_igjobs_watches_end(ngx_http_igjobs_watches_t *watches);


ngx_http_igjobs_topic_t *
ngx_http_igjobs_topic_get(ngx_http_igjobs_watches_t *watches,
    const ngx_str_t *tenant, const igj_uuid_t *job)
{
    char                      id[IGJ_UUID_TEXT_LEN + 1];
    igj_key_t                 key;
    ngx_str_t                 name;
    ngx_http_igjobs_topic_t  *topic;

    igj_uuid_print(job, id);
    id[IGJ_UUID_TEXT_LEN] = '\0';

    if (igj_key_events(&key, (char *) tenant->data, id) == 0) {
        return NULL;
    }

    name.data = (u_char *) key.text;
    name.len = key.len;

    topic = ngx_http_igjobs_topic_find(watches, &name);

    return topic ? topic
                 : ngx_http_igjobs_topic_create(watches, tenant, job, &key);
}


ngx_http_igjobs_topic_t *
ngx_http_igjobs_topic_find(ngx_http_igjobs_watches_t *watches,
    const ngx_str_t *name)
{
    uint32_t         hash;
    ngx_str_node_t  *node;

    hash = ngx_murmur_hash2(name->data, name->len);
    node = ngx_str_rbtree_lookup(&watches->topics, (ngx_str_t *) name, hash);

    return (ngx_http_igjobs_topic_t *) node;
}


static ngx_http_igjobs_topic_t *
ngx_http_igjobs_topic_create(ngx_http_igjobs_watches_t *watches,
    const ngx_str_t *tenant, const igj_uuid_t *job, const igj_key_t *name)
{
    u_char                   *p;
    ngx_uint_t                i;
    ngx_http_igjobs_topic_t  *topic;

    topic = ngx_alloc(sizeof(ngx_http_igjobs_topic_t) + name->len
                      + tenant->len + 1, watches->log);
    if (topic == NULL) {
        return NULL;
    }

    ngx_memzero(topic, sizeof(ngx_http_igjobs_topic_t));

    p = (u_char *) (topic + 1);

    topic->node.node.key = ngx_murmur_hash2((u_char *) name->text, name->len);
    topic->node.str.data = p;
    topic->node.str.len = name->len;
    p = ngx_cpymem(p, name->text, name->len);

    topic->tenant.data = p;
    topic->tenant.len = tenant->len;
    *ngx_cpymem(p, tenant->data, tenant->len) = '\0';

    topic->watches = watches;
    topic->job = *job;
    topic->read_at = ngx_current_msec;

    for (i = 0; i < NGX_HTTP_IGJOBS_WATCH_QUEUES; i++) {
        ngx_queue_init(&topic->queues[i]);
    }

    topic->pace.handler = ngx_http_igjobs_topic_pace;
    topic->pace.data = topic;
    topic->pace.log = watches->log;
    topic->pace.cancelable = 1;

    ngx_rbtree_insert(&watches->topics, &topic->node.node);
    ngx_queue_insert_tail(&watches->order, &topic->order);

    if (!watches->tick.timer_set) {
        ngx_add_timer(&watches->tick, NGX_HTTP_IGJOBS_TICK);
    }

    ngx_http_igjobs_topic_subscribe(topic);

    return topic;
}


void
ngx_http_igjobs_topic_free(ngx_http_igjobs_topic_t *topic)
{
    ngx_http_igjobs_watches_t  *watches;

    watches = topic->watches;

    ngx_http_igjobs_topic_unsubscribe(topic);

    if (topic->pg_op) {
        ngx_http_igjobs_pg_detach(topic->pg_op);
        watches->nreading--;
    }

    if (topic->waiting) {
        ngx_queue_remove(&topic->reads);
    }

    if (topic->news) {
        ngx_queue_remove(&topic->telling);
    }

    if (topic->pace.timer_set) {
        ngx_del_timer(&topic->pace);
    }

    ngx_queue_remove(&topic->order);
    ngx_rbtree_delete(&watches->topics, &topic->node.node);

    if (ngx_queue_empty(&watches->order)) {
        ngx_del_timer(&watches->tick);
    }

    if (topic->doc.data) {
        ngx_free(topic->doc.data);
    }

    ngx_free(topic);

    ngx_http_igjobs_watches_read(watches);
}


ngx_uint_t
ngx_http_igjobs_topic_urgent(ngx_http_igjobs_topic_t *topic, uint64_t version)
{
    return topic->found != NGX_HTTP_IGJOBS_DOCUMENT_FOUND
           || topic->final
           || version < topic->changed;
}


void
ngx_http_igjobs_topic_read(ngx_http_igjobs_topic_t *topic)
{
    if (topic->waiting || topic->pg_op) {
        return;
    }

    topic->waiting = 1;
    ngx_queue_insert_tail(&topic->watches->reads, &topic->reads);

    ngx_http_igjobs_watches_read(topic->watches);
}


static void
ngx_http_igjobs_watches_read(ngx_http_igjobs_watches_t *watches)
{
    ngx_queue_t              *q;
    ngx_http_igjobs_topic_t  *topic;

    while (watches->nreading < NGX_HTTP_IGJOBS_READS
           && !ngx_queue_empty(&watches->reads))
    {
        q = ngx_queue_head(&watches->reads);
        topic = ngx_queue_data(q, ngx_http_igjobs_topic_t, reads);

        ngx_queue_remove(q);
        topic->waiting = 0;

        topic->read_at = ngx_current_msec;
        ngx_queue_remove(&topic->order);
        ngx_queue_insert_tail(&watches->order, &topic->order);

        if (ngx_http_igjobs_topic_ask(topic) != NGX_OK) {
            ngx_http_igjobs_topic_refuse(topic,
                                         NGX_HTTP_IGJOBS_DOCUMENT_UNAVAILABLE);
        }
    }
}


static ngx_int_t
ngx_http_igjobs_topic_ask(ngx_http_igjobs_topic_t *topic)
{
    ngx_http_igjobs_watches_t   *watches;
    ngx_http_igjobs_pg_param_t   params[2];

    watches = topic->watches;

    ngx_memzero(params, sizeof(params));

    params[0].data = topic->tenant.data;
    params[0].len = topic->tenant.len;
    params[0].binary = 1;
    params[1].data = topic->job.bytes;
    params[1].len = sizeof(topic->job.bytes);
    params[1].binary = 1;

    topic->pg_op = ngx_http_igjobs_pg_query(watches->pg,
                                            NGX_HTTP_IGJOBS_SQL_DOCUMENTS,
                                            params,
                                            ngx_http_igjobs_topic_answered,
                                            topic);
    if (topic->pg_op == NULL) {
        return NGX_ERROR;
    }

    watches->nreading++;

    return NGX_OK;
}


static void
ngx_http_igjobs_topic_answered(void *data, ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_topic_t *topic = data;

    ngx_http_igjobs_watches_t  *watches;

    watches = topic->watches;

    topic->pg_op = NULL;
    watches->nreading--;

    if (reply->outcome == NGX_HTTP_IGJOBS_PG_OK) {
        ngx_http_igjobs_topic_row(topic, reply);

    } else {
        ngx_log_error(NGX_LOG_ERR, watches->log, 0,
                      "igjobs: a job that is watched was not read: %s %V",
                      reply->sqlstate, &reply->message);
        ngx_http_igjobs_topic_refuse(topic,
                         (reply->outcome == NGX_HTTP_IGJOBS_PG_REFUSED)
                         ? NGX_HTTP_IGJOBS_DOCUMENT_FAILED
                         : NGX_HTTP_IGJOBS_DOCUMENT_UNAVAILABLE);
    }

    if (topic->again) {
        topic->again = 0;
        ngx_http_igjobs_topic_read(topic);
    }

    ngx_http_igjobs_watches_read(watches);
}


static void
ngx_http_igjobs_topic_row(ngx_http_igjobs_topic_t *topic,
    ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_str_t  doc;

    if (reply->row >= ngx_http_igjobs_pg_rows(reply->result)
        || ngx_http_igjobs_pg_is_null(reply->result, reply->row, 0))
    {
        ngx_http_igjobs_topic_unknown(topic);
        return;
    }

    topic->live = topic->subscribed && !topic->again;

    doc = ngx_http_igjobs_pg_value(reply->result, reply->row, 0);
    ngx_http_igjobs_topic_document(topic, &doc);
}


/* those who wait for their first document; the others have one */

static void
ngx_http_igjobs_topic_refuse(ngx_http_igjobs_topic_t *topic,
    ngx_http_igjobs_document_e found)
{
    topic->refused = found;

    ngx_http_igjobs_topic_move(topic, NGX_HTTP_IGJOBS_WATCH_FRESH,
                               NGX_HTTP_IGJOBS_WATCH_REFUSED);
    ngx_http_igjobs_topic_tell(topic);
}


static void
ngx_http_igjobs_topic_unknown(ngx_http_igjobs_topic_t *topic)
{
    topic->found = NGX_HTTP_IGJOBS_DOCUMENT_UNKNOWN;

    ngx_http_igjobs_topic_move(topic, NGX_HTTP_IGJOBS_WATCH_FRESH,
                               NGX_HTTP_IGJOBS_WATCH_BEHIND);
    ngx_http_igjobs_topic_tell_all(topic);
}


void
ngx_http_igjobs_topic_document(ngx_http_igjobs_topic_t *topic,
    const ngx_str_t *doc)
{
    uint64_t  version;

    version = ngx_http_igjobs_document_version(doc);

    if (version > topic->version) {

        if (ngx_http_igjobs_topic_keep(topic, doc) != NGX_OK) {
            ngx_http_igjobs_topic_refuse(topic,
                                         NGX_HTTP_IGJOBS_DOCUMENT_UNAVAILABLE);
            return;
        }

        topic->version = version;
        topic->found = NGX_HTTP_IGJOBS_DOCUMENT_FOUND;
        topic->final = ngx_http_igjobs_document_final(doc);

        if (topic->final) {
            ngx_http_igjobs_document_told(topic->watches->documents,
                                          &topic->tenant, &topic->job, doc);
        }

        ngx_http_igjobs_topic_news(topic);
    }

    if (topic->doc.data == NULL) {
        ngx_http_igjobs_topic_refuse(topic, NGX_HTTP_IGJOBS_DOCUMENT_FAILED);
        return;
    }

    ngx_http_igjobs_topic_move(topic, NGX_HTTP_IGJOBS_WATCH_FRESH,
                               NGX_HTTP_IGJOBS_WATCH_BEHIND);
    ngx_http_igjobs_topic_tell(topic);
}


/* also notes whether the job has come to another stage */

static ngx_int_t
ngx_http_igjobs_topic_keep(ngx_http_igjobs_topic_t *topic,
    const ngx_str_t *doc)
{
    u_char     *copy;
    ngx_str_t   was, is;

    copy = ngx_alloc(doc->len, topic->watches->log);
    if (copy == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy, doc->data, doc->len);

    was = ngx_http_igjobs_document_stage(&topic->doc);
    is = ngx_http_igjobs_document_stage(doc);

    if (was.len != is.len || ngx_memcmp(was.data, is.data, is.len) != 0) {
        topic->changed = ngx_http_igjobs_document_version(doc);
    }

    if (topic->doc.data) {
        ngx_free(topic->doc.data);
    }

    topic->doc.data = copy;
    topic->doc.len = doc->len;

    return NGX_OK;
}


static void
ngx_http_igjobs_topic_news(ngx_http_igjobs_topic_t *topic)
{
    ngx_msec_int_t  left;

    if (ngx_http_igjobs_topic_urgent(topic, topic->version - 1)) {
        ngx_http_igjobs_topic_tell_all(topic);
        return;
    }

    ngx_http_igjobs_topic_move(topic, NGX_HTTP_IGJOBS_WATCH_CURRENT,
                               NGX_HTTP_IGJOBS_WATCH_BEHIND);

    if (topic->pace.timer_set
        || ngx_queue_empty(&topic->queues[NGX_HTTP_IGJOBS_WATCH_PACED]))
    {
        return;
    }

    left = (ngx_msec_int_t) (topic->paced_at + topic->watches->conf->interval
                             - ngx_current_msec);

    if (left > 0) {
        ngx_add_timer(&topic->pace, (ngx_msec_t) left);
        return;
    }

    ngx_http_igjobs_topic_pace(&topic->pace);
}


static void
ngx_http_igjobs_topic_pace(ngx_event_t *ev)
{
    ngx_http_igjobs_topic_t  *topic;

    topic = ev->data;
    topic->paced_at = ngx_current_msec;

    ngx_http_igjobs_topic_move(topic, NGX_HTTP_IGJOBS_WATCH_PACED,
                               NGX_HTTP_IGJOBS_WATCH_BEHIND);
    ngx_http_igjobs_topic_tell(topic);
}


static void
ngx_http_igjobs_topic_tell_all(ngx_http_igjobs_topic_t *topic)
{
    if (topic->pace.timer_set) {
        ngx_del_timer(&topic->pace);
    }

    ngx_http_igjobs_topic_move(topic, NGX_HTTP_IGJOBS_WATCH_CURRENT,
                               NGX_HTTP_IGJOBS_WATCH_BEHIND);
    ngx_http_igjobs_topic_pace(&topic->pace);
}


void
ngx_http_igjobs_watches_tick(ngx_event_t *ev)
{
    ngx_http_igjobs_watches_t  *watches;

    watches = ev->data;

    ngx_add_timer(ev, NGX_HTTP_IGJOBS_TICK);

    if (ngx_exiting) {
        ngx_http_igjobs_watches_end(watches);
        return;
    }

    ngx_http_igjobs_subscription_tick(watches);
    ngx_http_igjobs_watches_reread(watches);
}


static void
ngx_http_igjobs_watches_reread(ngx_http_igjobs_watches_t *watches)
{
    ngx_msec_t                interval;
    ngx_queue_t              *q;
    ngx_http_igjobs_topic_t  *topic;

    interval = watches->conf->reread_time;

    if (!ngx_http_igjobs_subscription_works(watches)) {
        interval = ngx_min(interval, NGX_HTTP_IGJOBS_REREAD_BLIND);
    }

    for (q = ngx_queue_head(&watches->order);
         q != ngx_queue_sentinel(&watches->order);
         q = ngx_queue_next(q))
    {
        topic = ngx_queue_data(q, ngx_http_igjobs_topic_t, order);

        /* a tick comes a little late, which must not add up */

        if (ngx_current_msec - topic->read_at + NGX_HTTP_IGJOBS_TICK / 2
            < interval)
        {
            break;
        }

        if (!topic->waiting && !topic->pg_op) {
            topic->waiting = 1;
            ngx_queue_insert_tail(&watches->reads, &topic->reads);
        }
    }

    ngx_http_igjobs_watches_read(watches);
}


/* who waits for a first read is told when that is done */

static void
ngx_http_igjobs_watches_end(ngx_http_igjobs_watches_t *watches)
{
    ngx_queue_t              *q;
    ngx_http_igjobs_topic_t  *topic;

    watches->ending = 1;

    for (q = ngx_queue_head(&watches->order);
         q != ngx_queue_sentinel(&watches->order);
         q = ngx_queue_next(q))
    {
        topic = ngx_queue_data(q, ngx_http_igjobs_topic_t, order);

        ngx_http_igjobs_topic_move(topic, NGX_HTTP_IGJOBS_WATCH_PAUSED,
                                   NGX_HTTP_IGJOBS_WATCH_BEHIND);
        ngx_http_igjobs_topic_tell_all(topic);
    }
}
