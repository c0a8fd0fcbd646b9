/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 */

#ifndef IGJ_UTF8_H
#define IGJ_UTF8_H

#include "igj_base.h"

#include <string.h>


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


/* The high bit of the first byte that is not plain; of later ones, anything. */
static inline uint64_t
igj_utf8_not_plain(uint64_t word)
{
    const uint64_t  ones = 0x0101010101010101ULL;

    uint64_t  control, quote, backslash;

    control = word - ones * 0x20;
    quote = (word ^ (ones * '"')) - ones;
    backslash = (word ^ (ones * '\\')) - ones;

    return (word | control | quote | backslash) & (ones * 0x80);
}


/*
 * Length of the prefix of plain ASCII that JSON needs no escape for: no
 * control character, no quote, no backslash.  Here because short texts are
 * read and written by the million; eight bytes a step.
 */
static inline size_t
igj_utf8_plain(const char *text, size_t len)
{
    size_t         i;
    uint64_t       word;
    unsigned char  c;

    for (i = 0; len - i >= 8; i += 8) {
        memcpy(&word, text + i, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        word = igj_utf8_not_plain(word);

        if (word != 0) {
            return i + (unsigned) __builtin_ctzll(word) / 8;
        }
    }

    for ( /* void */ ; i < len; i++) {
        c = (unsigned char) text[i];

        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') {
            break;
        }
    }

    return i;
}


#endif /* IGJ_UTF8_H */
