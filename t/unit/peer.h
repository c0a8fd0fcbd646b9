/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A scripted HTTP peer on a free loopback port: the n-th request, on whichever
 * connection, gets the n-th step's bytes, raw, and then what the step says.
 * Every request is kept for the test to look at.  One peer a test at a time.
 */

#ifndef PEER_H
#define PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "igj_http.h"


#define PEER_STEPS  64
#define PEER_TEXT   32768


typedef enum {
    PEER_CLOSE = 0,
    PEER_KEEP,           /* keep the connection for the next request */
    PEER_RESET,
    PEER_HANG            /* hold it, silent, until the client has gone */
} peer_after_t;


typedef struct {
    char           *bytes;
    size_t          len;
    peer_after_t    after;
} peer_step_t;


static struct {
    int                fd;
    int                port;
    pthread_t          thread;
    pthread_t          connections[PEER_STEPS];
    int                nconnections;
    pthread_mutex_t    lock;
    peer_step_t        steps[PEER_STEPS];
    int                nsteps;
    char              *requests[PEER_STEPS];
    int                nrequests;
    _Atomic int        seen;            /* nrequests, for other threads */
    _Atomic int       *flag;            /* set to 1 when a request came */
    _Atomic int        was_reset;       /* the client's end while it hung; to
                                           be read after peer_close() */
} peer;


/* Appends a step; bytes are copied. */
__attribute__((unused))
static void
peer_bytes(const void *bytes, size_t len, peer_after_t after)
{
    peer_step_t  *s;

    pthread_mutex_lock(&peer.lock);

    s = &peer.steps[peer.nsteps++];
    s->bytes = malloc(len + 1);
    memcpy(s->bytes, bytes, len);
    s->len = len;
    s->after = after;

    pthread_mutex_unlock(&peer.lock);
}


__attribute__((unused))
static void
peer_text(const char *text, peer_after_t after)
{
    peer_bytes(text, strlen(text), after);
}


/* A sound answer; headers are "" or whole lines with their line ends. */
__attribute__((unused))
static void
peer_reply_len(int status, const char *headers, const void *body, size_t len)
{
    char    *text;
    int      n;

    text = malloc(len + strlen(headers) + 256);
    n = sprintf(text, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status,
                len, headers);
    memcpy(text + n, body, len);
    peer_bytes(text, (size_t) n + len, PEER_KEEP);
    free(text);
}


__attribute__((unused))
static void
peer_reply(int status, const char *headers, const char *body)
{
    peer_reply_len(status, headers, body, strlen(body));
}


/* The same body, compressed, and cut to the given number of bytes of the
 * compressed form (0: whole); the framing is right either way. */
__attribute__((unused))
static void
peer_gzip(const char *headers, const void *body, size_t len, size_t cut)
{
    z_stream   z;
    char      *out, *more;
    size_t     size;

    memset(&z, 0, sizeof(z));
    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);

    size = deflateBound(&z, len);
    out = malloc(size);
    z.next_in = (Bytef *) (uintptr_t) body;
    z.avail_in = (uInt) len;
    z.next_out = (Bytef *) out;
    z.avail_out = (uInt) size;
    deflate(&z, Z_FINISH);

    more = malloc(strlen(headers) + 64);
    sprintf(more, "%sContent-Encoding: gzip\r\n", headers);
    peer_reply_len(200, more, out, cut ? cut : (size_t) z.total_out);

    deflateEnd(&z);
    free(more);
    free(out);
}


/* Reads one request whole; -1 when the client has gone. */
__attribute__((unused))
static int
peer_read(int fd, char *text, size_t size)
{
    char     *end, *length;
    size_t    used, want;
    ssize_t   n;

    for (used = 0; /* void */ ; used += (size_t) n) {
        text[used] = '\0';
        end = strstr(text, "\r\n\r\n");

        if (end != NULL) {
            length = strcasestr(text, "\r\nContent-Length:");
            want = (size_t) (end - text) + 4;
            want += length && length < end ? strtoul(length + 17, NULL, 10) : 0;

            if (used >= want) {
                return 0;
            }
        }

        n = used + 1 < size ? recv(fd, text + used, size - used - 1, 0) : 0;
        if (n <= 0) {
            return -1;
        }
    }
}


__attribute__((unused))
static void
peer_send(int fd, const char *bytes, size_t len)
{
    ssize_t  n;

    while (len > 0) {
        n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }

        bytes += n;
        len -= (size_t) n;
    }
}


__attribute__((unused))
static void *
peer_connection(void *data)
{
    struct linger   now = { 1, 0 };
    peer_after_t    after;
    peer_step_t     step;
    ssize_t         n;
    char           *text;
    int             fd;

    fd = (int) (intptr_t) data;
    text = malloc(PEER_TEXT);
    after = PEER_KEEP;

    while (after == PEER_KEEP && peer_read(fd, text, PEER_TEXT) == 0) {
        pthread_mutex_lock(&peer.lock);

        memset(&step, 0, sizeof(step));
        if (peer.nrequests < peer.nsteps) {
            step = peer.steps[peer.nrequests];
        }

        if (peer.nrequests < PEER_STEPS) {
            peer.requests[peer.nrequests++] = strdup(text);
        }

        atomic_store(&peer.seen, peer.nrequests);
        pthread_mutex_unlock(&peer.lock);

        if (peer.flag != NULL) {
            atomic_store(peer.flag, 1);
        }

        peer_send(fd, step.bytes, step.len);
        after = step.after;
    }

    if (after == PEER_HANG) {
        while ((n = recv(fd, text, PEER_TEXT, 0)) > 0) { /* void */ }
        atomic_store(&peer.was_reset, n < 0 && errno == ECONNRESET);
    }

    if (after == PEER_RESET) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }

    close(fd);
    free(text);

    return NULL;
}


__attribute__((unused))
static void *
peer_accept(void *data)
{
    int  fd;

    (void) data;

    for ( ;; ) {
        fd = accept(peer.fd, NULL, NULL);

        if (fd < 0 || peer.nconnections == PEER_STEPS) {
            return NULL;
        }

        pthread_create(&peer.connections[peer.nconnections++], NULL,
                       peer_connection, (void *) (intptr_t) fd);
    }
}


__attribute__((unused))
static void
peer_open(void)
{
    struct sockaddr_in  a;
    socklen_t           len;

    memset(&peer, 0, sizeof(peer));
    pthread_mutex_init(&peer.lock, NULL);

    memset(&a, 0, sizeof(a));
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof(a);

    peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (peer.fd < 0 || bind(peer.fd, (struct sockaddr *) &a, len) != 0
        || listen(peer.fd, 16) != 0
        || getsockname(peer.fd, (struct sockaddr *) &a, &len) != 0)
    {
        perror("peer");
        exit(1);
    }

    peer.port = ntohs(a.sin_port);
    pthread_create(&peer.thread, NULL, peer_accept, NULL);
}


/* The client must have closed its connections, or be about to. */
__attribute__((unused))
static void
peer_close(void)
{
    int  i;

    shutdown(peer.fd, SHUT_RDWR);
    pthread_join(peer.thread, NULL);
    close(peer.fd);

    for (i = 0; i < peer.nconnections; i++) {
        pthread_join(peer.connections[i], NULL);
    }

    for (i = 0; i < PEER_STEPS; i++) {
        free(peer.steps[i].bytes);
        free(peer.requests[i]);
    }

    pthread_mutex_destroy(&peer.lock);
}


__attribute__((unused))
static int
peer_count(void)
{
    return atomic_load(&peer.seen);
}


/* The n-th request (from 0), "" if there was none. */
__attribute__((unused))
static const char *
peer_request(int n)
{
    return n < peer_count() ? peer.requests[n] : "";
}


/* Whether the n-th request begins so. */
__attribute__((unused))
static bool
peer_asked(int n, const char *start)
{
    return strncmp(peer_request(n), start, strlen(start)) == 0;
}


/*
 * A clock that only sleeping moves, and chance that is always the same: waits
 * are what the policy says, and take no time.
 */
static struct {
    int64_t        now;
    int64_t        slept;
    _Atomic int   *stop_at;          /* set once slept reaches stop_ms */
    int64_t        stop_ms;
} fake;


__attribute__((unused))
static int64_t
fake_now(void *data)
{
    (void) data;

    return fake.now;
}


__attribute__((unused))
static void
fake_sleep(void *data, int64_t ms)
{
    (void) data;

    fake.now += ms;
    fake.slept += ms;

    if (fake.stop_at != NULL && fake.slept >= fake.stop_ms) {
        atomic_store(fake.stop_at, 1);
    }
}


__attribute__((unused))
static uint32_t
fake_random(void *data)
{
    (void) data;

    return 0;
}


__attribute__((unused))
static const igj_http_sys_t  fake_sys = {
    fake_now, fake_sleep, fake_random, NULL
};

#endif /* PEER_H */
