/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Bytes that are collected piece by piece and read once or again from the
 * beginning, in segments of 64 KiB.  Nothing moves when it grows.
 */

#ifndef IGJ_SPOOL_H
#define IGJ_SPOOL_H

#include "igj_base.h"
#include "igj_mem.h"


#define IGJ_SPOOL_SEGMENT  65536u


typedef struct igj_spool_segment_s  igj_spool_segment_t;

typedef struct {
    const igj_mem_t      *mem;
    size_t                size;        /* bytes in it */
    size_t                held;        /* bytes allocated now */

    igj_spool_segment_t  *first;
    igj_spool_segment_t  *last;
    size_t                room;        /* left in the last one */
} igj_spool_t;


/* Where reading goes on; all zero: at the beginning. */
typedef struct {
    const igj_spool_segment_t  *segment;
    size_t                      pos;   /* in it */
} igj_spool_place_t;


/* mem must outlive the spool. */
void igj_spool_init(igj_spool_t *spool, const igj_mem_t *mem);

/* Gives all memory back; the spool is empty then. */
void igj_spool_free(igj_spool_t *spool);

/* IGJ_ERROR: no memory; a part may have been added. */
IGJ_MUST_CHECK int igj_spool_add(igj_spool_t *spool, const char *data,
    size_t len);

/* Copies the next bytes, at most len; returns how many, 0 at the end. */
size_t igj_spool_read(const igj_spool_t *spool, igj_spool_place_t *place,
    char *out, size_t len);


#endif /* IGJ_SPOOL_H */
