/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs: jobs from the command line, over the HTTP API.
 */

#include <curl/curl.h>
#include <string.h>

#include "cli.h"
#include "cli_help.h"
#include "cli_http.h"
#include "cli_options.h"
#include "cli_term.h"
#include "igj_version.h"


static cli_exit_e cli_main(int argc, char **argv);


int
main(int argc, char **argv)
{
    cli_exit_e  rc;

    cli_term_init();

    if (argc == 2 && strcmp(argv[1], "--print-manual") == 0) {
        cli_help_manual();
        rc = CLI_OK;
    } else {
        rc = cli_main(argc, argv);
    }

    cli_out_flush();

    return rc;
}


static cli_exit_e
cli_main(int argc, char **argv)
{
    cli_t                 cli;
    cli_exit_e            rc;
    const cli_command_t  *command;

    if (cli_options_read(&cli.options, &command, argc, argv) != IGJ_OK) {
        return CLI_USAGE;
    }

    if (cli.options.help) {
        cli_help(command);
        return CLI_OK;
    }

    if (cli.options.version) {
        cli_out_format("igjobs " IGJ_VERSION "\n");
        return CLI_OK;
    }

    curl_global_init(CURL_GLOBAL_DEFAULT);
    cli.http = cli_http_open(&cli.options);
    rc = CLI_USAGE;

    if (cli.http != NULL) {
        rc = command->run(&cli);
        cli_http_close(cli.http);
    }

    curl_global_cleanup();

    return rc;
}
