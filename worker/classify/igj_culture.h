/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Given names by country. */

#ifndef IGJ_CULTURE_H
#define IGJ_CULTURE_H

#include "igj_reading.h"


/*
 * The odds of a given name of the reading (word->given is not NULL), by the
 * country that the other words hint at where that makes a difference.
 */
int igj_culture_odds(const igj_name_table_t *table,
    const igj_reading_t *reading, const igj_word_t *word);


#endif /* IGJ_CULTURE_H */
