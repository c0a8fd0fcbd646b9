/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Addresses of Redis:
 *
 *     redis://[[user]:password@]host[:port][/db]      rediss:// with TLS
 *     unix:/path[?db=n]                               also unix:///path
 *     host:port                                       as redis://
 *
 * User and password may be percent-encoded; an IPv6 address stands in
 * brackets.
 */

#ifndef IGJ_REDIS_URL_H
#define IGJ_REDIS_URL_H

#include "igj_base.h"


#define IGJ_REDIS_PORT        6379
#define IGJ_REDIS_HOST_MAX    256
#define IGJ_REDIS_SECRET_MAX  512
#define IGJ_REDIS_PATH_MAX    108      /* what a socket address holds */
#define IGJ_REDIS_DB_MAX      65535


typedef struct {
    int   is_unix;                         /* path counts, not host, port */
    int   tls;
    int   port;
    int   db;
    char  host[IGJ_REDIS_HOST_MAX];        /* without brackets */
    char  path[IGJ_REDIS_PATH_MAX];
    char  user[IGJ_REDIS_SECRET_MAX];      /* "": none, the default user */
    char  password[IGJ_REDIS_SECRET_MAX];  /* "": no AUTH */
} igj_redis_url_t;


/*
 * IGJ_OK, or IGJ_ERROR with a constant text in *why that says what is wrong
 * and holds no part of the address.
 */
IGJ_MUST_CHECK int igj_redis_url_parse(igj_redis_url_t *url, const char *text,
    size_t len, const char **why);


#endif /* IGJ_REDIS_URL_H */
