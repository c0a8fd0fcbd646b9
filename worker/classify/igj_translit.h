/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Words of other alphabets in Latin letters, the way people write their names
 * abroad: Cyrillic, Greek, Georgian, Armenian, the scripts of India, Japanese
 * syllables and Korean.  No state: any thread may call.
 */

#ifndef IGJ_TRANSLIT_H
#define IGJ_TRANSLIT_H

#include "igj_base.h"


#define IGJ_TRANSLIT_MAX  64


/*
 * Takes a folded word (UTF-8); writes at most IGJ_TRANSLIT_MAX letters a to z
 * and no NUL.  Returns their number, 0 if a letter is not known.
 */
size_t igj_translit(const char *word, size_t len,
    char out[IGJ_TRANSLIT_MAX]);


#endif /* IGJ_TRANSLIT_H */
