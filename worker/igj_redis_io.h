/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A byte stream to Redis: TCP, Unix socket or TLS, with a deadline on every
 * operation.  One thread.
 */

#ifndef IGJ_REDIS_IO_H
#define IGJ_REDIS_IO_H

#include <openssl/ssl.h>
#include <stdint.h>
#include <sys/types.h>

#include "igj_base.h"
#include "igj_redis_url.h"


#define IGJ_REDIS_IO_ERROR_MAX  200


typedef struct {
    int       fd;              /* -1: closed */
    SSL_CTX  *ctx;             /* NULL: no TLS */
    SSL      *ssl;
    char      error[IGJ_REDIS_IO_ERROR_MAX];
} igj_redis_io_t;


void igj_redis_io_init(igj_redis_io_t *io);

/* deadline is on igj_clock_ms(); after an error the text is in io->error. */
IGJ_MUST_CHECK int igj_redis_io_open(igj_redis_io_t *io,
    const igj_redis_url_t *url, int64_t deadline);
IGJ_MUST_CHECK int igj_redis_io_write(igj_redis_io_t *io, const char *data,
    size_t len, int64_t deadline);

/* At least one byte, or -1. */
IGJ_MUST_CHECK ssize_t igj_redis_io_read(igj_redis_io_t *io, char *data,
    size_t size, int64_t deadline);

void igj_redis_io_close(igj_redis_io_t *io);


#endif /* IGJ_REDIS_IO_H */
