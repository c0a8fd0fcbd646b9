/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Streams: text, cut, gzip. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "sim_stream.h"

#define SIM_GZIP_IN     16384
#define SIM_GZIP_HEAD   10
#define SIM_GZIP_TAIL   8


struct sim_stream_text {
    struct sim_stream   stream;
    struct sim_text     text;
    size_t              at;
};

struct sim_stream_cut {
    struct sim_stream   stream;
    struct sim_stream  *inner;
    uint64_t            left;
};

enum sim_gzip_state {
    SIM_GZIP_HEADER,
    SIM_GZIP_BODY,
    SIM_GZIP_TRAILER,
    SIM_GZIP_DONE
};

struct sim_stream_gzip {
    struct sim_stream    stream;
    struct sim_stream   *inner;
    enum sim_gzip_state  state;
    int                  bad_crc;
    size_t               edge;       /* bytes of header or trailer written */
    uLong                crc;
    uint64_t             length;
    z_stream             z;
    Bytef                in[SIM_GZIP_IN];
};


static size_t
sim_text_read(struct sim_stream *stream, char *buf, size_t max)
{
    size_t                   n;
    struct sim_stream_text  *s = (struct sim_stream_text *) stream;

    n = s->text.len - s->at;
    n = n < max ? n : max;

    if (n > 0) {
        memcpy(buf, s->text.data + s->at, n);
        s->at += n;
    }

    return n;
}


static void
sim_text_close(struct sim_stream *stream)
{
    struct sim_stream_text  *s = (struct sim_stream_text *) stream;

    sim_text_free(&s->text);
    free(s);
}


struct sim_stream *
sim_stream_text(struct sim_text *text)
{
    struct sim_stream_text  *s;

    s = sim_alloc(sizeof(struct sim_stream_text));

    s->stream.read = sim_text_read;
    s->stream.close = sim_text_close;
    s->text = *text;
    memset(text, 0, sizeof(struct sim_text));

    return &s->stream;
}


static size_t
sim_cut_read(struct sim_stream *stream, char *buf, size_t max)
{
    size_t                  n;
    struct sim_stream_cut  *s = (struct sim_stream_cut *) stream;

    if (s->left == 0) {
        return 0;
    }

    n = s->inner->read(s->inner, buf, s->left < max ? (size_t) s->left : max);
    s->left -= n;

    return n;
}


static void
sim_cut_close(struct sim_stream *stream)
{
    struct sim_stream_cut  *s = (struct sim_stream_cut *) stream;

    s->inner->close(s->inner);
    free(s);
}


struct sim_stream *
sim_stream_cut(struct sim_stream *inner, uint64_t n)
{
    struct sim_stream_cut  *s;

    s = sim_alloc(sizeof(struct sim_stream_cut));

    s->stream.read = sim_cut_read;
    s->stream.close = sim_cut_close;
    s->inner = inner;
    s->left = n;

    return &s->stream;
}


/* Copies what is still to be written of a header or trailer. */

static size_t
sim_gzip_edge(struct sim_stream_gzip *s, const unsigned char *edge, size_t n,
    char *buf, size_t max)
{
    size_t  len;

    len = n - s->edge;
    len = len < max ? len : max;
    memcpy(buf, edge + s->edge, len);
    s->edge += len;

    if (s->edge == n) {
        s->edge = 0;
        s->state++;
    }

    return len;
}


static size_t
sim_gzip_trailer(struct sim_stream_gzip *s, char *buf, size_t max)
{
    int            i;
    uint32_t       crc, length;
    unsigned char  tail[SIM_GZIP_TAIL];

    crc = (uint32_t) s->crc ^ (s->bad_crc ? 0xffffffffU : 0);
    length = (uint32_t) s->length;

    for (i = 0; i < 4; i++) {
        tail[i] = (unsigned char) (crc >> (8 * i));
        tail[4 + i] = (unsigned char) (length >> (8 * i));
    }

    return sim_gzip_edge(s, tail, sizeof(tail), buf, max);
}


static void
sim_gzip_refill(struct sim_stream_gzip *s)
{
    size_t  n;

    n = s->inner->read(s->inner, (char *) s->in, sizeof(s->in));

    s->crc = crc32(s->crc, s->in, (uInt) n);
    s->length += n;
    s->z.next_in = s->in;
    s->z.avail_in = (uInt) n;
}


static size_t
sim_gzip_body(struct sim_stream_gzip *s, char *buf, size_t max)
{
    int   rc, flush;
    uInt  room;

    room = max < (1U << 30) ? (uInt) max : 1U << 30;
    s->z.next_out = (Bytef *) buf;
    s->z.avail_out = room;

    do {
        if (s->z.avail_in == 0) {
            sim_gzip_refill(s);
        }

        flush = s->z.avail_in == 0 ? Z_FINISH : Z_NO_FLUSH;
        rc = deflate(&s->z, flush);

    } while (rc == Z_OK && s->z.avail_out > 0);

    if (rc == Z_STREAM_END) {
        s->state = SIM_GZIP_TRAILER;
    }

    return room - s->z.avail_out;
}


static size_t
sim_gzip_read(struct sim_stream *stream, char *buf, size_t max)
{
    static const unsigned char  head[SIM_GZIP_HEAD] =
        { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3 };

    size_t                   n;
    struct sim_stream_gzip  *s = (struct sim_stream_gzip *) stream;

    if (s->state == SIM_GZIP_HEADER) {
        return sim_gzip_edge(s, head, sizeof(head), buf, max);
    }

    if (s->state == SIM_GZIP_BODY) {
        n = sim_gzip_body(s, buf, max);

        if (n > 0) {
            return n;
        }
    }

    return s->state == SIM_GZIP_TRAILER ? sim_gzip_trailer(s, buf, max) : 0;
}


static void
sim_gzip_close(struct sim_stream *stream)
{
    struct sim_stream_gzip  *s = (struct sim_stream_gzip *) stream;

    (void) deflateEnd(&s->z);
    s->inner->close(s->inner);
    free(s);
}


struct sim_stream *
sim_stream_gzip(struct sim_stream *inner, int bad_crc)
{
    struct sim_stream_gzip  *s;

    s = sim_alloc(sizeof(struct sim_stream_gzip));

    s->stream.read = sim_gzip_read;
    s->stream.close = sim_gzip_close;
    s->inner = inner;
    s->bad_crc = bad_crc;
    s->crc = crc32(0, NULL, 0);

    if (deflateInit2(&s->z, Z_BEST_SPEED, Z_DEFLATED, -MAX_WBITS, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
    {
        (void) fputs("igjobs-sim: zlib cannot start\n", stderr);
        abort();
    }

    return &s->stream;
}
