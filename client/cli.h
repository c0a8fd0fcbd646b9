/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs, the command: what its files share.  One thread, one connection, one
 * command a process; nothing here outlives the command.
 */

#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igj_base.h"


/* Exit status, see the text of --help. */
typedef enum {
    CLI_OK = 0,
    CLI_JOB_FAILED = 1,
    CLI_USAGE = 2,                 /* or refused by the server */
    CLI_FAILED = 3,                /* server, network, files */
    CLI_NOT_FOUND = 4
} cli_exit_e;


#define CLI_URL_DEFAULT       "http://127.0.0.1:8080"

/* Limits */

#define CLI_URL_MAX           2048         /* bytes of the server's URL */
#define CLI_PATH_MAX          1024         /* of what follows it */
#define CLI_HEADERS_MAX       16           /* of -H and IGJOBS_HEADER */
#define CLI_HEADER_FILE_MAX   65536        /* bytes of a file of headers */
#define CLI_LINE_MAX          4096         /* bytes of a line of accounts */
#define CLI_SPOOL_MAX         (64 * 1024 * 1024)
                                           /* bytes of accounts from a pipe */
#define CLI_ANSWER_MAX        (16 * 1024 * 1024)
                                           /* bytes of one document */
#define CLI_BASE_MAX          64           /* bytes of --base */
#define CLI_ERROR_MAX         512          /* of a message */
#define CLI_SAY_MAX           4096         /* of a line on standard error */
#define CLI_BAR_MAX           256          /* columns of the progress bar */
#define CLI_COLUMNS_MAX       1000         /* of a terminal */

#define CLI_PAGE_ROWS         1000         /* asked for at a time */
#define CLI_LIMIT_DEFAULT     20           /* rows shown */

/* Times */

#define CLI_CONNECT_S         10
#define CLI_STALL_S           60           /* without a byte: broken */
#define CLI_PATIENCE_S        20           /* default of --patience */
#define CLI_WATCH_PATIENCE_S  600          /* the same while a job is watched */
#define CLI_RETRY_MS          500          /* first wait, then doubled */
#define CLI_RETRY_MAX_MS      15000
#define CLI_RECONNECT_MS      3000         /* to a stream, unless told */
#define CLI_RETRY_AFTER_MAX_S 600          /* advice above is lowered */
#define CLI_POLL_S            2            /* where the server advises none */
#define CLI_POLL_MAX_S        60           /* advice above is lowered */


/* What the command line says; see cli_commands.c. */
typedef struct {
    const char  *url;
    const char  *headers[CLI_HEADERS_MAX];
    size_t       nheaders;
    int64_t      patience;                 /* seconds; -1: not given */
    bool         json;
    bool         help;
    bool         version;

    const char  *file;
    const char  *platform;                 /* NULL: the server's default */
    const char  *gender;                   /* NULL: the server's default */
    const char  *key;
    int64_t      count;                    /* 0: the server's default */
    int64_t      per_account;              /* 0: likewise */
    bool         skip_invalid;
    bool         drop_unknown;
    bool         watch;
    bool         dry_run;

    int64_t      target_count;             /* 0: none, also of those below */
    int64_t      max_seconds;
    int64_t      max_age;
    int64_t      parallelism;
    const char  *half_width;               /* NULL: none, likewise */
    const char  *max_cost;
    const char  *max_failed_ratio;
    const char  *random_seed;
    const char  *callback_url;

    const char  *base;                     /* NULL: none, as the next */
    const char  *airtable_base;
    const char  *date;
    int64_t      per_table;                /* 0: the server's default, also */
    int64_t      tables;                   /* of this */
    int64_t      table;                    /* -1: all of them */
    const char  *name;                     /* NULL: none, as the next */
    const char  *influencer;
    bool         wait;

    const char  *reason;                   /* NULL: none, as the next */
    const char  *error_class;
    bool         no_wait;

    int64_t      limit;                    /* -1: not given */
    bool         all;
    bool         partial;
    bool         csv;
    bool         ndjson;
    const char  *status;
    const char  *output;
    const char  *format;

    char       **args;                     /* what is no option */
    int          nargs;
} cli_options_t;


typedef struct cli_http_s  cli_http_t;


typedef struct {
    cli_options_t   options;
    cli_http_t     *http;
} cli_t;


/* Commands; each returns the exit status, after saying what went wrong. */
cli_exit_e cli_submit(cli_t *cli);
cli_exit_e cli_watch(cli_t *cli);
cli_exit_e cli_status(cli_t *cli);
cli_exit_e cli_explain(cli_t *cli);
cli_exit_e cli_results(cli_t *cli);
cli_exit_e cli_export(cli_t *cli);
cli_exit_e cli_jobs(cli_t *cli);
cli_exit_e cli_cancel(cli_t *cli);
cli_exit_e cli_pause(cli_t *cli);
cli_exit_e cli_resume(cli_t *cli);
cli_exit_e cli_redrive(cli_t *cli);
cli_exit_e cli_erase(cli_t *cli);
cli_exit_e cli_ingest(cli_t *cli);
cli_exit_e cli_select(cli_t *cli);
cli_exit_e cli_distribute(cli_t *cli);
cli_exit_e cli_airtable_sync(cli_t *cli);
cli_exit_e cli_run_daily(cli_t *cli);
cli_exit_e cli_campaigns(cli_t *cli);
cli_exit_e cli_operation(cli_t *cli);
cli_exit_e cli_assignments(cli_t *cli);
cli_exit_e cli_pool(cli_t *cli);
cli_exit_e cli_sync_statuses(cli_t *cli);
cli_exit_e cli_mark_unfollow_due(cli_t *cli);
cli_exit_e cli_delete_completed(cli_t *cli);
cli_exit_e cli_create_base(cli_t *cli);
cli_exit_e cli_verify_base(cli_t *cli);
cli_exit_e cli_source_profiles(cli_t *cli);
cli_exit_e cli_schedules(cli_t *cli);


#endif /* CLI_H */
