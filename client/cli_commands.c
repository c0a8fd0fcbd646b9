/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <limits.h>
#include <string.h>

#include "cli_commands.h"
#include "igj_limits.h"


#define at(member)  offsetof(cli_options_t, member)

#define CLI_COUNT_MAX        1000000000000LL
#define CLI_PER_ACCOUNT_MAX  1000000
#define CLI_PATIENCE_MAX     (7 * 24 * 3600)
#define CLI_ROWS_MAX         1000000000000LL
#define CLI_TABLES_MAX       200
#define CLI_TABLE_MAX        999999


const cli_option_t  cli_common_options[] = {
    { "url", 0, "URL", CLI_STRING, at(url), 0, 0, NULL,
      "where igjobs is; else IGJOBS_URL, else " CLI_URL_DEFAULT },
    { "header", 'H', "HEADER", CLI_HEADER, at(headers), 0, 0, NULL,
      "sends this header too: \"Name: value\", or @FILE with a header a "
      "line. Secrets belong into a file or IGJOBS_HEADER" },
    { "patience", 0, "SECONDS", CLI_INTEGER, at(patience), 0,
      CLI_PATIENCE_MAX, NULL,
      "how long to try again what fails (20; 600 once a job is watched)" },
    { "json", 0, NULL, CLI_SWITCH, at(json), 0, 0, NULL,
      "the server's documents instead of text, one a line" },
    { "help", 'h', NULL, CLI_SWITCH, at(help), 0, 0, NULL,
      "this text" },
    { "version", 0, NULL, CLI_SWITCH, at(version), 0, 0, NULL,
      "the version" },
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


/* Options of several commands */

#define cli_names_file                                                        \
    { "file", 'f', "FILE", CLI_STRING, at(file), 0, 0, NULL,                  \
      "accounts from a file, one a line; blank lines and what follows a "     \
      "\"#\" are left out. \"-\" is standard input" }

#define cli_platform                                                          \
    { "platform", 0, "instagram|tiktok|threads|x", CLI_STRING, at(platform),  \
      0, 0, "instagram|tiktok|threads|x",                                     \
      "whose accounts they are (instagram)" }

#define cli_list_limit                                                        \
    { "limit", 0, "N", CLI_INTEGER, at(limit), 0, CLI_ROWS_MAX, NULL,         \
      "the first N (20)" }

#define cli_list_all                                                          \
    { "all", 0, NULL, CLI_SWITCH, at(all), 0, 0, NULL,                        \
      "all of them" }

#define cli_list_newest                                                       \
    { "limit", 0, "N", CLI_INTEGER, at(limit), 1, CLI_ROWS_MAX, NULL,         \
      "the newest N (20)" }

#define cli_list_csv                                                          \
    { "csv", 0, NULL, CLI_SWITCH, at(csv), 0, 0, NULL,                        \
      "as CSV with a line of titles" }

#define cli_operation_no_wait                                                 \
    { "no-wait", 0, NULL, CLI_SWITCH, at(no_wait), 0, 0, NULL,                \
      "does not wait for the end" }


static const cli_option_t  cli_submit_options[] = {
    cli_names_file,
    cli_platform,
    { "gender", 0, "any|male|female", CLI_STRING, at(gender), 0, 0,
      "any|male|female",
      "profiles to keep; the server's default is male" },
    { "count", 0, "N", CLI_INTEGER, at(count), 1, CLI_COUNT_MAX, NULL,
      "followers to look at, over all accounts; the server's default is 5 an "
      "account" },
    { "per-account", 0, "N", CLI_INTEGER, at(per_account), 1,
      CLI_PER_ACCOUNT_MAX, NULL,
      "the same, for each account" },
    { "skip-invalid", 0, NULL, CLI_SWITCH, at(skip_invalid), 0, 0, NULL,
      "leaves faulty accounts out instead of refusing all" },
    { "drop-unknown", 0, NULL, CLI_SWITCH, at(drop_unknown), 0, 0, NULL,
      "does not keep profiles of unknown gender" },
    { "target-count", 0, "N", CLI_INTEGER, at(target_count), 1,
      IGJ_MAX_TARGET_COUNT, NULL,
      "ends the job when it has kept N profiles" },
    { "half-width", 0, "X", CLI_DECIMAL, at(half_width), 0, 0, NULL,
      "ends the job when the 95 % interval of a gender's share is at most X to "
      "both sides: 0.01 is one per cent" },
    { "max-cost", 0, "USD", CLI_DECIMAL, at(max_cost), 0, 0, NULL,
      "the job's budget in US dollars" },
    { "max-seconds", 0, "N", CLI_INTEGER, at(max_seconds), 1,
      IGJ_MAX_SECONDS, NULL,
      "ends the job N seconds after it was submitted" },
    { "max-age", 0, "SECONDS", CLI_INTEGER, at(max_age), 0, IGJ_MAX_AGE_S,
      NULL,
      "takes followers that an earlier job has bought, if they are not older" },
    { "max-failed-ratio", 0, "X", CLI_DECIMAL, at(max_failed_ratio), 0, 0,
      NULL,
      "share of the accounts that may fail in a completed job (0.1)" },
    { "parallelism", 0, "N", CLI_INTEGER, at(parallelism), 1,
      IGJ_MAX_BATCHES, NULL,
      "batches in work at once; the server has a limit" },
    { "random-seed", 0, "TEXT", CLI_STRING, at(random_seed), 0, 0, NULL,
      "says that the accounts were drawn at random, and with which seed" },
    { "callback-url", 0, "URL", CLI_STRING, at(callback_url), 0, 0, NULL,
      "whom the server tells of the job's end" },
    { "dry-run", 0, NULL, CLI_SWITCH, at(dry_run), 0, 0, NULL,
      "submits nothing: says what the job would be, take and cost" },
    { "watch", 0, NULL, CLI_SWITCH, at(watch), 0, 0, NULL,
      "goes on as \"igjobs watch\"" },
    { "idempotency-key", 0, "KEY|auto", CLI_STRING, at(key), 0, 0, NULL,
      "makes it safe to submit again: the same key gives the same job. With "
      "a key, failures are tried again; \"auto\" makes one" },
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_no_options[] = {
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_results_options[] = {
    cli_list_limit,
    cli_list_all,
    { "partial", 0, NULL, CLI_SWITCH, at(partial), 0, 0, NULL,
      "also while the job runs, or after it failed" },
    cli_list_csv,
    { "ndjson", 0, NULL, CLI_SWITCH, at(ndjson), 0, 0, NULL,
      "as JSON Lines; --json does the same" },
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_export_options[] = {
    { "output", 'o', "FILE", CLI_STRING, at(output), 0, 0, NULL,
      "writes to the file, which is FILE.part until it is whole" },
    { "format", 0, "csv|ndjson|json", CLI_STRING, at(format), 0, 0,
      "csv|ndjson|json",
      "CSV with a line of titles (the default), JSON Lines, or one array" },
    { "partial", 0, NULL, CLI_SWITCH, at(partial), 0, 0, NULL,
      "also while the job runs, or after it failed" },
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_jobs_options[] = {
    { "status", 0, "STATUS", CLI_STRING, at(status), 0, 0, NULL,
      "queued, processing, completed or failed; several with commas" },
    cli_list_newest,
    cli_list_csv,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


#define cli_control_reason                                                    \
    { "reason", 0, "TEXT", CLI_STRING, at(reason), 0, 0, NULL,                \
      "why, for the record of the job" }

static const cli_option_t  cli_stop_options[] = {
    cli_control_reason,
    { "no-wait", 0, NULL, CLI_SWITCH, at(no_wait), 0, 0, NULL,
      "does not wait until it is so" },
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};

#define cli_control_limits                                                    \
    { "max-cost", 0, "USD", CLI_DECIMAL, at(max_cost), 0, 0, NULL,            \
      "a new budget: what is spent already counts" },                         \
    { "max-seconds", 0, "N", CLI_INTEGER, at(max_seconds), 1,                 \
      IGJ_MAX_SECONDS, NULL,                                                  \
      "a new deadline, N seconds from now" },                                 \
    { "target-count", 0, "N", CLI_INTEGER, at(target_count), 1,               \
      IGJ_MAX_TARGET_COUNT, NULL,                                             \
      "a new target: profiles that are there already count" },                \
    { "half-width", 0, "X", CLI_DECIMAL, at(half_width), 0, 0, NULL,          \
      "a new precision" },                                                    \
    { "watch", 0, NULL, CLI_SWITCH, at(watch), 0, 0, NULL,                    \
      "goes on as \"igjobs watch\"" }

static const cli_option_t  cli_resume_options[] = {
    cli_control_reason,
    cli_control_limits,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_redrive_options[] = {
    { "error-class", 0, "CLASS", CLI_STRING, at(error_class), 0, 0, NULL,
      "only what failed like this; what never ran runs in any case" },
    cli_control_reason,
    cli_control_limits,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


#define cli_campaign_base                                                     \
    { "base", 0, "ID", CLI_STRING, at(base), 0, 0, NULL,                      \
      "the base (X-Base-Id) that it belongs to" }

#define cli_campaign_per_table                                                \
    { "per-table", 0, "N", CLI_INTEGER, at(per_table), 1,                     \
      CLI_PER_ACCOUNT_MAX, NULL,                                              \
      "profiles a table; the server's default is 180" }

#define cli_campaign_date                                                     \
    { "date", 0, "YYYY-MM-DD", CLI_STRING, at(date), 0, 0, NULL,              \
      "the campaign's date; the server's default is today" }

static const cli_option_t  cli_ingest_options[] = {
    { "format", 0, "csv|ndjson|json", CLI_STRING, at(format), 0, 0,
      "csv|ndjson|json",
      "of the file; else its name or its beginning says it" },
    cli_campaign_base,
    { "no-wait", 0, NULL, CLI_SWITCH, at(no_wait), 0, 0, NULL,
      "does not wait until all of a large file was taken in" },
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_select_options[] = {
    cli_campaign_per_table,
    cli_campaign_date,
    cli_campaign_base,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_distribute_options[] = {
    cli_campaign_per_table,
    cli_campaign_base,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_sync_options[] = {
    { "airtable-base", 0, "ID", CLI_STRING, at(airtable_base), 0, 0, NULL,
      "the Airtable base, where the campaign does not name it" },
    cli_campaign_base,
    cli_operation_no_wait,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_daily_options[] = {
    { "wait", 0, NULL, CLI_SWITCH, at(wait), 0, 0, NULL,
      "waits for the end, and shows it" },
    cli_campaign_per_table,
    cli_campaign_date,
    cli_campaign_base,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_assignments_options[] = {
    { "table", 0, "N", CLI_INTEGER, at(table), 0, CLI_TABLE_MAX, NULL,
      "those of this table; 0 is what is not distributed" },
    { "status", 0, "STATUS", CLI_STRING, at(status), 0, 0, NULL,
      "pending, followed, unfollow, unfollowed or completed" },
    cli_list_limit,
    cli_list_all,
    cli_campaign_base,
    cli_list_csv,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_pool_options[] = {
    cli_campaign_base,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_statuses_options[] = {
    cli_campaign_base,
    cli_operation_no_wait,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_create_base_options[] = {
    { "tables", 0, "N", CLI_INTEGER, at(tables), 1, CLI_TABLES_MAX, NULL,
      "how many there are to be; the server's default is 80" },
    { "name", 0, "TEXT", CLI_STRING, at(name), 0, 0, NULL,
      "what the base is called; else its id" },
    { "influencer", 0, "TEXT", CLI_STRING, at(influencer), 0, 0, NULL,
      "whose profiles it is for; else --name" },
    cli_platform,
    cli_operation_no_wait,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_verify_base_options[] = {
    { "tables", 0, "N", CLI_INTEGER, at(tables), 1, CLI_TABLES_MAX, NULL,
      "how many there should be; else as many as it was set up with" },
    cli_operation_no_wait,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_sources_options[] = {
    cli_names_file,
    cli_list_limit,
    cli_list_all,
    cli_campaign_base,
    cli_list_csv,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_operation_options[] = {
    cli_operation_no_wait,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_campaigns_options[] = {
    cli_list_newest,
    cli_campaign_base,
    cli_list_csv,
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


static const cli_option_t  cli_schedules_options[] = {
    { "csv", 0, NULL, CLI_SWITCH, at(csv), 0, 0, NULL,
      "the list as CSV with a line of titles" },
    { NULL, 0, NULL, CLI_SWITCH, 0, 0, 0, NULL, NULL }
};


const cli_command_t  cli_commands[] = {
    { "submit", "[ACCOUNT... | -f FILE | -]", 0, INT_MAX,
      cli_submit_options, cli_submit,
      "submits a job",
      "Prints the id of the job, which is stored then. Accounts are user "
      "names, with @ or not, or links to profiles. Without "
      "--idempotency-key, a submission that may have reached the server is "
      "not sent again.",
      "submit -f accounts.txt --gender female --per-account 500 --watch" },

    { "watch", "ID", 1, 1, cli_no_options, cli_watch,
      "shows a job's progress until it has ended",
      "The progress is on standard error: a bar on a terminal, lines "
      "elsewhere; the summary is on standard output. A lost connection is "
      "made again. An interrupt (Ctrl-C) ends the watching, not the job.",
      "watch 01a201d8-19b5-708c-91f7-822d043cf5e2" },

    { "status", "ID", 1, 1, cli_no_options, cli_status,
      "shows a job's state once",
      "Exit status 1 says that the job has failed.",
      "status 01a201d8-19b5-708c-91f7-822d043cf5e2" },

    { "explain", "ID", 1, 1, cli_no_options, cli_explain,
      "says what holds a job now, and when it may end",
      "One thing: no worker, a budget, the provider, other jobs, the last slow "
      "accounts, ... or nothing.",
      "explain 01a201d8-19b5-708c-91f7-822d043cf5e2" },

    { "results", "ID", 1, 1, cli_results_options, cli_results,
      "shows the profiles that a job has kept",
      "A table on a terminal, lines with tabs elsewhere.",
      "results 01a201d8-19b5-708c-91f7-822d043cf5e2 --limit 100" },

    { "export", "ID", 1, 1, cli_export_options, cli_export,
      "writes all results of a job to a file",
      "Every row with its gender, confidence and source account. A lost "
      "connection is made again and the rest is read; nothing is written "
      "twice. Exit status 0 says that the result is whole.",
      "export 01a201d8-19b5-708c-91f7-822d043cf5e2 -o profiles.csv" },

    { "jobs", "", 0, 0, cli_jobs_options, cli_jobs,
      "lists jobs, the newest first",
      "A table on a terminal, lines with tabs elsewhere; with --json a job a "
      "line.",
      "jobs --status processing" },

    { "cancel", "ID", 1, 1, cli_stop_options, cli_cancel,
      "ends a job; what it has found stays",
      "Waits until no batch is in work any more. \"igjobs results --partial\" "
      "reads what is there.",
      "cancel 01a201d8-19b5-708c-91f7-822d043cf5e2 --reason \"wrong list\"" },

    { "pause", "ID", 1, 1, cli_stop_options, cli_pause,
      "stops a job for a while",
      "Waits until no batch is in work any more. What the provider has begun "
      "is used when the job is resumed.",
      "pause 01a201d8-19b5-708c-91f7-822d043cf5e2" },

    { "resume", "ID", 1, 1, cli_resume_options, cli_resume,
      "lets a paused job go on, or one that a limit has ended",
      "A job whose budget, time, target or precision was reached needs a new "
      "one. For a job that runs, the limits are changed.",
      "resume 01a201d8-19b5-708c-91f7-822d043cf5e2 --max-cost 25 --watch" },

    { "redrive", "ID", 1, 1, cli_redrive_options, cli_redrive,
      "runs again what failed in a job that has ended",
      "Also what it never came to, because it was canceled or stopped. The "
      "rows that are there stay; none comes twice.",
      "redrive 01a201d8-19b5-708c-91f7-822d043cf5e2 --error-class blocked" },

    { "erase", "ID", 1, 1, cli_stop_options, cli_erase,
      "ends a job and deletes all of it",
      "Nobody can read it from then on. Waits until nothing is left; it "
      "cannot be undone.",
      "erase 01a201d8-19b5-708c-91f7-822d043cf5e2" },

    { "ingest", "FILE", 1, 1, cli_ingest_options, cli_ingest,
      "takes the profiles of a file into the pool",
      "CSV with a line of titles (id, username, full_name; others are left "
      "out), such as \"igjobs export\" writes, JSON Lines, or JSON with an "
      "array; \"-\" is standard input. Sent as it is read, and again where it "
      "has to be: nothing comes twice.",
      "ingest profiles.csv" },

    { "pool", "", 0, 0, cli_pool_options, cli_pool,
      "counts the pool: how many profiles nobody has used",
      "All of them, used and unused, and those that have come and been used "
      "since midnight.",
      "pool --base appTeam0000000001" },

    { "select", "", 0, 0, cli_select_options, cli_select,
      "makes a campaign of profiles that nobody has used",
      "Prints the id of the campaign. It is sent again when its answer is "
      "lost, with a key, so that no further profiles are taken.",
      "select --per-table 180" },

    { "distribute", "CAMPAIGN", 1, 1, cli_distribute_options, cli_distribute,
      "hands a campaign's profiles to the tables",
      "A campaign is distributed once; what finds no place is unused again.",
      "distribute 01a201d8-19b5-708c-91f7-822d043cf5e2" },

    { "airtable-sync", "CAMPAIGN", 1, 1, cli_sync_options, cli_airtable_sync,
      "sends a campaign's tables to Airtable",
      "Waits until all of it was tried. Sent again it sends only what is "
      "missing. Exit status 1 says that some of it did not go.",
      "airtable-sync 01a201d8-19b5-708c-91f7-822d043cf5e2" },

    { "run-daily", "", 0, 0, cli_daily_options, cli_run_daily,
      "selects, distributes and sends a campaign",
      "The server goes on by itself; --wait waits for the end.",
      "run-daily --wait --base appTeam0000000001" },

    { "campaigns", "[CAMPAIGN]", 0, 1, cli_campaigns_options, cli_campaigns,
      "lists campaigns, the newest first, or shows one",
      "A table on a terminal, lines with tabs elsewhere; with --json a "
      "campaign a line. Who is in it: \"igjobs assignments\".",
      "campaigns --limit 5" },

    { "assignments", "CAMPAIGN", 1, 1, cli_assignments_options,
      cli_assignments,
      "lists who is in a campaign, by table and position",
      "Their table and position, status and whether they are in Airtable. A "
      "table on a terminal, lines with tabs elsewhere; with --json an "
      "assignment a line.",
      "assignments 01a201d8-19b5-708c-91f7-822d043cf5e2 --table 3 --all" },

    { "sync-statuses", "", 0, 0, cli_statuses_options, cli_sync_statuses,
      "takes over what people have set in Airtable",
      "Waits until all tables in Airtable were read, and says how many "
      "assignments have another status now. Exit status 1 says that some "
      "tables were not read, or have words that are no status; sent again it "
      "reads all again.",
      "sync-statuses --base appTeam0000000001" },

    { "mark-unfollow-due", "", 0, 0, cli_statuses_options,
      cli_mark_unfollow_due,
      "marks who is due to be unfollowed, also in Airtable",
      "These were followed, and assigned seven days ago or earlier; the server "
      "may be set otherwise. Waits until Airtable has it. Exit status 1 says "
      "that some of it did not reach Airtable; sent again it sends the rest.",
      "mark-unfollow-due" },

    { "delete-completed", "", 0, 0, cli_statuses_options,
      cli_delete_completed,
      "deletes what was completed a day ago, also in Airtable",
      "These did not change for 24 hours; the server may be set otherwise. "
      "They go in Airtable first: exit status 1 says that some did not, which "
      "stay here, too; sent again it tries them again.",
      "delete-completed" },

    { "create-base", "BASE", 1, 1, cli_create_base_options, cli_create_base,
      "makes the tables of an Airtable base",
      "BASE is its id, or a link into it as the browser shows it. Tables that "
      "are there stay as they are. Exit status 1 says that some could not be "
      "made; sent again it makes those. With all of them there the base is set "
      "up, and cannot be once more.",
      "create-base https://airtable.com/appTeam0000000001/tblX --tables 40" },

    { "verify-base", "BASE", 1, 1, cli_verify_base_options, cli_verify_base,
      "says which tables of an Airtable base are missing",
      "BASE is its id, or a link into it as the browser shows it. Names the "
      "tables and fields that are missing, which exit status 1 says, and "
      "tables beyond those that are expected, which are no fault.",
      "verify-base appTeam0000000001" },

    { "source-profiles", "[list | add USERNAME... | add -f FILE | remove "
      "PROFILE...]", 0, INT_MAX, cli_sources_options, cli_source_profiles,
      "lists accounts whose followers are wanted",
      "The list comes by user name. add prints the id of each; what is refused "
      "does not hold up the others. PROFILE is an id or a user name; jobs that "
      "collect its followers go on.",
      "source-profiles add natgeo @nasa" },

    { "schedules", "[list | create FILE | show ID | pause ID | resume ID | "
      "delete ID]", 0, 2, cli_schedules_options, cli_schedules,
      "lists what recurs, or changes it",
      "FILE is a description as POST /api/schedules takes it, \"-\" standard "
      "input; the same one again changes nothing.",
      "schedules create weekdays.json" },

    { "operation", "ID", 1, 1, cli_operation_options, cli_operation,
      "waits for an operation, and shows its answer",
      "Operations are what airtable-sync, run-daily, ingest and the like "
      "begin; \"igjobs jobs\" lists them, too. An interrupt (Ctrl-C) ends the "
      "waiting, not the operation. Exit status 1 says that it has failed, or "
      "some of it.",
      "operation 01a201d8-19b5-708c-91f7-822d043cf5e2" },

    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL }
};


const cli_command_t *
cli_command_find(const char *name)
{
    const cli_command_t  *command;

    for (command = cli_commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }

    return NULL;
}
