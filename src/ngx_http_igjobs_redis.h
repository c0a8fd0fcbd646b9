/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Redis on the event loop: one pipelined command connection per nginx worker,
 * and one for subscriptions, without hiredis' types.  Redis is a hint: when it
 * is away, slow or full, a command is refused or lost at once and the caller
 * goes on without it.
 *
 * An operation (op) lives in memory of its own; its handler is called exactly
 * once, later, unless it was detached.
 */

#ifndef _NGX_HTTP_IGJOBS_REDIS_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "igj_scripts.h"

#include "ngx_http_igjobs_resolve.h"


typedef struct {
    ngx_array_t  *hosts;                /* one ngx_http_igjobs_host_t; NULL:
                                           no Redis */
    ngx_str_t     user;                 /* "" : none */
    ngx_str_t     password;
    ngx_uint_t    database;
    ngx_flag_t    tls;
    ngx_flag_t    tls_verify;
    ngx_str_t     tls_trusted;          /* file of certificates */
#if (NGX_SSL)
    ngx_ssl_t    *ssl;
#endif

    size_t        buffer_size;          /* bytes waiting to be sent */
    ngx_uint_t    max_ops;              /* in flight */
    ngx_msec_t    connect_timeout;
    ngx_msec_t    timeout;              /* oldest op in flight */
} ngx_http_igjobs_redis_conf_t;


typedef enum {
    NGX_HTTP_IGJOBS_REDIS_TEXT = 0,     /* text */
    NGX_HTTP_IGJOBS_REDIS_INTEGER,      /* integer */
    NGX_HTTP_IGJOBS_REDIS_NIL,          /* no such key */
    NGX_HTTP_IGJOBS_REDIS_OTHER,        /* an array: nobody asks for one */
    NGX_HTTP_IGJOBS_REDIS_REFUSED,      /* an error reply, in text */
    NGX_HTTP_IGJOBS_REDIS_LOST          /* no answer: away or too slow */
} ngx_http_igjobs_redis_type_e;


/* Valid during the handler only. */
typedef struct {
    ngx_http_igjobs_redis_type_e   type;
    ngx_str_t                      text;
    int64_t                        integer;
} ngx_http_igjobs_redis_reply_t;


typedef struct ngx_http_igjobs_redis_s     ngx_http_igjobs_redis_t;
typedef struct ngx_http_igjobs_redis_op_s  ngx_http_igjobs_redis_op_t;

typedef void (*ngx_http_igjobs_redis_handler_pt)(void *data,
    ngx_http_igjobs_redis_reply_t *reply);


/*
 * Parses HOST[:PORT], unix:PATH, redis://, rediss:// or unix:// at
 * configuration time.  Returns NULL or a message without the password.
 */
char *ngx_http_igjobs_redis_parse(ngx_conf_t *cf,
    ngx_http_igjobs_redis_conf_t *conf, ngx_str_t *url);


/* Life of a worker. */
ngx_http_igjobs_redis_t *ngx_http_igjobs_redis_start(ngx_cycle_t *cycle,
    ngx_http_igjobs_redis_conf_t *conf,
    ngx_http_igjobs_resolve_conf_t *resolve);
void ngx_http_igjobs_redis_stop(ngx_http_igjobs_redis_t *redis);

ngx_uint_t ngx_http_igjobs_redis_ready(ngx_http_igjobs_redis_t *redis);


/*
 * Sends a command of argc words, any bytes; copies them.  NULL: not sent
 * (Redis is away or its queue is full; redis may be NULL): go on without it.
 * handler may be NULL for commands whose answer nobody needs: then the
 * return value only says whether it was sent.
 */
ngx_http_igjobs_redis_op_t *ngx_http_igjobs_redis_command(
    ngx_http_igjobs_redis_t *redis, ngx_uint_t argc, const ngx_str_t *argv,
    ngx_http_igjobs_redis_handler_pt handler, void *data);

/*
 * Runs a script: argv holds its keys, then its arguments, as many as
 * igj_scripts.h says.  EVALSHA, and EVAL if Redis does not know it.
 */
ngx_http_igjobs_redis_op_t *ngx_http_igjobs_redis_script(
    ngx_http_igjobs_redis_t *redis, igj_script_id_t script,
    const ngx_str_t *argv, ngx_http_igjobs_redis_handler_pt handler,
    void *data);

/* The handler will not be called. */
void ngx_http_igjobs_redis_detach(ngx_http_igjobs_redis_op_t *op);


/*
 * A connection for subscriptions: commands of the kind below only, and what
 * comes in between.  It begins to connect with ..._connect(), and connects
 * again by itself; what was subscribed to is forgotten then.
 */
typedef struct {
    void  (*ready)(void *data);     /* after each connect */
    void  (*message)(void *data, const ngx_str_t *channel,
        const ngx_str_t *text);     /* valid during the call */
} ngx_http_igjobs_subscriber_t;

ngx_http_igjobs_redis_t *ngx_http_igjobs_subscriber_create(
    ngx_cycle_t *cycle, ngx_http_igjobs_redis_conf_t *conf,
    ngx_http_igjobs_resolve_conf_t *resolve,
    const ngx_http_igjobs_subscriber_t *subscriber, void *data);
void ngx_http_igjobs_subscriber_connect(ngx_http_igjobs_redis_t *redis);

/* As ..._command(); an acknowledgement has the type OTHER. */
ngx_http_igjobs_redis_op_t *ngx_http_igjobs_subscribe(
    ngx_http_igjobs_redis_t *redis, const ngx_str_t *channel,
    ngx_http_igjobs_redis_handler_pt handler, void *data);
void ngx_http_igjobs_unsubscribe(ngx_http_igjobs_redis_t *redis,
    const ngx_str_t *channel);
void ngx_http_igjobs_subscriber_ping(ngx_http_igjobs_redis_t *redis);


#endif /* _NGX_HTTP_IGJOBS_REDIS_H_INCLUDED_ */
