/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs source-profiles: the accounts whose followers are wanted.  An id that
 * is made here lets an addition be repeated without a second one.
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli_call.h"
#include "cli_json.h"
#include "cli_list.h"
#include "cli_names.h"
#include "cli_show.h"
#include "cli_term.h"
#include "cli_url.h"
#include "igj_uuid.h"


#define CLI_SOURCE_ID_MAX  512             /* bytes of an id of the server */

/* One that is looked for by its id or user name. */
typedef struct {
    const char  *text;
    char         id[CLI_SOURCE_ID_MAX];    /* "" until it was seen */
} cli_source_t;


static cli_exit_e cli_sources_list(cli_t *cli);
static cli_exit_e cli_sources_add(cli_t *cli);
static cli_exit_e cli_source_add(cli_t *cli, const cli_names_t *names);
static void cli_source_say(const cli_names_t *names);
static cli_exit_e cli_sources_remove(cli_t *cli);
static cli_exit_e cli_source_remove(cli_t *cli, const char *text);
static cli_exit_e cli_source_find(cli_t *cli, cli_source_t *source);
static bool cli_source_seen(void *data, const cJSON *element);


static const cli_column_t  cli_sources_columns[] = {
    { "id",         "ID",          false },
    { "username",   "USERNAME",    false },
    { "created_at", "ADDED (UTC)", true },
    { NULL,         NULL,          false }
};


cli_exit_e
cli_source_profiles(cli_t *cli)
{
    const char  *word;

    word = cli->options.nargs == 0 ? "list" : cli->options.args[0];

    if (strcmp(word, "add") == 0) {
        return cli_sources_add(cli);
    }

    if (strcmp(word, "remove") == 0 && cli->options.nargs > 1) {
        return cli_sources_remove(cli);
    }

    if (strcmp(word, "list") == 0 && cli->options.nargs <= 1) {
        return cli_sources_list(cli);
    }

    cli_say("usage: igjobs source-profiles [list | add USERNAME... | add -f "
            "FILE | remove PROFILE...]");

    return CLI_USAGE;
}


static cli_exit_e
cli_sources_list(cli_t *cli)
{
    char        path[CLI_PATH_MAX] = "/api/source-profiles";
    cli_list_t  list = { .path = path, .member = "source_profiles",
                         .columns = cli_sources_columns,
                         .what = "source profiles", .order = "first",
                         .more = "--all" };

    return cli_path_base(&cli->options, path) == IGJ_OK
           ? cli_list(cli, &list) : CLI_USAGE;
}


/* What is refused does not hold up the others. */

static cli_exit_e
cli_sources_add(cli_t *cli)
{
    int                  next;
    bool                 any;
    cli_exit_e           rc, first;
    cli_options_t        words;
    static cli_names_t   names;            /* too large for a stack */

    words = cli->options;
    words.args++;
    words.nargs--;

    if (cli_names_open(&names, &words) != IGJ_OK) {
        return CLI_USAGE;
    }

    any = false;
    first = CLI_OK;

    while ((next = cli_names_next(&names)) == 1) {
        any = true;
        rc = cli_source_add(cli, &names);
        first = first == CLI_OK ? rc : first;

        if (rc == CLI_FAILED) {
            break;
        }
    }

    cli_names_close(&names);

    if (next == 0 && !any) {
        cli_say("no accounts were given; words, -f FILE, or \"-\"");
    }

    return next == IGJ_ERROR || !any ? CLI_USAGE : first;
}


/* The id alone on standard output, as that of a job. */

static cli_exit_e
cli_source_add(cli_t *cli, const cli_names_t *names)
{
    char          id[37], body[CLI_CALL_BODY_MAX];
    cJSON        *doc;
    igj_json_t    json;
    cli_call_t    call = { .path = "/api/source-profiles", .body = body };
    cli_exit_e    rc;
    cli_answer_t  answer;

    if (cli_uuid_make(id) != IGJ_OK) {
        return CLI_FAILED;
    }

    igj_json_init(&json, body, sizeof(body) - 1);
    igj_json_object_begin(&json);
    igj_json_member_text(&json, "id", id);
    igj_json_key(&json, "username");
    igj_json_string(&json, names->name.data, names->name.len);
    igj_json_object_end(&json);

    if (igj_json_overflow(&json)) {
        cli_say("a user name is too long");
        return CLI_USAGE;
    }

    body[json.len] = '\0';
    rc = cli_call(cli, &call, &doc, &answer);

    if (rc != CLI_OK) {
        cli_source_say(names);
    } else if (cli->options.json) {
        cli_json_out(doc);
    } else {
        cli_out_format("%s\n", id);
    }

    cJSON_Delete(doc);

    return rc;
}


/* Which one was not added. */

static void
cli_source_say(const cli_names_t *names)
{
    if (names->file == NULL) {
        cli_note("  This was \"%.*s\".", (int) names->name.len,
                 names->name.data);
    } else {
        cli_note("  This was \"%.*s\" (%s:%llu).", (int) names->name.len,
                 names->name.data, names->from,
                 (unsigned long long) names->line);
    }
}


static cli_exit_e
cli_sources_remove(cli_t *cli)
{
    int         i;
    cli_exit_e  rc, first;

    first = CLI_OK;

    for (i = 1; i < cli->options.nargs; i++) {
        rc = cli_source_remove(cli, cli->options.args[i]);
        first = first == CLI_OK ? rc : first;

        if (rc == CLI_FAILED) {
            break;
        }
    }

    return first;
}


static cli_exit_e
cli_source_remove(cli_t *cli, const char *text)
{
    char           path[CLI_PATH_MAX] = "/api/source-profiles/";
    cJSON         *doc;
    cli_call_t     call = { .method = "DELETE", .path = path };
    cli_exit_e     rc;
    cli_answer_t   answer;
    cli_source_t   source = { .text = text };

    rc = cli_source_find(cli, &source);

    if (rc != CLI_OK) {
        return rc;
    }

    if (cli_path_segment(source.id, path) != IGJ_OK) {
        cli_say("the id of \"%s\" is too long", text);
        return CLI_USAGE;
    }

    rc = cli_call(cli, &call, &doc, &answer);

    if (rc == CLI_OK) {
        cli_show_members(cli, doc);
    }

    cJSON_Delete(doc);

    return rc;
}


/* The id of one that is known by it, or by its user name. */

static cli_exit_e
cli_source_find(cli_t *cli, cli_source_t *source)
{
    char         path[CLI_PATH_MAX] = "/api/source-profiles";
    igj_uuid_t   uuid;
    cli_exit_e   rc;
    cli_list_t   list = { .path = path, .member = "source_profiles" };

    if (igj_uuid_parse(source->text, strlen(source->text), &uuid) == IGJ_OK) {
        (void) snprintf(source->id, sizeof(source->id), "%s", source->text);
        return CLI_OK;
    }

    if (cli_path_base(&cli->options, path) != IGJ_OK) {
        return CLI_USAGE;
    }

    rc = cli_list_each(cli, &list, cli_source_seen, source);

    if (rc == CLI_OK && source->id[0] == '\0') {
        cli_say("there is no source profile \"%s\"", source->text);
        rc = CLI_NOT_FOUND;
    }

    return rc;
}


/* An id counts more than a user name. */

static bool
cli_source_seen(void *data, const cJSON *element)
{
    cli_source_t  *source = data;

    bool         is;
    const char  *id, *username, *text;

    id = cli_json_text(element, "id");
    username = cli_json_text(element, "username");
    text = source->text + (source->text[0] == '@');

    if (id == NULL || username == NULL || strlen(id) >= CLI_SOURCE_ID_MAX) {
        return true;
    }

    is = strcmp(id, source->text) == 0;

    if (is || strcasecmp(username, text) == 0) {
        strcpy(source->id, id);
    }

    return !is;
}
