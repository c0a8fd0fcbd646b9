/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* GET .../items: a range of a dataset, computed while it is sent. */

#ifndef SIM_DATASET_H
#define SIM_DATASET_H

#include "sim_http.h"

/*
 * Answers with the items that the query asks for; r->entry.run is the
 * dataset's run.  The rule of r may change items or hide the newest.  Returns
 * NULL, or why the query is refused: a static text.
 */
const char *sim_dataset_items(struct sim_request *r,
    struct sim_answer *answer);

#endif
