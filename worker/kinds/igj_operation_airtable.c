/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Airtable for units: one client a lane, whose requests go out in the turns of
 * the whole fleet, and what its errors mean for a unit.
 */

#include <stdio.h>

#include "igj_log.h"
#include "igj_operation.h"


static void igj_operation_turn(void *data, const char *base, int64_t max_ms,
    igj_airtable_turn_t *turn);
static void igj_operation_freeze(void *data, const char *base, int64_t ms);


int
igj_operation_airtable_open(igj_operation_t *k, char error[IGJ_BATCH_ERROR_MAX])
{
    igj_airtable_conf_t    conf;
    igj_airtable_pace_t    pace;
    igj_airtable_error_t   err;

    if (k->settings->airtable_access_token == NULL) {
        return IGJ_OK;
    }

    conf.token = k->settings->airtable_access_token;
    conf.base_url = k->settings->airtable_base_url;

    pace.turn = igj_operation_turn;
    pace.freeze = igj_operation_freeze;
    pace.data = k;

    k->airtable = igj_airtable_create(&conf, k->http, k->stop, &pace, &err);

    if (k->airtable == NULL) {
        snprintf(error, IGJ_BATCH_ERROR_MAX, "airtable: %s", err.message);
        return IGJ_ERROR;
    }

    return IGJ_OK;
}


igj_airtable_t *
igj_operation_airtable(igj_operation_t *k)
{
    if (k->airtable == NULL) {
        igj_operation_leave(k, IGJ_OUTCOME_DEAD, -1, "refused",
                            "AIRTABLE_ACCESS_TOKEN environment variable is "
                            "required.");
    }

    return k->airtable;
}


void
igj_operation_airtable_leave(igj_operation_t *k,
    const igj_airtable_error_t *err)
{
    switch (err->class) {

    case IGJ_AIRTABLE_CANCELED:
        igj_operation_leave(k, IGJ_OUTCOME_GIVE_BACK, -1, NULL, "");
        break;

    case IGJ_AIRTABLE_PARK:
        igj_operation_leave(k, IGJ_OUTCOME_PARK, err->delay_ms, "unavailable",
                            err->message);
        break;

    case IGJ_AIRTABLE_DENIED:
        igj_operation_leave(k, IGJ_OUTCOME_DEAD, -1, "refused", err->message);
        break;

    case IGJ_AIRTABLE_REFUSED:
        igj_operation_leave(k, IGJ_OUTCOME_DEAD, -1, "rejected", err->message);
        break;

    default:
        igj_operation_leave(k, IGJ_OUTCOME_RETRY, err->delay_ms, "unavailable",
                            err->message);
        break;
    }
}


/* The pace; data is the igj_operation_t, which has a unit by now. */

static void
igj_operation_turn(void *data, const char *base, int64_t max_ms,
    igj_airtable_turn_t *turn)
{
    igj_batch_rc_t     rc;
    igj_operation_t   *k;
    igj_batch_turn_t   answer;

    k = data;
    rc = igj_batch_airtable_turn(k->batch, base, max_ms, &answer);

    if (rc != IGJ_BATCH_OK) {
        turn->answer = (rc == IGJ_BATCH_ERROR) ? IGJ_AIRTABLE_TURN_FAILED
                                               : IGJ_AIRTABLE_TURN_GONE;
        return;
    }

    turn->answer = answer.go ? IGJ_AIRTABLE_TURN_GO
                   : answer.used_up ? IGJ_AIRTABLE_TURN_USED_UP
                   : answer.taken ? IGJ_AIRTABLE_TURN_TAKEN
                   : IGJ_AIRTABLE_TURN_WAIT;
    turn->wait_ms = answer.wait_ms;
    turn->good_ms = answer.good_ms;
}


static void
igj_operation_freeze(void *data, const char *base, int64_t ms)
{
    igj_operation_t  *k;

    k = data;

    igj_log(IGJ_LOG_WARN, ms < 0 ? "airtable: the month's calls are used up"
                                 : "airtable: too many requests",
            igj_s("base", base), igj_i("silence_ms", ms));

    igj_batch_airtable_freeze(k->batch, base, ms);
}
