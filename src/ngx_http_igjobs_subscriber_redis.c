/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The connection to Redis on which channels are subscribed to.  It is made,
 * kept and lost as the one for commands.  SUBSCRIBE, UNSUBSCRIBE and PING are
 * answered in order like any command; messages come in between.
 */

#include "ngx_http_igjobs_hiredis.h"


ngx_http_igjobs_redis_t *
ngx_http_igjobs_subscriber_create(ngx_cycle_t *cycle,
    ngx_http_igjobs_redis_conf_t *conf,
    ngx_http_igjobs_resolve_conf_t *resolve,
    const ngx_http_igjobs_subscriber_t *subscriber, void *data)
{
    ngx_http_igjobs_redis_t  *redis;

    redis = ngx_http_igjobs_redis_create(cycle, conf, resolve);

    if (redis != NULL) {
        redis->subscriber = subscriber;
        redis->subscriber_data = data;
    }

    return redis;
}


void
ngx_http_igjobs_subscriber_connect(ngx_http_igjobs_redis_t *redis)
{
    if (!redis->begun) {
        redis->begun = 1;
        ngx_http_igjobs_redis_connect(redis);
    }
}


ngx_http_igjobs_redis_op_t *
ngx_http_igjobs_subscribe(ngx_http_igjobs_redis_t *redis,
    const ngx_str_t *channel, ngx_http_igjobs_redis_handler_pt handler,
    void *data)
{
    ngx_str_t  words[2];

    ngx_str_set(&words[0], "SUBSCRIBE");
    words[1] = *channel;

    return ngx_http_igjobs_redis_command(redis, 2, words, handler, data);
}


void
ngx_http_igjobs_unsubscribe(ngx_http_igjobs_redis_t *redis,
    const ngx_str_t *channel)
{
    ngx_str_t  words[2];

    ngx_str_set(&words[0], "UNSUBSCRIBE");
    words[1] = *channel;

    (void) ngx_http_igjobs_redis_command(redis, 2, words, NULL, NULL);
}


/* an answer that does not come costs the connection */

void
ngx_http_igjobs_subscriber_ping(ngx_http_igjobs_redis_t *redis)
{
    ngx_str_t  word;

    ngx_str_set(&word, "PING");

    (void) ngx_http_igjobs_redis_command(redis, 1, &word, NULL, NULL);
}


ngx_uint_t
ngx_http_igjobs_redis_message(ngx_http_igjobs_redis_t *redis,
    redisReply *answer)
{
    ngx_str_t   channel, text;
    redisReply  *kind;

    if (redis->subscriber == NULL
        || answer->type != REDIS_REPLY_ARRAY
        || answer->elements != 3)
    {
        return 0;
    }

    kind = answer->element[0];

    if (kind->type != REDIS_REPLY_STRING
        || ngx_strcmp(kind->str, "message") != 0
        || answer->element[1]->type != REDIS_REPLY_STRING
        || answer->element[2]->type != REDIS_REPLY_STRING)
    {
        return 0;
    }

    channel.data = (u_char *) answer->element[1]->str;
    channel.len = answer->element[1]->len;
    text.data = (u_char *) answer->element[2]->str;
    text.len = answer->element[2]->len;

    redis->subscriber->message(redis->subscriber_data, &channel, &text);

    return 1;
}
