/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * From decorated text to plain letters: fullwidth, mathematical, circled,
 * squared letters and small capitals become a to z, accents are dropped,
 * invisible characters vanish; other scripts are lower-cased and kept.
 * No state: any thread may call.
 */

#ifndef IGJ_FOLD_H
#define IGJ_FOLD_H

#include "igj_base.h"


#define IGJ_FOLD_MAX        3              /* code points out of one */
#define IGJ_FOLD_SEPARATOR  (-1)


/*
 * Takes one code point off text (len is at least 1).  A byte that cannot
 * stand there is U+FFFD.  Returns the number of bytes taken.
 */
unsigned igj_fold_decode(const char *text, size_t len, uint32_t *c);

/*
 * What c becomes: the number of code points put into out, 0 if c is to be
 * dropped, IGJ_FOLD_SEPARATOR if it is neither letter nor digit.
 */
int igj_fold(uint32_t c, uint32_t out[IGJ_FOLD_MAX]);

/* The small letter with its accent; any other code point as it is. */
uint32_t igj_fold_lower(uint32_t c);

/*
 * The letter a to z that a Greek or Cyrillic letter (not folded), or a symbol
 * within a word, is drawn like; 0 if like none.
 */
uint32_t igj_fold_look_alike(uint32_t c);

/* The letter a to z that a digit within a word stands for, or 0. */
uint32_t igj_fold_leet(uint32_t digit);


#endif /* IGJ_FOLD_H */
