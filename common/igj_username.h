/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One reference to an account, as people write it, reduced to the user name:
 * " @Some.Name " and "https://www.instagram.com/some.name/?hl=en" are both
 * some.name.  Every name of another platform could be one of Instagram's, but
 * not the other way round; a link is to a profile of one platform.
 */

#ifndef IGJ_USERNAME_H
#define IGJ_USERNAME_H

#include <string.h>

#include "igj_base.h"
#include "igj_limits.h"
#include "igj_platform.h"


#define IGJ_USERNAME_TIKTOK_MAX  24
#define IGJ_USERNAME_X_MAX       15


typedef enum {
    IGJ_USERNAME_OK = 0,
    IGJ_USERNAME_EMPTY,
    IGJ_USERNAME_LONG,
    IGJ_USERNAME_CHARACTER,
    IGJ_USERNAME_DOTS,             /* nothing but dots; a dot at the end */
    IGJ_USERNAME_OTHER_SITE,       /* a link to somewhere else */
    IGJ_USERNAME_NOT_PROFILE,      /* a link to a post, a story, a search */
    IGJ_USERNAME_NOT_STRING        /* for callers; igj_username() has text */
} igj_username_e;


/* Zero-padded, so that it can be hashed and compared in words. */
typedef struct {
    char     text[IGJ_USERNAME_MAX + 2];
    uint8_t  len;
    uint8_t  linked;               /* it came as a link */
} igj_username_t;


/*
 * Normalises text to a name of the platform.  White space around it is dropped
 * (the no-break space and the zero-width characters that come with copied
 * text, too), one "@", and what makes it a profile link; letters become lower
 * case.  *name is only good when IGJ_USERNAME_OK is returned.
 */
IGJ_MUST_CHECK igj_username_e igj_username(igj_platform_e platform,
    const char *text, size_t len, igj_username_t *name);

/* The same for whatever platform; 0: for none. */
int igj_username_any(const char *text, size_t len, igj_username_t *name);

/* Can a good name of Instagram, without a link, be one of the platform? */
IGJ_MUST_CHECK igj_username_e igj_username_fits(igj_platform_e platform,
    const igj_username_t *name);

/* Does a good name of Instagram break the rules of TikTok, those of X? */
static inline int
igj_username_not_tiktok(const igj_username_t *name)
{
    return name->len > IGJ_USERNAME_TIKTOK_MAX
           || name->text[name->len - 1] == '.';
}

static inline int
igj_username_not_x(const igj_username_t *name)
{
    return name->len > IGJ_USERNAME_X_MAX
           || memchr(name->text, '.', name->len) != NULL;
}

/* What is wrong and what to send instead, for the person who sent it. */
const char *igj_username_error_text(igj_platform_e platform,
    igj_username_e error);


#endif /* IGJ_USERNAME_H */
