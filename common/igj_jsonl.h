/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Splits a stream of bytes into lines (JSON Lines) in constant memory: a line
 * that lies whole in the fed bytes is handed out in place, others are put
 * together in a buffer that the caller gives.  A line longer than the buffer
 * is skipped and counted.  No allocation, no globals.
 */

#ifndef IGJ_JSONL_H
#define IGJ_JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>


#define IGJ_JSONL_LINE_MAX  (256 * 1024)    /* default bound of one line */


/* The line has no line end (LF or CR LF) and no NUL after it.  0, or -1 to
 * stop the stream. */
typedef int (*igj_jsonl_line_pt)(void *data, const char *line, size_t len);


typedef struct {
    igj_jsonl_line_pt    line;
    void                *data;
    char                *buf;        /* borrowed */
    size_t               size;
    size_t               len;        /* bytes of the unfinished line in buf */
    bool                 skipping;   /* inside a line that is too long */
    uint64_t             lines;      /* whole lines, blank ones not counted,
                                        too long ones counted */
    uint64_t             too_long;
    uint64_t             bytes;
} igj_jsonl_t;


void igj_jsonl_init(igj_jsonl_t *j, char *buf, size_t size,
    igj_jsonl_line_pt line, void *data);

/* 0, or -1 when the line callback refused. */
int igj_jsonl_feed(igj_jsonl_t *j, const char *bytes, size_t len);

/* True if the stream ended with a line end (or was empty). */
bool igj_jsonl_ended(const igj_jsonl_t *j);

/* Hands out the unfinished last line, if any.  As igj_jsonl_feed(). */
int igj_jsonl_flush(igj_jsonl_t *j);

#endif /* IGJ_JSONL_H */
