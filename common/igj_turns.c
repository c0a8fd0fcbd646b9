/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Names of turns: parts from the right, since only those have a fixed form. */

#include <stdio.h>
#include <string.h>

#include "igj_keys.h"
#include "igj_turns.h"


#define IGJ_TURN_SLOT_MAX  9      /* digits of a slot */


static int igj_turn_slot(const char *text, size_t len, int32_t *slot);


int
igj_turn_parse(igj_turn_t *turn, const char *kind, const char *class_name,
    const char *member, size_t len)
{
    size_t       tenant;
    const char  *slash;
    igj_uuid_t   job;

    slash = memrchr(member, '/', len);

    if (slash == NULL
        || igj_turn_slot(slash + 1, len - (size_t) (slash + 1 - member),
                         &turn->slot)
           != IGJ_OK
        || (size_t) (slash - member) < IGJ_UUID_TEXT_LEN + 2)
    {
        return IGJ_ERROR;
    }

    tenant = (size_t) (slash - member) - IGJ_UUID_TEXT_LEN - 1;

    if (member[tenant] != '/'
        || !igj_tenant_valid(member, tenant)
        || igj_uuid_parse(member + tenant + 1, IGJ_UUID_TEXT_LEN, &job)
           != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    memcpy(turn->tenant, member, tenant);
    turn->tenant[tenant] = '\0';
    memcpy(turn->job, member + tenant + 1, IGJ_UUID_TEXT_LEN);
    turn->job[IGJ_UUID_TEXT_LEN] = '\0';
    snprintf(turn->kind, sizeof(turn->kind), "%s", kind);
    snprintf(turn->class_name, sizeof(turn->class_name), "%s", class_name);

    return IGJ_OK;
}


static int
igj_turn_slot(const char *text, size_t len, int32_t *slot)
{
    size_t  i;

    if (len == 0 || len > IGJ_TURN_SLOT_MAX) {
        return IGJ_ERROR;
    }

    *slot = 0;

    for (i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return IGJ_ERROR;
        }
        *slot = *slot * 10 + (text[i] - '0');
    }

    return IGJ_OK;
}


size_t
igj_turn_member(const igj_turn_t *turn, char out[IGJ_TURN_MAX])
{
    return (size_t) snprintf(out, IGJ_TURN_MAX, "%s/%s/%d", turn->tenant,
                             turn->job, (int) turn->slot);
}


size_t
igj_turn_queue(const char *kind, const char *class_name,
    char out[IGJ_QUEUE_MAX])
{
    return (size_t) snprintf(out, IGJ_QUEUE_MAX, "%s:%s", kind, class_name);
}
