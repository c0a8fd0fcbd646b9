/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Headers of every request, for the access control before the server: -H and
 * IGJOBS_HEADER.  Those that carry secrets come from the environment or a
 * file, not from the command line.
 */

#ifndef CLI_HEADERS_H
#define CLI_HEADERS_H

#include <curl/curl.h>

#include "cli.h"


/* A list for curl_slist_free_all().  IGJ_ERROR: unusable, which was said. */
int cli_headers_read(const cli_options_t *options,
    struct curl_slist **headers);


#endif /* CLI_HEADERS_H */
