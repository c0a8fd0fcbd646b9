/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Incremental JSON scanner, between values: one table decides what a byte
 * means, by what may stand here (state) and by the kind of byte.
 */

#include "igj_scan_inner.h"

#include <string.h>


/* Kinds of bytes between values. */

enum {
    IGJ_C_OTHER = 0,
    IGJ_C_SPACE,
    IGJ_C_BRACE,
    IGJ_C_BRACE_END,
    IGJ_C_BRACKET,
    IGJ_C_BRACKET_END,
    IGJ_C_COMMA,
    IGJ_C_COLON,
    IGJ_C_QUOTE,
    IGJ_C_NUMBER,
    IGJ_C_LITERAL,
    IGJ_C_COUNT
};


/* What to do with one. */

enum {
    IGJ_A_ERROR = 0,
    IGJ_A_SKIP,
    IGJ_A_OBJECT,
    IGJ_A_OBJECT_END,
    IGJ_A_ARRAY,
    IGJ_A_ARRAY_END,
    IGJ_A_NEXT,                    /* a comma */
    IGJ_A_COLON,
    IGJ_A_STRING,
    IGJ_A_KEY,
    IGJ_A_NUMBER,
    IGJ_A_LITERAL
};


static const uint8_t  igj_scan_class[256] = {
    [' '] = IGJ_C_SPACE, ['\t'] = IGJ_C_SPACE,
    ['\n'] = IGJ_C_SPACE, ['\r'] = IGJ_C_SPACE,
    ['{'] = IGJ_C_BRACE, ['}'] = IGJ_C_BRACE_END,
    ['['] = IGJ_C_BRACKET, [']'] = IGJ_C_BRACKET_END,
    [','] = IGJ_C_COMMA, [':'] = IGJ_C_COLON, ['"'] = IGJ_C_QUOTE,
    ['-'] = IGJ_C_NUMBER, ['0'] = IGJ_C_NUMBER, ['1'] = IGJ_C_NUMBER,
    ['2'] = IGJ_C_NUMBER, ['3'] = IGJ_C_NUMBER, ['4'] = IGJ_C_NUMBER,
    ['5'] = IGJ_C_NUMBER, ['6'] = IGJ_C_NUMBER, ['7'] = IGJ_C_NUMBER,
    ['8'] = IGJ_C_NUMBER, ['9'] = IGJ_C_NUMBER,
    ['t'] = IGJ_C_LITERAL, ['f'] = IGJ_C_LITERAL, ['n'] = IGJ_C_LITERAL
};


#define IGJ_SCAN_VALUES                                                       \
    [IGJ_C_SPACE] = IGJ_A_SKIP,                                               \
    [IGJ_C_BRACE] = IGJ_A_OBJECT,                                             \
    [IGJ_C_BRACKET] = IGJ_A_ARRAY,                                            \
    [IGJ_C_QUOTE] = IGJ_A_STRING,                                             \
    [IGJ_C_NUMBER] = IGJ_A_NUMBER,                                            \
    [IGJ_C_LITERAL] = IGJ_A_LITERAL

static const uint8_t  igj_scan_action[IGJ_S_TABLE][IGJ_C_COUNT] = {
    [IGJ_S_START] = { IGJ_SCAN_VALUES },
    [IGJ_S_VALUE] = { IGJ_SCAN_VALUES },
    [IGJ_S_FIRST_ELEMENT] = { IGJ_SCAN_VALUES,
                              [IGJ_C_BRACKET_END] = IGJ_A_ARRAY_END },
    [IGJ_S_FIRST_KEY] = { [IGJ_C_SPACE] = IGJ_A_SKIP,
                          [IGJ_C_QUOTE] = IGJ_A_KEY,
                          [IGJ_C_BRACE_END] = IGJ_A_OBJECT_END },
    [IGJ_S_KEY] = { [IGJ_C_SPACE] = IGJ_A_SKIP,
                    [IGJ_C_QUOTE] = IGJ_A_KEY },
    [IGJ_S_COLON] = { [IGJ_C_SPACE] = IGJ_A_SKIP,
                      [IGJ_C_COLON] = IGJ_A_COLON },
    [IGJ_S_AFTER_ELEMENT] = { [IGJ_C_SPACE] = IGJ_A_SKIP,
                              [IGJ_C_COMMA] = IGJ_A_NEXT,
                              [IGJ_C_BRACKET_END] = IGJ_A_ARRAY_END },
    [IGJ_S_AFTER_MEMBER] = { [IGJ_C_SPACE] = IGJ_A_SKIP,
                             [IGJ_C_COMMA] = IGJ_A_NEXT,
                             [IGJ_C_BRACE_END] = IGJ_A_OBJECT_END },
    [IGJ_S_DONE] = { [IGJ_C_SPACE] = IGJ_A_SKIP }
};


static const uint8_t  igj_scan_wanted[IGJ_S_TABLE] = {
    [IGJ_S_START] = IGJ_SCAN_WANT_VALUE,
    [IGJ_S_VALUE] = IGJ_SCAN_WANT_VALUE,
    [IGJ_S_FIRST_ELEMENT] = IGJ_SCAN_WANT_VALUE_OR_END,
    [IGJ_S_FIRST_KEY] = IGJ_SCAN_WANT_KEY_OR_END,
    [IGJ_S_KEY] = IGJ_SCAN_WANT_KEY,
    [IGJ_S_COLON] = IGJ_SCAN_WANT_COLON,
    [IGJ_S_AFTER_ELEMENT] = IGJ_SCAN_WANT_COMMA_OR_BRACKET,
    [IGJ_S_AFTER_MEMBER] = IGJ_SCAN_WANT_COMMA_OR_BRACE,
    [IGJ_S_DONE] = IGJ_SCAN_TRAILING
};


void
igj_scan_init(igj_scan_t *scan, char *text, size_t text_size,
    unsigned max_depth, igj_scan_handler_pt handler, void *data)
{
    /* members and frames are written before they are read */
    memset(scan, 0, offsetof(igj_scan_t, members));

    scan->text = text;
    scan->text_size = text_size;
    scan->max_depth = max_depth;
    scan->handler = handler;
    scan->data = data;
    scan->state = IGJ_S_START;
}


int
igj_scan_emit_type(igj_scan_t *scan, igj_scan_type_e type)
{
    igj_scan_event_t  event;

    memset(&event, 0, sizeof(igj_scan_event_t));
    event.type = type;

    return igj_scan_emit(scan, &event);
}


static int
igj_scan_open(igj_scan_t *scan, igj_scan_type_e type)
{
    igj_scan_frame_t  *frame;

    if (scan->depth == scan->max_depth) {
        return igj_scan_fail(scan, IGJ_SCAN_TOO_DEEP);
    }

    if (igj_scan_emit_type(scan, type) != IGJ_OK) {
        return IGJ_ERROR;
    }

    frame = &scan->frame[scan->depth++];
    frame->index = 0;
    frame->is_array = (type == IGJ_SCAN_ARRAY_BEGIN);
    frame->key_len = IGJ_SCAN_NO_KEY;

    scan->state = frame->is_array ? IGJ_S_FIRST_ELEMENT : IGJ_S_FIRST_KEY;

    return IGJ_OK;
}


static int
igj_scan_close(igj_scan_t *scan, igj_scan_type_e type)
{
    scan->depth--;
    igj_scan_value_done(scan);

    return igj_scan_emit_type(scan, type);
}


/* A byte between values that is not the beginning of a string or a comma. */
static int
igj_scan_other(igj_scan_t *scan, char c, unsigned action)
{
    switch (action) {

    case IGJ_A_OBJECT:
        return igj_scan_open(scan, IGJ_SCAN_OBJECT_BEGIN);

    case IGJ_A_OBJECT_END:
        return igj_scan_close(scan, IGJ_SCAN_OBJECT_END);

    case IGJ_A_ARRAY:
        return igj_scan_open(scan, IGJ_SCAN_ARRAY_BEGIN);

    case IGJ_A_ARRAY_END:
        return igj_scan_close(scan, IGJ_SCAN_ARRAY_END);

    case IGJ_A_COLON:
        scan->state = IGJ_S_VALUE;
        return IGJ_OK;

    case IGJ_A_LITERAL:
        scan->literal = (c == 't') ? 0 : (c == 'f') ? 1 : 2;
        scan->literal_len = 1;
        scan->state = IGJ_S_LITERAL;
        return IGJ_OK;

    default:
        if (c == '\xEF' && scan->state == IGJ_S_START) {
            return igj_scan_fail(scan, IGJ_SCAN_BYTE_ORDER_MARK);
        }

        return igj_scan_fail(scan, igj_scan_wanted[scan->state]);
    }
}


/* Between values, and through strings that end in the same slice. */
static int
igj_scan_between(igj_scan_t *scan, const char **pos, const char *end)
{
    int                rc;
    unsigned           action;
    igj_scan_frame_t  *frame;

    while (*pos < end && scan->state < IGJ_S_TABLE) {
        action = igj_scan_action[scan->state]
                                [igj_scan_class[(unsigned char) **pos]];
        switch (action) {

        case IGJ_A_STRING:
        case IGJ_A_KEY:
            (*pos)++;
            scan->is_key = (action == IGJ_A_KEY);
            igj_scan_text_begin(scan, IGJ_S_STRING);
            rc = igj_scan_string(scan, pos, end);
            break;

        case IGJ_A_NEXT:
            (*pos)++;
            frame = &scan->frame[scan->depth - 1];
            frame->index++;
            frame->key_len = IGJ_SCAN_NO_KEY;
            scan->state = frame->is_array ? IGJ_S_VALUE : IGJ_S_KEY;
            continue;

        case IGJ_A_SKIP:
            (*pos)++;
            continue;

        case IGJ_A_NUMBER:
            igj_scan_text_begin(scan, IGJ_S_NUMBER);
            return IGJ_OK;

        default:
            rc = igj_scan_other(scan, **pos, action);
            *pos += (rc == IGJ_OK);
        }

        if (rc != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    return IGJ_OK;
}


igj_scan_error_e
igj_scan_feed(igj_scan_t *scan, const void *data, size_t len)
{
    int          rc;
    const char  *begin, *p, *end;

    begin = data;
    end = begin + len;
    rc = (scan->error == IGJ_SCAN_OK) ? IGJ_OK : IGJ_ERROR;

    for (p = begin; p < end && rc == IGJ_OK; /* void */ ) {

        switch (scan->state) {

        case IGJ_S_STRING:
            rc = igj_scan_string(scan, &p, end);
            break;

        case IGJ_S_ESCAPE:
            rc = igj_scan_escape(scan, *p);
            p += (rc == IGJ_OK);
            break;

        case IGJ_S_HEX:
            rc = igj_scan_hex(scan, *p);
            p += (rc == IGJ_OK);
            break;

        case IGJ_S_LITERAL:
            rc = igj_scan_literal(scan, *p);
            p += (rc == IGJ_OK);
            break;

        default:
            rc = (scan->state < IGJ_S_TABLE)
                 ? igj_scan_between(scan, &p, end)
                 : igj_scan_number(scan, &p, end);
        }
    }

    scan->offset += (uint64_t) (p - begin);

    return scan->error;
}


igj_scan_error_e
igj_scan_finish(igj_scan_t *scan)
{
    if (scan->error != IGJ_SCAN_OK) {
        return scan->error;
    }

    if (scan->state >= IGJ_S_NUMBER && scan->depth == 0
        && igj_number_complete((igj_number_e) (scan->state - IGJ_S_NUMBER)))
    {
        (void) igj_scan_number_done(scan, scan->text, 0);
    }

    if (scan->error == IGJ_SCAN_OK && scan->state != IGJ_S_DONE) {
        scan->error = (scan->state == IGJ_S_START) ? IGJ_SCAN_EMPTY
                                                   : IGJ_SCAN_UNFINISHED;
    }

    return scan->error;
}
