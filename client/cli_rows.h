/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Rows on standard output: a table on a terminal, else lines with tabs, CSV
 * or JSON.  A row or a page at a time; nothing of it is kept.
 */

#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include <cjson/cJSON.h>

#include "cli.h"


#define CLI_ROWS_COLUMNS  8


typedef enum {
    CLI_ROWS_TABLE = 0,
    CLI_ROWS_TABS,
    CLI_ROWS_CSV,
    CLI_ROWS_NDJSON,
    CLI_ROWS_JSON                  /* one array */
} cli_rows_e;


typedef struct {
    const char          *name;     /* of the member, "a.b" of one in an
                                    * object; NULL ends the columns */
    const char          *title;
    bool                 is_time;  /* shown to the second in a table */
} cli_column_t;


typedef struct {
    cli_rows_e           format;
    const cli_column_t  *columns;
    int                  width[CLI_ROWS_COLUMNS];
    bool                 begun;
    int64_t              count;    /* rows written */
} cli_rows_t;


/* The format that the options ask for. */
void cli_rows_init(cli_rows_t *rows, const cli_options_t *options,
    const cli_column_t *columns);

/* Writes at most this many elements of the array; returns how many. */
int64_t cli_rows_page(cli_rows_t *rows, const cJSON *array, int64_t most);


/* Writes one row; not for tables. */
void cli_rows_row(cli_rows_t *rows, const cJSON *row);

/* There are no more. */
void cli_rows_end(cli_rows_t *rows);


#endif /* CLI_ROWS_H */
