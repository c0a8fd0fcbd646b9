/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * How the actors of each platform are spoken to: the names of the members of
 * their inputs, and of their items.  One row a platform, in igj_dialect.c.
 */

#ifndef IGJ_DIALECT_H
#define IGJ_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "igj_platform.h"


/* What a member of an item says. */
typedef enum {
    IGJ_FIELD_USERNAME = 0,
    IGJ_FIELD_ID,
    IGJ_FIELD_NAME,
    IGJ_FIELD_SOURCE,
    IGJ_FIELD_PICTURE,
    IGJ_FIELD_ERROR,
    IGJ_FIELD_DESCRIPTION,
    IGJ_FIELD_INPUT_URL,
    IGJ_FIELD_URL,
    IGJ_FIELD_TEXTS,               /* the fields above are texts */

    IGJ_FIELD_PRIVATE = IGJ_FIELD_TEXTS,
    IGJ_FIELD_VERIFIED,
    IGJ_FIELD_ANONYMOUS,
    IGJ_FIELD_FOLLOWERS,
    IGJ_FIELD_FOLLOWING,
    IGJ_FIELD_POSTS,
    IGJ_FIELDS
} igj_field_t;


typedef struct {
    const char           *name;
    size_t                len;
    igj_field_t           field;
} igj_item_name_t;


typedef struct {
    const char           *name;
    bool                  value;
} igj_input_flag_t;


typedef struct {

    /* of the input */
    const char           *usernames_field;
    const char           *max_count_field;
    const char           *also_count_field;    /* the same number, or NULL */
    igj_input_flag_t      flags[3];            /* NULL ends */

    /* Of an item; of several names of one field the one that stands first
     * wins.  stored: those whose values are stored, and what stands beside or
     * around them, with commas between. */
    const igj_item_name_t  *names;
    size_t                n;
    const char           *stored;
} igj_dialect_t;


const igj_dialect_t *igj_dialect(igj_platform_e platform);


#endif /* IGJ_DIALECT_H */
