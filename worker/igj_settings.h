/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The worker's settings: one table (igj_settings.c) that reads environment and
 * flags, checks every value, and prints --help and the manual section.
 *
 * Flags win over the environment.  Secrets are taken from the environment or
 * from a file that <NAME>_FILE or --<name>-file names, never from a flag's
 * value, which others could read in the process list.  Filled once before any
 * thread starts; read only from then on.
 */

#ifndef IGJ_SETTINGS_H
#define IGJ_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "igj_base.h"
#include "igj_log.h"


#define IGJ_SETTINGS_ERROR_MAX  512


typedef struct {

    /* where things are; strings are owned by the settings */
    char     *database_url;           /* libpq URI or conninfo, secret */
    char     *redis_url;              /* secret */
    char     *apify_api_key;          /* secret */
    char     *apify_actor_id;         /* Instagram's; of no platform: NULL */
    char     *tiktok_actor_id;
    char     *threads_actor_id;
    char     *x_actor_id;
    char     *apify_base_url;
    char     *apify_path_prefix;
    char     *apify_usernames_field;
    char     *apify_max_count_field;
    char     *apify_token_field;
    char     *apify_extra_input;      /* likewise */
    char     *tiktok_extra_input;
    char     *threads_extra_input;
    char     *x_extra_input;
    char     *apify_fields;
    double    apify_max_charge_usd;
    int64_t   apify_memory_mb;
    int64_t   apify_run_timeout;      /* ms */
    bool      apify_cap_items;
    char     *airtable_access_token;  /* secret; NULL: none */
    char     *airtable_base_url;

    /* what is worked on, and how much at a time */
    char     *kinds;                  /* names with commas between */
    int64_t   lanes;
    int64_t   page_size;
    bool      direct;                 /* no Redis: ask Postgres */

    /* times, all in milliseconds */
    int64_t   beat;
    int64_t   lease;
    int64_t   sweep;
    int64_t   start_timeout;
    int64_t   run_deadline;
    int64_t   blocked_retry;
    int64_t   direct_poll;
    int64_t   drain;

    /* webhooks */
    bool      webhooks;
    bool      webhook_allow_private;
    int64_t   webhook_timeout;        /* ms */
    int64_t   webhook_poll;           /* ms */

    /* Postgres */
    int64_t   pg_connections;
    bool      pg_prepare;

    /* itself */
    char     *worker_id;
    int64_t   log_level;              /* igj_log_level_t */
    int64_t   log_format;             /* igj_log_format_t */

} igj_settings_t;


/*
 * Reads defaults, then the environment, then the flags in argv[first ..].
 * Returns IGJ_OK, or IGJ_ERROR with a message that names the setting.
 */
IGJ_MUST_CHECK int igj_settings_read(igj_settings_t *s, int argc, char **argv,
    int first, char error[IGJ_SETTINGS_ERROR_MAX]);

/* Frees what igj_settings_read() allocated, also after an error. */
void igj_settings_free(igj_settings_t *s);

/* The text of --help, and the table of docs/operations.md. */
void igj_settings_help(FILE *out);
void igj_settings_manual(FILE *out);


#endif /* IGJ_SETTINGS_H */
