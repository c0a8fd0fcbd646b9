/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Chinese, Japanese and Korean names in their own script. */

#ifndef IGJ_NATIVE_H
#define IGJ_NATIVE_H

#include "igj_evidence.h"


/* As igj_east_names(). */
int igj_native_names(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_reading_t *reading);


#endif /* IGJ_NATIVE_H */
