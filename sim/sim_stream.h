/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Answer bodies as streams that are pulled piece by piece, and the layers that
 * can be put around them.  A stream belongs to one request's thread; closing
 * a layer closes what is inside.
 */

#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include "sim_text.h"

struct sim_stream {
    /* Fills buf with 1 to max bytes and says how many; 0 = the end. */
    size_t  (*read)(struct sim_stream *stream, char *buf, size_t max);

    /* Frees the stream. */
    void    (*close)(struct sim_stream *stream);
};

/* Streams the text and becomes its owner; *text is empty afterwards. */
struct sim_stream *sim_stream_text(struct sim_text *text);

/* Ends after n bytes. */
struct sim_stream *sim_stream_cut(struct sim_stream *inner, uint64_t n);

/* Compresses; with bad_crc the check sum at the end is wrong. */
struct sim_stream *sim_stream_gzip(struct sim_stream *inner, int bad_crc);

#endif
