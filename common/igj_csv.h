/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* CSV as RFC 4180 has it, into a writer of igj_json.h. */

#ifndef IGJ_CSV_H
#define IGJ_CSV_H

#include "igj_json.h"


#define IGJ_CSV_BOM  "\xef\xbb\xbf"
#define IGJ_CSV_END  "\r\n"                /* of a record, the last one too */


/*
 * One field, in quotes where it needs them.  safe: a field that a spreadsheet
 * would take for a formula gets an apostrophe before it.
 */
void igj_csv_field(igj_json_t *csv, const char *text, size_t len, int safe);


#endif /* IGJ_CSV_H */
