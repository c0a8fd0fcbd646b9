/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_ask.h"
#include "cli_clock.h"
#include "cli_events.h"
#include "cli_json.h"
#include "cli_progress.h"
#include "cli_term.h"
#include "cli_watch.h"


#define CLI_WATCH_NO_JOB  "IGJ0401"


typedef struct {
    cli_t           *cli;
    const char      *id;
    bool             documents;    /* printed, instead of the progress */
    cli_progress_t   progress;
    cli_patience_t   patience;
    cJSON           *last;         /* the newest document, or NULL */
} cli_watch_t;


/* For the signal handler: what to say at an interrupt. */
static struct {
    char            text[CLI_URL_MAX + CLI_ERROR_MAX];
    size_t          len;
} cli_watch_advice;


static cli_exit_e cli_watch_follow(cli_watch_t *watch);
static void cli_watch_on_interrupt(const cli_t *cli, const char *what,
    const char *command, const char *id);
static void cli_watch_interrupted(int signo);
static void cli_watch_take(cli_watch_t *watch, cJSON *doc);
static cli_exit_e cli_watch_stream(cli_watch_t *watch, cli_events_t *events);
static bool cli_watch_cut(cli_watch_t *watch, const cli_events_t *events,
    const cli_answer_t *answer);
static bool cli_watch_no_stream(const cli_watch_t *watch,
    const cli_answer_t *answer);
static int cli_watch_event(void *data, const char *text, size_t len);
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

    watch = (cli_watch_t) { .cli = cli, .id = id,
                            .documents = cli->options.json };
    cli_watch_on_interrupt(cli, "job goes on; to go on watching", "watch", id);
    rc = cli_watch_follow(&watch);

    if (rc == CLI_OK) {
        rc = cli_watch_end(&watch);
    }

    cJSON_Delete(watch.last);

    return rc;
}


cli_exit_e
cli_watch_operation(cli_t *cli, const char id[37])
{
    cli_exit_e   rc;
    cli_watch_t  watch;

    watch = (cli_watch_t) { .cli = cli, .id = id,
                            .patience = { .watching = true } };
    cli_watch_on_interrupt(cli, "operation goes on; its answer", "operation",
                           id);
    rc = cli_watch_follow(&watch);
    cJSON_Delete(watch.last);

    return rc;
}


/* To the end, of which the last document tells. */

static cli_exit_e
cli_watch_follow(cli_watch_t *watch)
{
    cli_exit_e    rc;
    cli_events_t  events;

    cli_progress_init(&watch->progress);
    cli_events_init(&events, cli_watch_event, watch);
    rc = cli_watch_stream(watch, &events);
    cli_events_free(&events);

    return rc;
}


static void
cli_watch_on_interrupt(const cli_t *cli, const char *what, const char *command,
    const char *id)
{
    int               n;
    char              line[CLI_COMMAND_MAX];
    struct sigaction  action;

    n = snprintf(cli_watch_advice.text, sizeof(cli_watch_advice.text),
                 "\nigjobs: the %s: %s\n", what,
                 cli_command_line(cli, command, id, line));
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


/* By events; where the server has none, or cannot send them, by polling. */

static cli_exit_e
cli_watch_stream(cli_watch_t *watch, cli_events_t *events)
{
    bool           more;
    char           path[CLI_PATH_MAX], header[CLI_EVENT_ID_MAX + 32];
    cli_exit_e     rc;
    cli_answer_t   answer;
    cli_request_t  request;

    memset(&request, 0, sizeof(request));
    (void) snprintf(path, sizeof(path), "/api/jobs/%s/events", watch->id);
    request.path = path;
    request.accept = "text/event-stream";
    request.sink = cli_events_take;
    request.sink_data = events;

    do {
        if (events->id[0] != '\0') {
            (void) snprintf(header, sizeof(header), "Last-Event-ID: %s",
                            events->id);
            request.headers[0] = header;
        }

        cli_events_again(events);
        cli_http_ask(watch->cli->http, &request, &answer);

        if (cli_job_ended(watch->last)) {
            cli_answer_free(&answer);
            return CLI_OK;
        }

        if (cli_watch_no_stream(watch, &answer)) {
            cli_answer_free(&answer);
            return cli_watch_poll(watch);
        }

        more = cli_watch_cut(watch, events, &answer);
        rc = more ? CLI_OK
             : cli_answer_good(&answer) ? cli_watch_poll(watch)
             : cli_problem(watch->cli, &answer, NULL, NULL);
        cli_answer_free(&answer);
    } while (more);

    return rc;
}


/* Waits until it is time to connect again; false: there is no use in it. */

static bool
cli_watch_cut(cli_watch_t *watch, const cli_events_t *events,
    const cli_answer_t *answer)
{
    int64_t  pause;

    /* the server has ended the stream on purpose, as it does at a reload */
    if (cli_answer_good(answer) && watch->patience.since == 0) {
        pause = events->retry < 0 ? CLI_RECONNECT_MS : events->retry;
        cli_wait_ms(pause > CLI_POLL_MAX_S * 1000 ? CLI_POLL_MAX_S * 1000
                                                  : pause);
        watch->patience.since = cli_now_ms();
        return true;
    }

    return cli_patience_wait(watch->cli, &watch->patience, answer);
}


/* 204 says that there is nothing to come: the job has ended. */

static bool
cli_watch_no_stream(const cli_watch_t *watch, const cli_answer_t *answer)
{
    if (answer->outcome != CLI_ANSWERED && answer->status / 100 != 2) {
        return false;
    }

    switch (answer->status) {
    case 404:
        return !cli_problem_is(answer, CLI_WATCH_NO_JOB);

    case 204:
    case 405:
    case 406:
    case 501:
    case 503:
        return true;

    default:
        return answer->status / 100 == 2 && watch->last == NULL;
    }
}


static int
cli_watch_event(void *data, const char *text, size_t len)
{
    cli_watch_t  *watch = data;

    cJSON  *doc;

    doc = cJSON_ParseWithLength(text, len);

    if (cli_json_text(doc, "status") == NULL) {
        cJSON_Delete(doc);
        return IGJ_OK;
    }

    cli_patience_renew(&watch->patience);
    cli_watch_take(watch, doc);

    return cli_job_ended(watch->last) ? IGJ_ERROR : IGJ_OK;
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

    if (watch->documents) {
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
