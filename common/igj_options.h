/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What a submission may ask for besides its accounts: where the job stops,
 * what it may cost, who is told.  One table declares these members of the
 * body; all are read without floating point, so that a budget stays what was
 * written.
 *
 * They go on to Postgres as one JSON object, flat, with the names of the
 * members (igjobs.submit_all).
 */

#ifndef IGJ_OPTIONS_H
#define IGJ_OPTIONS_H

#include "igj_base.h"
#include "igj_json.h"
#include "igj_limits.h"
#include "igj_scan.h"


typedef enum {
    IGJ_OPTION_TARGET_COUNT = 0,
    IGJ_OPTION_HALF_WIDTH,
    IGJ_OPTION_MAX_COST_USD,
    IGJ_OPTION_MAX_SECONDS,
    IGJ_OPTION_MAX_AGE,
    IGJ_OPTION_MAX_FAILED_RATIO,
    IGJ_OPTION_PARALLELISM,
    IGJ_OPTION_NUMBERS
} igj_option_number_e;


/* A zeroed one asks for nothing. */
typedef struct {
    unsigned  given;                       /* bit n: numbers[n] is set */
    int64_t   numbers[IGJ_OPTION_NUMBERS]; /* each in its option's unit */
    char      random_seed[IGJ_RANDOM_SEED_MAX + 1];    /* "": none */
    char      callback_url[IGJ_CALLBACK_URL_MAX + 1];  /* likewise */
} igj_options_t;


typedef struct igj_option_s  igj_option_t;

/*
 * The member of this name in the object that is the value of `of`, or of the
 * body itself (of is NULL); NULL: there is none.
 */
const igj_option_t *igj_option_find(const igj_option_t *of, igj_str_t name);

/* Whether the value is an object whose members are options, "stop_when". */
int igj_option_has_members(const igj_option_t *option);

/*
 * Takes the value, null as if the member were left out.  IGJ_ERROR: it is
 * wrong; igj_option_wanted() says what to send instead, igj_option_path() what
 * it is the value of ("stop_when/half_width").
 */
IGJ_MUST_CHECK int igj_option_read(igj_options_t *options,
    const igj_option_t *option, const igj_scan_event_t *event);
const char *igj_option_wanted(const igj_option_t *option);
const char *igj_option_path(const igj_option_t *option);

/* Whether the member's value was read already. */
int igj_option_was_read(const igj_options_t *options,
    const igj_option_t *option);

/* Whether there is anything to write. */
int igj_options_any(const igj_options_t *options);

/* Room for what igj_options_members() writes, with a comma before it. */
#define IGJ_OPTIONS_JSON_MAX  (IGJ_CALLBACK_URL_MAX + 1024)

/* Writes the members into the object that is open. */
void igj_options_members(igj_json_t *json, const igj_options_t *options);


#endif /* IGJ_OPTIONS_H */
