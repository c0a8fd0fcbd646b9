/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs-worker classify: JSON Lines in, the same lines with gender out.  One
 * thread, constant memory.  What was read is answered before more is waited
 * for, so that a program can talk to it line by line through two pipes.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "igj_classify.h"
#include "igj_classify_line.h"
#include "igj_tokens.h"


#define CLI_READ_SIZE  (64 * 1024)

#define CLI_FAULTY     1                   /* exit: lines were passed over */
#define CLI_USAGE      2


typedef struct {
    const igj_name_table_t  *table;
    uint64_t                 line;         /* number of the current one */
    uint64_t                 faulty;
    size_t                   len;          /* of the unfinished line */
    int                      skipping;     /* it is too long */
    char                     text[IGJ_CLASSIFY_LINE_MAX + 1];
} cli_t;


_Static_assert(IGJ_CLASSIFY_LINE_MAX == 1048576 && IGJ_JSON_MAX_MEMBERS == 64
               && IGJ_TOKENS_READ_MAX == 512,
               "these limits are spelt out in texts");


static const char  cli_help[] =
    "usage: igjobs-worker classify <PROFILES >CLASSIFIED\n"
    "\n"
    "Reads JSON Lines: one object a line with \"full_name\" (or \"fullName\")\n"
    "and \"username\"; either may be missing or null.  Writes the same lines\n"
    "with three members added at the end, in place of any that were there:\n"
    "\n"
    "  gender       \"female\", \"male\" or \"unknown\"\n"
    "  confidence   0.50 to 0.99, the share that speaks for the likelier\n"
    "  evidence     the rule and the word that weighed most: \"name:maria\"\n"
    "\n"
    "Empty lines are passed over.  So are lines that are no JSON object,\n"
    "longer than 1 MiB or of more than 64 fields: each is reported on\n"
    "standard error with its number.  Of a name 512 bytes are read.\n"
    "\n"
    "Exit status: 0 all lines classified, 1 some were passed over or reading\n"
    "or writing failed, 2 wrong usage.\n";


static void
cli_fault(cli_t *cli, const char *what)
{
    cli->faulty++;
    fprintf(stderr, "line %llu: %s\n", (unsigned long long) cli->line, what);
}


/* The line is in cli->text, whole and without its line end. */
static void
cli_line(cli_t *cli)
{
    const char  *error;

    cli->line++;

    if (cli->skipping) {
        cli_fault(cli, "longer than 1048576 bytes");
        return;
    }

    cli->text[cli->len] = '\0';

    if (strspn(cli->text, " \t\r") == cli->len) {
        return;
    }

    error = igj_classify_line(cli->table, cli->text, cli->len, stdout);

    if (error != NULL) {
        cli_fault(cli, error);
    }
}


static void
cli_take(cli_t *cli, const char *data, size_t len)
{
    size_t       n;
    const char  *end;

    while (len > 0) {
        end = memchr(data, '\n', len);
        n = end == NULL ? len : (size_t) (end - data);

        if (n > IGJ_CLASSIFY_LINE_MAX - cli->len) {
            cli->skipping = 1;
        }

        if (!cli->skipping) {
            memcpy(cli->text + cli->len, data, n);
            cli->len += n;
        }

        if (end == NULL) {
            return;
        }

        cli_line(cli);
        cli->len = 0;
        cli->skipping = 0;
        data = end + 1;
        len -= n + 1;
    }
}


/* Returns the exit status. */
static int
cli_run(cli_t *cli)
{
    char     data[CLI_READ_SIZE];
    ssize_t  n;

    for ( ;; ) {
        n = read(STDIN_FILENO, data, sizeof(data));

        if (n < 0 && errno == EINTR) {
            continue;
        }

        if (n <= 0) {
            break;
        }

        cli_take(cli, data, (size_t) n);

        if (fflush(stdout) != 0) {
            break;
        }
    }

    if (n < 0) {
        fprintf(stderr, "standard input: %s\n", strerror(errno));
        return CLI_FAULTY;
    }

    if (n == 0 && (cli->len > 0 || cli->skipping)) {
        cli_line(cli);
    }

    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "standard output: %s\n", strerror(errno));
        return CLI_FAULTY;
    }

    return cli->faulty > 0 ? CLI_FAULTY : 0;
}


int
igj_classify_main(int argc, char **argv)
{
    int                status;
    cli_t             *cli;
    const char        *error;
    igj_name_table_t   table;

    if (argc > 1) {
        status = strcmp(argv[1], "--help") == 0 ? 0 : CLI_USAGE;
        fputs(cli_help, status == 0 ? stdout : stderr);
        return status;
    }

    error = igj_names_builtin(&table);

    if (error != NULL) {
        fprintf(stderr, "%s\n", error);
        return CLI_FAULTY;
    }

    cli = calloc(1, sizeof(cli_t));

    if (cli == NULL) {
        fprintf(stderr, "no memory\n");
        return CLI_FAULTY;
    }

    cli->table = &table;
    status = cli_run(cli);
    free(cli);

    return status;
}
