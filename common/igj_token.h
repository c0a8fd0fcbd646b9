/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Page tokens: where a list goes on, and a keyed hash of that and of what the
 * list is of, so that a token serves no other list.  The same tokens as those
 * of igjobs.token() in SQL.
 */

#ifndef IGJ_TOKEN_H
#define IGJ_TOKEN_H

#include "igj_base.h"


#define IGJ_PAGE_TOKEN_POSITION_MAX  32     /* bytes of a position */
#define IGJ_PAGE_TOKEN_SCOPE_MAX     384    /* of a scope */
#define IGJ_PAGE_TOKEN_KEY_MAX       128    /* of a key */
#define IGJ_PAGE_TOKEN_MAX           64     /* of a token, base64url */


/*
 * Writes the token, without a NUL, and returns its length; 0: something is
 * longer than above.
 */
size_t igj_token_make(igj_str_t key, igj_str_t scope, igj_str_t position,
    char out[IGJ_PAGE_TOKEN_MAX]);

/*
 * Writes the position of a token, NUL-terminated.  IGJ_ERROR: it is no token,
 * or one of another scope or key.
 */
IGJ_MUST_CHECK int igj_token_position(igj_str_t key, igj_str_t scope,
    igj_str_t token, char out[IGJ_PAGE_TOKEN_POSITION_MAX + 1]);


#endif /* IGJ_TOKEN_H */
