/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>

#include "cli_json.h"
#include "cli_progress.h"
#include "cli_term.h"
#include "cli_text.h"


#define CLI_PROGRESS_BAR      30           /* characters, at most */
#define CLI_PROGRESS_BAR_MIN  5
#define CLI_PROGRESS_KEPT     (CLI_NUMBER_MAX + 8)


static void cli_progress_line(const cJSON *doc, char *line, size_t size);
static const char *cli_progress_kept(const cJSON *doc,
    char kept[CLI_PROGRESS_KEPT]);
static const char *cli_progress_state(const cJSON *doc);
static void cli_progress_member(const char *title, const char *text);
static void cli_progress_time(const char *title, const cJSON *doc,
    const char *name);
static void cli_progress_counts(const cJSON *doc);
static void cli_progress_operation(const cJSON *doc, const cJSON *operation);


void
cli_progress_init(cli_progress_t *progress)
{
    memset(progress, 0, sizeof(cli_progress_t));
    progress->step = -1;
}


void
cli_progress_show(cli_progress_t *progress, const cJSON *doc)
{
    int          step;
    char         line[CLI_SAY_MAX], clean[cli_text_max(CLI_SAY_MAX)];
    bool         ended;
    const char  *state;

    state = cli_progress_state(doc);
    ended = cli_job_ended(doc);
    cli_progress_line(doc, line, sizeof(line));

    if (cli_term_draws_errors()) {
        (void) cli_text_clean(clean, sizeof(clean), line, strlen(line));
        cli_bar(clean);

        if (ended) {
            cli_bar_end();
        }

        return;
    }

    step = (int) (cli_json_integer(doc, "progress") / 10);

    if (!ended && step == progress->step
        && strncmp(state, progress->state, sizeof(progress->state) - 1) == 0)
    {
        return;
    }

    progress->step = step;
    (void) snprintf(progress->state, sizeof(progress->state), "%s", state);
    cli_note("%s", line);
}


/* The bar takes the room that the numbers leave on the terminal. */

static void
cli_progress_line(const cJSON *doc, char *line, size_t size)
{
    int          full, room, percent;
    char         bar[CLI_PROGRESS_BAR + 1], tail[CLI_ERROR_MAX],
                 kept[CLI_PROGRESS_KEPT];
    bool         told;
    const char  *state;

    percent = (int) cli_json_integer(doc, "progress");
    percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
    state = cli_progress_state(doc);
    told = strcmp(state, "running") == 0 || strcmp(state, "completed") == 0;

    (void) snprintf(tail, sizeof(tail), "%3d %%  batches %lld/%lld"
                    "%s%s%s", percent,
                    (long long) cli_json_integer(doc, "current_batch"),
                    (long long) cli_json_integer(doc, "total_batches"),
                    cli_progress_kept(doc, kept),
                    told ? "" : "  ", told ? "" : state);

    room = cli_term_error_columns() - (int) strlen(tail) - 4;
    room = room > CLI_PROGRESS_BAR ? CLI_PROGRESS_BAR
           : room < CLI_PROGRESS_BAR_MIN ? CLI_PROGRESS_BAR_MIN : room;
    full = room * percent / 100;

    memset(bar, '.', (size_t) room);
    memset(bar, '#', (size_t) full);
    bar[room] = '\0';

    (void) snprintf(line, size, "[%s] %s", bar, tail);
}


/* An operation keeps nobody. */

static const char *
cli_progress_kept(const cJSON *doc, char kept[CLI_PROGRESS_KEPT])
{
    char  number[CLI_NUMBER_MAX];

    if (cJSON_HasObjectItem(doc, "operation")) {
        return "";
    }

    (void) snprintf(kept, CLI_PROGRESS_KEPT, "  kept %s",
                    cli_text_number(number, cli_json_integer(doc,
                                                      "profiles_scraped")));

    return kept;
}


/* The word that tells most. */

static const char *
cli_progress_state(const cJSON *doc)
{
    const char  *state;

    state = cli_json_text(doc, "state");
    state = state == NULL ? cli_json_text(doc, "status") : state;

    return state == NULL ? "" : state;
}


bool
cli_job_ended(const cJSON *doc)
{
    const char  *status;

    status = cli_json_text(doc, "status");

    return status != NULL && (strcmp(status, "completed") == 0
                              || strcmp(status, "failed") == 0);
}


cli_exit_e
cli_job_exit(const cJSON *doc)
{
    const char  *status;

    status = cli_json_text(doc, "status");

    return status != NULL && strcmp(status, "failed") == 0 ? CLI_JOB_FAILED
                                                           : CLI_OK;
}


void
cli_progress_summary(const cJSON *doc)
{
    const char  *text;

    text = cli_json_text(doc, "job_id");
    cli_progress_member("job", text == NULL ? "" : text);

    cli_out_format("%-11s", "status");
    cli_out_text(!cli_job_ended(doc) ? CLI_BOLD
                 : cli_job_exit(doc) == CLI_OK ? CLI_GOOD : CLI_BAD,
                 cli_progress_state(doc));

    text = cli_json_text(doc, "completion_reason");

    if (text != NULL) {
        cli_out(" (", 2);
        cli_out_text(CLI_PLAIN, text);
        cli_out(")", 1);
    }

    cli_out("\n", 1);
    cli_progress_counts(doc);
    cli_progress_time("created", doc, "created_at");
    cli_progress_time("started", doc, "started_at");
    cli_progress_time("completed", doc, "completed_at");
    text = cli_json_text(doc, "error_message");

    if (text != NULL) {
        cli_progress_member("message", text);
    }
}


static void
cli_progress_counts(const cJSON *doc)
{
    char          a[CLI_NUMBER_MAX], b[CLI_NUMBER_MAX], c[CLI_NUMBER_MAX];
    const cJSON  *accounts, *genders, *operation;

    accounts = cJSON_GetObjectItemCaseSensitive(doc, "accounts");
    genders = cJSON_GetObjectItemCaseSensitive(doc, "genders");
    operation = cJSON_GetObjectItemCaseSensitive(doc, "operation");

    cli_out_format("%-11s%lld %%, %lld of %lld batches\n", "progress",
                   (long long) cli_json_integer(doc, "progress"),
                   (long long) cli_json_integer(doc, "current_batch"),
                   (long long) cli_json_integer(doc, "total_batches"));

    if (operation != NULL) {
        cli_progress_operation(doc, operation);
        return;
    }

    cli_out_format("%-11s%s, %s given up\n", "accounts",
                   cli_text_number(a, cli_json_integer(accounts, "total")),
                   cli_text_number(b, cli_json_integer(accounts, "failed")));

    cli_out_format("%-11s%s female, %s male, %s unknown\n", "found",
                   cli_text_number(a, cli_json_integer(genders, "female")),
                   cli_text_number(b, cli_json_integer(genders, "male")),
                   cli_text_number(c, cli_json_integer(genders, "unknown")));

    cli_out_format("%-11s%s\n", "kept",
                   cli_text_number(a, cli_json_integer(doc,
                                                       "profiles_scraped")));
}


/* An operation finds and keeps nobody; where its answer is says more. */

static void
cli_progress_operation(const cJSON *doc, const cJSON *operation)
{
    const char  *name, *base, *results;

    name = cli_json_text(operation, "name");
    base = cli_json_text(operation, "base_id");
    results = cli_json_text(doc, "results_url");

    cli_progress_member("operation", name == NULL ? "" : name);
    cli_progress_member("base", base == NULL ? "" : base);
    cli_progress_member("answer", results == NULL ? "" : results);
}


static void
cli_progress_member(const char *title, const char *text)
{
    cli_out_format("%-11s", title);
    cli_out_text(CLI_PLAIN, text);
    cli_out("\n", 1);
}


/* 2026-11-22T06:01:09.318671+00:00 to the second; the server's are UTC. */

static void
cli_progress_time(const char *title, const cJSON *doc, const char *name)
{
    char         shown[32];
    const char  *text;

    text = cli_json_text(doc, name);

    if (text == NULL || strlen(text) < 19) {
        return;
    }

    (void) snprintf(shown, sizeof(shown), "%.10s %.8s UTC", text, text + 11);
    cli_progress_member(title, shown);
}
