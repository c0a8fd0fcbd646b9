/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the parts of reading a submission share: igj_submit.c takes its members
 * as they come, igj_submit_names.c its accounts, igj_submit_judge.c looks at
 * the whole.  For nobody else.
 */

#ifndef IGJ_SUBMIT_INNER_H
#define IGJ_SUBMIT_INNER_H

#include "igj_submit.h"


/* Sets the problem; always IGJ_ERROR. */
int igj_submit_refuse(igj_submit_t *submit, igj_problem_e problem);

/* The body has no "accounts": the problem of that.  Always IGJ_ERROR. */
int igj_submit_no_accounts(igj_submit_t *submit);

/* Takes an element of "accounts". */
int igj_submit_name(igj_submit_t *submit, const igj_scan_event_t *event);

/* All members were read: the names are those of the platform. */
int igj_submit_settle_names(igj_submit_t *submit);

void igj_submit_drop_links(igj_submit_t *submit);

/* IGJ_ERROR: refused, the problem is set. */
int igj_submit_judge_accounts(igj_submit_t *submit);
int igj_submit_judge_total(igj_submit_t *submit);


#endif /* IGJ_SUBMIT_INNER_H */
