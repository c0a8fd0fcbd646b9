/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * {"do": "airtable_delete"}: deletes the records of completed assignments,
 * then these.  Who is killed between the two finds the records gone, which is
 * as good.
 */

#include "igj_sheet.h"


static igj_airtable_class_t igj_unit_airtable_delete_ten(igj_sheet_t *sheet,
    const igj_airtable_row_t *rows, int n, igj_airtable_done_t *done,
    igj_airtable_error_t *err);


void
igj_unit_airtable_delete(igj_operation_t *k)
{
    igj_sheet_t  sheet;

    if (igj_sheet_open(&sheet, k)) {
        igj_sheet_write(&sheet, "delete_rows", igj_unit_airtable_delete_ten);
    }
}


static igj_airtable_class_t
igj_unit_airtable_delete_ten(igj_sheet_t *sheet,
    const igj_airtable_row_t *rows, int n, igj_airtable_done_t *done,
    igj_airtable_error_t *err)
{
    int          i;
    const char  *record_ids[IGJ_AIRTABLE_WRITE_ROWS];

    for (i = 0; i < n; i++) {
        record_ids[i] = rows[i].record_id;
    }

    return igj_airtable_delete(sheet->airtable, sheet->base, sheet->table,
                               record_ids, n, done, err);
}
