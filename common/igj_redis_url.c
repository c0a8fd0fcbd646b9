/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Parser of Redis addresses. */

#include <string.h>

#include "igj_redis_url.h"


static int igj_redis_url_unix(igj_redis_url_t *url, igj_str_t rest,
    const char **why);
static int igj_redis_url_tcp(igj_redis_url_t *url, igj_str_t rest,
    const char **why);
static int igj_redis_url_login(igj_redis_url_t *url, igj_str_t login);
static int igj_redis_url_host(igj_redis_url_t *url, igj_str_t host,
    const char **why);
static int igj_redis_url_decode(char *out, size_t size, const char *text,
    size_t len);
static int igj_redis_url_hex(char c);
static int igj_redis_url_number(const char *text, size_t len, int max,
    int *value);
static int igj_redis_url_prefix(igj_str_t *text, igj_str_t prefix);


int
igj_redis_url_parse(igj_redis_url_t *url, const char *text, size_t len,
    const char **why)
{
    igj_str_t  rest;

    memset(url, 0, sizeof(igj_redis_url_t));
    url->port = IGJ_REDIS_PORT;
    rest.data = text;
    rest.len = len;

    if (igj_redis_url_prefix(&rest, igj_str("unix://"))
        || igj_redis_url_prefix(&rest, igj_str("unix:")))
    {
        return igj_redis_url_unix(url, rest, why);
    }

    if (igj_redis_url_prefix(&rest, igj_str("rediss://"))) {
        url->tls = 1;

    } else if (!igj_redis_url_prefix(&rest, igj_str("redis://"))
               && memmem(rest.data, rest.len, "://", 3) != NULL)
    {
        *why = "the scheme must be redis, rediss or unix";
        return IGJ_ERROR;
    }

    return igj_redis_url_tcp(url, rest, why);
}


static int
igj_redis_url_unix(igj_redis_url_t *url, igj_str_t rest, const char **why)
{
    size_t       len;
    const char  *query;

    url->is_unix = 1;
    query = memchr(rest.data, '?', rest.len);
    len = query ? (size_t) (query - rest.data) : rest.len;

    if (len == 0 || rest.data[0] != '/') {
        *why = "the path of a socket must begin with a slash";
        return IGJ_ERROR;
    }

    if (len >= IGJ_REDIS_PATH_MAX) {
        *why = "the path of a socket must be shorter than 108 bytes";
        return IGJ_ERROR;
    }

    memcpy(url->path, rest.data, len);

    if (query == NULL) {
        return IGJ_OK;
    }

    rest.len -= len + 1;
    rest.data = query + 1;

    if (!igj_redis_url_prefix(&rest, igj_str("db="))
        || igj_redis_url_number(rest.data, rest.len, IGJ_REDIS_DB_MAX,
                                &url->db)
           != IGJ_OK)
    {
        *why = "after the path of a socket only ?db=<number> may stand";
        return IGJ_ERROR;
    }

    return IGJ_OK;
}


static int
igj_redis_url_tcp(igj_redis_url_t *url, igj_str_t rest, const char **why)
{
    igj_str_t    host;
    const char  *at, *slash;

    /* a password may hold a slash that nobody encoded */

    at = memrchr(rest.data, '@', rest.len);

    if (at != NULL) {
        host.data = rest.data;
        host.len = (size_t) (at - rest.data);

        if (igj_redis_url_login(url, host) != IGJ_OK) {
            *why = "user or password is too long or badly percent-encoded";
            return IGJ_ERROR;
        }

        rest.len -= host.len + 1;
        rest.data = at + 1;
    }

    slash = memchr(rest.data, '/', rest.len);
    host.data = rest.data;
    host.len = slash ? (size_t) (slash - rest.data) : rest.len;

    if (slash != NULL && host.len + 1 < rest.len
        && igj_redis_url_number(slash + 1, rest.len - host.len - 1,
                                IGJ_REDIS_DB_MAX, &url->db)
           != IGJ_OK)
    {
        *why = "the database after the slash must be a number";
        return IGJ_ERROR;
    }

    return igj_redis_url_host(url, host, why);
}


/* user:password, :password */

static int
igj_redis_url_login(igj_redis_url_t *url, igj_str_t login)
{
    size_t       user;
    const char  *colon;

    colon = memchr(login.data, ':', login.len);
    user = colon ? (size_t) (colon - login.data) : login.len;

    if (igj_redis_url_decode(url->user, sizeof(url->user), login.data, user)
        != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    if (colon == NULL) {
        return IGJ_OK;
    }

    return igj_redis_url_decode(url->password, sizeof(url->password),
                                colon + 1, login.len - user - 1);
}


static int
igj_redis_url_host(igj_redis_url_t *url, igj_str_t host, const char **why)
{
    size_t       len;
    const char  *end, *colon;

    if (host.len > 0 && host.data[0] == '[') {
        host.data++;
        host.len--;
        end = memchr(host.data, ']', host.len);
        len = end ? (size_t) (end - host.data) : 0;
        colon = (end && len + 1 < host.len) ? end + 1 : NULL;

    } else {
        colon = memchr(host.data, ':', host.len);
        len = colon ? (size_t) (colon - host.data) : host.len;
    }

    if (len == 0 || len >= IGJ_REDIS_HOST_MAX) {
        *why = "the host is missing or too long";
        return IGJ_ERROR;
    }

    memcpy(url->host, host.data, len);

    if (colon == NULL) {
        return IGJ_OK;
    }

    if (*colon != ':'
        || igj_redis_url_number(colon + 1,
                                host.len - (size_t) (colon + 1 - host.data),
                                65535, &url->port)
           != IGJ_OK
        || url->port == 0)
    {
        *why = "the port must be a number from 1 to 65535";
        return IGJ_ERROR;
    }

    return IGJ_OK;
}


static int
igj_redis_url_decode(char *out, size_t size, const char *text, size_t len)
{
    int     high, low;
    size_t  i, n;

    n = 0;

    for (i = 0; i < len; i++) {
        if (n + 1 >= size) {
            return IGJ_ERROR;
        }

        if (text[i] != '%') {
            out[n++] = text[i];
            continue;
        }

        if (len - i < 3) {
            return IGJ_ERROR;
        }

        high = igj_redis_url_hex(text[i + 1]);
        low = igj_redis_url_hex(text[i + 2]);

        if (high < 0 || low < 0 || high + low == 0) {
            return IGJ_ERROR;
        }

        out[n++] = (char) (high * 16 + low);
        i += 2;
    }

    out[n] = '\0';

    return IGJ_OK;
}


static int
igj_redis_url_hex(char c)
{
    static const char  digits[] = "0123456789abcdef0123456789ABCDEF";

    const char  *at;

    at = (c != '\0') ? strchr(digits, c) : NULL;

    return at ? (int) ((at - digits) % 16) : -1;
}


static int
igj_redis_url_number(const char *text, size_t len, int max, int *value)
{
    size_t  i;

    if (len == 0 || len > 6) {
        return IGJ_ERROR;
    }

    *value = 0;

    for (i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return IGJ_ERROR;
        }
        *value = *value * 10 + (text[i] - '0');
    }

    return *value <= max ? IGJ_OK : IGJ_ERROR;
}


static int
igj_redis_url_prefix(igj_str_t *text, igj_str_t prefix)
{
    if (text->len < prefix.len
        || memcmp(text->data, prefix.data, prefix.len) != 0)
    {
        return 0;
    }

    text->data += prefix.len;
    text->len -= prefix.len;

    return 1;
}
