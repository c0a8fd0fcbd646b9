/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs cancel, pause, resume, redrive, erase.  Each call can be repeated, so
 * what may pass is tried again; a job that winds down is waited for.
 */

#include <stdio.h>
#include <string.h>

#include "cli_body.h"
#include "cli_call.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "cli_term.h"
#include "cli_watch.h"


static cli_exit_e cli_control(cli_t *cli, const char *action);
static cli_exit_e cli_control_call(cli_t *cli, const char *method,
    const char *path, cJSON **doc, cli_answer_t *answer);
static int cli_control_body(const cli_options_t *options,
    char body[CLI_CALL_BODY_MAX]);
static cli_exit_e cli_control_wait(cli_t *cli, const char *id, int64_t advice,
    cJSON **doc);
static bool cli_control_is(const cJSON *doc, const char *state);


cli_exit_e
cli_cancel(cli_t *cli)
{
    return cli_control(cli, "cancel");
}


cli_exit_e
cli_pause(cli_t *cli)
{
    return cli_control(cli, "pause");
}


cli_exit_e
cli_resume(cli_t *cli)
{
    return cli_control(cli, "resume");
}


cli_exit_e
cli_redrive(cli_t *cli)
{
    return cli_control(cli, "redrive");
}


static cli_exit_e
cli_control(cli_t *cli, const char *action)
{
    char          id[37], path[CLI_PATH_MAX];
    cJSON        *doc;
    cli_exit_e    rc;
    cli_answer_t  answer;

    if (cli_job_id(cli->options.args[0], id) != IGJ_OK) {
        return CLI_USAGE;
    }

    (void) snprintf(path, sizeof(path), "/api/jobs/%s/%s", id, action);
    rc = cli_control_call(cli, NULL, path, &doc, &answer);

    if (rc == CLI_OK && answer.status == 202 && !cli->options.no_wait) {
        rc = cli_control_wait(cli, id, answer.retry_after, &doc);
    }

    if (rc != CLI_OK || cli->options.watch) {
        cJSON_Delete(doc);
        return rc == CLI_OK ? cli_watch_job(cli, id) : rc;
    }

    if (cli->options.json) {
        cli_json_out(doc);
    } else {
        cli_progress_summary(doc);
    }

    rc = cli_control_is(doc, "failed") ? CLI_JOB_FAILED : CLI_OK;
    cJSON_Delete(doc);

    return rc;
}


cli_exit_e
cli_erase(cli_t *cli)
{
    char          id[37], path[CLI_PATH_MAX];
    cJSON        *doc;
    cli_exit_e    rc;
    cli_answer_t  answer;

    if (cli_job_id(cli->options.args[0], id) != IGJ_OK) {
        return CLI_USAGE;
    }

    (void) snprintf(path, sizeof(path), "/api/jobs/%s", id);

    for ( ;; ) {
        rc = cli_control_call(cli, "DELETE", path, &doc, &answer);

        if (rc != CLI_OK || answer.status != 202 || cli->options.no_wait) {
            break;
        }

        cJSON_Delete(doc);
        cli_poll_pause(answer.retry_after);
    }

    if (rc == CLI_OK && cli->options.json) {
        cli_json_out(doc);

    } else if (rc == CLI_OK) {
        cli_note(cli_json_true(doc, "erased")
                 ? "erased" : "nobody can read it any more");
    }

    cJSON_Delete(doc);

    return rc;
}


/* Until it is answered; answer is filled, without body. */

static cli_exit_e
cli_control_call(cli_t *cli, const char *method, const char *path,
    cJSON **doc, cli_answer_t *answer)
{
    char        body[CLI_CALL_BODY_MAX];
    cli_call_t  call = { .method = method, .path = path, .body = body };

    *doc = NULL;

    return cli_control_body(&cli->options, body) == IGJ_OK
           ? cli_call(cli, &call, doc, answer) : CLI_USAGE;
}


static int
cli_control_body(const cli_options_t *options, char body[CLI_CALL_BODY_MAX])
{
    igj_json_t  json;

    igj_json_init(&json, body, CLI_CALL_BODY_MAX - 1);
    igj_json_object_begin(&json);

    if (options->reason != NULL) {
        igj_json_member_text(&json, "reason", options->reason);
    }

    if (options->error_class != NULL) {
        igj_json_member_text(&json, "error_class", options->error_class);
    }

    cli_body_limits(&json, options);
    igj_json_object_end(&json);

    if (igj_json_overflow(&json)) {
        cli_say("the options are too long");
        return IGJ_ERROR;
    }

    body[json.len] = '\0';

    return IGJ_OK;
}


/* Until no batch is in work any more; *doc is the newest document. */

static cli_exit_e
cli_control_wait(cli_t *cli, const char *id, int64_t advice, cJSON **doc)
{
    char             path[CLI_PATH_MAX];
    cli_exit_e       rc;
    cli_answer_t     answer;
    cli_patience_t   patience;

    memset(&patience, 0, sizeof(patience));
    patience.watching = true;
    (void) snprintf(path, sizeof(path), "/api/job-status/%s", id);

    while (cli_control_is(*doc, "stopping")) {
        cJSON_Delete(*doc);
        *doc = NULL;
        cli_poll_pause(advice);
        rc = cli_get_patiently(cli, path, &patience, doc, &answer);

        if (rc != CLI_OK) {
            return rc;
        }

        advice = answer.retry_after;
    }

    return CLI_OK;
}


static bool
cli_control_is(const cJSON *doc, const char *state)
{
    const char  *text;

    text = cli_json_text(doc, "state");

    return text != NULL && strcmp(text, state) == 0;
}
