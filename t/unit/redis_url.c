/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Addresses of Redis. */

#include "igj_redis_url.h"
#include "tap.h"


static igj_redis_url_t  url;


static int
parse(const char *text)
{
    int          rc;
    const char  *why;

    why = NULL;
    rc = igj_redis_url_parse(&url, text, strlen(text), &why);

    /* a refusal says why, and never repeats the address */

    if (rc != IGJ_OK && (why == NULL || strstr(why, "secret") != NULL)) {
        return 1;
    }

    return rc;
}


static void
test_good(void)
{
    is(parse("redis://localhost:6379/0"), IGJ_OK, "host, port, database");
    is_text(url.host, "localhost", "host");
    is(url.port, 6379, "port");
    is(url.tls, 0, "no TLS");

    is(parse("redis://redis"), IGJ_OK, "a host alone");
    is(url.port, 6379, "default port");
    is(url.db, 0, "default database");

    is(parse("rediss://default:p%40ss%2Fw@cache.example:6380/3"), IGJ_OK,
       "TLS and login");
    is(url.tls, 1, "TLS");
    is_text(url.user, "default", "user");
    is_text(url.password, "p@ss/w", "password, decoded");
    is(url.port, 6380, "port");
    is(url.db, 3, "database");

    is(parse("redis://:pa/ss@h/1"), IGJ_OK, "a password with a slash");
    is_text(url.user, "", "no user");
    is_text(url.password, "pa/ss", "password");
    is(url.db, 1, "database");

    is(parse("redis://[::1]:7000"), IGJ_OK, "IPv6");
    is_text(url.host, "::1", "host without brackets");
    is(url.port, 7000, "port");

    is(parse("127.0.0.1:7001"), IGJ_OK, "host and port without a scheme");
    is(url.port, 7001, "port");

    is(parse("unix:/run/redis.sock"), IGJ_OK, "a socket");
    is_text(url.path, "/run/redis.sock", "path");
    is(url.is_unix, 1, "is a socket");

    is(parse("unix:///run/redis.sock?db=5"), IGJ_OK, "a socket and database");
    is_text(url.path, "/run/redis.sock", "path");
    is(url.db, 5, "database");
}


static void
test_bad(void)
{
    size_t  i;
    char    text[IGJ_REDIS_SECRET_MAX + 64];

    static const char *const  bad[] = {
        "", "http://secret", "redis://", "redis://:secret@", "redis://h:0",
        "redis://h:65536", "redis://h:x", "redis://h/x", "redis://h/99999999",
        "redis://u:secret%4@h", "redis://u:secret%zz@h", "redis://u:%00@h",
        "redis://[::1", "redis://[::1]x", "unix:", "unix:relative",
        "unix:/path?x=1", "unix:/path?db=x"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is(parse(bad[i]), IGJ_ERROR, "refused: \"%s\"", bad[i]);
    }

    memset(text, 'a', sizeof(text));
    memcpy(text, "unix:/", 6);
    text[IGJ_REDIS_PATH_MAX + 5] = '\0';
    is(parse(text), IGJ_ERROR, "a path too long for a socket");

    memcpy(text, "redis://:", 9);
    memcpy(text + sizeof(text) - 3, "@h", 3);
    is(parse(text), IGJ_ERROR, "a password too long");
}


int
main(void)
{
    test_good();
    test_bad();

    return done_testing();
}
