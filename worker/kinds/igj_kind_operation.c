/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Kind operation: finds the handler of a unit, and what handlers have in
 * common.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_operation.h"


typedef struct {
    const char  *name;
    void       (*handler)(igj_operation_t *k);
} igj_unit_t;


static void *igj_operation_open(const igj_kind_t *kind,
    const igj_settings_t *settings, const _Atomic int *stop,
    char error[IGJ_BATCH_ERROR_MAX]);
static void igj_operation_close(void *data);
static void igj_operation_run(void *data, igj_batch_t *batch,
    igj_outcome_t *outcome);
static void igj_operation_stopped(igj_operation_t *k, igj_batch_rc_t rc,
    const char *what);


/* what "do" may be */
static const igj_unit_t  igj_units[] = {
    { "sql", igj_unit_sql },
    { "airtable_sync", igj_unit_airtable_sync },
    { "airtable_statuses", igj_unit_airtable_statuses },
    { "airtable_unfollow", igj_unit_airtable_unfollow },
    { "airtable_delete", igj_unit_airtable_delete },
    { "airtable_base", igj_unit_airtable_base },
    { "airtable_table", igj_unit_airtable_table },
};


/* no provider's runs: nothing to reap, no cost */
const igj_kind_t  igj_kind_operation = {
    .name = "operation",
    .open = igj_operation_open,
    .close = igj_operation_close,
    .run = igj_operation_run
};


static void *
igj_operation_open(const igj_kind_t *kind, const igj_settings_t *settings,
    const _Atomic int *stop, char error[IGJ_BATCH_ERROR_MAX])
{
    igj_operation_t  *k;

    (void) kind;

    k = calloc(1, sizeof(igj_operation_t));

    if (k == NULL) {
        snprintf(error, IGJ_BATCH_ERROR_MAX, "out of memory");
        return NULL;
    }

    k->settings = settings;
    k->stop = stop;
    k->http = igj_http_create(NULL);

    if (k->http == NULL) {
        snprintf(error, IGJ_BATCH_ERROR_MAX, "out of memory");
        igj_operation_close(k);
        return NULL;
    }

    if (igj_operation_airtable_open(k, error) != IGJ_OK) {
        igj_operation_close(k);
        return NULL;
    }

    return k;
}


static void
igj_operation_close(void *data)
{
    igj_operation_t  *k;

    k = data;

    if (k->airtable != NULL) {
        igj_airtable_destroy(k->airtable);
    }

    if (k->http != NULL) {
        igj_http_destroy(k->http);
    }

    free(k);
}


static void
igj_operation_run(void *data, igj_batch_t *batch, igj_outcome_t *outcome)
{
    char              error[IGJ_BATCH_ERROR_MAX];
    size_t            i;
    const char       *name;
    igj_operation_t  *k;

    k = data;
    k->batch = batch;
    k->outcome = outcome;

    name = igj_operation_text(k, "do");

    for (i = 0; i < sizeof(igj_units) / sizeof(igj_units[0]); i++) {
        if (strcmp(igj_units[i].name, name) == 0) {
            igj_units[i].handler(k);
            return;
        }
    }

    /* a newer one of the fleet may know it */

    snprintf(error, sizeof(error), "this worker has no units \"%.100s\"",
             name);
    igj_operation_leave(k, IGJ_OUTCOME_RETRY, -1, NULL, error);
}


bool
igj_operation_step(igj_operation_t *k, const char *step, const cJSON *args,
    cJSON **answer)
{
    igj_batch_rc_t  rc;

    rc = igj_batch_step(k->batch, step, args, answer);

    if (rc != IGJ_BATCH_OK) {
        igj_operation_stopped(k, rc, step);
        return false;
    }

    return true;
}


void
igj_operation_end(igj_operation_t *k, const cJSON *result)
{
    igj_batch_rc_t  rc;

    rc = igj_batch_end(k->batch, result);

    if (rc != IGJ_BATCH_OK) {
        igj_operation_stopped(k, rc, "end");
        return;
    }

    k->outcome->class = IGJ_OUTCOME_DONE;
}


static void
igj_operation_stopped(igj_operation_t *k, igj_batch_rc_t rc, const char *what)
{
    char  error[IGJ_BATCH_ERROR_MAX];

    snprintf(error, sizeof(error), "the database refused the step %.100s",
             what);

    igj_operation_leave(k, rc == IGJ_BATCH_LOST ? IGJ_OUTCOME_LOST
                           : rc == IGJ_BATCH_STOP ? IGJ_OUTCOME_GIVE_BACK
                           : IGJ_OUTCOME_RETRY,
                        -1, NULL, rc == IGJ_BATCH_ERROR ? error : "");
}


void
igj_operation_leave(igj_operation_t *k, igj_outcome_class_t class,
    int64_t delay_ms, const char *error_class, const char *error)
{
    k->outcome->class = class;
    k->outcome->delay_ms = delay_ms;
    k->outcome->error_class = error_class;
    snprintf(k->outcome->error, IGJ_BATCH_ERROR_MAX, "%s", error);
}


const char *
igj_operation_text(const igj_operation_t *k, const char *name)
{
    const char  *text;

    text = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(k->batch->payload, name));

    return text ? text : "";
}
