/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli_names.h"
#include "cli_term.h"


#define CLI_NAMES_MARK  "\xEF\xBB\xBF"     /* some editors begin files so */


static FILE *cli_names_file(const char *path);
static FILE *cli_names_spool(FILE *in, const char *from);
static int cli_names_line(cli_names_t *names, size_t *len);
static igj_str_t cli_names_strip(const char *text, size_t len);
static bool cli_names_blank(char c);


int
cli_names_open(cli_names_t *names, const cli_options_t *options)
{
    const char  *path;

    memset(names, 0, sizeof(cli_names_t));
    path = options->file;

    if (path == NULL && options->nargs == 1
        && strcmp(options->args[0], "-") == 0)
    {
        path = "-";

    } else if (path != NULL && options->nargs > 0) {
        cli_say("accounts come from the command line or from -f, not both");
        return IGJ_ERROR;
    }

    if (path == NULL) {
        names->words = options->args;
        names->nwords = options->nargs;
        return IGJ_OK;
    }

    if (strcmp(path, "-") == 0 && cli_term_is_input()) {
        cli_say("accounts, one a line; Ctrl-D ends the list");
    }

    names->from = strcmp(path, "-") == 0 ? "standard input" : path;
    names->file = cli_names_source(path);

    return names->file == NULL ? IGJ_ERROR : IGJ_OK;
}


FILE *
cli_names_source(const char *path)
{
    /* a regular file may have been read from by others before */
    return strcmp(path, "-") == 0 ? cli_names_spool(stdin, "standard input")
                                  : cli_names_file(path);
}


/* The file itself, or a copy of what can be read only once. */

static FILE *
cli_names_file(const char *path)
{
    FILE         *file, *copy;
    struct stat   st;

    file = fopen(path, "re");

    if (file == NULL) {
        cli_say("%s: %s", path, strerror(errno));
        return NULL;
    }

    if (fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode)) {
        return file;
    }

    copy = cli_names_spool(file, path);
    (void) fclose(file);

    return copy;
}


void
cli_names_close(cli_names_t *names)
{
    if (names->file != NULL) {
        (void) fclose(names->file);
        names->file = NULL;
    }
}


/* A file without a name, gone with the process. */

static FILE *
cli_names_spool(FILE *in, const char *from)
{
    char    buf[65536];
    FILE   *file;
    size_t  n, total;

    file = tmpfile();
    total = 0;

    if (file == NULL) {
        cli_say("temporary file: %s", strerror(errno));
        return NULL;
    }

    while ((n = fread(buf, 1, sizeof(buf), in)) > 0) {
        total += n;

        if (total > CLI_SPOOL_MAX) {
            cli_say("%s: longer than %d bytes", from, CLI_SPOOL_MAX);
            break;
        }

        if (fwrite(buf, 1, n, file) != n) {
            cli_say("temporary file: %s", strerror(errno));
            break;
        }
    }

    if (n > 0 || ferror(in) || fseek(file, 0, SEEK_SET) != 0) {
        if (n == 0) {
            cli_say("%s: %s", from, strerror(errno));
        }
        (void) fclose(file);
        return NULL;
    }

    return file;
}


int
cli_names_rewind(cli_names_t *names)
{
    names->line = 0;

    if (names->file != NULL && fseek(names->file, 0, SEEK_SET) != 0) {
        cli_say("%s: %s", names->from, strerror(errno));
        return IGJ_ERROR;
    }

    return IGJ_OK;
}


int
cli_names_next(cli_names_t *names)
{
    int     rc;
    size_t  len;

    if (names->file == NULL) {
        if (names->line == (uint64_t) names->nwords) {
            return 0;
        }

        names->name.data = names->words[names->line++];
        names->name.len = strlen(names->name.data);

        return 1;
    }

    do {
        rc = cli_names_line(names, &len);

        if (rc != 1) {
            return rc;
        }

        names->name = cli_names_strip(names->buf, len);
    } while (names->name.len == 0);

    return 1;
}


/* The next line into buf: 1, 0 at the end, IGJ_ERROR. */

static int
cli_names_line(cli_names_t *names, size_t *len)
{
    int     c;
    size_t  n;

    n = 0;
    names->line++;

    while ((c = getc_unlocked(names->file)) != EOF && c != '\n') {
        if (n == CLI_LINE_MAX) {
            cli_say("%s:%llu: the line is longer than %d bytes; an account a "
                    "line is wanted", names->from,
                    (unsigned long long) names->line, CLI_LINE_MAX);
            return IGJ_ERROR;
        }

        names->buf[n++] = (char) c;
    }

    if (ferror(names->file)) {
        cli_say("%s: %s", names->from, strerror(errno));
        return IGJ_ERROR;
    }

    *len = n;

    return c == EOF && n == 0 ? 0 : 1;
}


static igj_str_t
cli_names_strip(const char *text, size_t len)
{
    size_t  i;

    if (len >= 3 && memcmp(text, CLI_NAMES_MARK, 3) == 0) {
        text += 3;
        len -= 3;
    }

    for (i = 0; i < len; i++) {
        if (text[i] == '#' && (i == 0 || cli_names_blank(text[i - 1]))) {
            len = i;
        }
    }

    while (len > 0 && cli_names_blank(text[len - 1])) {
        len--;
    }

    while (len > 0 && cli_names_blank(*text)) {
        text++;
        len--;
    }

    return (igj_str_t) { text, len };
}


static bool
cli_names_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}
