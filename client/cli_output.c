/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_output.h"
#include "cli_term.h"


int
cli_output_open(cli_output_t *output, const char *path)
{
    int          n;
    struct stat  st;

    memset(output, 0, sizeof(cli_output_t));

    if (path == NULL || strcmp(path, "-") == 0) {
        return IGJ_OK;
    }

    output->path = path;

    /* a device or a pipe is not replaced */
    if (stat(path, &st) != 0 || S_ISREG(st.st_mode)) {
        n = snprintf(output->part, sizeof(output->part), "%s.part", path);

        if ((size_t) n >= sizeof(output->part)) {
            cli_say("%s: %s", path, strerror(ENAMETOOLONG));
            return IGJ_ERROR;
        }

        path = output->part;
    }

    if (freopen(path, "we", stdout) == NULL) {
        cli_say("%s: %s", path, strerror(errno));
        return IGJ_ERROR;
    }

    cli_term_output_moved();

    return IGJ_OK;
}


cli_exit_e
cli_output_close(cli_output_t *output, bool good)
{
    cli_out_flush();

    if (output->part[0] == '\0') {
        return CLI_OK;
    }

    if (!good) {
        (void) unlink(output->part);
        return CLI_OK;
    }

    if (fsync(STDOUT_FILENO) != 0 || rename(output->part, output->path) != 0) {
        cli_say("%s: %s", output->path, strerror(errno));
        return CLI_FAILED;
    }

    return CLI_OK;
}
