/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_headers.h"
#include "cli_term.h"


/* The places a header comes from, for messages. */
#define CLI_HEADERS_OPTION  "-H"
#define CLI_HEADERS_ENV     "IGJOBS_HEADER"


static int cli_headers_file(struct curl_slist **list, const char *name);
static int cli_headers_text(struct curl_slist **list, const char *from,
    const char *text, size_t len);
static int cli_headers_line(struct curl_slist **list, const char *from,
    const char *line, size_t len);
static bool cli_headers_secret(const char *line);


int
cli_headers_read(const cli_options_t *options, struct curl_slist **list)
{
    int          rc;
    size_t       i;
    const char  *text;

    text = getenv(CLI_HEADERS_ENV);
    rc = IGJ_OK;

    if (text != NULL && text[0] == '@') {
        rc = cli_headers_file(list, text + 1);
    } else if (text != NULL) {
        rc = cli_headers_text(list, CLI_HEADERS_ENV, text, strlen(text));
    }

    for (i = 0; rc == IGJ_OK && i < options->nheaders; i++) {
        text = options->headers[i];

        if (text[0] == '@') {
            rc = cli_headers_file(list, text + 1);

        } else if (cli_headers_secret(text)) {
            cli_say("everybody on this machine can read a command line: put "
                    "this header into a file for -H @FILE, or into "
                    CLI_HEADERS_ENV);
            rc = IGJ_ERROR;

        } else {
            rc = cli_headers_line(list, CLI_HEADERS_OPTION, text,
                                  strlen(text));
        }
    }

    return rc;
}


static int
cli_headers_file(struct curl_slist **list, const char *name)
{
    int      rc;
    char    *text;
    FILE    *file;
    size_t   len;

    file = fopen(name, "re");

    if (file == NULL) {
        cli_say("%s: %s", name, strerror(errno));
        return IGJ_ERROR;
    }

    text = malloc(CLI_HEADER_FILE_MAX + 1);
    len = text == NULL ? 0 : fread(text, 1, CLI_HEADER_FILE_MAX + 1, file);
    rc = IGJ_ERROR;

    if (text == NULL || ferror(file)) {
        cli_say("%s: cannot be read", name);
    } else if (len > CLI_HEADER_FILE_MAX) {
        cli_say("%s: longer than %d bytes", name, CLI_HEADER_FILE_MAX);
    } else {
        rc = cli_headers_text(list, name, text, len);
    }

    free(text);
    (void) fclose(file);

    return rc;
}


/* A header a line; empty lines and those from "#" are left out. */

static int
cli_headers_text(struct curl_slist **list, const char *from, const char *text,
    size_t len)
{
    size_t       n, step;
    const char  *end;

    for ( /* void */ ; len > 0; text += step, len -= step) {
        end = memchr(text, '\n', len);
        n = end == NULL ? len : (size_t) (end - text);
        step = end == NULL ? n : n + 1;

        if (n > 0 && text[n - 1] == '\r') {
            n--;
        }

        if (n > 0 && text[0] != '#'
            && cli_headers_line(list, from, text, n) != IGJ_OK)
        {
            return IGJ_ERROR;
        }
    }

    return IGJ_OK;
}


/* The value is not shown: it may be a secret. */

static int
cli_headers_line(struct curl_slist **list, const char *from, const char *line,
    size_t len)
{
    char               *text;
    size_t              i, name;
    struct curl_slist  *longer;

    for (name = 0; name < len && line[name] > ' ' && line[name] < 0x7F
                   && line[name] != ':'; name++)
    {
        /* void */
    }

    for (i = name; i < len && line[i] != '\0' && line[i] != '\n'
                   && line[i] != '\r'; i++)
    {
        /* void */
    }

    if (name == 0 || name == len || line[name] != ':' || i < len) {
        cli_say("%s: a header reads \"Name: value\"", from);
        return IGJ_ERROR;
    }

    text = strndup(line, len);
    longer = text == NULL ? NULL : curl_slist_append(*list, text);
    free(text);

    if (longer == NULL) {
        cli_say("no memory");
        return IGJ_ERROR;
    }

    *list = longer;

    return IGJ_OK;
}


static bool
cli_headers_secret(const char *line)
{
    size_t              i;
    static const char  *names[] = {
        "authorization:", "proxy-authorization:", "cookie:", "x-api-key:",
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncasecmp(line, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }

    return false;
}
