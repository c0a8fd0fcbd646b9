/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 */

#ifndef IGJ_UTF8_H
#define IGJ_UTF8_H

#include "igj_base.h"


#define IGJ_UTF8_REPLACEMENT  "\xEF\xBF\xBD"   /* U+FFFD */


/* A sequence in progress: all zero between characters. */
typedef struct {
    uint8_t  left;                 /* continuation bytes to come */
    uint8_t  low;                  /* range of the next one */
    uint8_t  high;
} igj_utf8_t;


/* Takes one byte; IGJ_ERROR when it cannot stand here. */
IGJ_MUST_CHECK int igj_utf8_step(igj_utf8_t *u, unsigned char byte);

/* Length of the longest valid prefix; equal to len when all is valid. */
size_t igj_utf8_valid(const char *text, size_t len);

/*
 * Length of the prefix of plain ASCII that JSON needs no escape for: no
 * control character, no quote, no backslash.  Eight bytes a step.
 */
size_t igj_utf8_plain(const char *text, size_t len);

/*
 * Length (1 to 4) of the character at text, or 0 when it is not valid; then
 * *bad is the number of bytes that one U+FFFD stands for.  len is at least 1.
 */
unsigned igj_utf8_char(const char *text, size_t len, unsigned *bad);

/*
 * Copies text with each faulty part replaced by U+FFFD; never cuts a
 * character.  Returns the bytes needed (at most 3 * len); writes at most size
 * of them, and no NUL.
 */
size_t igj_utf8_repair(char *out, size_t size, const char *text, size_t len);

/* Writes the character (not a surrogate); returns its length, 1 to 4. */
unsigned igj_utf8_put(char out[4], uint32_t character);


#endif /* IGJ_UTF8_H */
