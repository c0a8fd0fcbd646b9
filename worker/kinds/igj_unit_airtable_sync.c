/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * {"do": "airtable_sync"}: sends what Airtable has not got of one table of a
 * campaign.  Rows are merged on their id: who is killed between Airtable's
 * answer and Postgres' sends the same ten again, and none is there twice.
 */

#include "igj_sheet.h"


static igj_airtable_class_t igj_unit_airtable_sync_ten(igj_sheet_t *sheet,
    const igj_airtable_row_t *rows, int n, igj_airtable_done_t *done,
    igj_airtable_error_t *err);


void
igj_unit_airtable_sync(igj_operation_t *k)
{
    igj_sheet_t  sheet;

    if (igj_sheet_open(&sheet, k)) {
        igj_sheet_write(&sheet, "sync_rows", igj_unit_airtable_sync_ten);
    }
}


static igj_airtable_class_t
igj_unit_airtable_sync_ten(igj_sheet_t *sheet, const igj_airtable_row_t *rows,
    int n, igj_airtable_done_t *done, igj_airtable_error_t *err)
{
    return igj_airtable_upsert(sheet->airtable, sheet->base, sheet->table,
                               rows, n, done, err);
}
