/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * filterByFormula, of which these forms are understood: {field}='text' and
 * OR({field}='text',...).  Under sim_lock().
 */

#ifndef SIM_AIRTABLE_FORMULA_H
#define SIM_AIRTABLE_FORMULA_H

#include "sim_airtable_base.h"
#include "sim_text.h"

/*
 * Adds the records that a formula means to an empty list, ascending; 0 and a
 * text in *error if it is wrong.
 */
int sim_air_formula(struct sim_air_table *table, const char *formula,
    struct sim_air_numbers *numbers, struct sim_text *error);

#endif
