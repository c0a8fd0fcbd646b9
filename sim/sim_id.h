/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Ids of 17 letters and digits that carry a number: ten characters that
 * depend on the kind, the number and this start of the program, then the
 * number, so that an id is found without a table and an id of an earlier
 * start is never taken for a new one.
 */

#ifndef SIM_ID_H
#define SIM_ID_H

#include <stdint.h>

#include "sim_actor.h"

enum sim_id_kind {
    SIM_ID_ACTOR,                /* the same at every start */
    SIM_ID_RUN,
    SIM_ID_DATASET,
    SIM_ID_STORE,
    SIM_ID_QUEUE,
    SIM_ID_BUILD,
    SIM_ID_USER,
    SIM_ID_PREFIXED
};

/* Called once, before any thread. */
void sim_id_init(void);

void sim_id_write(char id[SIM_ID_LENGTH + 1], enum sim_id_kind kind,
    uint64_t number);

/* The number in an id of that kind, or -1. */
int64_t sim_id_number(const char *id, enum sim_id_kind kind);

/*
 * Ids as Airtable spells them: three letters that say of what, then fourteen
 * characters, made as those above.  The number in such an id, or -1.
 */
void sim_id_prefixed(char id[SIM_ID_LENGTH + 1], const char *prefix,
    uint64_t number);
int64_t sim_id_prefixed_number(const char *id, const char *prefix);

#endif
