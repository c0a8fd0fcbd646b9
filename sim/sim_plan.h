/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What an actor makes of its input: the accounts in their order and which
 * follower (or error) stands in which row of the dataset.
 *
 * A plan is derived from the input whenever it is needed and kept nowhere, so
 * that a run costs little more than its input.  It belongs to one thread.
 *
 * Rows of an account with c followers to deliver and d per cent duplicates:
 * row q is a duplicate if floor((q+1)*d/100) > floor(q*d/100), and otherwise
 * follower q - floor(q*d/100); there are floor((c-1)*100/(100-d)) + 1 rows.
 */

#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include "sim_actor.h"
#include "sim_world.h"

#define SIM_NAME_MAX     200     /* bytes of an account's name in the input */
#define SIM_MARKER_MAX   64

struct sim_source {
    const char          *name;       /* lower case, without @ and address */
    const char          *json;       /* the same as JSON text, quoted */
    struct sim_account   account;
    uint64_t             first;      /* its first row in the dataset */
    uint64_t             rows;
};

struct sim_plan {
    uint32_t             accounts;
    struct sim_source   *source;
    uint64_t             rows;
    uint64_t             hash;       /* of the set of accounts */
    char                 marker[SIM_MARKER_MAX];  /* see below, "" if none */
    char                *names;
};

struct sim_row {
    const struct sim_source  *source;
    uint64_t                  follower;    /* k; of no use in an error row */
};

extern const char  sim_plan_not_json[];

/*
 * Reads the input of an actor (NULL: of any).  The marker is the first
 * top-level string whose name contains "token".  Returns NULL, or why the input
 * is refused: a static text, sim_plan_not_json if it is no JSON object; the
 * plan is then empty.
 */
const char *sim_plan_read(struct sim_plan *plan, const struct sim_actor *actor,
    const char *input, size_t n);

/* Rows of the first so many accounts. */
uint64_t sim_plan_rows_of(const struct sim_plan *plan, uint64_t accounts);

/* What stands in that row, row < rows. */
struct sim_row sim_plan_row(const struct sim_plan *plan, uint64_t row);

/* Whether some account's name matches the shell pattern. */
int sim_plan_has(const struct sim_plan *plan, const char *pattern);

void sim_plan_free(struct sim_plan *plan);

#endif
