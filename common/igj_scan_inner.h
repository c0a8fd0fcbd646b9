/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the two halves of the scanner share: igj_scan.c walks between values,
 * igj_scan_text.c inside of strings, numbers and literals.  For nobody else.
 */

#ifndef IGJ_SCAN_INNER_H
#define IGJ_SCAN_INNER_H

#include "igj_scan.h"
#include "igj_number.h"


enum {
    /* between values; these index the table */
    IGJ_S_START = 0,
    IGJ_S_VALUE,
    IGJ_S_FIRST_ELEMENT,           /* or the end of the array */
    IGJ_S_FIRST_KEY,               /* or the end of the object */
    IGJ_S_KEY,
    IGJ_S_COLON,
    IGJ_S_AFTER_ELEMENT,
    IGJ_S_AFTER_MEMBER,
    IGJ_S_DONE,
    IGJ_S_TABLE,

    /* inside of one */
    IGJ_S_STRING = IGJ_S_TABLE,
    IGJ_S_ESCAPE,
    IGJ_S_HEX,
    IGJ_S_LITERAL,
    IGJ_S_NUMBER                   /* and the states of igj_number_e */
};


/*
 * Each takes one byte, or bytes from *pos on up to the end of the slice, and
 * leaves *pos behind the last one taken; on IGJ_ERROR at the faulty one.
 */
int igj_scan_string(igj_scan_t *scan, const char **pos, const char *end);
int igj_scan_escape(igj_scan_t *scan, char c);
int igj_scan_hex(igj_scan_t *scan, char c);
int igj_scan_literal(igj_scan_t *scan, char c);
int igj_scan_number(igj_scan_t *scan, const char **pos, const char *end);

/* The number ends with the run of bytes. */
int igj_scan_number_done(igj_scan_t *scan, const char *run, size_t len);

/* Delivers an event without text. */
int igj_scan_emit_type(igj_scan_t *scan, igj_scan_type_e type);


static inline int
igj_scan_fail(igj_scan_t *scan, igj_scan_error_e error)
{
    scan->error = error;
    return IGJ_ERROR;
}


static inline int
igj_scan_emit(igj_scan_t *scan, const igj_scan_event_t *event)
{
    if (scan->handler(scan->data, scan, event) == IGJ_OK) {
        return IGJ_OK;
    }

    return igj_scan_fail(scan, IGJ_SCAN_STOPPED);
}


/* A value has ended: what may follow depends on what it stands in. */
static inline void
igj_scan_value_done(igj_scan_t *scan)
{
    if (scan->depth == 0) {
        scan->state = IGJ_S_DONE;

    } else if (scan->frame[scan->depth - 1].is_array) {
        scan->state = IGJ_S_AFTER_ELEMENT;

    } else {
        scan->state = IGJ_S_AFTER_MEMBER;
    }
}


/* text_len and total mean something only once the buffer is in use. */
static inline void
igj_scan_text_begin(igj_scan_t *scan, unsigned state)
{
    scan->state = (uint8_t) state;
    scan->flags = 0;
    scan->copied = 0;
}


#endif /* IGJ_SCAN_INNER_H */
