/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Counting the work that waits, by which submissions are refused or taken
 * (sql/029_backlog.sql).  For the thread of the housekeeper.
 */

#ifndef IGJ_BACKLOG_H
#define IGJ_BACKLOG_H

#include "igj_engine.h"


/*
 * Counts, unless that was done in this sweep already, and logs when refusing
 * begins or ends.  *refusing: whether it did after the last count.
 */
void igj_backlog_count(igj_engine_t *engine, bool *refusing);


#endif /* IGJ_BACKLOG_H */
