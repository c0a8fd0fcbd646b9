/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli_options.h"
#include "cli_term.h"
#include "igj_number.h"


#define CLI_OPTIONS_MAX   32
#define CLI_OPTIONS_CODE  256              /* of the first long option */


/* The tables in the form that getopt_long() reads. */
typedef struct {
    size_t               n;
    const cli_option_t  *option[CLI_OPTIONS_MAX];
    struct option        longs[CLI_OPTIONS_MAX + 1];
    char                 shorts[2 * CLI_OPTIONS_MAX + 4];
} cli_getopt_t;


static int cli_options_scan(cli_options_t *options,
    const cli_option_t *further, int argc, char **argv);
static void cli_options_add(cli_getopt_t *g, const cli_option_t *list);
static const cli_option_t *cli_options_find(const cli_getopt_t *g, int code);
static int cli_options_set(cli_options_t *options,
    const cli_option_t *option, const char *value);
static int cli_options_integer(const cli_option_t *option, const char *value,
    int64_t *member);
static int cli_options_decimal(const cli_option_t *option, const char *value,
    const char **member);
static bool cli_options_word(const char *words, const char *value);
static int cli_options_args(const cli_options_t *options,
    const cli_command_t *command);


int
cli_options_read(cli_options_t *options, const cli_command_t **command,
    int argc, char **argv)
{
    memset(options, 0, sizeof(cli_options_t));
    options->patience = -1;
    options->limit = -1;
    options->table = -1;
    *command = NULL;

    if (cli_options_scan(options, NULL, argc, argv) != IGJ_OK) {
        return IGJ_ERROR;
    }

    if (options->nargs == 0) {
        if (options->help || options->version) {
            return IGJ_OK;
        }

        cli_say("which command? (igjobs --help)");
        return IGJ_ERROR;
    }

    *command = cli_command_find(options->args[0]);

    if (*command == NULL) {
        cli_say("\"%s\" is no command (igjobs --help)", options->args[0]);
        return IGJ_ERROR;
    }

    if (cli_options_scan(options, (*command)->options, options->nargs,
                         options->args) != IGJ_OK)
    {
        cli_note("  igjobs %s --help", (*command)->name);
        return IGJ_ERROR;
    }

    return options->help || options->version
           ? IGJ_OK : cli_options_args(options, *command);
}


/*
 * The common options before the command (further is NULL), or all of those
 * after it.  What is no option is left in args.
 */

static int
cli_options_scan(cli_options_t *options, const cli_option_t *further,
    int argc, char **argv)
{
    int                  code;
    cli_getopt_t         g;
    const cli_option_t  *option;

    memset(&g, 0, sizeof(g));
    strcpy(g.shorts, further == NULL ? "+:" : ":");
    cli_options_add(&g, cli_common_options);

    if (further != NULL) {
        cli_options_add(&g, further);
    }

    optind = 0;                            /* getopt begins anew */
    opterr = 0;

    while ((code = getopt_long(argc, argv, g.shorts, g.longs, NULL)) != -1) {
        if (code == '?') {
            cli_say("\"%s\" is no option of it", argv[optind - 1]);
            return IGJ_ERROR;
        }

        if (code == ':') {
            cli_say("%s needs a value", argv[optind - 1]);
            return IGJ_ERROR;
        }

        option = cli_options_find(&g, code);

        if (cli_options_set(options, option, optarg) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    options->args = argv + optind;
    options->nargs = argc - optind;

    return IGJ_OK;
}


static void
cli_options_add(cli_getopt_t *g, const cli_option_t *list)
{
    size_t         len;
    struct option  *one;

    for ( /* void */ ; list->name != NULL && g->n < CLI_OPTIONS_MAX; list++) {
        one = &g->longs[g->n];
        one->name = list->name;
        one->has_arg = list->value == NULL ? no_argument : required_argument;
        one->val = CLI_OPTIONS_CODE + (int) g->n;

        if (list->letter != 0) {
            len = strlen(g->shorts);
            g->shorts[len] = (char) list->letter;
            g->shorts[len + 1] = list->value == NULL ? '\0' : ':';
        }

        g->option[g->n++] = list;
    }
}


static const cli_option_t *
cli_options_find(const cli_getopt_t *g, int code)
{
    size_t  i;

    if (code >= CLI_OPTIONS_CODE) {
        return g->option[code - CLI_OPTIONS_CODE];
    }

    for (i = 0; g->option[i]->letter != code; i++) {
        /* getopt_long() returns no other letters */
    }

    return g->option[i];
}


static int
cli_options_set(cli_options_t *options, const cli_option_t *option,
    const char *value)
{
    void  *member;

    member = (char *) options + option->offset;

    switch (option->type) {
    case CLI_SWITCH:
        *(bool *) member = true;
        return IGJ_OK;

    case CLI_INTEGER:
        return cli_options_integer(option, value, member);

    case CLI_DECIMAL:
        return cli_options_decimal(option, value, member);

    case CLI_HEADER:
        if (options->nheaders == CLI_HEADERS_MAX) {
            cli_say("more than %d times -H", CLI_HEADERS_MAX);
            return IGJ_ERROR;
        }

        options->headers[options->nheaders++] = value;
        return IGJ_OK;

    case CLI_STRING:
        break;
    }

    if (option->words != NULL && !cli_options_word(option->words, value)) {
        cli_say("--%s takes %s, not \"%s\"", option->name, option->words,
                value);
        return IGJ_ERROR;
    }

    *(const char **) member = value;

    return IGJ_OK;
}


static int
cli_options_integer(const cli_option_t *option, const char *value,
    int64_t *member)
{
    char     *end;
    int64_t   number;

    errno = 0;
    number = strtoll(value, &end, 10);

    if (end == value || *end != '\0' || errno != 0 || number < option->min
        || number > option->max)
    {
        cli_say("--%s takes a number from %lld to %lld, not \"%s\"",
                option->name, (long long) option->min,
                (long long) option->max, value);
        return IGJ_ERROR;
    }

    *member = number;

    return IGJ_OK;
}


/* The text is sent as it is: nothing of it is lost on the way. */

static int
cli_options_decimal(const cli_option_t *option, const char *value,
    const char **member)
{
    int        fraction;
    int64_t    whole;
    igj_str_t  text;

    text.data = value;
    text.len = strlen(value);

    if (igj_number_whole(text, &whole, &fraction) != IGJ_OK) {
        cli_say("--%s takes a number, not \"%s\"", option->name, value);
        return IGJ_ERROR;
    }

    *member = value;

    return IGJ_OK;
}


static bool
cli_options_word(const char *words, const char *value)
{
    size_t  n;

    for ( /* void */ ; *words != '\0'; words += n + (words[n] == '|')) {
        n = strcspn(words, "|");

        if (strlen(value) == n && memcmp(words, value, n) == 0) {
            return true;
        }
    }

    return false;
}


static int
cli_options_args(const cli_options_t *options, const cli_command_t *command)
{
    if (options->nargs >= command->min_args
        && options->nargs <= command->max_args)
    {
        return IGJ_OK;
    }

    if (options->nargs > command->max_args) {
        cli_say("what is \"%s\"? usage: igjobs %s %s",
                options->args[command->max_args], command->name,
                command->usage);
    } else {
        cli_say("usage: igjobs %s %s", command->name, command->usage);
    }

    return IGJ_ERROR;
}
