/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs schedules.  A schedule is known by its name, so that each call can be
 * repeated.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli_call.h"
#include "cli_json.h"
#include "cli_list.h"
#include "cli_names.h"
#include "cli_show.h"
#include "cli_term.h"


#define CLI_SCHEDULE_MAX  (256 * 1024)     /* bytes of one */


static cli_exit_e cli_schedules_list(cli_t *cli);
static cli_exit_e cli_schedules_create(cli_t *cli);
static int cli_schedules_file(const char *path, char *text);
static cli_exit_e cli_schedules_one(cli_t *cli);


static const cli_column_t  cli_schedules_columns[] = {
    { "schedule_id", "SCHEDULE",   false },
    { "name",        "NAME",       false },
    { "cron",        "CRON",       false },
    { "time_zone",   "TIME ZONE",  false },
    { "state",       "STATE",      false },
    { "next_at",     "NEXT (UTC)", true },
    { NULL,          NULL,         false }
};

/* what can be done with one that is there */
static const struct {
    const char  *word;
    const char  *method;
    const char  *suffix;           /* of its path */
} cli_schedules_actions[] = {
    { "show", "GET", "" },
    { "pause", NULL, "/pause" },
    { "resume", NULL, "/resume" },
    { "delete", "DELETE", "" }
};


cli_exit_e
cli_schedules(cli_t *cli)
{
    const cli_options_t  *options;

    options = &cli->options;

    if (options->nargs == 0
        || (options->nargs == 1 && strcmp(options->args[0], "list") == 0))
    {
        return cli_schedules_list(cli);
    }

    if (options->nargs == 2) {
        return strcmp(options->args[0], "create") == 0
               ? cli_schedules_create(cli) : cli_schedules_one(cli);
    }

    cli_say("usage: igjobs schedules [list | create FILE | show ID | pause ID "
            "| resume ID | delete ID]");

    return CLI_USAGE;
}


static cli_exit_e
cli_schedules_list(cli_t *cli)
{
    static const cli_list_t  list = { .path = "/api/schedules",
                                      .member = "schedules",
                                      .columns = cli_schedules_columns,
                                      .what = "schedules" };

    return cli_list(cli, &list);
}


static cli_exit_e
cli_schedules_create(cli_t *cli)
{
    static char   text[CLI_SCHEDULE_MAX + 1];

    cJSON        *doc;
    cli_call_t    call = { .path = "/api/schedules", .body = text };
    cli_exit_e    rc;
    const char   *id;
    cli_answer_t  answer;

    if (cli_schedules_file(cli->options.args[1], text) != IGJ_OK) {
        return CLI_USAGE;
    }

    rc = cli_call(cli, &call, &doc, &answer);
    id = cli_json_text(doc, "schedule_id");

    if (rc == CLI_OK && cli->options.json) {
        cli_json_out(doc);

    } else if (rc == CLI_OK && id != NULL) {
        cli_out_text(CLI_PLAIN, id);
        cli_out("\n", 1);
        cli_out_flush();
        cli_say(answer.status == 201 ? "schedule made" : "it is there already");
    }

    cJSON_Delete(doc);

    return rc;
}


/* The description, as it is sent. */

static int
cli_schedules_file(const char *path, char *text)
{
    FILE    *file;
    size_t   len;

    file = cli_names_source(path);

    if (file == NULL) {
        return IGJ_ERROR;
    }

    len = fread(text, 1, CLI_SCHEDULE_MAX + 1, file);

    if (ferror(file) || len > CLI_SCHEDULE_MAX || memchr(text, '\0', len)) {
        cli_say("%s: %s", path, ferror(file) ? strerror(errno)
                : len > CLI_SCHEDULE_MAX ? "longer than a schedule may be"
                                         : "no text");
        (void) fclose(file);
        return IGJ_ERROR;
    }

    text[len] = '\0';
    (void) fclose(file);

    return IGJ_OK;
}


static cli_exit_e
cli_schedules_one(cli_t *cli)
{
    char          id[37], path[CLI_PATH_MAX];
    cJSON        *doc;
    size_t        i, n;
    cli_call_t    call = { .path = path };
    cli_exit_e    rc;
    cli_answer_t  answer;

    n = sizeof(cli_schedules_actions) / sizeof(cli_schedules_actions[0]);

    for (i = 0; i < n && strcmp(cli->options.args[0],
                                cli_schedules_actions[i].word) != 0; i++)
    {
        /* void */
    }

    if (i == n) {
        cli_say("schedules takes list, create, show, pause, resume or delete, "
                "not \"%s\"", cli->options.args[0]);
        return CLI_USAGE;
    }

    if (cli_uuid(cli->options.args[1], "schedule", id) != IGJ_OK) {
        return CLI_USAGE;
    }

    call.method = cli_schedules_actions[i].method;

    (void) snprintf(path, sizeof(path), "/api/schedules/%s%s", id,
                    cli_schedules_actions[i].suffix);

    rc = i == 0 ? cli_get(cli, path, &doc)
                : cli_call(cli, &call, &doc, &answer);

    if (rc == CLI_OK) {
        cli_show_members(cli, doc);
        cJSON_Delete(doc);
    }

    return rc;
}
