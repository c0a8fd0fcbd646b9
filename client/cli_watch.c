/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_ask.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "cli_term.h"
#include "cli_watch.h"


typedef struct {
    cli_t           *cli;
    const char      *id;
    cli_progress_t   progress;
    cli_patience_t   patience;
    cJSON           *last;         /* the newest document, or NULL */
} cli_watch_t;


/* For the signal handler: what to say at an interrupt. */
static struct {
    char            text[CLI_URL_MAX + CLI_ERROR_MAX];
    size_t          len;
} cli_watch_advice;


static void cli_watch_on_interrupt(const cli_t *cli, const char *id);
static void cli_watch_interrupted(int signo);
static void cli_watch_take(cli_watch_t *watch, cJSON *doc);
static cli_exit_e cli_watch_poll(cli_watch_t *watch);
static cli_exit_e cli_watch_end(cli_watch_t *watch);


cli_exit_e
cli_watch(cli_t *cli)
{
    char  id[37];

    if (cli_job_id(cli->options.args[0], id) != IGJ_OK) {
        return CLI_USAGE;
    }

    return cli_watch_job(cli, id);
}


cli_exit_e
cli_watch_job(cli_t *cli, const char id[37])
{
    cli_exit_e   rc;
    cli_watch_t  watch;

    watch = (cli_watch_t) { .cli = cli, .id = id };
    cli_progress_init(&watch.progress);
    cli_watch_on_interrupt(cli, id);

    rc = cli_watch_poll(&watch);

    if (rc == CLI_OK) {
        rc = cli_watch_end(&watch);
    }

    cJSON_Delete(watch.last);

    return rc;
}


static void
cli_watch_on_interrupt(const cli_t *cli, const char *id)
{
    int               n;
    struct sigaction  action;

    n = snprintf(cli_watch_advice.text, sizeof(cli_watch_advice.text),
                 "\nigjobs: the job goes on; to go on watching: igjobs%s%s "
                 "watch %s\n", cli->options.url == NULL ? "" : " --url ",
                 cli->options.url == NULL ? "" : cli_http_url(cli->http), id);
    cli_watch_advice.len = (size_t) n < sizeof(cli_watch_advice.text)
                           ? (size_t) n : 0;

    memset(&action, 0, sizeof(action));
    action.sa_handler = cli_watch_interrupted;
    action.sa_flags = (int) SA_RESETHAND;
    (void) sigaction(SIGINT, &action, NULL);
    (void) sigaction(SIGTERM, &action, NULL);
}


/* Ends as the signal does without a handler, which is what shells look for. */

static void
cli_watch_interrupted(int signo)
{
    ssize_t  rc;

    rc = write(STDERR_FILENO, cli_watch_advice.text, cli_watch_advice.len);
    (void) rc;
    (void) raise(signo);
}


static cli_exit_e
cli_watch_poll(cli_watch_t *watch)
{
    char           path[CLI_PATH_MAX];
    cJSON         *doc;
    int64_t        pause;
    cli_exit_e     rc;
    cli_answer_t   answer;

    (void) snprintf(path, sizeof(path), "/api/job-status/%s", watch->id);

    for ( ;; ) {
        rc = cli_get_patiently(watch->cli, path, &watch->patience, &doc,
                               &answer);

        if (rc != CLI_OK) {
            return rc;
        }

        cli_watch_take(watch, doc);

        if (cli_job_ended(watch->last)) {
            return CLI_OK;
        }

        pause = answer.retry_after < 0 ? CLI_POLL_S : answer.retry_after;
        pause = pause > CLI_POLL_MAX_S ? CLI_POLL_MAX_S : pause;
        cli_wait_ms(pause * 1000);
    }
}


/* Shows a document that is newer than the last one, and keeps it. */

static void
cli_watch_take(cli_watch_t *watch, cJSON *doc)
{
    if (watch->last != NULL && cli_json_integer(doc, "version")
                               == cli_json_integer(watch->last, "version"))
    {
        cJSON_Delete(doc);
        return;
    }

    cJSON_Delete(watch->last);
    watch->last = doc;
    watch->patience.watching = true;

    if (watch->cli->options.json) {
        cli_json_out(doc);
        cli_out_flush();
    } else {
        cli_progress_show(&watch->progress, doc);
    }
}


static cli_exit_e
cli_watch_end(cli_watch_t *watch)
{
    if (!watch->cli->options.json) {
        cli_progress_summary(watch->last);
    }

    return cli_job_exit(watch->last);
}
