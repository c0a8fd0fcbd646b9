/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The commands and their options, as one table: what the parser takes, what
 * --help shows and what the manual says.
 */

#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli.h"


typedef enum {
    CLI_SWITCH = 0,                /* bool */
    CLI_STRING,                    /* const char * */
    CLI_INTEGER,                   /* int64_t within min and max */
    CLI_DECIMAL,                   /* const char *: a number as JSON knows it */
    CLI_HEADER                     /* one more of headers */
} cli_option_e;


typedef struct {
    const char          *name;     /* without "--"; NULL ends the list */
    int                  letter;   /* or 0 */
    const char          *value;    /* what --help calls it; NULL: a switch */
    cli_option_e         type;
    size_t               offset;   /* in cli_options_t */
    int64_t              min;
    int64_t              max;
    const char          *words;    /* "a|b": nothing else; or NULL */
    const char          *text;
} cli_option_t;


typedef struct {
    const char          *name;     /* NULL ends the list */
    const char          *usage;    /* what follows it */
    int                  min_args;
    int                  max_args;
    const cli_option_t  *options;
    cli_exit_e         (*run)(cli_t *cli);
    const char          *summary;
    const char          *text;
    const char          *example;  /* what follows "igjobs " */
} cli_command_t;


extern const cli_command_t  cli_commands[];
extern const cli_option_t   cli_common_options[];

/* NULL: there is none of this name. */
const cli_command_t *cli_command_find(const char *name);


#endif /* CLI_COMMANDS_H */
