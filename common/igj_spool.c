/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A list of segments, all full but the last.
 */

#include "igj_spool.h"

#include <string.h>


#define IGJ_SPOOL_DATA  (IGJ_SPOOL_SEGMENT - sizeof(igj_spool_segment_t *))


struct igj_spool_segment_s {
    igj_spool_segment_t  *next;
    char                  data[IGJ_SPOOL_DATA];
};

_Static_assert(sizeof(igj_spool_segment_t) == IGJ_SPOOL_SEGMENT,
               "a segment is a whole number of pages");


void
igj_spool_init(igj_spool_t *spool, const igj_mem_t *mem)
{
    memset(spool, 0, sizeof(igj_spool_t));
    spool->mem = mem;
}


void
igj_spool_free(igj_spool_t *spool)
{
    igj_spool_segment_t  *segment, *next;

    for (segment = spool->first; segment != NULL; segment = next) {
        next = segment->next;
        spool->mem->free(spool->mem->data, segment, IGJ_SPOOL_SEGMENT);
    }

    igj_spool_init(spool, spool->mem);
}


static int
igj_spool_grow(igj_spool_t *spool)
{
    igj_spool_segment_t  *segment;

    segment = spool->mem->alloc(spool->mem->data, IGJ_SPOOL_SEGMENT);
    if (segment == NULL) {
        return IGJ_ERROR;
    }

    if (spool->last != NULL) {
        spool->last->next = segment;

    } else {
        spool->first = segment;
    }

    spool->last = segment;
    spool->room = IGJ_SPOOL_DATA;
    spool->held += IGJ_SPOOL_SEGMENT;

    return IGJ_OK;
}


int
igj_spool_add(igj_spool_t *spool, const char *data, size_t len)
{
    size_t  n;

    while (len > 0) {
        if (spool->room == 0 && igj_spool_grow(spool) != IGJ_OK) {
            return IGJ_ERROR;
        }

        n = (len < spool->room) ? len : spool->room;
        memcpy(spool->last->data + IGJ_SPOOL_DATA - spool->room, data, n);

        data += n;
        len -= n;
        spool->room -= n;
        spool->size += n;
    }

    return IGJ_OK;
}


/* Bytes that are left of the segment at the place. */
static size_t
igj_spool_left(const igj_spool_t *spool, const igj_spool_place_t *place)
{
    return IGJ_SPOOL_DATA - place->pos
           - ((place->segment == spool->last) ? spool->room : 0);
}


size_t
igj_spool_read(const igj_spool_t *spool, igj_spool_place_t *place, char *out,
    size_t len)
{
    size_t  n, done;

    if (place->segment == NULL) {
        place->segment = spool->first;
    }

    for (done = 0; done < len && place->segment != NULL; done += n) {
        n = igj_spool_left(spool, place);

        if (n == 0) {
            if (place->segment->next == NULL) {
                break;
            }

            place->segment = place->segment->next;
            place->pos = 0;
            continue;
        }

        n = (n < len - done) ? n : len - done;
        memcpy(out + done, place->segment->data + place->pos, n);
        place->pos += n;
    }

    return done;
}
