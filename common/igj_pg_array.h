/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Postgres arrays in binary form, for statement parameters.  Built by
 * appending to a growing buffer that is used again for the next page; the
 * number of elements is fixed at the end.  One thread at a time.
 */

#ifndef IGJ_PG_ARRAY_H
#define IGJ_PG_ARRAY_H

#include <stdint.h>

#include "igj_base.h"


typedef enum {
    IGJ_PG_BOOL = 16,
    IGJ_PG_INT4 = 23,          /* the element types' OIDs, the same in */
    IGJ_PG_TEXT = 25,          /* every Postgres */
    IGJ_PG_FLOAT4 = 700,
    IGJ_PG_UUID = 2950
} igj_pg_type_t;


typedef struct {
    char     *data;            /* the parameter's value after _end() */
    size_t    len;
    size_t    size;
    int32_t   n;               /* elements so far */
    int       nulls;
    int       failed;          /* memory was short */
} igj_pg_array_t;


void igj_pg_array_begin(igj_pg_array_t *a, igj_pg_type_t type);
/* Also for an element of any type that is in binary form already. */
void igj_pg_array_text(igj_pg_array_t *a, const char *text, size_t len);
void igj_pg_array_null(igj_pg_array_t *a);
void igj_pg_array_float4(igj_pg_array_t *a, float value);
void igj_pg_array_int4(igj_pg_array_t *a, int32_t value);
void igj_pg_array_uuid(igj_pg_array_t *a, const uint8_t bytes[16]);

/* IGJ_ERROR if memory was short on the way. */
IGJ_MUST_CHECK int igj_pg_array_end(igj_pg_array_t *a);

void igj_pg_array_free(igj_pg_array_t *a);


#endif /* IGJ_PG_ARRAY_H */
