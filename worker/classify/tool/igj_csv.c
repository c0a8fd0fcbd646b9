/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The lines of a CSV file without quoting, and what every column obeys. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_names_build.h"
#include "igj_utf8.h"


/* The sources of data/README.md, then countries of name-words.csv alone. */
static const char  csv_cultures[] =
    "ar at au be ca ch de dk es fa fi fr gb id ie is it mx no pn ru se si us "
    "uy wd am ge in jp ";


void
igj_build_fail(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}


void
igj_csv_fail(const igj_csv_row_t *row, const char *format, ...)
{
    va_list  args;

    fprintf(stderr, "%s:%u: ", row->path, row->line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}


void
igj_csv_check_key(const igj_csv_row_t *row, const char *key)
{
    size_t  i, len;

    len = strlen(key);

    if (len == 0 || len > IGJ_NAMES_KEY_MAX) {
        igj_csv_fail(row, "name of %zu bytes (1 to %u)", len,
                     IGJ_NAMES_KEY_MAX);
    }

    if (igj_utf8_valid(key, len) != len) {
        igj_csv_fail(row, "invalid UTF-8");
    }

    for (i = 0; i < len; i++) {
        if ((key[i] >= 'A' && key[i] <= 'Z') || (unsigned char) key[i] < ' ') {
            igj_csv_fail(row, "not lower-case text: \"%s\"", key);
        }
    }
}


unsigned
igj_culture_bit(const igj_csv_row_t *row, const char *code)
{
    size_t  i;

    for (i = 0; csv_cultures[i] != '\0'; i += 3) {
        if (memcmp(&csv_cultures[i], code, 2) == 0) {
            return (unsigned) i / 3;
        }
    }

    igj_csv_fail(row, "unknown source \"%.2s\"", code);
}


/* Cuts the line at its commas; more than the array holds are counted. */
static void
csv_cut(igj_csv_row_t *row, char *text)
{
    row->n = 0;

    while (text != NULL) {
        if (row->n < sizeof(row->field) / sizeof(row->field[0])) {
            row->field[row->n] = text;
        }

        row->n++;
        text = strchr(text, ',');

        if (text != NULL) {
            *text++ = '\0';
        }
    }
}


/* Takes a line; the first that is no comment is the header. */
static void
csv_line(igj_build_t *build, igj_csv_row_t *row, char *text, size_t len,
    const igj_csv_format_t *format)
{
    if (len != strlen(text) || text[len - 1] != '\n') {
        igj_csv_fail(row, "zero byte or no line end");
    }

    text[len - 1] = '\0';

    if (text[0] == '#' || text[0] == '\0') {
        return;
    }

    if (!row->headed) {
        if (strcmp(text, format->header) != 0) {
            igj_csv_fail(row, "the first line is not \"%s\"",
                         format->header);
        }

        row->headed = 1;
        return;
    }

    csv_cut(row, text);

    if (row->n != format->nfields) {
        igj_csv_fail(row, "%u columns instead of %u", row->n,
                     format->nfields);
    }

    format->row(build, row);
}


void
igj_csv_read(igj_build_t *build, const char *path,
    const igj_csv_format_t *format)
{
    FILE          *f;
    char          *text;
    size_t         size;
    ssize_t        len;
    igj_csv_row_t  row = { .path = path };

    f = fopen(path, "rb");
    if (f == NULL) {
        igj_build_fail("%s: %s", path, strerror(errno));
    }

    text = NULL;
    size = 0;

    while ((len = getline(&text, &size, f)) > 0) {
        row.line++;
        csv_line(build, &row, text, (size_t) len, format);
    }

    if (ferror(f) || !row.headed) {
        igj_build_fail("%s: empty or cannot be read", path);
    }

    free(text);
    fclose(f);
}
