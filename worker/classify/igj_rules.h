/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The rules that look at more than names. */

#ifndef IGJ_RULES_H
#define IGJ_RULES_H

#include "igj_evidence.h"


/*
 * Pronouns: "she/her", "(he)".  Returns 1 if there are any; evidence then has
 * what they say, a sum of 0 where neither or both are meant.
 */
int igj_rule_pronouns(igj_evidence_t *evidence, const igj_reading_t *reading);

/* Returns 1, and a sum of 0, if the name is one of a shop, club or page. */
int igj_rule_not_person(igj_evidence_t *evidence,
    const igj_reading_t *reading);

/* "Mrs Smith".  Returns 1 if there is such a title and a name after it. */
int igj_rule_title(igj_evidence_t *evidence, const igj_reading_t *reading);

/* Adds weak evidence: "mom of three", women's and men's emoji. */
void igj_rule_hints(igj_evidence_t *evidence, const igj_reading_t *reading,
    int emoji);


#endif /* IGJ_RULES_H */
