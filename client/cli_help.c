/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>

#include "cli_help.h"
#include "cli_term.h"


#define CLI_HELP_COLUMNS  78
#define CLI_HELP_INDENT   26


static const char  cli_help_exit[] =
    "Exit status: 0 done, 1 the job or the operation failed, or a part of it,\n"
    "2 wrong usage or a request that the server refuses, 3 the server, the\n"
    "network or a file failed, 4 there is no such job, campaign, ... An\n"
    "interrupt ends with the signal's own status.\n";

static const char  cli_help_environment[] =
    "Environment:\n"
    "  IGJOBS_URL              where igjobs is, where --url does not say it\n"
    "  IGJOBS_HEADER           a header a line, or @FILE, for every request\n"
    "  http_proxy, https_proxy, no_proxy\n"
    "                          as everywhere\n"
    "  CURL_CA_BUNDLE, SSL_CERT_FILE\n"
    "                          authorities to trust instead of the system's\n"
    "  NO_COLOR                no colours on a terminal\n";


static void cli_help_command(const cli_command_t *command);
static void cli_help_all(void);
static void cli_help_options(const cli_option_t *list);
static void cli_help_wrap(const char *text, int column, int indent);


void
cli_help(const cli_command_t *command)
{
    if (command == NULL) {
        cli_help_all();
        return;
    }

    cli_help_command(command);
    cli_out_format("\nCommon options:\n");
    cli_help_options(cli_common_options);
    cli_out_format("\n%s", cli_help_exit);
}


static void
cli_help_command(const cli_command_t *command)
{
    cli_out_format("usage: igjobs %s%s%s%s\n\n", command->name,
                   command->options->name == NULL ? "" : " [OPTION...]",
                   command->usage[0] == '\0' ? "" : " ", command->usage);
    cli_help_wrap(command->text, 0, 0);
    cli_out_format("\nExample:\n  igjobs %s\n", command->example);

    if (command->options->name != NULL) {
        cli_out_format("\nOptions:\n");
        cli_help_options(command->options);
    }
}


static void
cli_help_all(void)
{
    const cli_command_t  *command;

    cli_out_format("usage: igjobs [OPTION...] COMMAND ...\n\n"
                   "Submits jobs to igjobs and shows what becomes of them.\n\n"
                   "Commands; \"igjobs COMMAND --help\" says more:\n");

    for (command = cli_commands; command->name != NULL; command++) {
        cli_out_format("  %-22s  %s\n", command->name, command->summary);
    }

    cli_out_format("\nOptions of all commands:\n");
    cli_help_options(cli_common_options);
    cli_out_format("\n%s\n%s", cli_help_environment, cli_help_exit);
}


static void
cli_help_options(const cli_option_t *list)
{
    int   n;
    char  name[64];

    for ( /* void */ ; list->name != NULL; list++) {
        n = list->letter == 0
            ? snprintf(name, sizeof(name), "  --%s%s%s", list->name,
                       list->value == NULL ? "" : " ",
                       list->value == NULL ? "" : list->value)
            : snprintf(name, sizeof(name), "  -%c, --%s%s%s", list->letter,
                       list->name, list->value == NULL ? "" : " ",
                       list->value == NULL ? "" : list->value);

        if (n > CLI_HELP_INDENT - 2) {
            cli_out_format("%s\n%*s", name, CLI_HELP_INDENT, "");
        } else {
            cli_out_format("%-*s", CLI_HELP_INDENT, name);
        }

        cli_help_wrap(list->text, CLI_HELP_INDENT, CLI_HELP_INDENT);
    }
}


/* Words from the column on, in lines that begin at indent. */

static void
cli_help_wrap(const char *text, int column, int indent)
{
    int   n;
    bool  first;

    for (first = true; *text != '\0'; first = false) {
        n = (int) strcspn(text, " ");

        if (!first && column + 1 + n > CLI_HELP_COLUMNS) {
            cli_out_format("\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            cli_out(" ", 1);
            column++;
        }

        cli_out(text, (size_t) n);
        column += n;
        text += n + (text[n] == ' ');
    }

    cli_out("\n", 1);
}


void
cli_help_manual(void)
{
    const cli_command_t  *command;

    cli_out_format("```\n");
    cli_help_all();
    cli_out_format("```\n");

    for (command = cli_commands; command->name != NULL; command++) {
        cli_out_format("\n### `igjobs %s`\n\n```\n", command->name);
        cli_help_command(command);
        cli_out_format("```\n");
    }
}
