/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * {"do": "airtable_unfollow"}: tells the records of assignments that are due
 * that they are to be unfollowed.  A record that is gone needs no telling.
 */

#include "igj_sheet.h"


static igj_airtable_class_t igj_unit_airtable_unfollow_ten(igj_sheet_t *sheet,
    const igj_airtable_row_t *rows, int n, igj_airtable_done_t *done,
    igj_airtable_error_t *err);


void
igj_unit_airtable_unfollow(igj_operation_t *k)
{
    igj_sheet_t  sheet;

    if (igj_sheet_open(&sheet, k)) {
        igj_sheet_write(&sheet, "unfollow_rows",
                        igj_unit_airtable_unfollow_ten);
    }
}


static igj_airtable_class_t
igj_unit_airtable_unfollow_ten(igj_sheet_t *sheet,
    const igj_airtable_row_t *rows, int n, igj_airtable_done_t *done,
    igj_airtable_error_t *err)
{
    return igj_airtable_update(sheet->airtable, sheet->base, sheet->table,
                               rows, n, done, err);
}
