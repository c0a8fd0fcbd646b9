/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The Idempotency-Key header of a request: what a client calls the request, so
 * that sending it again does nothing twice.
 */

#ifndef IGJ_IDEMPOTENCY_H
#define IGJ_IDEMPOTENCY_H

#include "igj_base.h"


/* Bytes of a key. */
#define IGJ_IDEMPOTENCY_KEY_MAX  255


typedef struct {
    char    text[IGJ_IDEMPOTENCY_KEY_MAX + 1];    /* with a NUL */
    size_t  len;
} igj_idempotency_key_t;


/*
 * Reads the value of the header: 1 to IGJ_IDEMPOTENCY_KEY_MAX visible ASCII
 * characters, as a string of RFC 8941 (in quotes, with \" and \\) or bare.
 * Both are the same key.  Bare ones have no comma, with which a proxy may have
 * joined several headers, and no quote.  IGJ_ERROR: it is no key.
 */
int igj_idempotency_key(igj_idempotency_key_t *key, igj_str_t value);


#endif /* IGJ_IDEMPOTENCY_H */
