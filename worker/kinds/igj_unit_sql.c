/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Units that Postgres does alone.  A long one comes in steps, each a
 * transaction of its own, so that none holds its locks for long.
 */

#include "igj_operation.h"


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

        more = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "more"));

        if (!more) {
            igj_operation_end(k, answer);
        }

        cJSON_Delete(answer);

    } while (more);
}
