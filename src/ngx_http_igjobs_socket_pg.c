/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The socket of a connection to Postgres: watched, written, read.
 *
 * libpq may replace its socket inside PQconnectPoll(), under the same number:
 * so nothing watches the socket while a poll runs.  Events are level-triggered
 * (ngx_add_event() directly, never ngx_handle_*_event()), because libpq does
 * not read a socket until it is empty.
 */

#include "ngx_http_igjobs_libpq.h"

#include <openssl/ssl.h>


static ngx_int_t ngx_http_igjobs_pg_consume(ngx_http_igjobs_pg_conn_t *conn);
static void ngx_http_igjobs_pg_event(ngx_event_t *ev);


ngx_int_t
ngx_http_igjobs_pg_watch(ngx_http_igjobs_pg_conn_t *conn, ngx_uint_t write)
{
    ngx_int_t          event;
    ngx_event_t       *ev;
    ngx_connection_t  *c;

    c = ngx_get_connection(PQsocket(conn->pq), &conn->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = conn;
    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);
    c->idle = 1;
    c->read->log = &conn->log;
    c->write->log = &conn->log;
    c->read->handler = ngx_http_igjobs_pg_event;
    c->write->handler = ngx_http_igjobs_pg_event;

    conn->c = c;
    conn->log.connection = c->number;

    ev = write ? c->write : c->read;
    event = write ? NGX_WRITE_EVENT : NGX_READ_EVENT;

    return ngx_add_event(ev, event, NGX_LEVEL_EVENT);
}


/* gives nginx's slot back and leaves the socket to libpq */

void
ngx_http_igjobs_pg_unwatch(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_uint_t         flags;
    ngx_connection_t  *c;

    c = conn->c;
    if (c == NULL) {
        return;
    }

    conn->c = NULL;
    conn->log.connection = 0;

    /* after an error libpq has closed the socket, which left epoll with it */

    flags = (PQsocket(conn->pq) == c->fd) ? NGX_LEVEL_EVENT : NGX_CLOSE_EVENT;

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, flags);
    }

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, flags);
    }

    c->shared = 1;
    ngx_close_connection(c);
}


ngx_int_t
ngx_http_igjobs_pg_flush(ngx_http_igjobs_pg_conn_t *conn)
{
    int           rc;
    ngx_event_t  *wev;

    wev = conn->c->write;
    rc = PQflush(conn->pq);

    if (rc < 0) {
        return NGX_ERROR;
    }

    if (rc > 0 && !wev->active) {
        return ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
    }

    if (rc == 0 && wev->active) {
        return ngx_del_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
    }

    return NGX_OK;
}


/* NGX_ERROR: the connection is broken, but what came before can be read */

static ngx_int_t
ngx_http_igjobs_pg_consume(ngx_http_igjobs_pg_conn_t *conn)
{
    SSL  *ssl;

    if (PQconsumeInput(conn->pq) == 0) {
        return NGX_ERROR;
    }

    /* what OpenSSL has decrypted already will cause no event */

    ssl = PQsslStruct(conn->pq, "OpenSSL");

    while (ssl != NULL && SSL_pending(ssl) > 0) {
        if (PQconsumeInput(conn->pq) == 0) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_igjobs_pg_event(ngx_event_t *ev)
{
    ngx_int_t                   rc;
    ngx_str_t                   why;
    ngx_connection_t           *c;
    ngx_http_igjobs_pg_conn_t  *conn;

    c = ev->data;
    conn = c->data;

    if (c->close) {
        c->close = 0;

        /*
         * A moment later: to close wakes the server up, and clients whose
         * connections are closed after ours could still send requests.
         */

        if (conn->group->nwaiting == 0) {
            ngx_add_timer(&conn->timer, 0);
        }

        return;
    }

    if (conn->state == NGX_HTTP_IGJOBS_PG_CONNECTING) {
        ngx_http_igjobs_pg_unwatch(conn);
        ngx_http_igjobs_pg_poll(conn, PQconnectPoll(conn->pq));
        return;
    }

    rc = NGX_OK;

    if (!ev->write) {
        rc = ngx_http_igjobs_pg_consume(conn);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_igjobs_pg_flush(conn);
    }

    if (rc != NGX_OK) {
        /* the message goes when results are read */
        conn->retire = 1;
    }

    conn->group->use->progress(conn);

    if (conn->c != c) {
        return;
    }

    if (rc != NGX_OK || PQstatus(conn->pq) == CONNECTION_BAD) {
        why = ngx_http_igjobs_pg_error(conn);
        ngx_http_igjobs_pg_lost(conn, &why);
    }
}
