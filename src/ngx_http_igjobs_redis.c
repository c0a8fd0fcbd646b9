/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Commands to Redis.  Those of one loop turn are collected in a buffer of
 * fixed size and sent by a posted event.  The timer of the connection watches
 * the oldest op only: an op that is too old costs the connection.
 */

#include "ngx_http_igjobs_hiredis.h"

#include <ngx_sha1.h>


#define NGX_HTTP_IGJOBS_REDIS_READ      16384

/* words of the longest command, EVAL's own three included */
#define NGX_HTTP_IGJOBS_REDIS_MAX_ARGS  16

/* a mark, a number and the end of its line */
#define NGX_HTTP_IGJOBS_REDIS_HEAD      (1 + NGX_SIZE_T_LEN + 2)


static void ngx_http_igjobs_redis_flush(ngx_event_t *ev);
static ngx_int_t ngx_http_igjobs_redis_write(ngx_http_igjobs_redis_t *redis);
static ngx_int_t ngx_http_igjobs_redis_read(ngx_http_igjobs_redis_t *redis);
static ngx_int_t ngx_http_igjobs_redis_replies(ngx_http_igjobs_redis_t *redis);
static void ngx_http_igjobs_redis_answer(ngx_http_igjobs_redis_t *redis,
    redisReply *answer);
static void ngx_http_igjobs_redis_translate(
    ngx_http_igjobs_redis_reply_t *reply, redisReply *answer);
static ngx_int_t ngx_http_igjobs_redis_append(ngx_http_igjobs_redis_t *redis,
    ngx_uint_t argc, const ngx_str_t *argv);
static void ngx_http_igjobs_redis_timeout(ngx_event_t *ev);
static ngx_http_igjobs_redis_op_t *ngx_http_igjobs_redis_op_create(
    ngx_http_igjobs_redis_t *redis, const igj_script_t *script,
    const ngx_str_t *argv);
static ngx_int_t ngx_http_igjobs_redis_enqueue(ngx_http_igjobs_redis_t *redis,
    ngx_http_igjobs_redis_op_t *op, ngx_uint_t argc, const ngx_str_t *argv);
static ngx_int_t ngx_http_igjobs_redis_eval(ngx_http_igjobs_redis_t *redis,
    ngx_http_igjobs_redis_op_t *op, ngx_uint_t by_text);
static void ngx_http_igjobs_redis_hash_scripts(
    ngx_http_igjobs_redis_t *redis);
static void ngx_http_igjobs_redis_unheard(void *data,
    ngx_http_igjobs_redis_reply_t *reply);


ngx_http_igjobs_redis_t *
ngx_http_igjobs_redis_start(ngx_cycle_t *cycle,
    ngx_http_igjobs_redis_conf_t *conf,
    ngx_http_igjobs_resolve_conf_t *resolve)
{
    ngx_http_igjobs_redis_t  *redis;

    redis = ngx_http_igjobs_redis_create(cycle, conf, resolve);

    if (redis != NULL) {
        ngx_http_igjobs_redis_connect(redis);
    }

    return redis;
}


ngx_http_igjobs_redis_t *
ngx_http_igjobs_redis_create(ngx_cycle_t *cycle,
    ngx_http_igjobs_redis_conf_t *conf,
    ngx_http_igjobs_resolve_conf_t *resolve)
{
    ngx_http_igjobs_redis_t  *redis;

    redis = ngx_pcalloc(cycle->pool, sizeof(ngx_http_igjobs_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    redis->out = ngx_palloc(cycle->pool, conf->buffer_size);
    if (redis->out == NULL) {
        return NULL;
    }

    redis->conf = conf;
    redis->resolve_conf = resolve;
    redis->log = *cycle->log;
    redis->log.connection = 0;
    redis->log.handler = NULL;
    redis->quiet = redis->log;
    redis->quiet.log_level = NGX_LOG_EMERG;

    ngx_queue_init(&redis->ops);
    ngx_http_igjobs_redis_hash_scripts(redis);

    redis->flush.handler = ngx_http_igjobs_redis_flush;
    redis->flush.data = redis;
    redis->flush.log = &redis->log;

    redis->timer.handler = ngx_http_igjobs_redis_timeout;
    redis->timer.data = redis;
    redis->timer.log = &redis->log;

    redis->retry.handler = ngx_http_igjobs_redis_retry;
    redis->retry.data = redis;
    redis->retry.log = &redis->log;
    redis->retry.cancelable = 1;

    return redis;
}


/* at the end of a worker, nobody waits for answers any more */

void
ngx_http_igjobs_redis_stop(ngx_http_igjobs_redis_t *redis)
{
    redis->stopping = 1;
    ngx_http_igjobs_redis_close(redis);
}


ngx_uint_t
ngx_http_igjobs_redis_ready(ngx_http_igjobs_redis_t *redis)
{
    return redis != NULL && redis->state == NGX_HTTP_IGJOBS_REDIS_READY;
}


ngx_http_igjobs_redis_op_t *
ngx_http_igjobs_redis_command(ngx_http_igjobs_redis_t *redis, ngx_uint_t argc,
    const ngx_str_t *argv, ngx_http_igjobs_redis_handler_pt handler,
    void *data)
{
    if (!ngx_http_igjobs_redis_ready(redis)) {
        return NULL;
    }

    return ngx_http_igjobs_redis_send(redis, argc, argv, handler, data);
}


ngx_http_igjobs_redis_op_t *
ngx_http_igjobs_redis_send(ngx_http_igjobs_redis_t *redis, ngx_uint_t argc,
    const ngx_str_t *argv, ngx_http_igjobs_redis_handler_pt handler,
    void *data)
{
    ngx_http_igjobs_redis_op_t  *op;

    op = ngx_http_igjobs_redis_op_create(redis, NULL, NULL);
    if (op == NULL) {
        return NULL;
    }

    if (handler) {
        op->handler = handler;
        op->data = data;
    }

    if (ngx_http_igjobs_redis_enqueue(redis, op, argc, argv) != NGX_OK) {
        ngx_free(op);
        return NULL;
    }

    return op;
}


ngx_http_igjobs_redis_op_t *
ngx_http_igjobs_redis_script(ngx_http_igjobs_redis_t *redis,
    igj_script_id_t id, const ngx_str_t *argv,
    ngx_http_igjobs_redis_handler_pt handler, void *data)
{
    ngx_http_igjobs_redis_op_t  *op;

    if (!ngx_http_igjobs_redis_ready(redis)) {
        return NULL;
    }

    op = ngx_http_igjobs_redis_op_create(redis, igj_script(id), argv);
    if (op == NULL) {
        return NULL;
    }

    op->id = id;

    if (handler) {
        op->handler = handler;
        op->data = data;
    }

    if (ngx_http_igjobs_redis_eval(redis, op, 0) != NGX_OK) {
        ngx_free(op);
        return NULL;
    }

    return op;
}


/* an op of a script holds a copy of its words: they may be sent twice */

static ngx_http_igjobs_redis_op_t *
ngx_http_igjobs_redis_op_create(ngx_http_igjobs_redis_t *redis,
    const igj_script_t *script, const ngx_str_t *argv)
{
    u_char                      *p;
    size_t                       size;
    ngx_uint_t                   i, n;
    ngx_http_igjobs_redis_op_t  *op;

    n = script ? script->keys + script->args : 0;
    size = sizeof(ngx_http_igjobs_redis_op_t) + n * sizeof(ngx_str_t);

    for (i = 0; i < n; i++) {
        size += argv[i].len;
    }

    op = ngx_alloc(size, &redis->log);
    if (op == NULL) {
        return NULL;
    }

    ngx_memzero(op, sizeof(ngx_http_igjobs_redis_op_t));

    op->handler = ngx_http_igjobs_redis_unheard;
    op->script = script;
    op->argc = n;
    op->argv = (ngx_str_t *) (op + 1);

    p = (u_char *) (op->argv + n);

    for (i = 0; i < n; i++) {
        op->argv[i].data = p;
        op->argv[i].len = argv[i].len;
        p = ngx_cpymem(p, argv[i].data, argv[i].len);
    }

    return op;
}


static ngx_int_t
ngx_http_igjobs_redis_enqueue(ngx_http_igjobs_redis_t *redis,
    ngx_http_igjobs_redis_op_t *op, ngx_uint_t argc, const ngx_str_t *argv)
{
    if (redis->nops >= redis->conf->max_ops
        || ngx_http_igjobs_redis_append(redis, argc, argv) != NGX_OK)
    {
        return NGX_ERROR;
    }

    op->deadline = ngx_current_msec + redis->conf->timeout;

    ngx_queue_insert_tail(&redis->ops, &op->queue);
    redis->nops++;

    /* before the greeting is over, the connect time-out watches */

    if (redis->state == NGX_HTTP_IGJOBS_REDIS_READY) {
        redis->c->idle = 0;

        if (!redis->timer.timer_set) {
            ngx_add_timer(&redis->timer, redis->conf->timeout);
        }
    }

    return NGX_OK;
}


/* by its hash, or if Redis does not know that, by its text */

static ngx_int_t
ngx_http_igjobs_redis_eval(ngx_http_igjobs_redis_t *redis,
    ngx_http_igjobs_redis_op_t *op, ngx_uint_t by_text)
{
    u_char               keys[NGX_INT_T_LEN];
    ngx_str_t            words[NGX_HTTP_IGJOBS_REDIS_MAX_ARGS];
    const igj_script_t  *script;

    script = op->script;

    if (by_text) {
        op->script = NULL;
        ngx_str_set(&words[0], "EVAL");
        words[1].data = (u_char *) script->text;
        words[1].len = script->length;

    } else {
        ngx_str_set(&words[0], "EVALSHA");
        words[1].data = redis->hashes[op->id];
        words[1].len = sizeof(redis->hashes[0]);
    }

    words[2].data = keys;
    words[2].len = ngx_sprintf(keys, "%d", script->keys) - keys;
    ngx_memcpy(&words[3], op->argv, op->argc * sizeof(ngx_str_t));

    return ngx_http_igjobs_redis_enqueue(redis, op, op->argc + 3, words);
}


/* EVALSHA names a script by this */

static void
ngx_http_igjobs_redis_hash_scripts(ngx_http_igjobs_redis_t *redis)
{
    u_char               digest[20];
    ngx_uint_t           i;
    ngx_sha1_t           sha1;
    const igj_script_t  *script;

    for (i = 0; i < IGJ_SCRIPT_COUNT; i++) {
        script = igj_script(i);

        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, script->text, script->length);
        ngx_sha1_final(digest, &sha1);

        (void) ngx_hex_dump(redis->hashes[i], digest, sizeof(digest));
    }
}


void
ngx_http_igjobs_redis_detach(ngx_http_igjobs_redis_op_t *op)
{
    op->handler = ngx_http_igjobs_redis_unheard;
}


/*
 * A command as Redis reads it: the number of words, then each with its length
 * before it.
 */

static ngx_int_t
ngx_http_igjobs_redis_append(ngx_http_igjobs_redis_t *redis, ngx_uint_t argc,
    const ngx_str_t *argv)
{
    u_char      *p;
    size_t       size;
    ngx_uint_t   i;

    size = NGX_HTTP_IGJOBS_REDIS_HEAD;

    for (i = 0; i < argc; i++) {
        size += NGX_HTTP_IGJOBS_REDIS_HEAD + argv[i].len + 2;
    }

    if (redis->filled + size > redis->conf->buffer_size && redis->sent > 0) {
        redis->filled -= redis->sent;
        ngx_memmove(redis->out, redis->out + redis->sent, redis->filled);
        redis->sent = 0;
    }

    if (redis->filled + size > redis->conf->buffer_size) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(redis->out + redis->filled, "*%ui\r\n", argc);

    for (i = 0; i < argc; i++) {
        p = ngx_sprintf(p, "$%uz\r\n", argv[i].len);
        p = ngx_cpymem(p, argv[i].data, argv[i].len);
        *p++ = '\r';
        *p++ = '\n';
    }

    redis->filled = p - redis->out;

    if (!redis->flush.posted) {
        ngx_post_event(&redis->flush, &ngx_posted_events);
    }

    return NGX_OK;
}


static void
ngx_http_igjobs_redis_flush(ngx_event_t *ev)
{
    ngx_http_igjobs_redis_t  *redis;

    redis = ev->data;

    if (ngx_http_igjobs_redis_write(redis) != NGX_OK) {
        ngx_http_igjobs_redis_lost(redis, "connection closed");
    }
}


static ngx_int_t
ngx_http_igjobs_redis_write(ngx_http_igjobs_redis_t *redis)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = redis->c;

    while (redis->sent < redis->filled) {

        n = c->send(c, redis->out + redis->sent, redis->filled - redis->sent);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        redis->sent += n;
    }

    if (redis->sent == redis->filled) {
        redis->sent = 0;
        redis->filled = 0;
    }

    return ngx_handle_write_event(c->write, 0);
}


void
ngx_http_igjobs_redis_event(ngx_event_t *ev)
{
    ngx_int_t                 rc;
    ngx_connection_t         *c;
    ngx_http_igjobs_redis_t  *redis;

    c = ev->data;
    redis = c->data;

    if (c->close) {
        ngx_http_igjobs_redis_close(redis);
        return;
    }

    rc = ev->write ? ngx_http_igjobs_redis_write(redis)
                   : ngx_http_igjobs_redis_read(redis);

    if (rc == NGX_ERROR) {
        ngx_http_igjobs_redis_lost(redis, "connection closed");
    }
}


/* NGX_DONE: the connection is gone already */

static ngx_int_t
ngx_http_igjobs_redis_read(ngx_http_igjobs_redis_t *redis)
{
    u_char             buf[NGX_HTTP_IGJOBS_REDIS_READ];
    ssize_t            n;
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = redis->c;

    for ( ;; ) {

        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == 0 || n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (redisReaderFeed(redis->reader, (char *) buf, n) != REDIS_OK) {
            return NGX_ERROR;
        }

        rc = ngx_http_igjobs_redis_replies(redis);

        if (rc != NGX_OK) {
            return rc;
        }

        if (!c->read->ready) {
            break;
        }
    }

    return ngx_handle_read_event(c->read, 0);
}


static ngx_int_t
ngx_http_igjobs_redis_replies(ngx_http_igjobs_redis_t *redis)
{
    void              *answer;
    ngx_connection_t  *c;

    c = redis->c;

    for ( ;; ) {

        if (redisReaderGetReply(redis->reader, &answer) != REDIS_OK) {
            return NGX_ERROR;
        }

        if (answer == NULL) {
            return NGX_OK;
        }

        if (ngx_http_igjobs_redis_message(redis, answer)) {
            freeReplyObject(answer);
            continue;
        }

        if (ngx_queue_empty(&redis->ops)) {

            /* nobody asked: the stream is out of step */

            freeReplyObject(answer);
            return NGX_ERROR;
        }

        ngx_http_igjobs_redis_answer(redis, answer);
        freeReplyObject(answer);

        /* a handler of the greeting may have closed it */

        if (redis->c != c) {
            return NGX_DONE;
        }
    }
}


static void
ngx_http_igjobs_redis_answer(ngx_http_igjobs_redis_t *redis,
    redisReply *answer)
{
    ngx_queue_t                    *q;
    ngx_http_igjobs_redis_op_t     *op;
    ngx_http_igjobs_redis_reply_t   reply;

    q = ngx_queue_head(&redis->ops);
    op = ngx_queue_data(q, ngx_http_igjobs_redis_op_t, queue);

    /* clang's analyser takes it for the op that was freed before */

    ngx_queue_remove(q);  /* NOLINT(clang-analyzer-unix.Malloc) */
    redis->nops--;

    ngx_http_igjobs_redis_translate(&reply, answer);

    if (op->script != NULL
        && reply.type == NGX_HTTP_IGJOBS_REDIS_REFUSED
        && ngx_strncmp(reply.text.data, "NOSCRIPT", 8) == 0
        && ngx_http_igjobs_redis_eval(redis, op, 1) == NGX_OK)
    {
        return;
    }

    if (redis->nops == 0) {
        redis->c->idle = 1;

        if (redis->timer.timer_set) {
            ngx_del_timer(&redis->timer);
        }
    }

    op->handler(op->data, &reply);
    ngx_free(op);
}


/* the handler of ops that nobody waits for */

static void
ngx_http_igjobs_redis_unheard(void *data, ngx_http_igjobs_redis_reply_t *reply)
{
    if (reply->type == NGX_HTTP_IGJOBS_REDIS_REFUSED) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "igjobs: Redis refused a command: %V", &reply->text);
    }
}


static void
ngx_http_igjobs_redis_translate(ngx_http_igjobs_redis_reply_t *reply,
    redisReply *answer)
{
    ngx_memzero(reply, sizeof(ngx_http_igjobs_redis_reply_t));

    switch (answer->type) {

    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        reply->type = (answer->type == REDIS_REPLY_ERROR)
                      ? NGX_HTTP_IGJOBS_REDIS_REFUSED
                      : NGX_HTTP_IGJOBS_REDIS_TEXT;
        reply->text.data = (u_char *) answer->str;
        reply->text.len = answer->len;
        return;

    case REDIS_REPLY_INTEGER:
        reply->type = NGX_HTTP_IGJOBS_REDIS_INTEGER;
        reply->integer = answer->integer;
        return;

    case REDIS_REPLY_NIL:
        reply->type = NGX_HTTP_IGJOBS_REDIS_NIL;
        return;

    default:
        reply->type = NGX_HTTP_IGJOBS_REDIS_OTHER;
    }
}


static void
ngx_http_igjobs_redis_timeout(ngx_event_t *ev)
{
    ngx_msec_int_t               left;
    ngx_queue_t                 *q;
    ngx_http_igjobs_redis_t     *redis;
    ngx_http_igjobs_redis_op_t  *op;

    redis = ev->data;

    if (ngx_queue_empty(&redis->ops)) {
        return;
    }

    q = ngx_queue_head(&redis->ops);
    op = ngx_queue_data(q, ngx_http_igjobs_redis_op_t, queue);

    left = (ngx_msec_int_t) (op->deadline - ngx_current_msec);

    if (left > 0) {
        ngx_add_timer(&redis->timer, (ngx_msec_t) left);
        return;
    }

    ngx_http_igjobs_redis_lost(redis, "no answer in time");
}


void
ngx_http_igjobs_redis_fail_ops(ngx_http_igjobs_redis_t *redis)
{
    ngx_queue_t                     ops, *q;
    ngx_http_igjobs_redis_op_t     *op;
    ngx_http_igjobs_redis_reply_t   reply;

    if (ngx_queue_empty(&redis->ops)) {
        return;
    }

    /* handlers may send again, which is refused: the connection is closed */

    ngx_queue_init(&ops);
    ngx_queue_add(&ops, &redis->ops);
    ngx_queue_init(&redis->ops);
    redis->nops = 0;

    ngx_memzero(&reply, sizeof(ngx_http_igjobs_redis_reply_t));
    reply.type = NGX_HTTP_IGJOBS_REDIS_LOST;

    while (!ngx_queue_empty(&ops)) {
        q = ngx_queue_head(&ops);
        op = ngx_queue_data(q, ngx_http_igjobs_redis_op_t, queue);
        ngx_queue_remove(q);

        op->handler(op->data, &reply);
        ngx_free(op);
    }
}
