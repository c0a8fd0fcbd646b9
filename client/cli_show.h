/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Answers of calls on standard output: their members for people, one a line,
 * or with --json the whole.
 */

#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <cjson/cJSON.h>

#include "cli.h"


/* Prints the members of the document that are no objects, one a line, or with
 * --json the whole. */
void cli_show_members(const cli_t *cli, const cJSON *doc);

/* Prints those of these names (NULL ends them; "a.b": of one in an object) that
 * are there, in this order, or with --json the whole. */
void cli_show_named(const cli_t *cli, const cJSON *doc,
    const char *const *names);

/* Prints what is in one member: those of an object as "name.member", the texts
 * of an array each in a line of its own.  Not with --json. */
void cli_show_inner(const cli_t *cli, const cJSON *doc, const char *name);

/* Says the elements of "errors"; CLI_JOB_FAILED: there are some. */
cli_exit_e cli_say_errors(const cJSON *doc);


#endif /* CLI_SHOW_H */
