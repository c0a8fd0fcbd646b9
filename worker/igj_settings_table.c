/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The table of settings and its two printers.  A new setting is a member of
 * igj_settings_t and one entry here.
 */

#include <stddef.h>

#include "igj_limits.h"
#include "igj_settings_private.h"


#define igj_field(name)  offsetof(igj_settings_t, name)


const igj_setting_t  igj_settings_table[] = {

    { "database-url", { "DATABASE_URL" }, IGJ_SETTING_SECRET,
      igj_field(database_url), NULL, 0, 0, NULL, true,
      "Postgres: postgresql://… or libpq's key=value form" },

    { "redis-url", { "REDIS_URL" }, IGJ_SETTING_SECRET,
      igj_field(redis_url), "redis://localhost:6379/0", 0, 0, NULL, false,
      "Redis: redis://, rediss:// or unix:PATH; not used with --direct" },

    { "direct", { "IGJOBS_DIRECT" }, IGJ_SETTING_SWITCH,
      igj_field(direct), "off", 0, 0, NULL, false,
      "work without Redis: ask Postgres for the next batch" },

    { "kinds", { "IGJOBS_KINDS" }, IGJ_SETTING_TEXT,
      igj_field(kinds), "scrape_followers,operation", 0, 0, NULL, false,
      "kinds of jobs that this worker takes, with commas between" },

    { "lanes", { "IGJOBS_LANES" }, IGJ_SETTING_NUMBER,
      igj_field(lanes), "16", 1, 256, NULL, false,
      "batches worked on at a time" },

    { "worker-id", { "IGJOBS_WORKER_ID" }, IGJ_SETTING_TEXT,
      igj_field(worker_id), NULL, 0, 0, NULL, false,
      "name in logs and leases; host name and process id if not given" },

    { "apify-api-key", { "APIFY_API_KEY" }, IGJ_SETTING_SECRET,
      igj_field(apify_api_key), NULL, 0, 0, NULL, true,
      "Apify token" },

    { "apify-actor-id", { "INSTAGRAM_APIFY_ACTOR_ID", "APIFY_ACTOR_ID" },
      IGJ_SETTING_TEXT,
      igj_field(apify_actor_id), NULL, 0, 0, NULL, false,
      "actor that lists followers on Instagram: its id, or owner~name; a "
      "platform without an actor is not served" },

    { "tiktok-actor-id", { "TIKTOK_APIFY_ACTOR_ID" }, IGJ_SETTING_TEXT,
      igj_field(tiktok_actor_id), NULL, 0, 0, NULL, false,
      "the same of TikTok" },

    { "threads-actor-id", { "THREADS_APIFY_ACTOR_ID" }, IGJ_SETTING_TEXT,
      igj_field(threads_actor_id), NULL, 0, 0, NULL, false,
      "the same of Threads" },

    { "x-actor-id", { "X_APIFY_ACTOR_ID" }, IGJ_SETTING_TEXT,
      igj_field(x_actor_id), NULL, 0, 0, NULL, false,
      "the same of X" },

    { "apify-base-url", { "APIFY_BASE_URL" }, IGJ_SETTING_TEXT,
      igj_field(apify_base_url), "https://api.apify.com", 0, 0, NULL, false,
      "address of the Apify API; answers come compressed over https, as they "
      "are over http, which is for a server beside the worker" },

    { "apify-path-prefix", { "APIFY_PATH_PREFIX" }, IGJ_SETTING_TEXT,
      igj_field(apify_path_prefix), "actors", 0, 0, NULL, false,
      "path of the actors: actors, or the older acts" },

    { "apify-usernames-field", { "APIFY_USERNAMES_FIELD" }, IGJ_SETTING_TEXT,
      igj_field(apify_usernames_field), "usernames", 0, 0, NULL, false,
      "field of the input of Instagram's actor that takes the account names" },

    { "apify-max-count-field", { "APIFY_MAX_COUNT_FIELD" }, IGJ_SETTING_TEXT,
      igj_field(apify_max_count_field), "max_count", 0, 0, NULL, false,
      "field of the input of Instagram's actor that takes the followers per "
      "account" },

    { "apify-token-field", { "APIFY_TOKEN_FIELD" }, IGJ_SETTING_TEXT,
      igj_field(apify_token_field), "igjobs_token", 0, 0, NULL, false,
      "further field of the input by which a lost run is found again" },

    { "apify-extra-input", { "APIFY_EXTRA_INPUT" }, IGJ_SETTING_TEXT,
      igj_field(apify_extra_input), NULL, 0, 0, NULL, false,
      "JSON object merged into the input of Instagram's actor" },

    { "tiktok-extra-input", { "TIKTOK_APIFY_EXTRA_INPUT" }, IGJ_SETTING_TEXT,
      igj_field(tiktok_extra_input), NULL, 0, 0, NULL, false,
      "the same of TikTok's actor" },

    { "threads-extra-input", { "THREADS_APIFY_EXTRA_INPUT" },
      IGJ_SETTING_TEXT,
      igj_field(threads_extra_input), NULL, 0, 0, NULL, false,
      "the same of Threads' actor" },

    { "x-extra-input", { "X_APIFY_EXTRA_INPUT" }, IGJ_SETTING_TEXT,
      igj_field(x_extra_input), NULL, 0, 0, NULL, false,
      "the same of X's actor" },

    { "apify-fields", { "APIFY_FIELDS" }, IGJ_SETTING_TEXT,
      igj_field(apify_fields), "stored", 0, 0, NULL, false,
      "item fields to ask for, with commas between; stored is those that "
      "igjobs keeps, in the spellings of all known actors, all is all" },

    { "apify-memory", { "APIFY_MEMORY_MB" }, IGJ_SETTING_NUMBER,
      igj_field(apify_memory_mb), "0", 0, 32768, NULL, false,
      "memory of a run in MB; 0 is the actor's own" },

    { "apify-run-timeout", { "APIFY_RUN_TIMEOUT" }, IGJ_SETTING_TIME,
      igj_field(apify_run_timeout), "0s", 0, 604800000, NULL, false,
      "time-out that Apify itself gives a run; 0s is the actor's own" },

    { "apify-max-charge", { "APIFY_MAX_CHARGE_USD" }, IGJ_SETTING_USD,
      igj_field(apify_max_charge_usd), "0", 0, 1000000, NULL, false,
      "most that one run may cost in USD; 0 is no cap" },

    { "apify-cap-items", { "APIFY_CAP_ITEMS" }, IGJ_SETTING_SWITCH,
      igj_field(apify_cap_items), "on", 0, 0, NULL, false,
      "never pay for more items than accounts x followers per account" },

    { "airtable-access-token", { "AIRTABLE_ACCESS_TOKEN" }, IGJ_SETTING_SECRET,
      igj_field(airtable_access_token), NULL, 0, 0, NULL, false,
      "Airtable token; without it the calls that need Airtable fail" },

    { "airtable-base-url", { "AIRTABLE_BASE_URL" }, IGJ_SETTING_TEXT,
      igj_field(airtable_base_url), "https://api.airtable.com", 0, 0, NULL,
      false,
      "address of the Airtable API" },

    { "page-size", { "IGJOBS_PAGE_SIZE" }, IGJ_SETTING_NUMBER,
      igj_field(page_size), "2500", 1, IGJ_PROVIDER_PAGE_ITEMS, NULL, false,
      "items read, classified and committed together" },

    { "run-deadline", { "IGJOBS_RUN_DEADLINE" }, IGJ_SETTING_TIME,
      igj_field(run_deadline), "2h", 1000, 604800000, NULL, false,
      "a run that goes on for longer is aborted; what it found is kept" },

    { "blocked-retry", { "IGJOBS_BLOCKED_RETRY" }, IGJ_SETTING_TIME,
      igj_field(blocked_retry), "60s", 0, 86400000, NULL, false,
      "a batch that found only empty or blocked accounts is tried once more "
      "after this" },

    { "start-timeout", { "IGJOBS_START_TIMEOUT" }, IGJ_SETTING_TIME,
      igj_field(start_timeout), "8s", 100, 600000, NULL, false,
      "time-out of the call that starts a run" },

    { "lease", { "IGJOBS_LEASE" }, IGJ_SETTING_TIME,
      igj_field(lease), "12s", 500, 3600000, NULL, false,
      "how long a batch stays with a worker that gives no sign of life" },

    { "beat", { "IGJOBS_BEAT" }, IGJ_SETTING_TIME,
      igj_field(beat), "1s", 50, 60000, NULL, false,
      "how often leases are renewed" },

    { "sweep", { "IGJOBS_SWEEP" }, IGJ_SETTING_TIME,
      igj_field(sweep), "2s", 50, 600000, NULL, false,
      "how often one worker of all looks for work that was left lying" },

    { "direct-poll", { "IGJOBS_DIRECT_POLL" }, IGJ_SETTING_TIME,
      igj_field(direct_poll), "500ms", 10, 60000, NULL, false,
      "how often an idle process asks Postgres when Redis is not used" },

    { "drain", { "IGJOBS_DRAIN" }, IGJ_SETTING_TIME,
      igj_field(drain), "10s", 0, 3600000, NULL, false,
      "time to finish or give back what is in work after SIGTERM" },

    { "webhooks", { "IGJOBS_WEBHOOKS" }, IGJ_SETTING_SWITCH,
      igj_field(webhooks), "on", 0, 0, NULL, false,
      "send webhooks from this process" },

    { "webhook-timeout", { "IGJOBS_WEBHOOK_TIMEOUT" }, IGJ_SETTING_TIME,
      igj_field(webhook_timeout), "15s", 100, 60000, NULL, false,
      "a webhook that is not answered within this time has failed" },

    { "webhook-poll", { "IGJOBS_WEBHOOK_POLL" }, IGJ_SETTING_TIME,
      igj_field(webhook_poll), "500ms", 10, 60000, NULL, false,
      "how often the process asks for webhooks to send" },

    { "webhook-allow-private", { "IGJOBS_WEBHOOK_ALLOW_PRIVATE" },
      IGJ_SETTING_SWITCH,
      igj_field(webhook_allow_private), "off", 0, 0, NULL, false,
      "send webhooks to loopback and private addresses and to any port, too: "
      "for tests, and where all clients are trusted" },

    { "pg-connections", { "IGJOBS_PG_CONNECTIONS" }, IGJ_SETTING_NUMBER,
      igj_field(pg_connections), "2", 1, 64, NULL, false,
      "Postgres connections that the lanes share; three more are used for "
      "leases, upkeep and webhooks" },

    { "pg-prepare", { "IGJOBS_PG_PREPARE" }, IGJ_SETTING_SWITCH,
      igj_field(pg_prepare), "on", 0, 0, NULL, false,
      "named prepared statements; off behind a transaction pooler" },

    { "log-level", { "IGJOBS_LOG_LEVEL" }, IGJ_SETTING_WORD,
      igj_field(log_level), "info", 0, 0, "error warn info debug", false,
      "least important lines that are written" },

    { "log-format", { "IGJOBS_LOG_FORMAT" }, IGJ_SETTING_WORD,
      igj_field(log_format), "text", 0, 0, "text json", false,
      "lines of key=value, or JSON" },
};


const size_t  igj_settings_count =
    sizeof(igj_settings_table) / sizeof(igj_settings_table[0]);


void
igj_settings_help(FILE *out)
{
    size_t                i;
    const igj_setting_t  *setting;

    fputs("usage: igjobs-worker [flags]\n"
          "       igjobs-worker classify          JSON Lines in, gender out\n"
          "       igjobs-worker provider-check    do key and actor work?\n"
          "       igjobs-worker --help | --version | --print-settings\n\n"
          "Takes batches of igjobs' jobs and works on them until SIGTERM.\n"
          "Flags win over environment variables. Times are written 500ms, "
          "8s, 5m, 2h.\n\n", out);

    for (i = 0; i < igj_settings_count; i++) {
        setting = &igj_settings_table[i];

        fprintf(out, "  --%s%s%s\n", setting->name,
                setting->type == IGJ_SETTING_SECRET ? "-file PATH" : "",
                setting->type == IGJ_SETTING_SWITCH ? "[=off]"
                : setting->type == IGJ_SETTING_SECRET ? "" : " VALUE");
        fprintf(out, "      %s\n      environment: %s%s%s%s%s%s\n",
                setting->help, setting->env[0],
                setting->env[1] ? ", " : "",
                setting->env[1] ? setting->env[1] : "",
                setting->value ? "; default " : "",
                setting->value ? setting->value : "",
                setting->required ? "; required" : "");
    }
}


void
igj_settings_manual(FILE *out)
{
    size_t                i;
    const igj_setting_t  *setting;

    fputs("| flag | environment | default | meaning |\n"
          "| --- | --- | --- | --- |\n", out);

    for (i = 0; i < igj_settings_count; i++) {
        setting = &igj_settings_table[i];

        fprintf(out, "| `--%s%s` | `%s`", setting->name,
                setting->type == IGJ_SETTING_SECRET ? "-file PATH" : "",
                setting->env[0]);

        if (setting->env[1] != NULL) {
            fprintf(out, ", `%s`", setting->env[1]);
        }

        if (setting->type == IGJ_SETTING_SECRET) {
            fprintf(out, ", `%s_FILE`", setting->env[0]);
        }

        fprintf(out, " | %s%s%s | %s", setting->value ? "`" : "",
                setting->value ? setting->value
                : setting->required ? "required" : "none",
                setting->value ? "`" : "", setting->help);

        if (setting->type == IGJ_SETTING_WORD) {
            fprintf(out, " (%s)", setting->words);
        }

        fputs(" |\n", out);
    }
}
