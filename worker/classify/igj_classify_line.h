/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One line of JSON Lines with a profile in it, and the same line with what the
 * classifier says added.  Nothing is allocated, nothing kept.
 */

#ifndef IGJ_CLASSIFY_LINE_H
#define IGJ_CLASSIFY_LINE_H

#include <stdio.h>

#include "igj_classify.h"
#include "igj_scan.h"


#define IGJ_CLASSIFY_LINE_MAX   (1024 * 1024)  /* bytes of one line */
#define IGJ_CLASSIFY_DEPTH_MAX  IGJ_SCAN_MAX_DEPTH
#define IGJ_CLASSIFY_TEXT_MAX   1024           /* bytes of a name kept */


/*
 * Reads the names out of line (without its line end), classifies, and writes
 * the line with "gender", "confidence" and "evidence" as its last members; of
 * the same names before are left out, all else is byte for byte as it was.
 *
 * Returns NULL, or what is wrong with the line; nothing is written then.
 * Errors of writing are left to ferror().
 */
IGJ_MUST_CHECK const char *igj_classify_line(const igj_name_table_t *table,
    const char *line, size_t len, FILE *out);


#endif /* IGJ_CLASSIFY_LINE_H */
