/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What --help prints, and the same for docs/client.md.
 */

#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli_commands.h"


/* NULL: of the whole. */
void cli_help(const cli_command_t *command);

/* In Markdown. */
void cli_help_manual(void);


#endif /* CLI_HELP_H */
