/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs select, distribute, airtable-sync, run-daily, campaigns, assignments.
 * A selection uses profiles up: it carries a key, so that it is made once.
 */

#include <stdio.h>
#include <string.h>

#include "cli_call.h"
#include "cli_json.h"
#include "cli_list.h"
#include "cli_operation.h"
#include "cli_show.h"
#include "cli_term.h"
#include "cli_url.h"


static cli_exit_e cli_campaign_path(const cli_t *cli, const char *prefix,
    char path[CLI_PATH_MAX]);
static int cli_campaign_body(const cli_options_t *options,
    char body[CLI_CALL_BODY_MAX]);
static cli_exit_e cli_campaign_made(cli_t *cli, const cJSON *doc,
    const char *what);
static cli_exit_e cli_campaign_show(cli_t *cli);


static const cli_column_t  cli_campaigns_columns[] = {
    { "campaign_id",        "CAMPAIGN",      false },
    { "campaign_date",      "DATE",          false },
    { "total_assigned",     "PROFILES",      false },
    { "profiles_per_table", "PER TABLE",     false },
    { "va_tables",          "TABLES",        false },
    { "status",             "IN AIRTABLE",   false },
    { "created_at",         "CREATED (UTC)", true },
    { NULL,                 NULL,            false }
};


static const cli_column_t  cli_assignments_columns[] = {
    { "va_table_number",    "TABLE",         false },
    { "position",           "POS",           false },
    { "status",             "STATUS",        false },
    { "username",           "USERNAME",      false },
    { "full_name",          "FULL NAME",     false },
    { "id",                 "ID",            false },
    { "updated_at",         "CHANGED (UTC)", true },
    { "airtable_record_id", "IN AIRTABLE",   false },
    { NULL,                 NULL,            false }
};


cli_exit_e
cli_select(cli_t *cli)
{
    char          body[CLI_CALL_BODY_MAX];
    cJSON        *doc;
    cli_call_t    call = { .path = "/api/daily-selection", .once = true };
    cli_exit_e    rc;
    cli_answer_t  answer;

    if (cli_campaign_body(&cli->options, body) != IGJ_OK) {
        return CLI_USAGE;
    }

    call.body = body;
    rc = cli_call(cli, &call, &doc, &answer);

    if (rc == CLI_OK) {
        rc = cli_campaign_made(cli, doc, "total_selected");
    }

    cJSON_Delete(doc);

    return rc;
}


/* The id alone on standard output, as that of a job. */

static cli_exit_e
cli_campaign_made(cli_t *cli, const cJSON *doc, const char *what)
{
    const char  *id;

    id = cli_json_text(doc, "campaign_id");

    if (id == NULL) {
        cli_say("the answer names no campaign");
        return CLI_FAILED;
    }

    if (cli->options.json) {
        cli_json_out(doc);
        return CLI_OK;
    }

    cli_out_text(CLI_PLAIN, id);
    cli_out("\n", 1);
    cli_out_flush();
    cli_say("campaign made: %lld profiles",
            (long long) cli_json_integer(doc, what));

    return CLI_OK;
}


cli_exit_e
cli_distribute(cli_t *cli)
{
    char          path[CLI_PATH_MAX], body[CLI_CALL_BODY_MAX];
    cJSON        *doc;
    cli_call_t    call = { .path = path, .body = body, .once = true };
    cli_exit_e    rc;
    cli_answer_t  answer;

    rc = cli_campaign_path(cli, "/api/distribute/", path);

    if (rc != CLI_OK
        || cli_campaign_body(&cli->options, body) != IGJ_OK)
    {
        return CLI_USAGE;
    }

    rc = cli_call(cli, &call, &doc, &answer);

    if (rc == CLI_OK) {
        cli_show_members(cli, doc);
    }

    cJSON_Delete(doc);

    return rc;
}


cli_exit_e
cli_airtable_sync(cli_t *cli)
{
    char        path[CLI_PATH_MAX], body[CLI_CALL_BODY_MAX];
    cli_call_t  call = { .path = path, .body = body, .async = true };

    return cli_campaign_path(cli, "/api/airtable-sync/", path) == CLI_OK
           && cli_campaign_body(&cli->options, body) == IGJ_OK
           ? cli_operation_run(cli, &call, !cli->options.no_wait) : CLI_USAGE;
}


cli_exit_e
cli_run_daily(cli_t *cli)
{
    char        body[CLI_CALL_BODY_MAX];
    cli_call_t  call = { .path = "/api/run-daily", .body = body,
                         .once = true, .async = true };

    return cli_campaign_body(&cli->options, body) == IGJ_OK
           ? cli_operation_run(cli, &call, cli->options.wait) : CLI_USAGE;
}


/* The prefix and the campaign that the first argument names. */

static cli_exit_e
cli_campaign_path(const cli_t *cli, const char *prefix,
    char path[CLI_PATH_MAX])
{
    char  id[37];

    if (cli_uuid(cli->options.args[0], "campaign", id) != IGJ_OK) {
        return CLI_USAGE;
    }

    (void) snprintf(path, CLI_PATH_MAX, "%s%s", prefix, id);

    return CLI_OK;
}


static int
cli_campaign_body(const cli_options_t *options, char body[CLI_CALL_BODY_MAX])
{
    igj_json_t  json;

    igj_json_init(&json, body, CLI_CALL_BODY_MAX - 1);
    igj_json_object_begin(&json);

    if (options->per_table > 0) {
        igj_json_member_integer(&json, "profiles_per_table",
                                options->per_table);
    }

    if (options->date != NULL) {
        igj_json_member_text(&json, "campaign_date", options->date);
    }

    if (options->airtable_base != NULL) {
        igj_json_member_text(&json, "airtable_base_id",
                             options->airtable_base);
    }

    igj_json_object_end(&json);

    if (igj_json_overflow(&json)) {
        cli_say("the options are too long");
        return IGJ_ERROR;
    }

    body[json.len] = '\0';

    return IGJ_OK;
}


cli_exit_e
cli_campaigns(cli_t *cli)
{
    char        path[CLI_PATH_MAX] = "/api/campaigns";
    cli_list_t  list = { .path = path, .member = "campaigns",
                         .columns = cli_campaigns_columns,
                         .what = "campaigns", .order = "newest",
                         .more = "--limit" };

    if (cli->options.nargs == 1) {
        return cli_campaign_show(cli);
    }

    return cli_path_base(&cli->options, path) == IGJ_OK
           ? cli_list(cli, &list) : CLI_USAGE;
}


/* One campaign: its members, and what is in its tables. */

static cli_exit_e
cli_campaign_show(cli_t *cli)
{
    static const cli_column_t  columns[] = {
        { "va_table_number", "TABLE",       false },
        { "assigned",        "ASSIGNED",    false },
        { "in_airtable",     "IN AIRTABLE", false },
        { NULL,              NULL,          false }
    };

    char         path[CLI_PATH_MAX];
    cJSON       *doc;
    cli_rows_t   out;
    cli_exit_e   rc;

    rc = cli_campaign_path(cli, "/api/campaigns/", path);

    if (rc == CLI_OK && cli_path_base(&cli->options, path) != IGJ_OK) {
        rc = CLI_USAGE;
    }

    if (rc == CLI_OK) {
        rc = cli_get(cli, path, &doc);
    }

    if (rc != CLI_OK) {
        return rc;
    }

    cli_show_members(cli, doc);
    cli_show_inner(cli, doc, "statuses");

    if (!cli->options.json) {
        cli_out("\n", 1);
        cli_rows_init(&out, &cli->options, columns);
        (void) cli_rows_page(&out,
                             cJSON_GetObjectItemCaseSensitive(doc, "tables"),
                             CLI_PAGE_ROWS);
    }

    cJSON_Delete(doc);

    return CLI_OK;
}


cli_exit_e
cli_assignments(cli_t *cli)
{
    char                  path[CLI_PATH_MAX], table[32];
    cli_list_t            list = { .path = path, .member = "assignments",
                                   .columns = cli_assignments_columns,
                                   .what = "assignments", .order = "first",
                                   .more = "--all" };
    const cli_options_t  *options;

    options = &cli->options;

    if (cli_campaign_path(cli, "/api/campaigns/", path) != CLI_OK) {
        return CLI_USAGE;
    }

    strcat(path, "/assignments");
    (void) snprintf(table, sizeof(table), "%lld", (long long) options->table);

    if ((options->table >= 0
         && cli_path_parameter("table", table, path) != IGJ_OK)
        || (options->status != NULL
            && cli_path_parameter("status", options->status, path) != IGJ_OK))
    {
        cli_say("--status is too long");
        return CLI_USAGE;
    }

    return cli_path_base(options, path) == IGJ_OK ? cli_list(cli, &list)
                                                  : CLI_USAGE;
}
