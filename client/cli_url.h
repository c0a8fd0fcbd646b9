/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Where the server is: --url, IGJOBS_URL or the default.
 */

#ifndef CLI_URL_H
#define CLI_URL_H

#include "cli.h"


/*
 * Takes the URL of the command line (or NULL) and fills url, without a slash
 * at its end, and shown, the same without credentials.  IGJ_ERROR: it cannot
 * be used, which was said.
 */
int cli_url_read(const char *option, char url[CLI_URL_MAX],
    char shown[CLI_URL_MAX]);

/* Adds a parameter to the path; IGJ_ERROR: there is no room. */
int cli_path_parameter(const char *name, const char *value,
    char path[CLI_PATH_MAX]);

/* Adds a text as (a part of) one segment; IGJ_ERROR: there is no room. */
int cli_path_segment(const char *text, char path[CLI_PATH_MAX]);


#endif /* CLI_URL_H */
