/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Chinese, Korean and Vietnamese names in Latin letters: family name first,
 * then one or two syllables, each of which says little by itself.
 */

#ifndef IGJ_EAST_H
#define IGJ_EAST_H

#include "igj_evidence.h"


/*
 * Adds what such a name says and returns 1; returns 0 and adds nothing if the
 * reading is not one.
 */
int igj_east_names(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_reading_t *reading);


#endif /* IGJ_EAST_H */
