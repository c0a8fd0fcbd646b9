/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>

#include "cli_json.h"
#include "cli_rows.h"
#include "cli_term.h"
#include "cli_text.h"


#define CLI_ROWS_GAP         2
#define CLI_ROWS_CELL_MAX    1024          /* bytes of a cell of a table */
#define CLI_ROWS_NUMBER_MAX  32


static void cli_rows_begin(cli_rows_t *rows, const cJSON *array);
static void cli_rows_measure(cli_rows_t *rows, const cJSON *array);
static void cli_rows_titles(cli_rows_t *rows);
static void cli_rows_table(cli_rows_t *rows, const cJSON *row);
static void cli_rows_cell(const cli_rows_t *rows, size_t column,
    cli_style_e style, const char *text, int *left);
static void cli_rows_tabs(const cli_rows_t *rows, const cJSON *row);
static void cli_rows_csv(const cli_rows_t *rows, const cJSON *row);
static void cli_rows_csv_cell(const char *text);
static const char *cli_rows_text(const cli_rows_t *rows, const cJSON *row,
    size_t column, char buf[CLI_ROWS_NUMBER_MAX]);
static const char *cli_rows_time(const char *text,
    char buf[CLI_ROWS_NUMBER_MAX]);


void
cli_rows_init(cli_rows_t *rows, const cli_options_t *options,
    const cli_column_t *columns)
{
    memset(rows, 0, sizeof(cli_rows_t));
    rows->columns = columns;

    if (options->ndjson || options->json) {
        rows->format = CLI_ROWS_NDJSON;
    } else if (options->csv) {
        rows->format = CLI_ROWS_CSV;
    } else {
        rows->format = cli_term_is_output() ? CLI_ROWS_TABLE : CLI_ROWS_TABS;
    }
}


int64_t
cli_rows_page(cli_rows_t *rows, const cJSON *array, int64_t most)
{
    int64_t       n;
    const cJSON  *row;

    cli_rows_begin(rows, array);
    n = 0;

    cJSON_ArrayForEach(row, array) {
        if (n == most) {
            break;
        }

        n++;
        cli_rows_row(rows, row);
    }

    cli_out_flush();

    return n;
}


void
cli_rows_row(cli_rows_t *rows, const cJSON *row)
{
    cli_rows_begin(rows, NULL);

    switch (rows->format) {
    case CLI_ROWS_TABLE:
        cli_rows_table(rows, row);
        break;

    case CLI_ROWS_TABS:
        cli_rows_tabs(rows, row);
        break;

    case CLI_ROWS_CSV:
        cli_rows_csv(rows, row);
        break;

    case CLI_ROWS_NDJSON:
        cli_json_out(row);
        break;

    case CLI_ROWS_JSON:
        cli_out_format(rows->count == 0 ? "" : ",\n");
        cli_json_put(row);
        break;
    }

    rows->count++;
}


void
cli_rows_end(cli_rows_t *rows)
{
    cli_rows_begin(rows, NULL);

    if (rows->format == CLI_ROWS_JSON) {
        cli_out_format("\n]\n");
    }
}


static void
cli_rows_begin(cli_rows_t *rows, const cJSON *array)
{
    size_t  i;

    if (rows->begun) {
        return;
    }

    rows->begun = true;

    if (rows->format == CLI_ROWS_TABLE && cJSON_GetArraySize(array) > 0) {
        cli_rows_measure(rows, array);
        cli_rows_titles(rows);
    }

    if (rows->format == CLI_ROWS_CSV) {
        for (i = 0; rows->columns[i].name != NULL; i++) {
            cli_out_format("%s%s", i == 0 ? "" : ",", rows->columns[i].name);
        }

        cli_out_data("\r\n", 2);
    }

    if (rows->format == CLI_ROWS_JSON) {
        cli_out_format("[\n");
    }
}


/* Columns are as wide as the first page needs. */

static void
cli_rows_measure(cli_rows_t *rows, const cJSON *array)
{
    int           width;
    char          buf[CLI_ROWS_NUMBER_MAX];
    size_t        i;
    const cJSON  *row;

    for (i = 0; rows->columns[i].name != NULL; i++) {
        rows->width[i] = (int) strlen(rows->columns[i].title);

        cJSON_ArrayForEach(row, array) {
            width = cli_text_width(cli_rows_text(rows, row, i, buf));
            rows->width[i] = width > rows->width[i] ? width : rows->width[i];
        }
    }
}


static void
cli_rows_titles(cli_rows_t *rows)
{
    int     left;
    size_t  i;

    left = cli_term_columns();

    for (i = 0; rows->columns[i].name != NULL; i++) {
        cli_rows_cell(rows, i, CLI_BOLD, rows->columns[i].title, &left);
    }

    cli_out("\n", 1);
}


static void
cli_rows_table(cli_rows_t *rows, const cJSON *row)
{
    int     left;
    char    buf[CLI_ROWS_NUMBER_MAX];
    size_t  i;

    left = cli_term_columns();

    for (i = 0; rows->columns[i].name != NULL; i++) {
        cli_rows_cell(rows, i, CLI_PLAIN,
                      cli_rows_text(rows, row, i, buf), &left);
    }

    cli_out("\n", 1);
}


/* Cut where the line ends; padded, but for the last one. */

static void
cli_rows_cell(const cli_rows_t *rows, size_t column, cli_style_e style,
    const char *text, int *left)
{
    int   pad;
    char  clean[cli_text_max(CLI_ROWS_CELL_MAX)];

    (void) cli_text_clean(clean, sizeof(clean), text, strlen(text));
    clean[cli_text_fit(clean, *left)] = '\0';

    cli_out_text(style, clean);
    pad = rows->width[column] + CLI_ROWS_GAP - cli_text_width(clean);
    pad = pad < CLI_ROWS_GAP ? CLI_ROWS_GAP : pad;
    *left -= pad + cli_text_width(clean);

    if (*left > 0 && rows->columns[column + 1].name != NULL) {
        cli_out_format("%*s", pad, "");
    }

    *left = *left < 0 ? 0 : *left;
}


static void
cli_rows_tabs(const cli_rows_t *rows, const cJSON *row)
{
    char    buf[CLI_ROWS_NUMBER_MAX];
    size_t  i;

    for (i = 0; rows->columns[i].name != NULL; i++) {
        if (i > 0) {
            cli_out("\t", 1);
        }

        cli_out_text(CLI_PLAIN, cli_rows_text(rows, row, i, buf));
    }

    cli_out("\n", 1);
}


static void
cli_rows_csv(const cli_rows_t *rows, const cJSON *row)
{
    char    buf[CLI_ROWS_NUMBER_MAX];
    size_t  i;

    for (i = 0; rows->columns[i].name != NULL; i++) {
        if (i > 0) {
            cli_out(",", 1);
        }

        cli_rows_csv_cell(cli_rows_text(rows, row, i, buf));
    }

    cli_out_data("\r\n", 2);
}


/* RFC 4180: a cell with a comma, a quote or a line end stands in quotes. */

static void
cli_rows_csv_cell(const char *text)
{
    size_t  n;

    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        cli_out_data(text, strlen(text));
        return;
    }

    cli_out("\"", 1);

    for ( /* void */ ; *text != '\0'; text += n) {
        n = strcspn(text, "\"");
        cli_out_data(text, n);

        if (text[n] == '"') {
            cli_out("\"\"", 2);
            n++;
        }
    }

    cli_out("\"", 1);
}


static const char *
cli_rows_text(const cli_rows_t *rows, const cJSON *row, size_t column,
    char buf[CLI_ROWS_NUMBER_MAX])
{
    const char   *text;
    const cJSON  *value;

    value = cli_json_find(row, rows->columns[column].name);
    text = cli_json_show(value, buf, CLI_ROWS_NUMBER_MAX);

    return rows->format == CLI_ROWS_TABLE && rows->columns[column].is_time
           ? cli_rows_time(text, buf) : text;
}


static const char *
cli_rows_time(const char *text, char buf[CLI_ROWS_NUMBER_MAX])
{
    if (strlen(text) < sizeof("2026-11-22T06:01:09") - 1) {
        return text;
    }

    (void) snprintf(buf, CLI_ROWS_NUMBER_MAX, "%.10s %.8s", text, text + 11);

    return buf;
}
