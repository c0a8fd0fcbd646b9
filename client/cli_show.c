/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>

#include "cli_json.h"
#include "cli_show.h"
#include "cli_term.h"


#define CLI_SHOW_NAME_MAX  128


static void cli_show_line(const char *name, const cJSON *value);


void
cli_show_members(const cli_t *cli, const cJSON *doc)
{
    const cJSON  *member;

    if (cli->options.json) {
        cli_json_out(doc);
        return;
    }

    cJSON_ArrayForEach(member, doc) {
        if (!cJSON_IsObject(member) && !cJSON_IsArray(member)
            && strcmp(member->string, "success") != 0)
        {
            cli_show_line(member->string, member);
        }
    }
}


void
cli_show_named(const cli_t *cli, const cJSON *doc, const char *const *names)
{
    const cJSON  *member;

    if (cli->options.json) {
        cli_json_out(doc);
        return;
    }

    for ( /* void */ ; *names != NULL; names++) {
        member = cli_json_find(doc, *names);

        if (member != NULL) {
            cli_show_line(*names, member);
        }
    }
}


void
cli_show_inner(const cli_t *cli, const cJSON *doc, const char *name)
{
    char          title[CLI_SHOW_NAME_MAX];
    const cJSON  *outer, *member;

    if (cli->options.json) {
        return;
    }

    outer = cJSON_GetObjectItemCaseSensitive(doc, name);

    cJSON_ArrayForEach(member, outer) {
        (void) snprintf(title, sizeof(title), "%s%s%s", name,
                        cJSON_IsObject(outer) ? "." : "",
                        cJSON_IsObject(outer) ? member->string : "");
        cli_show_line(title, member);
    }
}


/* The elements of an array follow each other. */

static void
cli_show_line(const char *name, const cJSON *value)
{
    char          buf[64];
    const cJSON  *element;

    cli_out_text(CLI_PLAIN, name);
    cli_out_format("%*s", (int) (strlen(name) < 19 ? 20 - strlen(name) : 1),
                   "");

    if (cJSON_IsArray(value)) {
        cJSON_ArrayForEach(element, value) {
            cli_out_text(CLI_PLAIN, cli_json_show(element, buf, sizeof(buf)));
            cli_out_format("%s", element->next == NULL ? "" : ", ");
        }

    } else {
        cli_out_text(CLI_PLAIN, cli_json_show(value, buf, sizeof(buf)));
    }

    cli_out("\n", 1);
}


cli_exit_e
cli_say_errors(const cJSON *doc)
{
    cli_exit_e    rc;
    const cJSON  *error;

    rc = CLI_OK;

    cJSON_ArrayForEach(error, cJSON_GetObjectItemCaseSensitive(doc, "errors")) {
        if (cJSON_IsString(error)) {
            if (rc == CLI_OK) {
                cli_say("not all of it was done:");
            }

            cli_note("  %s", error->valuestring);
            rc = CLI_JOB_FAILED;
        }
    }

    return rc;
}
