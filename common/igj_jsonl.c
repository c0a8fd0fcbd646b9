/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The incremental line splitter, see igj_jsonl.h.
 */

#include "igj_jsonl.h"

#include <string.h>


void
igj_jsonl_init(igj_jsonl_t *j, char *buf, size_t size, igj_jsonl_line_pt line,
    void *data)
{
    memset(j, 0, sizeof(igj_jsonl_t));

    j->line = line;
    j->data = data;
    j->buf = buf;
    j->size = size;
}


static bool
igj_jsonl_blank(const char *line, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (line[i] != ' ' && line[i] != '\t') {
            return false;
        }
    }

    return true;
}


static int
igj_jsonl_emit(igj_jsonl_t *j, const char *line, size_t len)
{
    if (len > 0 && line[len - 1] == '\r') {
        len--;
    }

    if (igj_jsonl_blank(line, len)) {
        return 0;
    }

    j->lines++;

    return j->line(j->data, line, len);
}


/* Keeps a part of a line for later, or starts to skip the line. */
static void
igj_jsonl_keep(igj_jsonl_t *j, const char *bytes, size_t len)
{
    if (j->skipping) {
        return;
    }

    if (len > j->size - j->len) {
        j->skipping = true;
        j->len = 0;
        return;
    }

    memcpy(j->buf + j->len, bytes, len);
    j->len += len;
}


/* The line that began in earlier bytes is whole in buf. */
static int
igj_jsonl_emit_kept(igj_jsonl_t *j)
{
    size_t  len;

    if (j->skipping) {
        j->skipping = false;
        j->lines++;
        j->too_long++;
        return 0;
    }

    len = j->len;
    j->len = 0;

    return igj_jsonl_emit(j, j->buf, len);
}


int
igj_jsonl_feed(igj_jsonl_t *j, const char *bytes, size_t len)
{
    const char  *end, *lf;
    int          rc;

    j->bytes += len;
    end = bytes + len;

    while (bytes < end) {
        lf = memchr(bytes, '\n', (size_t) (end - bytes));

        if (lf == NULL) {
            igj_jsonl_keep(j, bytes, (size_t) (end - bytes));
            return 0;
        }

        if (j->len == 0 && !j->skipping
            && (size_t) (lf - bytes) <= j->size)
        {
            rc = igj_jsonl_emit(j, bytes, (size_t) (lf - bytes));

        } else {
            igj_jsonl_keep(j, bytes, (size_t) (lf - bytes));
            rc = igj_jsonl_emit_kept(j);
        }

        if (rc != 0) {
            return -1;
        }

        bytes = lf + 1;
    }

    return 0;
}


bool
igj_jsonl_ended(const igj_jsonl_t *j)
{
    return j->len == 0 && !j->skipping;
}


int
igj_jsonl_flush(igj_jsonl_t *j)
{
    return igj_jsonl_ended(j) ? 0 : igj_jsonl_emit_kept(j);
}
