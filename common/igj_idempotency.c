/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The Idempotency-Key header.
 */

#include "igj_idempotency.h"


static int igj_idempotency_quoted(igj_idempotency_key_t *key, const char *p,
    const char *end);
static int igj_idempotency_bare(igj_idempotency_key_t *key, const char *p,
    const char *end);
static int igj_idempotency_put(igj_idempotency_key_t *key, char c);


static int
igj_idempotency_is_blank(char c)
{
    return c == ' ' || c == '\t';
}


int
igj_idempotency_key(igj_idempotency_key_t *key, igj_str_t value)
{
    int          rc;
    const char  *p, *end;

    p = value.data;
    end = value.data + value.len;

    while (p < end && igj_idempotency_is_blank(*p)) {
        p++;
    }

    while (p < end && igj_idempotency_is_blank(end[-1])) {
        end--;
    }

    key->len = 0;

    if (p < end && *p == '"') {
        rc = igj_idempotency_quoted(key, p + 1, end);

    } else {
        rc = igj_idempotency_bare(key, p, end);
    }

    key->text[key->len] = '\0';

    return (key->len > 0) ? rc : IGJ_ERROR;
}


/* Behind the opening quote. */
static int
igj_idempotency_quoted(igj_idempotency_key_t *key, const char *p,
    const char *end)
{
    for ( /* void */ ; p < end; p++) {

        if (*p == '"') {
            return (p + 1 == end) ? IGJ_OK : IGJ_ERROR;
        }

        if (*p == '\\' && (++p == end || (*p != '"' && *p != '\\'))) {
            return IGJ_ERROR;
        }

        if (igj_idempotency_put(key, *p) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    return IGJ_ERROR;
}


static int
igj_idempotency_bare(igj_idempotency_key_t *key, const char *p,
    const char *end)
{
    for ( /* void */ ; p < end; p++) {

        if (*p == '"' || *p == ',' || igj_idempotency_put(key, *p) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    return IGJ_OK;
}


static int
igj_idempotency_put(igj_idempotency_key_t *key, char c)
{
    if (c <= ' ' || c > '~' || key->len == IGJ_IDEMPOTENCY_KEY_MAX) {
        return IGJ_ERROR;
    }

    key->text[key->len++] = c;

    return IGJ_OK;
}
