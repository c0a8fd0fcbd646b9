/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Scripts whose letters are syllables: Japanese kana, Korean. */

#ifndef IGJ_TRANSLIT_ASIA_H
#define IGJ_TRANSLIT_ASIA_H

#include "igj_translit.h"


/* Latin letters in progress. */
typedef struct {
    size_t  len;
    char    text[IGJ_TRANSLIT_MAX + 1];
} igj_translit_t;


/* Appends as much as there is room for. */
void igj_translit_put(igj_translit_t *out, const char *text, size_t len);

/* Append one character; 0 if it is not of this script. */
int igj_translit_kana(uint32_t c, igj_translit_t *out);
int igj_translit_hangul(uint32_t c, igj_translit_t *out);


#endif /* IGJ_TRANSLIT_ASIA_H */
