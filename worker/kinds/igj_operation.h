/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Kind operation: work beside scraping (sql/031_operations.sql).  A batch is
 * one unit, whose payload says what it is; each handler has a file of its own,
 * igj_unit_<what it does>.c, and a row in the table of
 * igj_kind_operation.c.  One igj_operation_t a lane.
 *
 * A handler works until the unit is ended, or leaves with *outcome filled: what
 * it has done until then must be found again by the next attempt.
 */

#ifndef IGJ_OPERATION_H
#define IGJ_OPERATION_H

#include "igj_airtable.h"
#include "igj_http.h"
#include "igj_kind.h"


typedef struct {
    const igj_settings_t  *settings;
    const _Atomic int     *stop;
    igj_http_t            *http;
    igj_airtable_t        *airtable;      /* NULL: this worker has no token */

    /* of the unit */
    igj_batch_t           *batch;
    igj_outcome_t         *outcome;
} igj_operation_t;


extern const igj_kind_t  igj_kind_operation;


/*
 * Calls igjobs.unit_<step> (args may be NULL); *answer is the caller's, NULL
 * for null.  False: the unit ends here, with the outcome.
 */
bool igj_operation_step(igj_operation_t *k, const char *step,
    const cJSON *args, cJSON **answer);

/* Ends the unit with its result, an object. */
void igj_operation_end(igj_operation_t *k, const cJSON *result);

/* The unit leaves: class, after delay_ms (-1: the usual), with a word of
 * docs/api.md (static) and a text for people. */
void igj_operation_leave(igj_operation_t *k, igj_outcome_class_t class,
    int64_t delay_ms, const char *error_class, const char *error);

/* A text of the payload, "" if it has none. */
const char *igj_operation_text(const igj_operation_t *k, const char *name);


/*
 * Airtable (igj_operation_airtable.c).
 */

/* Where there is a token: the client, as long as the lane lives. */
IGJ_MUST_CHECK int igj_operation_airtable_open(igj_operation_t *k,
    char error[IGJ_BATCH_ERROR_MAX]);

/* The client; NULL: the unit has left, since there is none. */
igj_airtable_t *igj_operation_airtable(igj_operation_t *k);

/* The unit leaves for what a call of the client has said. */
void igj_operation_airtable_leave(igj_operation_t *k,
    const igj_airtable_error_t *err);


/*
 * Handlers.
 */

/* {"do": "sql", "step": "x"}: igjobs.unit_x until its answer has no "more";
 * the last one is the result. {"dead": "why"} gives the unit up, {"later_ms":
 * 500} tries it again then. */
void igj_unit_sql(igj_operation_t *k);

/* Of a sheet (igj_sheet.h): {"table": 1, "airtable_base": "app…"} */
void igj_unit_airtable_sync(igj_operation_t *k);
void igj_unit_airtable_statuses(igj_operation_t *k);
void igj_unit_airtable_unfollow(igj_operation_t *k);
void igj_unit_airtable_delete(igj_operation_t *k);

/* {"airtable_base": "app…"}: which outreach tables the base has */
void igj_unit_airtable_base(igj_operation_t *k);

/* {"airtable_base": "app…", "table": "Daily_Outreach_Table_01"}: makes it */
void igj_unit_airtable_table(igj_operation_t *k);


#endif /* IGJ_OPERATION_H */
