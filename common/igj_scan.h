/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Incremental JSON scanner (RFC 8259, strict).  The document is fed in slices
 * of any size; the events do not depend on where the slices are cut.  The
 * state is fixed in size, nothing is allocated and no slice is kept.
 *
 * One event comes for each value and each key.  Its text is decoded UTF-8 and
 * points either into the slice or into the caller's text buffer, so it holds
 * only during the call of the handler.  A text longer than the buffer is
 * delivered once, cut to the buffer's size and flagged IGJ_SCAN_CUT.
 *
 * The scanner is at the path of the value of the event: depth is the number of
 * open containers around it, frame[depth - 1] says which element or member of
 * the innermost it is.  A container's BEGIN and END have the same path.
 */

#ifndef IGJ_SCAN_H
#define IGJ_SCAN_H

#include "igj_base.h"
#include "igj_limits.h"
#include "igj_utf8.h"


#define IGJ_SCAN_MAX_DEPTH  32             /* the most that init() accepts */


typedef enum {
    IGJ_SCAN_OBJECT_BEGIN = 0,
    IGJ_SCAN_OBJECT_END,
    IGJ_SCAN_ARRAY_BEGIN,
    IGJ_SCAN_ARRAY_END,
    IGJ_SCAN_KEY,
    IGJ_SCAN_STRING,
    IGJ_SCAN_NUMBER,
    IGJ_SCAN_TRUE,
    IGJ_SCAN_FALSE,
    IGJ_SCAN_NULL
} igj_scan_type_e;


/* Flags of an event's text */

#define IGJ_SCAN_CUT        0x01u  /* longer than the text buffer */
#define IGJ_SCAN_NUL        0x02u  /* contains \u0000, kept as a zero byte */
#define IGJ_SCAN_SURROGATE  0x04u  /* half a surrogate pair, now U+FFFD */
#define IGJ_SCAN_FLOAT      0x08u  /* number with a fraction or an exponent */

/* Text that must not reach Postgres or be taken for what was meant. */
#define IGJ_SCAN_UNSAFE     (IGJ_SCAN_CUT|IGJ_SCAN_NUL|IGJ_SCAN_SURROGATE)


typedef struct {
    igj_scan_type_e  type;
    unsigned         flags;
    igj_str_t        text;         /* of KEY, STRING and NUMBER */
    size_t           total;        /* bytes of the text before it was cut */
} igj_scan_event_t;


typedef enum {
    IGJ_SCAN_OK = 0,
    IGJ_SCAN_STOPPED,              /* the handler returned IGJ_ERROR */
    IGJ_SCAN_EMPTY,                /* no value at all */
    IGJ_SCAN_UNFINISHED,           /* the document ends too early */
    IGJ_SCAN_BYTE_ORDER_MARK,
    IGJ_SCAN_WANT_VALUE,
    IGJ_SCAN_WANT_VALUE_OR_END,    /* after "[" */
    IGJ_SCAN_WANT_KEY,             /* after "," in an object */
    IGJ_SCAN_WANT_KEY_OR_END,      /* after "{" */
    IGJ_SCAN_WANT_COLON,
    IGJ_SCAN_WANT_COMMA_OR_BRACKET,
    IGJ_SCAN_WANT_COMMA_OR_BRACE,
    IGJ_SCAN_TRAILING,             /* something after the document */
    IGJ_SCAN_BAD_LITERAL,          /* not true, false or null */
    IGJ_SCAN_BAD_NUMBER,
    IGJ_SCAN_LONG_NUMBER,          /* over IGJ_JSON_MAX_NUMBER */
    IGJ_SCAN_CONTROL,              /* raw control character in a string */
    IGJ_SCAN_BAD_ESCAPE,
    IGJ_SCAN_BAD_HEX,
    IGJ_SCAN_BAD_UTF8,
    IGJ_SCAN_TOO_DEEP,
    IGJ_SCAN_DUPLICATE,            /* key twice in the outermost object */
    IGJ_SCAN_TOO_MANY_MEMBERS      /* over IGJ_JSON_MAX_MEMBERS there */
} igj_scan_error_e;


#define IGJ_SCAN_NO_KEY  255         /* key_len before and between members */

typedef struct {
    uint32_t         index;        /* of the element or member, from 0 */
    uint8_t          is_array;
    uint8_t          key_len;      /* the first IGJ_JSON_MAX_KEY bytes */
    char             key[IGJ_JSON_MAX_KEY];
} igj_scan_frame_t;


typedef struct igj_scan_s  igj_scan_t;

/* IGJ_OK to go on, IGJ_ERROR to stop for good. */
typedef int (*igj_scan_handler_pt)(void *data, const igj_scan_t *scan,
    const igj_scan_event_t *event);


/* Read depth, frame, error and offset; the rest is the scanner's own. */
struct igj_scan_s {
    unsigned             depth;
    igj_scan_error_e     error;
    uint64_t             offset;   /* bytes taken; at an error, its place */

    igj_scan_handler_pt  handler;
    void                *data;
    char                *text;     /* caller's buffer */
    size_t               text_size;
    size_t               text_len; /* of it in use */
    size_t               total;    /* decoded bytes of the text so far */
    unsigned             flags;

    uint8_t              state;
    uint8_t              is_key;   /* the string is a key */
    uint8_t              copied;   /* the text is in the buffer */
    uint8_t              literal;  /* which one, and how far */
    uint8_t              literal_len;
    uint8_t              hex_left; /* digits of \uXXXX to come */
    unsigned             max_depth;
    uint16_t             hex;
    uint16_t             high;     /* first half of a surrogate pair, or 0 */
    igj_utf8_t           utf8;     /* sequence in progress */

    unsigned             nmembers;
    uint64_t             members[IGJ_JSON_MAX_MEMBERS];  /* hashes of keys */
    igj_scan_frame_t     frame[IGJ_SCAN_MAX_DEPTH];
};


/*
 * Prepares a scanner.  The text buffer is the caller's, lives as long as the
 * scanner and has at least IGJ_JSON_MAX_NUMBER bytes; max_depth is the number
 * of containers that may be open at once, 1 to IGJ_SCAN_MAX_DEPTH.
 */
void igj_scan_init(igj_scan_t *scan, char *text, size_t text_size,
    unsigned max_depth, igj_scan_handler_pt handler, void *data);

/*
 * Takes the next slice.  Returns IGJ_SCAN_OK or the error, which is final:
 * every later call returns it again.
 */
IGJ_MUST_CHECK igj_scan_error_e igj_scan_feed(igj_scan_t *scan,
    const void *data, size_t len);

/* Says that the document ends here; returns whether it is whole. */
IGJ_MUST_CHECK igj_scan_error_e igj_scan_finish(igj_scan_t *scan);

/* What the error means, a sentence without its place. */
const char *igj_scan_error_text(igj_scan_error_e error);

/*
 * Writes the JSON Pointer of the current value as a URI fragment
 * ("#/accounts/3"), NUL-terminated and cut to size.  Returns its length.
 */
size_t igj_scan_pointer(const igj_scan_t *scan, char *buf, size_t size);


#endif /* IGJ_SCAN_H */
