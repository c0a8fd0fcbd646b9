/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs submit.  What is sent twice could be paid twice: only what was never
 * sent, or carries an Idempotency-Key, is sent again.
 */

#include <stdio.h>
#include <string.h>

#include "cli_ask.h"
#include "cli_body.h"
#include "cli_estimate.h"
#include "cli_json.h"
#include "cli_term.h"
#include "cli_watch.h"


#define CLI_SUBMIT_PATH     "/api/scrape-followers"
#define CLI_SUBMIT_KEY_MAX  255

/* the job's id, not its results, also where the server prefers those */
#define CLI_SUBMIT_PREFER   "Prefer: respond-async"


typedef struct {
    cli_body_t  body;
    char        key[CLI_SUBMIT_KEY_MAX + 1];   /* "": none */
} cli_submit_t;


static int cli_submit_check(const cli_options_t *options);
static int cli_submit_key(cli_submit_t *submit, const char *option);
static cli_exit_e cli_submit_send(cli_t *cli, cli_submit_t *submit);
static bool cli_submit_again(const cli_submit_t *submit,
    const cli_answer_t *answer);
static cli_exit_e cli_submit_refused(cli_t *cli, cli_submit_t *submit,
    const cli_answer_t *answer);
static cli_exit_e cli_submit_accepted(cli_t *cli, cli_submit_t *submit,
    const cli_answer_t *answer);
static void cli_submit_say(cli_submit_t *submit, const cJSON *doc,
    bool replayed);


cli_exit_e
cli_submit(cli_t *cli)
{
    cli_exit_e     rc;
    cli_submit_t   submit;

    if (cli_submit_check(&cli->options) != IGJ_OK
        || cli_submit_key(&submit, cli->options.key) != IGJ_OK
        || cli_body_open(&submit.body, &cli->options) != IGJ_OK)
    {
        return CLI_USAGE;
    }

    rc = cli_submit_send(cli, &submit);
    cli_body_close(&submit.body);

    return rc;
}


static int
cli_submit_check(const cli_options_t *options)
{
    if (options->count > 0 && options->per_account > 0) {
        cli_say("--count is for all accounts, --per-account for each: give "
                "one of them");
        return IGJ_ERROR;
    }

    if (options->dry_run && options->watch) {
        cli_say("--dry-run submits nothing that --watch could show");
        return IGJ_ERROR;
    }

    return IGJ_OK;
}


static int
cli_submit_key(cli_submit_t *submit, const char *option)
{
    size_t  i, len;

    submit->key[0] = '\0';

    if (option == NULL) {
        return IGJ_OK;
    }

    if (strcmp(option, "auto") == 0) {
        return cli_uuid_make(submit->key);
    }

    len = strlen(option);

    for (i = 0; i < len && option[i] > ' ' && option[i] < 0x7F
                && option[i] != '"' && option[i] != '\\'; i++)
    {
        /* void */
    }

    if (len == 0 || len > CLI_SUBMIT_KEY_MAX || i < len) {
        cli_say("--idempotency-key takes 1 to %d visible ASCII characters "
                "without quotes and backslashes, or \"auto\"",
                CLI_SUBMIT_KEY_MAX);
        return IGJ_ERROR;
    }

    memcpy(submit->key, option, len + 1);

    return IGJ_OK;
}


static cli_exit_e
cli_submit_send(cli_t *cli, cli_submit_t *submit)
{
    char            header[CLI_SUBMIT_KEY_MAX + 32];
    cli_exit_e      rc;
    cli_answer_t    answer;
    cli_request_t   request;
    cli_patience_t  patience;

    memset(&patience, 0, sizeof(patience));
    memset(&request, 0, sizeof(request));
    request.path = CLI_SUBMIT_PATH;
    request.accept = "application/json";
    request.headers[0] = CLI_SUBMIT_PREFER;

    if (submit->key[0] != '\0') {
        (void) snprintf(header, sizeof(header), "Idempotency-Key: \"%s\"",
                        submit->key);
        request.headers[1] = header;
    }

    request.source = cli_body_read;
    request.rewind = cli_body_rewind;
    request.source_data = &submit->body;
    request.source_len = submit->body.len;

    for ( ;; ) {
        cli_http_ask(cli->http, &request, &answer);

        if (!cli_submit_again(submit, &answer)
            || !cli_patience_wait(cli, &patience, &answer))
        {
            break;
        }

        cli_answer_free(&answer);

        if (cli_body_rewind(&submit->body) != IGJ_OK) {
            return CLI_FAILED;
        }
    }

    if (!cli_answer_good(&answer)) {
        rc = cli_submit_refused(cli, submit, &answer);

    } else if (cli->options.dry_run) {
        rc = cli_estimate(cli, &answer, cli_body_place, &submit->body);

    } else {
        rc = cli_submit_accepted(cli, submit, &answer);
    }

    cli_answer_free(&answer);

    return rc;
}


static bool
cli_submit_again(const cli_submit_t *submit, const cli_answer_t *answer)
{
    if (cli_answer_good(answer)) {
        return false;
    }

    return answer->outcome == CLI_NOT_SENT || submit->key[0] != '\0';
}


static cli_exit_e
cli_submit_refused(cli_t *cli, cli_submit_t *submit,
    const cli_answer_t *answer)
{
    cli_exit_e  rc;

    if (answer->outcome == CLI_STOPPED) {
        return CLI_FAILED;                 /* the accounts; said by them */
    }

    rc = cli_problem(cli, answer, cli_body_place, &submit->body);

    if (answer->outcome == CLI_BROKEN
        || (answer->status / 100 == 5 && answer->status != 503))
    {
        cli_say("it is not known whether the job was accepted");
    }

    if (rc == CLI_FAILED && submit->key[0] != '\0') {
        cli_say("to try again without submitting twice: --idempotency-key %s",
                submit->key);
    }

    return rc;
}


static cli_exit_e
cli_submit_accepted(cli_t *cli, cli_submit_t *submit,
    const cli_answer_t *answer)
{
    char         id[37];
    cJSON       *doc;
    cli_exit_e   rc;
    const char  *text;

    doc = cli_answer_document(cli, answer);

    if (doc == NULL) {
        return CLI_FAILED;
    }

    text = cli_json_text(doc, "job_id");

    if (text == NULL || cli_job_id(text, id) != IGJ_OK) {
        cli_say("the answer names no job (%ld)", answer->status);
        cJSON_Delete(doc);
        return CLI_FAILED;
    }

    if (cli->options.json) {
        cli_json_out(doc);
    } else {
        cli_out_format("%s\n", id);
    }

    cli_out_flush();
    cli_submit_say(submit, doc, answer->replayed);
    rc = CLI_OK;

    if (cli->options.watch) {
        rc = cli_watch_job(cli, id);
    } else if (cli_term_draws_errors() && cli_term_is_output()) {
        cli_say("to see it run: igjobs watch %s", id);
    }

    cJSON_Delete(doc);

    return rc;
}


static void
cli_submit_say(cli_submit_t *submit, const cJSON *doc, bool replayed)
{
    int64_t       accepted, batches, duplicates, invalid;
    const cJSON  *accounts;

    if (replayed) {
        cli_say("this key was used before: the job is the one submitted then");
    }

    accounts = cJSON_GetObjectItemCaseSensitive(doc, "accounts");

    accepted = cli_json_integer(accounts, "accepted");
    batches = cli_json_integer(doc, "total_batches");
    duplicates = cli_json_integer(accounts, "duplicates");
    invalid = cli_json_integer(accounts, "invalid");

    cli_say("job accepted: %lld account%s in %lld batch%s",
            (long long) accepted, accepted == 1 ? "" : "s",
            (long long) batches, batches == 1 ? "" : "es");

    if (duplicates > 0 || invalid > 0) {
        cli_note("  of %lld given, %lld were there twice, %lld left out",
                 (long long) cli_json_integer(accounts, "given"),
                 (long long) duplicates, (long long) invalid);
    }

    cli_problem_elements(cJSON_GetObjectItemCaseSensitive(doc, "skipped"),
                         cli_body_place, &submit->body);
}
