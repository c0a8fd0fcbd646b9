/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the calls of a batch share: igj_batch.c (runs), igj_batch_page.c
 * (pages).  Nobody else includes it.
 */

#ifndef IGJ_BATCH_PRIVATE_H
#define IGJ_BATCH_PRIVATE_H

#include "igj_batch.h"
#include "igj_statements.h"


/* Begins the arguments with the batch's place and attempt. */
void igj_batch_args(const igj_batch_t *b, igj_pg_args_t *args);

/* null for IGJ_BATCH_NO_COST. */
void igj_batch_cost(igj_pg_args_t *args, double cost_usd);

/* To be freed with cJSON_free(); NULL for NULL, or for want of memory. */
char *igj_batch_json(const cJSON *json);

/* OK: *res has a row and is the caller's. */
IGJ_MUST_CHECK igj_batch_rc_t igj_batch_call(igj_batch_t *b, igj_sql_t id,
    const igj_pg_args_t *args, PGresult **res);


#endif /* IGJ_BATCH_PRIVATE_H */
