/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One dataset item, in whichever dialect its actor writes, as one profile, one
 * report on an account, or nothing usable.  The dialects differ in the names
 * of the members only (userId, id, pk; fullName, full_name; ...), so one table
 * of names a platform serves them all; see igj_dialect.c.
 *
 * No allocation, no globals: an igj_item_t holds the texts of the last item.
 */

#ifndef IGJ_ITEM_H
#define IGJ_ITEM_H

#include "igj_dialect.h"
#include "igj_provider.h"


#define IGJ_ITEM_ARENA       8192        /* bytes kept of one item */
#define IGJ_ITEM_STRING_MAX  2048        /* bytes looked at of one string */


typedef enum {
    IGJ_ITEM_PROFILE = 0,
    IGJ_ITEM_ACCOUNT_ERROR,
    IGJ_ITEM_MALFORMED
} igj_item_kind_t;


typedef struct {
    igj_profile_t          profile;        /* of IGJ_ITEM_PROFILE */
    igj_account_error_t    error;          /* of IGJ_ITEM_ACCOUNT_ERROR */

    igj_platform_e         platform;
    size_t                 used;
    char                   arena[IGJ_ITEM_ARENA];
    char                   string[IGJ_ITEM_STRING_MAX];
} igj_item_t;


/* line: one JSON document.  The texts in *item are good until the next call
 * with it, and are all set (never NULL) whatever is returned. */
IGJ_MUST_CHECK
igj_item_kind_t igj_item_parse(igj_item_t *item, igj_platform_e platform,
    const char *line, size_t len);

/* Names of the members, in all dialects of the platform, that a stored profile
 * and a report on an account are read from, with commas between.  Half of an
 * item is the address of its picture, which nobody stores. */
const char *igj_item_fields(igj_platform_e platform);

#endif /* IGJ_ITEM_H */
