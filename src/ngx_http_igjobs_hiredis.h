/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the files *_redis.c share; nobody else includes this.
 *
 *   ngx_http_igjobs_connect_redis.c   resolve, connect, TLS, greeting, back-off
 *   ngx_http_igjobs_redis.c           ops, protocol, the face
 *   ngx_http_igjobs_subscriber_redis.c  channels that are subscribed to
 *
 * The connection is nginx's own; of hiredis only the reader is used.
 * Replies come in order: one late reply means a dead connection.
 */

#ifndef _NGX_HTTP_IGJOBS_HIREDIS_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_HIREDIS_H_INCLUDED_


#include <hiredis/hiredis.h>

#include "ngx_http_igjobs_redis.h"

#include <ngx_event_connect.h>


#define NGX_HTTP_IGJOBS_REDIS_BACKOFF_MIN  50
#define NGX_HTTP_IGJOBS_REDIS_BACKOFF_MAX  2000


/* in the order in which they are passed through */
typedef enum {
    NGX_HTTP_IGJOBS_REDIS_DOWN = 0,     /* retry: next attempt, or none */
    NGX_HTTP_IGJOBS_REDIS_RESOLVING,    /* retry: connect_timeout, to READY */
    NGX_HTTP_IGJOBS_REDIS_CONNECTING,
    NGX_HTTP_IGJOBS_REDIS_SECURING,     /* TLS handshake */
    NGX_HTTP_IGJOBS_REDIS_GREETING,     /* AUTH, SELECT, name, PING */
    NGX_HTTP_IGJOBS_REDIS_READY
} ngx_http_igjobs_redis_state_e;


struct ngx_http_igjobs_redis_s {
    ngx_http_igjobs_redis_conf_t      *conf;
    ngx_http_igjobs_resolve_conf_t    *resolve_conf;
    ngx_log_t                          log;
    ngx_log_t                          quiet;       /* while it connects */

    ngx_http_igjobs_redis_state_e      state;
    ngx_peer_connection_t              peer;
    ngx_str_t                          name;        /* of the peer */
    ngx_connection_t                  *c;
    redisReader                       *reader;

    ngx_http_igjobs_resolve_t         *resolve;
    ngx_http_igjobs_addr_t             addrs[NGX_HTTP_IGJOBS_MAX_ADDRS];
    ngx_uint_t                         naddrs;
    ngx_uint_t                         addr;        /* next to be tried */
    ngx_uint_t                         failures;    /* rounds */
    ngx_uint_t                         step;        /* of the greeting */
    u_char                             number[NGX_INT_T_LEN];  /* of SELECT */

    u_char                             hashes[IGJ_SCRIPT_COUNT][40];

    u_char                            *out;         /* conf->buffer_size */
    size_t                             sent;        /* of it, [sent, filled) */
    size_t                             filled;      /* waits to be sent */

    ngx_queue_t                        ops;         /* oldest first */
    ngx_uint_t                         nops;

    ngx_event_t                        flush;       /* posted */
    ngx_event_t                        timer;       /* ordinary: oldest op */
    ngx_event_t                        retry;       /* cancelable */

    /* of a connection for subscriptions */
    const ngx_http_igjobs_subscriber_t  *subscriber;
    void                              *subscriber_data;
    unsigned                           begun:1;

    unsigned                           trouble:1;   /* logged already */
    unsigned                           stopping:1;
};


struct ngx_http_igjobs_redis_op_s {
    ngx_queue_t                        queue;
    ngx_http_igjobs_redis_handler_pt   handler;     /* never NULL */
    void                              *data;
    ngx_msec_t                         deadline;

    /* of a script sent by its hash: the words, to send it by its text */
    const igj_script_t                *script;      /* NULL: not that */
    igj_script_id_t                    id;          /* of it */
    ngx_uint_t                         argc;
    ngx_str_t                         *argv;
};


/* a connection that is not connected yet; NULL: no memory */
ngx_http_igjobs_redis_t *ngx_http_igjobs_redis_create(ngx_cycle_t *cycle,
    ngx_http_igjobs_redis_conf_t *conf,
    ngx_http_igjobs_resolve_conf_t *resolve);

/* connect: life of the connection */
void ngx_http_igjobs_redis_connect(ngx_http_igjobs_redis_t *redis);
void ngx_http_igjobs_redis_retry(ngx_event_t *ev);
/* closes after trouble, gives the ops back as lost, connects again */
void ngx_http_igjobs_redis_lost(ngx_http_igjobs_redis_t *redis,
    const char *why);
/* closes for good */
void ngx_http_igjobs_redis_close(ngx_http_igjobs_redis_t *redis);

/* ops and protocol */
void ngx_http_igjobs_redis_event(ngx_event_t *ev);
/* sends in any state; NULL: no room */
ngx_http_igjobs_redis_op_t *ngx_http_igjobs_redis_send(
    ngx_http_igjobs_redis_t *redis, ngx_uint_t argc, const ngx_str_t *argv,
    ngx_http_igjobs_redis_handler_pt handler, void *data);
void ngx_http_igjobs_redis_fail_ops(ngx_http_igjobs_redis_t *redis);

/* was it a message of a channel, and no answer? then it was handed on */
ngx_uint_t ngx_http_igjobs_redis_message(ngx_http_igjobs_redis_t *redis,
    redisReply *answer);


#endif /* _NGX_HTTP_IGJOBS_HIREDIS_H_INCLUDED_ */
