/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Documents of the server: reading members, writing them out again.
 */

#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <cjson/cJSON.h>

#include "cli.h"


/* Members of an object (or of NULL): NULL and 0 where there are none of the
 * kind. */
const char *cli_json_text(const cJSON *object, const char *name);
int64_t cli_json_integer(const cJSON *object, const char *name);
bool cli_json_true(const cJSON *object, const char *name);

/* The value at "a" or "a.b", or NULL. */
const cJSON *cli_json_find(const cJSON *object, const char *path);

/* A value as text: strings as they are, null and absent ones as "". */
const char *cli_json_show(const cJSON *value, char *buf, size_t size);

/*
 * One value and a line feed on standard output.  Characters that a terminal
 * could obey are written as escapes.
 */
void cli_json_out(const cJSON *value);

/* The same without the line feed. */
void cli_json_put(const cJSON *value);


#endif /* CLI_JSON_H */
