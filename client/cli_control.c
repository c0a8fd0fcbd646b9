/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs cancel, pause, resume, redrive, erase.  Each call can be repeated, so
 * what may pass is tried again; a job that winds down is waited for.
 */

#include <stdio.h>
#include <string.h>

#include "cli_ask.h"
#include "cli_body.h"
#include "cli_clock.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "cli_term.h"
#include "cli_watch.h"


#define CLI_CONTROL_BODY_MAX  16384


/* The body of a call, for a request. */
typedef struct {
    char    text[CLI_CONTROL_BODY_MAX];
    size_t  len;
    size_t  at;
} cli_control_body_t;


static cli_exit_e cli_control(cli_t *cli, const char *action);
static cli_exit_e cli_control_call(cli_t *cli, const char *method,
    const char *path, cJSON **doc, cli_answer_t *answer);
static int cli_control_body(cli_control_body_t *body,
    const cli_options_t *options);
static ssize_t cli_control_read(void *data, char *buf, size_t size);
static int cli_control_rewind(void *data);
static cli_exit_e cli_control_wait(cli_t *cli, const char *id, int64_t advice,
    cJSON **doc);
static void cli_control_pause(int64_t advice);
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
        cli_control_pause(answer.retry_after);
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
    cli_exit_e          rc;
    cli_request_t       request;
    cli_patience_t      patience;
    cli_control_body_t  body;

    *doc = NULL;

    if (cli_control_body(&body, &cli->options) != IGJ_OK) {
        return CLI_USAGE;
    }

    memset(&patience, 0, sizeof(patience));
    memset(&request, 0, sizeof(request));
    request.method = method;
    request.path = path;
    request.accept = "application/json";
    request.source = cli_control_read;
    request.rewind = cli_control_rewind;
    request.source_data = &body;
    request.source_len = (int64_t) body.len;

    for ( ;; ) {
        body.at = 0;
        cli_http_ask(cli->http, &request, answer);

        if (cli_answer_good(answer)
            || !cli_patience_wait(cli, &patience, answer))
        {
            break;
        }

        cli_answer_free(answer);
    }

    if (cli_answer_good(answer)) {
        *doc = cli_answer_document(cli, answer);
        rc = *doc == NULL ? CLI_FAILED : CLI_OK;
    } else {
        rc = cli_problem(cli, answer, NULL, NULL);
    }

    cli_answer_free(answer);

    return rc;
}


static int
cli_control_body(cli_control_body_t *body, const cli_options_t *options)
{
    igj_json_t  json;

    igj_json_init(&json, body->text, sizeof(body->text));
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

    body->len = json.len;
    body->at = 0;

    return IGJ_OK;
}


static ssize_t
cli_control_read(void *data, char *buf, size_t size)
{
    cli_control_body_t  *body = data;

    if (size > body->len - body->at) {
        size = body->len - body->at;
    }

    memcpy(buf, body->text + body->at, size);
    body->at += size;

    return (ssize_t) size;
}


static int
cli_control_rewind(void *data)
{
    cli_control_body_t  *body = data;

    body->at = 0;

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
        cli_control_pause(advice);
        rc = cli_get_patiently(cli, path, &patience, doc, &answer);

        if (rc != CLI_OK) {
            return rc;
        }

        advice = answer.retry_after;
    }

    return CLI_OK;
}


static void
cli_control_pause(int64_t advice)
{
    cli_wait_ms(1000 * (advice < 0 ? CLI_POLL_S
                        : advice > CLI_POLL_MAX_S ? CLI_POLL_MAX_S : advice));
}


static bool
cli_control_is(const cJSON *doc, const char *state)
{
    const char  *text;

    text = cli_json_text(doc, "state");

    return text != NULL && strcmp(text, state) == 0;
}
