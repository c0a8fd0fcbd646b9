/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli_ask.h"
#include "cli_clock.h"
#include "cli_term.h"
#include "igj_uuid.h"


#define CLI_IN_PROGRESS  "IGJ0603"         /* the first of its key is served */


static bool cli_patience_may_pass(const cli_answer_t *answer);
static int64_t cli_patience_pause(const cli_patience_t *patience,
    const cli_answer_t *answer);


bool
cli_answer_good(const cli_answer_t *answer)
{
    return answer->outcome == CLI_ANSWERED && answer->status / 100 == 2;
}


bool
cli_patience_wait(const cli_t *cli, cli_patience_t *patience,
    const cli_answer_t *answer)
{
    int64_t  now, pause, most;

    now = cli_now_ms();

    if (patience->since == 0) {
        patience->since = now;
    }

    pause = cli_patience_pause(patience, answer);
    most = cli->options.patience >= 0 ? cli->options.patience
           : patience->watching ? CLI_WATCH_PATIENCE_S : CLI_PATIENCE_S;

    if (!cli_patience_may_pass(answer)
        || now + pause - patience->since > most * 1000)
    {
        return false;
    }

    patience->tries++;

    if (answer->status >= 400) {
        cli_say("the server is not able to answer (%ld), next try in %.1f s",
                answer->status, (double) pause / 1000);
    } else {
        cli_say("%s: %s, next try in %.1f s", cli_http_url(cli->http),
                answer->error[0] == '\0' ? "the answer ended early"
                                         : answer->error,
                (double) pause / 1000);
    }

    cli_wait_ms(pause);

    return true;
}


static bool
cli_patience_may_pass(const cli_answer_t *answer)
{
    switch (answer->outcome) {
    case CLI_NOT_SENT:
    case CLI_BROKEN:
        return true;

    case CLI_ANSWERED:
        return answer->status == 429 || answer->status == 502
               || answer->status == 503 || answer->status == 504
               || answer->status / 100 == 2
               || cli_problem_is(answer, CLI_IN_PROGRESS);

    default:
        return false;
    }
}


static int64_t
cli_patience_pause(const cli_patience_t *patience, const cli_answer_t *answer)
{
    int64_t  ms;

    if (answer->status >= 400 && answer->retry_after >= 0) {
        return answer->retry_after > CLI_RETRY_AFTER_MAX_S
               ? CLI_RETRY_AFTER_MAX_S * 1000LL : answer->retry_after * 1000;
    }

    ms = patience->tries > 5 ? CLI_RETRY_MAX_MS
                             : (int64_t) CLI_RETRY_MS << patience->tries;

    return ms > CLI_RETRY_MAX_MS ? CLI_RETRY_MAX_MS : ms;
}


void
cli_patience_renew(cli_patience_t *patience)
{
    patience->since = 0;
    patience->tries = 0;
}


cli_exit_e
cli_get(cli_t *cli, const char *path, cJSON **doc)
{
    cli_answer_t    answer;
    cli_patience_t  patience;

    memset(&patience, 0, sizeof(patience));

    return cli_get_patiently(cli, path, &patience, doc, &answer);
}


cli_exit_e
cli_get_patiently(cli_t *cli, const char *path, cli_patience_t *patience,
    cJSON **doc, cli_answer_t *answer)
{
    cli_exit_e     rc;
    cli_request_t  request;

    memset(&request, 0, sizeof(request));
    request.path = path;
    request.accept = "application/json";
    *doc = NULL;

    for ( ;; ) {
        cli_http_ask(cli->http, &request, answer);

        if (cli_answer_good(answer)
            || !cli_patience_wait(cli, patience, answer))
        {
            break;
        }

        cli_answer_free(answer);
    }

    if (!cli_answer_good(answer)) {
        rc = cli_problem(cli, answer, NULL, NULL);
    } else {
        cli_patience_renew(patience);
        *doc = cli_answer_document(cli, answer);
        rc = *doc == NULL ? CLI_FAILED : CLI_OK;
    }

    cli_answer_free(answer);

    return rc;
}


cJSON *
cli_answer_document(const cli_t *cli, const cli_answer_t *answer)
{
    cJSON  *doc;

    doc = answer->body == NULL ? NULL
                               : cJSON_ParseWithLength(answer->body,
                                                       answer->len);

    if (!cJSON_IsObject(doc)) {
        cli_say("%s does not answer as igjobs does (%s)",
                cli_http_url(cli->http),
                answer->type[0] == '\0' ? "no body" : answer->type);
        cJSON_Delete(doc);
        return NULL;
    }

    return doc;
}


int
cli_job_id(const char *text, char id[37])
{
    return cli_uuid(text, "job", id);
}


int
cli_uuid(const char *text, const char *what, char id[37])
{
    igj_uuid_t  uuid;

    if (igj_uuid_parse(text, strlen(text), &uuid) != IGJ_OK) {
        cli_say("\"%s\" is no %s id; one looks like "
                "01a201d8-19b5-708c-91f7-822d043cf5e2", text, what);
        return IGJ_ERROR;
    }

    igj_uuid_print(&uuid, id);
    id[IGJ_UUID_TEXT_LEN] = '\0';

    return IGJ_OK;
}


int
cli_uuid_make(char id[37])
{
    igj_uuid_t      uuid;
    igj_uuid_gen_t  gen;

    igj_uuid_gen_init(&gen, NULL, NULL);

    if (igj_uuid_make(&gen, (uint64_t) time(NULL) * 1000, &uuid) != IGJ_OK) {
        cli_say("no random numbers to make an id or a key of");
        return IGJ_ERROR;
    }

    igj_uuid_print(&uuid, id);
    id[IGJ_UUID_TEXT_LEN] = '\0';

    return IGJ_OK;
}


const char *
cli_command_line(const cli_t *cli, const char *command, const char *id,
    char buf[CLI_COMMAND_MAX])
{
    (void) snprintf(buf, CLI_COMMAND_MAX, "igjobs%s%s %s %s",
                    cli->options.url == NULL ? "" : " --url ",
                    cli->options.url == NULL ? "" : cli_http_url(cli->http),
                    command, id);

    return buf;
}
