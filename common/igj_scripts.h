/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The Lua scripts that igjobs runs in Redis: turns and status copies.
 *
 * Constant text without any library, for the module and the worker.  A caller
 * sends EVALSHA with the SHA-1 of the text (lower-case hex) and, on an error
 * that begins with NOSCRIPT, EVAL with the text; both take the number of keys
 * first.  Key names come from igj_keys.h; all keys of the queue carry the tag
 * {q}, so that a script never leaves its cluster slot.  Numbers go as decimal
 * text.  Time is Redis' own.  Every script can be repeated: what stands
 * already is left alone.
 *
 * Words: queue = "<kind>:<class>"; turn = "<tenant>/<job>/<slot>", the right
 * to try one batch of a job; scope = name of a cap; clock = virtual time.
 * Order for everybody: commit in Postgres, then status, then turns.
 */

#ifndef IGJ_SCRIPTS_H_INCLUDED
#define IGJ_SCRIPTS_H_INCLUDED

#include <stddef.h>


typedef enum {

    /*
     * Issues turns of a job until `wanted` of its slots stand or are parked.
     * KEYS  1 turns of the queue, 2 clocks of the queue, 3 later, 4 parked
     * ARGV  1 queue, 2 tenant, 3 job, 4 wanted, 5 parallelism of the job
     *       (slots are 0 .. parallelism - 1), 6 weight of the tenant (> 0,
     *       kept from now on for all scripts that charge it; "" = as it was,
     *       1 if it was never told)
     * Returns the number of turns added.  After a submission wanted is
     * min(parallelism, total_batches) and the weight is "": the sweeper's next
     * round tells it.
     */
    IGJ_SCRIPT_ISSUE = 0,

    /*
     * Puts a status document, unless Redis holds the same or a higher version.
     * KEYS  1 status
     * ARGV  1 version, 2 document, 3 time to live in ms, 4 channel ("" = do
     *       not publish, for writing back what a miss read)
     * Returns 1 if it was set (then published), else 0.
     */
    IGJ_SCRIPT_STATUS,

    /*
     * Gives one turn back.
     * KEYS  1 turns, 2 clocks, 3 later, 4 parked
     * ARGV  1 queue, 2 turn, 3 tenant, 4 charge: 1 = the turn was used, it
     *       queues behind the tenant's others; 0 = it was not, it goes to the
     *       clock of the class
     * Returns 1 if it was added.
     */
    IGJ_SCRIPT_RETURN,

    /*
     * Moves the clock of a class to the score of a turn that was taken.
     * KEYS  1 clocks
     * ARGV  1 score
     */
    IGJ_SCRIPT_TAKEN,

    /*
     * Notes that turns of a job wait for a time; the earliest time stays.
     * KEYS  1 later
     * ARGV  1 queue, 2 tenant, 3 job, 4 wait in ms
     */
    IGJ_SCRIPT_LATER,

    /*
     * Turns entries of `later` that are due into a turn each.
     * KEYS  1 later, 2 parked
     * ARGV  1 most entries at a time, 2 prefix of the turns keys, 3 prefix of
     *       the clocks keys (the queue follows the prefix)
     * Returns the number of entries taken out of later.
     */
    IGJ_SCRIPT_DUE,

    /*
     * Parks a turn until its scope has room.
     * KEYS  1 parked of the scope, 2 parked, 3 clocks of the scope, 4 clocks
     *       of the turn's queue
     * ARGV  1 queue, 2 turn, 3 tenant, 4 scope
     */
    IGJ_SCRIPT_PARK,

    /*
     * Puts parked turns of a scope back in their queues: tenants alternate by
     * their weights, each with its longest parked first.
     * KEYS  1 parked of the scope, 2 parked, 3 clocks of the scope
     * ARGV  1 how many, 2 prefix of the turns keys, 3 prefix of the clocks
     *       keys
     * Returns the number of turns put back.
     */
    IGJ_SCRIPT_UNPARK,

    /*
     * The scopes that hold parked turns, each once.
     * KEYS  1 parked
     */
    IGJ_SCRIPT_SCOPES,

    IGJ_SCRIPT_COUNT

} igj_script_id_t;


typedef struct {
    const char  *name;      /* for logs */
    const char  *text;      /* the script, NUL-terminated */
    size_t       length;    /* of text */
    int          keys;      /* how many KEYS it takes */
    int          args;      /* how many ARGV it takes */
} igj_script_t;


/* The script of an id; valid for ever. */
const igj_script_t *igj_script(igj_script_id_t id);


#endif /* IGJ_SCRIPTS_H_INCLUDED */
