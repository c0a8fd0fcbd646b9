/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the two halves of reading a submission share: igj_submit.c takes its
 * members as they come, igj_submit_judge.c looks at the whole.  For nobody
 * else.
 */

#ifndef IGJ_SUBMIT_INNER_H
#define IGJ_SUBMIT_INNER_H

#include "igj_submit.h"


/* Sets the problem; always IGJ_ERROR. */
int igj_submit_refuse(igj_submit_t *submit, igj_problem_e problem);

/* The body has no "accounts": the problem of that.  Always IGJ_ERROR. */
int igj_submit_no_accounts(igj_submit_t *submit);

/* IGJ_ERROR: refused, the problem is set. */
int igj_submit_judge_accounts(igj_submit_t *submit);
int igj_submit_judge_total(igj_submit_t *submit);


#endif /* IGJ_SUBMIT_INNER_H */
