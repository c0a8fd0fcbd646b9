/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Names of turns.  A turn is the right to try one batch of a job: member
 * "<tenant>/<job>/<slot>" of the sorted set of its queue "<kind>:<class>".
 */

#ifndef IGJ_TURNS_H
#define IGJ_TURNS_H

#include "igj_base.h"
#include "igj_limits.h"
#include "igj_uuid.h"


#define IGJ_TURN_MAX   (IGJ_TENANT_MAX + IGJ_UUID_TEXT_LEN + 16)
#define IGJ_QUEUE_MAX  (2 * IGJ_TOKEN_MAX + 2)


typedef struct {
    char     kind[IGJ_TOKEN_MAX + 1];
    char     class_name[IGJ_TOKEN_MAX + 1];
    char     tenant[IGJ_TENANT_MAX + 1];
    char     job[IGJ_UUID_TEXT_LEN + 1];
    int32_t  slot;
} igj_turn_t;


/* Takes a member of a queue's sorted set apart; IGJ_ERROR: it is no turn. */
IGJ_MUST_CHECK int igj_turn_parse(igj_turn_t *turn, const char *kind,
    const char *class_name, const char *member, size_t len);

/* "<tenant>/<job>/<slot>"; returns its length. */
size_t igj_turn_member(const igj_turn_t *turn, char out[IGJ_TURN_MAX]);

/* "<kind>:<class>"; returns its length. */
size_t igj_turn_queue(const char *kind, const char *class_name,
    char out[IGJ_QUEUE_MAX]);


#endif /* IGJ_TURNS_H */
