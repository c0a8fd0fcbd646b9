/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Units that Postgres does alone.  A long one comes in steps, each a
 * transaction of its own, so that none holds its locks for long.
 */

#include "igj_operation.h"


static bool igj_unit_sql_goes_on(igj_operation_t *k, const cJSON *answer);


void
igj_unit_sql(igj_operation_t *k)
{
    bool         more;
    cJSON       *answer;
    const char  *step;

    step = igj_operation_text(k, "step");

    do {
        if (*k->stop) {
            igj_operation_leave(k, IGJ_OUTCOME_GIVE_BACK, -1, NULL, "");
            return;
        }

        if (!igj_operation_step(k, step, k->batch->payload, &answer)) {
            return;
        }

        more = igj_unit_sql_goes_on(k, answer);
        cJSON_Delete(answer);

    } while (more);
}


/* What the step has answered; otherwise the unit ends or leaves. */

static bool
igj_unit_sql_goes_on(igj_operation_t *k, const cJSON *answer)
{
    const cJSON  *dead, *later;

    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "more"))) {
        return true;
    }

    dead = cJSON_GetObjectItemCaseSensitive(answer, "dead");
    later = cJSON_GetObjectItemCaseSensitive(answer, "later_ms");

    if (cJSON_IsString(dead)) {
        igj_operation_leave(k, IGJ_OUTCOME_DEAD, -1, NULL, dead->valuestring);

    } else if (cJSON_IsNumber(later)) {
        igj_operation_leave(k, IGJ_OUTCOME_PARK, (int64_t) later->valuedouble,
                            NULL, "");

    } else {
        igj_operation_end(k, answer);
    }

    return false;
}
