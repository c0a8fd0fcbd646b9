/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The accounts that were given: words of the command line, or lines of a file.
 * A file is read as it is needed, as often as it is needed; what comes from a
 * pipe is kept in a temporary file for that.  Blank lines, and what follows a
 * "#" at the start of a line or after a blank, are left out.
 */

#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <stdio.h>

#include "cli.h"


typedef struct {
    char       **words;
    int          nwords;
    FILE        *file;                     /* instead of words */
    const char  *from;                     /* its name, for messages */

    uint64_t     line;                     /* of the last name, from 1 */
    igj_str_t    name;
    char         buf[CLI_LINE_MAX];
} cli_names_t;


/* IGJ_ERROR: cannot be read or nothing was given, which was said. */
int cli_names_open(cli_names_t *names, const cli_options_t *options);
void cli_names_close(cli_names_t *names);

int cli_names_rewind(cli_names_t *names);

/* The file at path, or standard input ("-"), so that it can be read again; NULL
 * was said. */
FILE *cli_names_source(const char *path);

/* 1: the next one is in name, until the next call; 0: there are no more;
 * IGJ_ERROR: said. */
int cli_names_next(cli_names_t *names);


#endif /* CLI_NAMES_H */
