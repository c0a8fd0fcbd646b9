/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The connection to Redis: resolve, connect, TLS, greeting; and its end, with
 * back-off before the next attempt.  Commands of others are taken only after
 * the greeting was answered, so a Redis that hangs stays marked as down.
 */

#include "ngx_http_igjobs_hiredis.h"


static void ngx_http_igjobs_redis_resolved(void *data,
    ngx_http_igjobs_addr_t *addrs, ngx_uint_t n, const char *text);
static void ngx_http_igjobs_redis_open(ngx_http_igjobs_redis_t *redis);
static ngx_int_t ngx_http_igjobs_redis_init(ngx_http_igjobs_redis_t *redis,
    ngx_connection_t *c);
static void ngx_http_igjobs_redis_connected(ngx_event_t *ev);
static void ngx_http_igjobs_redis_unexpected(ngx_event_t *ev);
#if (NGX_SSL)
static void ngx_http_igjobs_redis_secure(ngx_http_igjobs_redis_t *redis);
static void ngx_http_igjobs_redis_secured(ngx_connection_t *c);
#endif
static void ngx_http_igjobs_redis_greet(ngx_http_igjobs_redis_t *redis);
static ngx_uint_t ngx_http_igjobs_redis_greeting(
    ngx_http_igjobs_redis_t *redis, ngx_str_t *argv);
static void ngx_http_igjobs_redis_greeted(void *data,
    ngx_http_igjobs_redis_reply_t *reply);
static void ngx_http_igjobs_redis_made(ngx_http_igjobs_redis_t *redis);
static void ngx_http_igjobs_redis_again(ngx_http_igjobs_redis_t *redis);
static void ngx_http_igjobs_redis_disconnect(ngx_connection_t *c);


/* steps of the greeting, in order */
enum {
    NGX_HTTP_IGJOBS_REDIS_AUTH = 0,
    NGX_HTTP_IGJOBS_REDIS_SELECT,
    NGX_HTTP_IGJOBS_REDIS_SETNAME,
    NGX_HTTP_IGJOBS_REDIS_PING,
    NGX_HTTP_IGJOBS_REDIS_STEPS
};


void
ngx_http_igjobs_redis_connect(ngx_http_igjobs_redis_t *redis)
{
    ngx_http_igjobs_resolve_t  *resolve;

    redis->log.action = "connecting to Redis";
    redis->state = NGX_HTTP_IGJOBS_REDIS_RESOLVING;
    ngx_add_timer(&redis->retry, redis->conf->connect_timeout);

    if (redis->addr < redis->naddrs) {
        ngx_http_igjobs_redis_open(redis);
        return;
    }

    resolve = ngx_http_igjobs_resolve(redis->resolve_conf,
                                      redis->conf->hosts->elts,
                                      ngx_http_igjobs_redis_resolved, redis);

    if (resolve != NULL) {
        redis->resolve = resolve;
    }
}


static void
ngx_http_igjobs_redis_resolved(void *data, ngx_http_igjobs_addr_t *addrs,
    ngx_uint_t n, const char *text)
{
    ngx_http_igjobs_redis_t  *redis = data;

    redis->resolve = NULL;
    redis->addr = 0;
    redis->naddrs = n;

    if (n == 0) {
        ngx_http_igjobs_redis_lost(redis, text);
        return;
    }

    ngx_memcpy(redis->addrs, addrs, n * sizeof(ngx_http_igjobs_addr_t));
    ngx_http_igjobs_redis_open(redis);
}


static void
ngx_http_igjobs_redis_open(ngx_http_igjobs_redis_t *redis)
{
    ngx_int_t                rc;
    ngx_http_igjobs_host_t  *host;
    ngx_peer_connection_t   *peer;

    host = redis->conf->hosts->elts;
    redis->name = host->name;

    peer = &redis->peer;
    ngx_memzero(peer, sizeof(ngx_peer_connection_t));

    peer->sockaddr = &redis->addrs[redis->addr].sockaddr.sockaddr;
    peer->socklen = redis->addrs[redis->addr].socklen;
    peer->name = &redis->name;
    peer->get = ngx_event_get_peer;
    peer->log = &redis->quiet;
    peer->log_error = NGX_ERROR_INFO;

    redis->state = NGX_HTTP_IGJOBS_REDIS_CONNECTING;

    /* nginx would log each failed attempt, we log the first one */

    ngx_set_socket_errno(0);

    rc = ngx_event_connect_peer(peer);
    redis->c = peer->connection;

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_http_igjobs_redis_lost(redis, strerror(ngx_socket_errno));
        return;
    }

    if (ngx_http_igjobs_redis_init(redis, redis->c) != NGX_OK) {
        ngx_http_igjobs_redis_lost(redis, "no memory");
        return;
    }

    if (rc == NGX_OK) {
        ngx_http_igjobs_redis_connected(redis->c->write);
    }
}


static ngx_int_t
ngx_http_igjobs_redis_init(ngx_http_igjobs_redis_t *redis, ngx_connection_t *c)
{
    c->data = redis;
    c->idle = 1;
    c->log = &redis->log;
    c->read->log = &redis->log;
    c->write->log = &redis->log;
    c->read->handler = ngx_http_igjobs_redis_unexpected;
    c->write->handler = ngx_http_igjobs_redis_connected;
    redis->log.connection = c->number;

    /* libssl's state lives in it */

    c->pool = ngx_create_pool(1024, &redis->log);
    redis->reader = redisReaderCreate();

    return (c->pool && redis->reader) ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_igjobs_redis_connected(ngx_event_t *ev)
{
    int                       error;
    socklen_t                 len;
    ngx_connection_t         *c;
    ngx_http_igjobs_redis_t  *redis;

    c = ev->data;
    redis = c->data;

    if (c->close) {
        ngx_http_igjobs_redis_close(redis);
        return;
    }

    error = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1) {
        error = ngx_socket_errno;
    }

    if (error) {
        ngx_http_igjobs_redis_lost(redis, strerror(error));
        return;
    }

    if (c->tcp_nodelay == NGX_TCP_NODELAY_UNSET) {
        (void) ngx_tcp_nodelay(c);
    }

#if (NGX_SSL)

    if (redis->conf->tls) {
        ngx_http_igjobs_redis_secure(redis);
        return;
    }

#endif

    ngx_http_igjobs_redis_greet(redis);
}


/* readable before it is connected: an error, which the write event tells */

static void
ngx_http_igjobs_redis_unexpected(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    if (c->close) {
        ngx_http_igjobs_redis_close(c->data);
    }
}


#if (NGX_SSL)

static void
ngx_http_igjobs_redis_secure(ngx_http_igjobs_redis_t *redis)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = redis->c;
    redis->state = NGX_HTTP_IGJOBS_REDIS_SECURING;

    if (ngx_ssl_create_connection(redis->conf->ssl, c, NGX_SSL_CLIENT)
        != NGX_OK)
    {
        ngx_http_igjobs_redis_lost(redis, "no TLS connection");
        return;
    }

    (void) SSL_set_tlsext_host_name(c->ssl->connection,
                                    (char *) redis->name.data);

    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = ngx_http_igjobs_redis_secured;
        return;
    }

    ngx_http_igjobs_redis_secured(c);
}


static void
ngx_http_igjobs_redis_secured(ngx_connection_t *c)
{
    ngx_http_igjobs_redis_t  *redis;

    redis = c->data;

    if (!c->ssl->handshaked) {
        ngx_http_igjobs_redis_lost(redis, "the TLS handshake failed");
        return;
    }

    if (redis->conf->tls_verify) {

        if (SSL_get_verify_result(c->ssl->connection) != X509_V_OK) {
            ngx_http_igjobs_redis_lost(redis,
                                       "its certificate cannot be verified");
            return;
        }

        if (ngx_ssl_check_host(c, &redis->name) != NGX_OK) {
            ngx_http_igjobs_redis_lost(redis,
                                       "its certificate is of another host");
            return;
        }
    }

    ngx_http_igjobs_redis_greet(redis);
}

#endif


static void
ngx_http_igjobs_redis_greet(ngx_http_igjobs_redis_t *redis)
{
    redis->c->read->handler = ngx_http_igjobs_redis_event;
    redis->c->write->handler = ngx_http_igjobs_redis_event;
    redis->state = NGX_HTTP_IGJOBS_REDIS_GREETING;
    redis->step = 0;

    ngx_http_igjobs_redis_greeted(redis, NULL);
}


/* the words of the step; 0: it is left out */

static ngx_uint_t
ngx_http_igjobs_redis_greeting(ngx_http_igjobs_redis_t *redis, ngx_str_t *argv)
{
    ngx_http_igjobs_redis_conf_t  *conf;

    conf = redis->conf;

    switch (redis->step) {

    case NGX_HTTP_IGJOBS_REDIS_AUTH:

        if (conf->password.len == 0) {
            return 0;
        }

        ngx_str_set(&argv[0], "AUTH");

        if (conf->user.len == 0) {
            argv[1] = conf->password;
            return 2;
        }

        argv[1] = conf->user;
        argv[2] = conf->password;
        return 3;

    case NGX_HTTP_IGJOBS_REDIS_SELECT:

        if (conf->database == 0) {
            return 0;
        }

        ngx_str_set(&argv[0], "SELECT");
        argv[1].data = redis->number;
        argv[1].len = ngx_sprintf(redis->number, "%ui", conf->database)
                      - redis->number;
        return 2;

    case NGX_HTTP_IGJOBS_REDIS_SETNAME:
        ngx_str_set(&argv[0], "CLIENT");
        ngx_str_set(&argv[1], "SETNAME");
        ngx_str_set(&argv[2], "igjobs-nginx");

        if (redis->subscriber) {
            ngx_str_set(&argv[2], "igjobs-nginx-events");
        }

        return 3;

    default:
        ngx_str_set(&argv[0], "PING");
        return 1;
    }
}


/* a step was answered (or none was sent yet): the next one */

static void
ngx_http_igjobs_redis_greeted(void *data, ngx_http_igjobs_redis_reply_t *reply)
{
    ngx_http_igjobs_redis_t  *redis = data;

    u_char      why[128];
    ngx_str_t   argv[3];
    ngx_uint_t  argc;

    if (reply != NULL) {

        if (reply->type == NGX_HTTP_IGJOBS_REDIS_LOST) {
            return;
        }

        if (reply->type == NGX_HTTP_IGJOBS_REDIS_REFUSED
            && redis->step != NGX_HTTP_IGJOBS_REDIS_SETNAME)
        {
            *ngx_snprintf(why, sizeof(why) - 1, "%V", &reply->text) = '\0';
            ngx_http_igjobs_redis_lost(redis, (char *) why);
            return;
        }

        redis->step++;
    }

    while (redis->step < NGX_HTTP_IGJOBS_REDIS_STEPS) {
        argc = ngx_http_igjobs_redis_greeting(redis, argv);

        if (argc == 0) {
            redis->step++;
            continue;
        }

        if (ngx_http_igjobs_redis_send(redis, argc, argv,
                                       ngx_http_igjobs_redis_greeted, redis)
            == NULL)
        {
            ngx_http_igjobs_redis_lost(redis, "no memory");
        }

        return;
    }

    ngx_http_igjobs_redis_made(redis);
}


static void
ngx_http_igjobs_redis_made(ngx_http_igjobs_redis_t *redis)
{
    redis->state = NGX_HTTP_IGJOBS_REDIS_READY;
    redis->failures = 0;
    redis->log.action = "talking to Redis";
    ngx_del_timer(&redis->retry);

    if (redis->trouble) {
        redis->trouble = 0;
        ngx_log_error(NGX_LOG_NOTICE, &redis->log, 0,
                      "igjobs: Redis is back");
    }

    if (redis->subscriber) {
        redis->subscriber->ready(redis->subscriber_data);
    }
}


void
ngx_http_igjobs_redis_retry(ngx_event_t *ev)
{
    ngx_http_igjobs_redis_t  *redis;

    redis = ev->data;

    if (redis->state != NGX_HTTP_IGJOBS_REDIS_DOWN) {
        ngx_http_igjobs_redis_lost(redis, "connecting took too long");
        return;
    }

    if (!ngx_exiting) {
        ngx_http_igjobs_redis_connect(redis);
    }
}


void
ngx_http_igjobs_redis_lost(ngx_http_igjobs_redis_t *redis, const char *why)
{
    ngx_uint_t  level, was_ready;

    was_ready = (redis->state == NGX_HTTP_IGJOBS_REDIS_READY);

    /* once for each time of trouble, not for each try */

    level = redis->trouble ? NGX_LOG_INFO : NGX_LOG_ERR;
    redis->trouble = 1;

    ngx_log_error(level, &redis->log, 0,
                  "igjobs: Redis is not reachable: %s", why);

    ngx_http_igjobs_redis_close(redis);

    if (!was_ready) {

        if (redis->addr < redis->naddrs) {
            redis->addr++;
        }

        if (redis->addr >= redis->naddrs) {
            redis->naddrs = 0;
            redis->failures++;
        }
    }

    ngx_http_igjobs_redis_again(redis);
    ngx_http_igjobs_redis_fail_ops(redis);
}


static void
ngx_http_igjobs_redis_again(ngx_http_igjobs_redis_t *redis)
{
    ngx_msec_t  delay;

    if (redis->stopping || ngx_exiting) {
        return;
    }

    delay = 1;

    if (redis->failures > 0) {
        delay = NGX_HTTP_IGJOBS_REDIS_BACKOFF_MIN
                << ngx_min(redis->failures - 1, 6);
        delay = ngx_min(delay, NGX_HTTP_IGJOBS_REDIS_BACKOFF_MAX);
        delay = delay / 2 + ngx_random() % delay;
    }

    ngx_add_timer(&redis->retry, delay);
}


void
ngx_http_igjobs_redis_close(ngx_http_igjobs_redis_t *redis)
{
    redis->state = NGX_HTTP_IGJOBS_REDIS_DOWN;
    redis->sent = 0;
    redis->filled = 0;

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    if (redis->retry.timer_set) {
        ngx_del_timer(&redis->retry);
    }

    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
    }

    if (redis->resolve) {
        ngx_http_igjobs_resolve_cancel(redis->resolve);
        redis->resolve = NULL;
    }

    if (redis->reader) {
        redisReaderFree(redis->reader);
        redis->reader = NULL;
    }

    if (redis->c) {
        ngx_http_igjobs_redis_disconnect(redis->c);
        redis->c = NULL;
        redis->log.connection = 0;
    }
}


static void
ngx_http_igjobs_redis_disconnect(ngx_connection_t *c)
{
    ngx_pool_t  *pool;

#if (NGX_SSL)

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;
        (void) ngx_ssl_shutdown(c);
    }

#endif

    pool = c->pool;
    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }
}
