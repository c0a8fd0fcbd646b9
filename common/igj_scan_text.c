/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Incremental JSON scanner, inside of a value: strings, numbers and literals.
 * Each of these loops can stop after any byte and go on in the next slice.
 */

#include "igj_scan_inner.h"

#include <string.h>


typedef struct {
    const char       *text;
    size_t            len;
    igj_scan_type_e   type;
} igj_scan_literal_t;

static const igj_scan_literal_t  igj_scan_literals[] = {
    { "true", 4, IGJ_SCAN_TRUE },
    { "false", 5, IGJ_SCAN_FALSE },
    { "null", 4, IGJ_SCAN_NULL }
};


/* Appends decoded bytes to the caller's buffer, as far as it goes. */
static void
igj_scan_text_append(igj_scan_t *scan, const char *text, size_t len)
{
    size_t  n;

    if (!scan->copied) {
        scan->copied = 1;
        scan->text_len = 0;
        scan->total = 0;
    }

    n = scan->text_size - scan->text_len;

    if (n > len) {
        n = len;
    }

    memcpy(scan->text + scan->text_len, text, n);

    scan->text_len += n;
    scan->total += len;
}


/* The text ends with the run of bytes at `run`; the buffer may be unused. */
static inline void
igj_scan_text_end(igj_scan_t *scan, igj_scan_event_t *event, const char *run,
    size_t len)
{
    if (scan->copied) {
        igj_scan_text_append(scan, run, len);
        event->text.data = scan->text;
        event->text.len = scan->text_len;
        event->total = scan->total;

    } else {
        event->text.data = run;
        event->text.len = (len < scan->text_size) ? len : scan->text_size;
        event->total = len;
    }

    event->flags = scan->flags;

    if (event->text.len < event->total) {
        event->flags |= IGJ_SCAN_CUT;
    }
}


/* FNV-1a, over the length too: keys longer than the buffer are cut. */
static uint64_t
igj_scan_key_hash(const igj_scan_event_t *event)
{
    size_t    i;
    uint64_t  hash;

    hash = 0xCBF29CE484222325ULL ^ event->total;

    for (i = 0; i < event->text.len; i++) {
        hash = (hash ^ (unsigned char) event->text.data[i])
               * 0x100000001B3ULL;
    }

    return hash;
}


static int
igj_scan_member_is_new(igj_scan_t *scan, const igj_scan_event_t *event)
{
    unsigned  i;
    uint64_t  hash;

    hash = igj_scan_key_hash(event);

    for (i = 0; i < scan->nmembers; i++) {
        if (scan->members[i] == hash) {
            return igj_scan_fail(scan, IGJ_SCAN_DUPLICATE);
        }
    }

    if (scan->nmembers == IGJ_JSON_MAX_MEMBERS) {
        return igj_scan_fail(scan, IGJ_SCAN_TOO_MANY_MEMBERS);
    }

    scan->members[scan->nmembers++] = hash;

    return IGJ_OK;
}


static int
igj_scan_key_done(igj_scan_t *scan, igj_scan_event_t *event)
{
    size_t             len;
    igj_scan_frame_t  *frame;

    frame = &scan->frame[scan->depth - 1];

    len = event->text.len;

    if (len > IGJ_JSON_MAX_KEY) {
        len = IGJ_JSON_MAX_KEY;
    }

    memcpy(frame->key, event->text.data, len);
    frame->key_len = (uint8_t) len;

    if (scan->depth == 1 && igj_scan_member_is_new(scan, event) != IGJ_OK) {
        return IGJ_ERROR;
    }

    scan->state = IGJ_S_COLON;
    event->type = IGJ_SCAN_KEY;

    return igj_scan_emit(scan, event);
}


static inline int
igj_scan_string_done(igj_scan_t *scan, const char *run, size_t len)
{
    igj_scan_event_t  event;

    igj_scan_text_end(scan, &event, run, len);

    if (scan->is_key) {
        return igj_scan_key_done(scan, &event);
    }

    igj_scan_value_done(scan);
    event.type = IGJ_SCAN_STRING;

    return igj_scan_emit(scan, &event);
}


/* Half a surrogate pair turned out to stand alone. */
static void
igj_scan_lone_surrogate(igj_scan_t *scan)
{
    scan->high = 0;
    scan->flags |= IGJ_SCAN_SURROGATE;
    igj_scan_text_append(scan, IGJ_UTF8_REPLACEMENT,
                         sizeof(IGJ_UTF8_REPLACEMENT) - 1);
}


/* Inside of a string, outside of an escape. */
int
igj_scan_string(igj_scan_t *scan, const char **pos, const char *end)
{
    const char     *p, *run;
    unsigned char   c;

    run = *pos;

    if (scan->high != 0 && *run != '\\') {
        igj_scan_lone_surrogate(scan);
    }

    for (p = run; p < end; p++) {

        if (scan->utf8.left == 0) {
            p += igj_utf8_plain(p, (size_t) (end - p));

            if (p == end) {
                break;
            }
        }

        *pos = p;
        c = (unsigned char) *p;

        if (c >= 0x80 || scan->utf8.left != 0) {
            if (igj_utf8_step(&scan->utf8, c) != IGJ_OK) {
                return igj_scan_fail(scan, IGJ_SCAN_BAD_UTF8);
            }

            continue;
        }

        if (c == '"') {
            *pos = p + 1;
            return igj_scan_string_done(scan, run, (size_t) (p - run));
        }

        if (c != '\\') {
            return igj_scan_fail(scan, IGJ_SCAN_CONTROL);
        }

        scan->state = IGJ_S_ESCAPE;
        break;
    }

    igj_scan_text_append(scan, run, (size_t) (p - run));
    *pos = (p == end) ? p : p + 1;

    return IGJ_OK;
}


/* The character after a backslash. */
int
igj_scan_escape(igj_scan_t *scan, char c)
{
    static const char  from[] = "\"\\/bfnrt";
    static const char  to[] = "\"\\/\b\f\n\r\t";

    const char  *found;

    if (c == 'u') {
        scan->state = IGJ_S_HEX;
        scan->hex = 0;
        scan->hex_left = 4;
        return IGJ_OK;
    }

    found = memchr(from, c, sizeof(from) - 1);

    if (found == NULL) {
        return igj_scan_fail(scan, IGJ_SCAN_BAD_ESCAPE);
    }

    if (scan->high != 0) {
        igj_scan_lone_surrogate(scan);
    }

    igj_scan_text_append(scan, &to[found - from], 1);
    scan->state = IGJ_S_STRING;

    return IGJ_OK;
}


/* All four digits of \uXXXX are there. */
static void
igj_scan_hex_done(igj_scan_t *scan)
{
    char      text[4];
    uint32_t  c;

    c = scan->hex;
    scan->state = IGJ_S_STRING;

    if (scan->high != 0) {

        if (c >= 0xDC00 && c <= 0xDFFF) {
            c = 0x10000 + ((uint32_t) (scan->high - 0xD800) << 10)
                + (c - 0xDC00);
            scan->high = 0;
            igj_scan_text_append(scan, text, igj_utf8_put(text, c));
            return;
        }

        igj_scan_lone_surrogate(scan);
    }

    if (c >= 0xD800 && c <= 0xDBFF) {
        scan->high = (uint16_t) c;
        return;
    }

    if (c >= 0xDC00 && c <= 0xDFFF) {
        igj_scan_lone_surrogate(scan);
        return;
    }

    if (c == 0) {
        scan->flags |= IGJ_SCAN_NUL;
    }

    igj_scan_text_append(scan, text, igj_utf8_put(text, c));
}


int
igj_scan_hex(igj_scan_t *scan, char c)
{
    unsigned  digit;

    if (c >= '0' && c <= '9') {
        digit = (unsigned) (c - '0');

    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        digit = (unsigned) ((c | 0x20) - 'a') + 10;

    } else {
        return igj_scan_fail(scan, IGJ_SCAN_BAD_HEX);
    }

    scan->hex = (uint16_t) (scan->hex << 4 | digit);

    if (--scan->hex_left == 0) {
        igj_scan_hex_done(scan);
    }

    return IGJ_OK;
}


int
igj_scan_literal(igj_scan_t *scan, char c)
{
    const igj_scan_literal_t  *literal;

    literal = &igj_scan_literals[scan->literal];

    if (c != literal->text[scan->literal_len]) {
        return igj_scan_fail(scan, IGJ_SCAN_BAD_LITERAL);
    }

    if (++scan->literal_len < literal->len) {
        return IGJ_OK;
    }

    igj_scan_value_done(scan);

    return igj_scan_emit_type(scan, literal->type);
}


int
igj_scan_number_done(igj_scan_t *scan, const char *run, size_t len)
{
    unsigned          number;
    igj_scan_event_t  event;

    number = (unsigned) scan->state - IGJ_S_NUMBER;

    if (number == IGJ_NUMBER_FRACTION || number == IGJ_NUMBER_EXPONENT) {
        scan->flags |= IGJ_SCAN_FLOAT;
    }

    igj_scan_text_end(scan, &event, run, len);
    igj_scan_value_done(scan);
    event.type = IGJ_SCAN_NUMBER;

    return igj_scan_emit(scan, &event);
}


int
igj_scan_number(igj_scan_t *scan, const char **pos, const char *end)
{
    size_t         before;
    const char    *p, *run;
    igj_number_e   state;

    run = *pos;
    before = scan->copied ? scan->total : 0;

    for (p = run; p < end; p++) {
        *pos = p;
        state = igj_number_step((igj_number_e) (scan->state - IGJ_S_NUMBER),
                                (unsigned char) *p);

        if (state == IGJ_NUMBER_END) {
            return igj_scan_number_done(scan, run, (size_t) (p - run));
        }

        if (state == IGJ_NUMBER_BAD) {
            return igj_scan_fail(scan, IGJ_SCAN_BAD_NUMBER);
        }

        if (before + (size_t) (p - run) == IGJ_JSON_MAX_NUMBER) {
            return igj_scan_fail(scan, IGJ_SCAN_LONG_NUMBER);
        }

        scan->state = (uint8_t) (IGJ_S_NUMBER + state);
    }

    igj_scan_text_append(scan, run, (size_t) (p - run));
    *pos = p;

    return IGJ_OK;
}
