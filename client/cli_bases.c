/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs create-base, verify-base: the outreach tables of an Airtable base.
 * What is there is left as it is, so that both can be repeated.
 */

#include <string.h>

#include "cli_body.h"
#include "cli_operation.h"
#include "cli_term.h"


static cli_exit_e cli_base_call(cli_t *cli, const char *path);


cli_exit_e
cli_create_base(cli_t *cli)
{
    return cli_base_call(cli, "/api/airtable/create-base");
}


cli_exit_e
cli_verify_base(cli_t *cli)
{
    return cli_base_call(cli, "/api/airtable/verify-base");
}


/* The argument is an id, or a link into the base as the browser shows it. */

static cli_exit_e
cli_base_call(cli_t *cli, const char *path)
{
    char                  body[CLI_CALL_BODY_MAX];
    igj_json_t            json;
    cli_call_t            call = { .path = path, .body = body,
                                   .async = true };
    const cli_options_t  *options;

    options = &cli->options;

    igj_json_init(&json, body, sizeof(body) - 1);
    igj_json_object_begin(&json);
    igj_json_member_text(&json, strpbrk(options->args[0], "/.") == NULL
                                ? "base_id" : "airtable_link",
                         options->args[0]);
    cli_body_text(&json, "base_name", options->name);
    cli_body_text(&json, "influencer_name", options->influencer);
    cli_body_text(&json, "platform", options->platform);

    if (options->tables > 0) {
        igj_json_member_integer(&json, "num_vas", options->tables);
    }

    igj_json_object_end(&json);

    if (igj_json_overflow(&json)) {
        cli_say("the options are too long");
        return CLI_USAGE;
    }

    body[json.len] = '\0';

    return cli_operation_run(cli, &call, !options->no_wait);
}
