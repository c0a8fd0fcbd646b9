/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Reads the command line by the tables of cli_commands.c.  The common options
 * may stand before and after the command.
 */

#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli_commands.h"


/*
 * *command is NULL where none was named (--help, --version).  Strings stay
 * those of argv.  IGJ_ERROR: wrong usage, which was said.
 */
int cli_options_read(cli_options_t *options, const cli_command_t **command,
    int argc, char **argv);


#endif /* CLI_OPTIONS_H */
