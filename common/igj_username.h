/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One reference to an account, as people write it, reduced to the user name:
 * " @Some.Name " and "https://www.instagram.com/some.name/?hl=en" are both
 * some.name.
 */

#ifndef IGJ_USERNAME_H
#define IGJ_USERNAME_H

#include "igj_base.h"
#include "igj_limits.h"


typedef enum {
    IGJ_USERNAME_OK = 0,
    IGJ_USERNAME_EMPTY,
    IGJ_USERNAME_LONG,
    IGJ_USERNAME_CHARACTER,
    IGJ_USERNAME_DOTS,             /* nothing but dots */
    IGJ_USERNAME_OTHER_SITE,       /* a link to somewhere else */
    IGJ_USERNAME_NOT_PROFILE,      /* a link to a post, a story, a search */
    IGJ_USERNAME_NOT_STRING        /* for callers; igj_username() has text */
} igj_username_e;


/* Zero-padded, so that it can be hashed and compared in words. */
typedef struct {
    char     text[IGJ_USERNAME_MAX + 2];
    uint8_t  len;
} igj_username_t;


/*
 * Normalises text.  White space around it is dropped (the no-break space and
 * the zero-width characters that come with copied text, too), one "@", and
 * what makes it a profile link; letters become lower case.  *name is only
 * good when IGJ_USERNAME_OK is returned.
 */
IGJ_MUST_CHECK igj_username_e igj_username(const char *text, size_t len,
    igj_username_t *name);

/* What is wrong and what to send instead, for the person who sent it. */
const char *igj_username_error_text(igj_username_e error);


#endif /* IGJ_USERNAME_H */
