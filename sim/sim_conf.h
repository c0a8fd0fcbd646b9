/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Settings of one simulator, filled by sim_options.c before any thread starts
 * and constant from then on.  What each means is said in sim_options.c, which
 * also prints it.
 */

#ifndef SIM_CONF_H
#define SIM_CONF_H

#include <stdint.h>

#define SIM_VERSION       "1.0.0"
#define SIM_LIST_OPTIONS  64     /* how often a repeatable option may stand */

struct sim_strings {
    int          n;
    const char  *value[SIM_LIST_OPTIONS];
};

struct sim_conf {
    /* server */
    const char          *listen;
    int64_t              port;
    const char          *port_file;
    const char          *token;
    const char          *faults;
    int64_t              delay_ms;
    int64_t              jitter_ms;
    int64_t              journal;
    int64_t              connections;
    int64_t              no_gzip;

    /* world */
    int64_t              seed;
    int64_t              followers;
    int64_t              overlap;
    int64_t              shared_people;
    const char          *officials;
    struct sim_strings   officials_accounts;

    /* actors */
    struct sim_strings   actors;
    int64_t              ready_ms;
    int64_t              run_ms;
    double               items_per_second;
    int64_t              wind_down_ms;
    double               speed;
    int64_t              duplicates;
    int64_t              default_max_count;
    int64_t              pic_url_bytes;
    int64_t              stop_at_max_items;
    int64_t              default_memory;
    int64_t              default_timeout;
    int64_t              max_concurrent_runs;
    int64_t              max_memory;

    /* Airtable */
    const char          *airtable_token;
    const char          *airtable_scopes;
    struct sim_strings   airtable_bases;
    int64_t              airtable_closed;
    int64_t              airtable_tables;
    int64_t              airtable_rate;
    int64_t              airtable_user_rate;
    int64_t              airtable_penalty_ms;
    int64_t              airtable_iterator_ms;

    /* money */
    double               price_item;
    double               price_start;
    double               price_gb_hour;
    int64_t              usage_final_ms;
};

extern struct sim_conf  sim_conf;

/*
 * Reads the command line into sim_conf.  Prints and exits for --help and
 * --version (0) and for a mistake (2).
 */
void sim_options(int argc, char **argv);

#endif
