/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A profile's name cut into folded words.  The caller owns the array; no
 * state, any thread may call.
 */

#ifndef IGJ_TOKENS_H
#define IGJ_TOKENS_H

#include "igj_base.h"


#define IGJ_TOKENS_READ_MAX  512           /* bytes of a name that are read */
#define IGJ_TOKENS_MAX       16            /* words kept */
#define IGJ_TOKEN_SIZE       44            /* bytes of a word kept */


/* What stands between a word and the one before; the strongest wins. */
typedef enum {
    IGJ_BREAK_SPACE = 0,
    IGJ_BREAK_HYPHEN,
    IGJ_BREAK_AND,               /* & or +: somebody else */
    IGJ_BREAK_COMMA,
    IGJ_BREAK_SLASH,
    IGJ_BREAK_STRONG,            /* | and the like: a new subject */
    IGJ_BREAK_START              /* nothing: the first word */
} igj_break_e;


/* How a word was written */

#define IGJ_TOKEN_UPPER    0x01u           /* capitals only, two or more */
#define IGJ_TOKEN_ACCENT   0x02u           /* "exact" differs from "text" */
#define IGJ_TOKEN_BRACKET  0x04u           /* within brackets or quotes */
#define IGJ_TOKEN_FOREIGN  0x08u           /* not in Latin letters */
#define IGJ_TOKEN_CUT      0x10u           /* longer than it can be kept */
#define IGJ_TOKEN_CAPITAL  0x20u           /* begins with a capital */


typedef struct {
    uint8_t  before;                       /* igj_break_e */
    uint8_t  flags;
    uint8_t  len;                          /* bytes of text */
    uint8_t  letters;                      /* code points of text */
    uint8_t  camel;                        /* bytes before an inner capital */
    uint8_t  exact_len;
    char     text[IGJ_TOKEN_SIZE];         /* folded, UTF-8, no NUL */
    char     exact[IGJ_TOKEN_SIZE];        /* lower case with its accents */
} igj_token_t;


typedef struct {
    unsigned     n;
    int          emoji;                    /* above 0: of women, below: men */
    igj_token_t  token[IGJ_TOKENS_MAX];
} igj_tokens_t;


/* Any bytes; only the first IGJ_TOKENS_READ_MAX of them are looked at. */
void igj_tokens_read(igj_tokens_t *tokens, const char *text, size_t len);


#endif /* IGJ_TOKENS_H */
