/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * {"do": "airtable_statuses"}: reads a sheet and takes over the statuses that
 * people have set in it.
 */

#include "igj_sheet.h"


void
igj_unit_airtable_statuses(igj_operation_t *k)
{
    igj_sheet_t  sheet;

    if (igj_sheet_open(&sheet, k) && igj_sheet_read(&sheet)) {
        igj_operation_end(k, NULL);
    }
}
