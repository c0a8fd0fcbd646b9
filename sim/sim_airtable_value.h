/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* What a field makes of a value that a client sends.  Under sim_lock(). */

#ifndef SIM_AIRTABLE_VALUE_H
#define SIM_AIRTABLE_VALUE_H

#include <cjson/cJSON.h>

#include "sim_airtable_base.h"

#define SIM_AIR_TEXT_MAX  100000     /* characters of a text */

enum sim_air_verdict {
    SIM_AIR_TAKEN,
    SIM_AIR_REFUSED,                 /* not a value of this field */
    SIM_AIR_NEW_CHOICE               /* a choice that there is not */
};

/*
 * Reads a value; *json becomes what is stored (the caller frees it), NULL for
 * an empty field.  With typecast texts are converted, what cannot be becomes
 * empty, and new choices are taken: they are added when the value is stored.
 */
enum sim_air_verdict sim_air_value(const struct sim_air_field *field,
    const cJSON *value, int typecast, char **json);

#endif
