/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A sheet: one outreach table of one Airtable base, on which a unit of a
 * campaign works (sql/039_airtable_sheets.sql, sql/046_airtable_followup.sql).
 * What lasts is in Postgres after each page and each ten rows; a unit that is
 * killed anywhere is done again from there.
 *
 * Functions return true when the unit goes on, and false when it has left, with
 * its outcome.
 */

#ifndef IGJ_SHEET_H
#define IGJ_SHEET_H

#include "igj_airtable.h"
#include "igj_operation.h"


#define IGJ_SHEET_NAME_MAX  40


typedef struct {
    igj_operation_t  *operation;
    igj_airtable_t   *airtable;
    const char       *base;                     /* the payload's */
    char              table[IGJ_SHEET_NAME_MAX];

    /* of a listing */
    cJSON            *records;                  /* of the page */
    cJSON            *asked;                    /* when it was asked for, by
                                                   Postgres' clock */
    bool              first;                    /* the listing's first page */
    bool              left;                     /* the outcome is filled */
} igj_sheet_t;


/*
 * Writes rows (n, at most IGJ_AIRTABLE_WRITE_ROWS) and fills done, as the calls
 * of igj_airtable.h do.
 */
typedef igj_airtable_class_t (*igj_sheet_write_pt)(igj_sheet_t *sheet,
    const igj_airtable_row_t *rows, int n, igj_airtable_done_t *done,
    igj_airtable_error_t *err);


/* What the unit's payload names.  Nothing to be freed. */
bool igj_sheet_open(igj_sheet_t *sheet, igj_operation_t *k);

/* Reads all records, and lets Postgres compare them with its assignments. */
bool igj_sheet_read(igj_sheet_t *sheet);

/*
 * Asks igjobs.unit_<step> for rows and writes them, ten at a time, until there
 * are none, which ends the unit.  Where the payload wants it the sheet is read
 * before.
 */
void igj_sheet_write(igj_sheet_t *sheet, const char *step,
    igj_sheet_write_pt write);


#endif /* IGJ_SHEET_H */
