/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The byte stream.  The socket does not block; each operation polls until it
 * is done or its deadline has passed.  TLS checks certificate and host name
 * against the system's authorities (SSL_CERT_FILE names others).
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "igj_clock.h"
#include "igj_redis_io.h"


static int igj_redis_io_unix(igj_redis_io_t *io, const igj_redis_url_t *url,
    int64_t deadline);
static int igj_redis_io_tcp(igj_redis_io_t *io, const igj_redis_url_t *url,
    int64_t deadline);
static int igj_redis_io_connect(igj_redis_io_t *io, int family,
    const struct sockaddr *address, socklen_t len, int64_t deadline);
static int igj_redis_io_tls(igj_redis_io_t *io, const igj_redis_url_t *url,
    int64_t deadline);
static int igj_redis_io_tls_wait(igj_redis_io_t *io, int rc,
    int64_t deadline);
static int igj_redis_io_poll(igj_redis_io_t *io, short events,
    int64_t deadline);
static int igj_redis_io_fail(igj_redis_io_t *io, const char *what,
    const char *why);


void
igj_redis_io_init(igj_redis_io_t *io)
{
    memset(io, 0, sizeof(igj_redis_io_t));
    io->fd = -1;
}


int
igj_redis_io_open(igj_redis_io_t *io, const igj_redis_url_t *url,
    int64_t deadline)
{
    int  rc;

    igj_redis_io_close(io);

    rc = url->is_unix ? igj_redis_io_unix(io, url, deadline)
                      : igj_redis_io_tcp(io, url, deadline);

    if (rc == IGJ_OK && url->tls) {
        rc = igj_redis_io_tls(io, url, deadline);
    }

    if (rc != IGJ_OK) {
        igj_redis_io_close(io);
    }

    return rc;
}


static int
igj_redis_io_unix(igj_redis_io_t *io, const igj_redis_url_t *url,
    int64_t deadline)
{
    struct sockaddr_un  address;

    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, url->path, strlen(url->path));

    return igj_redis_io_connect(io, AF_UNIX, (struct sockaddr *) &address,
                                sizeof(address), deadline);
}


static int
igj_redis_io_tcp(igj_redis_io_t *io, const igj_redis_url_t *url,
    int64_t deadline)
{
    int               rc, on;
    char              port[16];
    struct addrinfo   hints, *list, *ai;

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV|AI_ADDRCONFIG;
    snprintf(port, sizeof(port), "%d", url->port);

    rc = getaddrinfo(url->host, port, &hints, &list);

    if (rc != 0) {
        return igj_redis_io_fail(io, "resolve", gai_strerror(rc));
    }

    rc = IGJ_ERROR;
    on = 1;

    for (ai = list; ai != NULL && rc != IGJ_OK; ai = ai->ai_next) {
        rc = igj_redis_io_connect(io, ai->ai_family, ai->ai_addr,
                                  ai->ai_addrlen, deadline);
    }

    freeaddrinfo(list);

    if (rc == IGJ_OK) {
        (void) setsockopt(io->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        (void) setsockopt(io->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }

    return rc;
}


static int
igj_redis_io_connect(igj_redis_io_t *io, int family,
    const struct sockaddr *address, socklen_t len, int64_t deadline)
{
    int        error;
    socklen_t  size;

    if (io->fd != -1) {
        close(io->fd);
    }

    io->fd = socket(family, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

    if (io->fd == -1) {
        return igj_redis_io_fail(io, "socket", strerror(errno));
    }

    if (connect(io->fd, address, len) == 0) {
        return IGJ_OK;
    }

    if (errno != EINPROGRESS) {
        return igj_redis_io_fail(io, "connect", strerror(errno));
    }

    if (igj_redis_io_poll(io, POLLOUT, deadline) != IGJ_OK) {
        return IGJ_ERROR;
    }

    error = 0;
    size = sizeof(error);

    if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0
        || error != 0)
    {
        return igj_redis_io_fail(io, "connect", strerror(error));
    }

    return IGJ_OK;
}


static int
igj_redis_io_tls(igj_redis_io_t *io, const igj_redis_url_t *url,
    int64_t deadline)
{
    int              rc, numeric;
    struct in6_addr  address;

    io->ctx = SSL_CTX_new(TLS_client_method());

    if (io->ctx == NULL
        || SSL_CTX_set_min_proto_version(io->ctx, TLS1_2_VERSION) != 1
        || SSL_CTX_set_default_verify_paths(io->ctx) != 1)
    {
        return igj_redis_io_fail(io, "tls", "cannot be set up");
    }

    SSL_CTX_set_verify(io->ctx, SSL_VERIFY_PEER, NULL);
    io->ssl = SSL_new(io->ctx);
    numeric = inet_pton(AF_INET, url->host, &address) == 1
              || inet_pton(AF_INET6, url->host, &address) == 1;

    if (io->ssl == NULL || SSL_set_fd(io->ssl, io->fd) != 1
        || (numeric
            ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(io->ssl),
                                            url->host)
            : SSL_set1_host(io->ssl, url->host)) != 1
        || (!numeric && SSL_set_tlsext_host_name(io->ssl, url->host) != 1))
    {
        return igj_redis_io_fail(io, "tls", "cannot be set up");
    }

    for ( ;; ) {
        ERR_clear_error();
        rc = SSL_connect(io->ssl);

        if (rc == 1) {
            return IGJ_OK;
        }

        if (igj_redis_io_tls_wait(io, rc, deadline) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }
}


/* After an SSL call that returned rc: waits for what it needs. */

static int
igj_redis_io_tls_wait(igj_redis_io_t *io, int rc, int64_t deadline)
{
    long         verify;
    const char  *why;

    switch (SSL_get_error(io->ssl, rc)) {

    case SSL_ERROR_WANT_READ:
        return igj_redis_io_poll(io, POLLIN, deadline);

    case SSL_ERROR_WANT_WRITE:
        return igj_redis_io_poll(io, POLLOUT, deadline);

    default:
        verify = SSL_get_verify_result(io->ssl);
        why = verify != X509_V_OK ? X509_verify_cert_error_string(verify)
                                  : ERR_reason_error_string(ERR_peek_error());
        return igj_redis_io_fail(io, "tls", why ? why : "connection closed");
    }
}


int
igj_redis_io_write(igj_redis_io_t *io, const char *data, size_t len,
    int64_t deadline)
{
    int      rc;
    size_t   done;
    ssize_t  n;

    while (len > 0) {

        if (io->ssl != NULL) {
            ERR_clear_error();
            rc = SSL_write_ex(io->ssl, data, len, &done);

            if (rc != 1) {
                if (igj_redis_io_tls_wait(io, rc, deadline) != IGJ_OK) {
                    return IGJ_ERROR;
                }
                continue;
            }

        } else {
            n = send(io->fd, data, len, MSG_NOSIGNAL);

            if (n < 0 && errno != EAGAIN && errno != EINTR) {
                return igj_redis_io_fail(io, "send", strerror(errno));
            }

            if (n < 0) {
                if (igj_redis_io_poll(io, POLLOUT, deadline) != IGJ_OK) {
                    return IGJ_ERROR;
                }
                continue;
            }

            done = (size_t) n;
        }

        data += done;
        len -= done;
    }

    return IGJ_OK;
}


ssize_t
igj_redis_io_read(igj_redis_io_t *io, char *data, size_t size,
    int64_t deadline)
{
    int      rc;
    size_t   done;
    ssize_t  n;

    for ( ;; ) {

        if (io->ssl != NULL) {
            ERR_clear_error();
            rc = SSL_read_ex(io->ssl, data, size, &done);

            if (rc == 1) {
                return (ssize_t) done;
            }

            if (igj_redis_io_tls_wait(io, rc, deadline) != IGJ_OK) {
                return -1;
            }

            continue;
        }

        n = recv(io->fd, data, size, 0);

        if (n > 0) {
            return n;
        }

        if (n == 0) {
            (void) igj_redis_io_fail(io, "receive", "connection closed");
            return -1;
        }

        if (errno != EAGAIN && errno != EINTR) {
            (void) igj_redis_io_fail(io, "receive", strerror(errno));
            return -1;
        }

        if (igj_redis_io_poll(io, POLLIN, deadline) != IGJ_OK) {
            return -1;
        }
    }
}


void
igj_redis_io_close(igj_redis_io_t *io)
{
    SSL_free(io->ssl);
    SSL_CTX_free(io->ctx);

    if (io->fd != -1) {
        close(io->fd);
    }

    io->ssl = NULL;
    io->ctx = NULL;
    io->fd = -1;
}


static int
igj_redis_io_poll(igj_redis_io_t *io, short events, int64_t deadline)
{
    int            n;
    int64_t        left;
    struct pollfd  fd;

    for ( ;; ) {
        left = deadline - igj_clock_ms();
        fd.fd = io->fd;
        fd.events = events;
        n = left > 0 ? poll(&fd, 1, (int) left) : 0;

        if (n > 0) {
            return IGJ_OK;
        }

        if (n == 0) {
            return igj_redis_io_fail(io, "wait", "no answer in time");
        }

        if (errno != EINTR) {
            return igj_redis_io_fail(io, "poll", strerror(errno));
        }
    }
}


static int
igj_redis_io_fail(igj_redis_io_t *io, const char *what, const char *why)
{
    snprintf(io->error, sizeof(io->error), "%s: %s", what, why);

    return IGJ_ERROR;
}
