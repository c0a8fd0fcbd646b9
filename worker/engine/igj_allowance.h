/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What a provider run may cost, as igjobs.reserve has set it aside: told to
 * the provider, so that it cannot charge more.  All zero: there is no budget.
 */

#ifndef IGJ_ALLOWANCE_H
#define IGJ_ALLOWANCE_H

#include <cjson/cJSON.h>
#include <stdint.h>


typedef struct {
    int64_t  max_items;          /* of all accounts of the run */
    double   max_usd;
    int      memory_mb;          /* 0: the settings' */
    int      timeout_s;          /* 0: the settings' */
} igj_allowance_t;


/* From the JSON text that claim and run_intent answer; NULL: no budget. */
void igj_allowance_read(igj_allowance_t *a, const char *json);

/* Likewise from a parsed object; what it has not got is 0. */
void igj_allowance_take(igj_allowance_t *a, const cJSON *object);


#endif /* IGJ_ALLOWANCE_H */
