/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The Prefer header of a request (RFC 7240): what the client would like, as far
 * as this product knows it.  Nothing in it is ever an error: what is unknown
 * or makes no sense is as if it were not there.
 */

#ifndef IGJ_PREFER_H
#define IGJ_PREFER_H

#include "igj_base.h"


/* No wait was asked for. */
#define IGJ_PREFER_NO_WAIT  (-1)


typedef struct {
    int64_t  wait;                 /* seconds, or IGJ_PREFER_NO_WAIT */
    uint8_t  for_change;           /* wait=N; for=change */
    uint8_t  respond_async;
    uint8_t  sync;                 /* igjobs-sync: the original's answer */

    /* The reader's own: of a preference named twice the first counts. */
    uint8_t  seen;
} igj_prefer_t;


void igj_prefer_init(igj_prefer_t *prefer);

/* Takes the value of one header; several are read in their order. */
void igj_prefer_read(igj_prefer_t *prefer, igj_str_t value);


#endif /* IGJ_PREFER_H */
