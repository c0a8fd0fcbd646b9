/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Evidence in log-odds, IGJ_NAMES_ODDS_UNIT to 1.0: above 0 female, below 0
 * male.  Pieces are added up; the weightiest one gives its name to the result.
 */

#ifndef IGJ_EVIDENCE_H
#define IGJ_EVIDENCE_H

#include "igj_classify.h"
#include "igj_reading.h"


typedef struct {
    int   sum;
    int   weight;                          /* of the piece that is named */
    char  text[IGJ_CLASSIFY_EVIDENCE];
} igj_evidence_t;


void igj_evidence_init(igj_evidence_t *evidence);

/* Adds a piece: "rule:word".  The rule is a short literal. */
void igj_evidence_add(igj_evidence_t *evidence, int odds, const char *rule,
    const char *word, size_t len);

/* Adds what another piece of evidence said, at a weight in percent. */
void igj_evidence_merge(igj_evidence_t *evidence, const igj_evidence_t *said,
    int percent);

/* The share that speaks for the likelier sex, 0.5 to 0.99. */
float igj_evidence_share(const igj_evidence_t *evidence);

/* The odds of a given name that is not in the table, from its ending. */
int igj_evidence_learned(const igj_name_table_t *table, const char *word,
    size_t len);

/* Adds what the names of the reading, one person's, say. */
void igj_evidence_names(igj_evidence_t *evidence,
    const igj_name_table_t *table, const igj_reading_t *reading);


#endif /* IGJ_EVIDENCE_H */
