/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Standard output led into a file, which has its name once it is whole: until
 * then it is FILE.part.
 */

#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <limits.h>

#include "cli.h"


typedef struct {
    const char  *path;             /* NULL: standard output as it was */
    char         part[PATH_MAX];   /* "": written to directly */
} cli_output_t;


/* path may be NULL or "-" for standard output.  IGJ_ERROR: said. */
int cli_output_open(cli_output_t *output, const char *path);

/* good: the file is whole and gets its name, else it is removed. */
cli_exit_e cli_output_close(cli_output_t *output, bool good);


#endif /* CLI_OUTPUT_H */
