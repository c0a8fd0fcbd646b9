/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The command line: one table that reads it and prints the help. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_airtable_base.h"
#include "sim_conf.h"


enum sim_option_kind {
    SIM_GROUP,
    SIM_FLAG,
    SIM_INTEGER,
    SIM_NUMBER,
    SIM_STRING,
    SIM_STRINGS
};

struct sim_option {
    enum sim_option_kind   kind;
    const char            *name;
    const char            *value;       /* its name in the help */
    void                  *target;
    int64_t                min;
    int64_t                max;
    const char            *help;
};


struct sim_conf  sim_conf = {
    .listen = "127.0.0.1",
    .port = 8900,
    .journal = 100000,
    .connections = 4000,
    .followers = 1000000,
    .overlap = 20,
    .shared_people = 131072,
    .speed = 1,
    .default_max_count = 100,
    .pic_url_bytes = 450,
    .default_memory = 1024,
    .price_item = 0.0007,
    .price_start = 0.001,
    .usage_final_ms = 10000,
    .airtable_scopes = "data.records:read data.records:write "
                       "schema.bases:read schema.bases:write",
    .airtable_rate = 5,
    .airtable_user_rate = 50,
    .airtable_penalty_ms = 30000,
    .airtable_iterator_ms = 300000
};


#define GROUP(title)  { SIM_GROUP, title, NULL, NULL, 0, 0, NULL }

static const struct sim_option  sim_option_table[] = {

    GROUP("Server"),
    { SIM_STRING, "listen", "ADDRESS", &sim_conf.listen, 0, 0,
      "IPv4 address to listen on (127.0.0.1)" },
    { SIM_INTEGER, "port", "N", &sim_conf.port, 0, 65535,
      "port; 0 takes any free one (8900). \"listening on ADDRESS:PORT\" is\n"
      "printed on standard output as soon as connections are accepted" },
    { SIM_STRING, "port-file", "FILE", &sim_conf.port_file, 0, 0,
      "write the port there, too" },
    { SIM_STRING, "token", "TOKEN", &sim_conf.token, 0, 0,
      "the one token that is accepted (any, but one must be given)" },
    { SIM_STRING, "faults", "FILE", &sim_conf.faults, 0, 0,
      "fault rules to start with: JSON, as for POST /_sim/faults" },
    { SIM_INTEGER, "delay", "MS", &sim_conf.delay_ms, 0, 600000,
      "latency of every answer (0)" },
    { SIM_INTEGER, "jitter", "MS", &sim_conf.jitter_ms, 0, 600000,
      "seeded random latency on top of it, 0 to MS (0)" },
    { SIM_FLAG, "no-gzip", NULL, &sim_conf.no_gzip, 0, 0,
      "never compress, even if the client asks for it" },
    { SIM_INTEGER, "journal", "N", &sim_conf.journal, 1, 10000000,
      "requests that the journal keeps (100000)" },
    { SIM_INTEGER, "connections", "N", &sim_conf.connections, 1, 100000,
      "connections served at a time (4000)" },

    GROUP("World (see sim/README.md; the same values give the same people)"),
    { SIM_INTEGER, "seed", "N", &sim_conf.seed, 0, INT64_MAX,
      "seed of the world and of random faults (0)" },
    { SIM_INTEGER, "followers", "N", &sim_conf.followers, 0, 16777215,
      "followers of an ordinary account (1000000)" },
    { SIM_INTEGER, "overlap", "PERCENT", &sim_conf.overlap, 0, 100,
      "share of followers that come from the shared people (20)" },
    { SIM_INTEGER, "shared-people", "N", &sim_conf.shared_people, 1, 1 << 30,
      "number of shared people, rounded up to a power of two (131072)" },
    { SIM_STRING, "officials", "FILE", &sim_conf.officials, 0, 0,
      "JSON Lines of id, username, full_name, gender: the followers of\n"
      "public_officials (data/public-officials.jsonl if that exists)" },
    { SIM_STRINGS, "officials-account", "NAME", &sim_conf.officials_accounts,
      0, 0, "another account with these followers; repeatable" },

    GROUP("Actors"),
    { SIM_STRINGS, "actor", "NAME:DIALECT", &sim_conf.actors, 0, 0,
      "another actor, such as apify~some-actor:source; repeatable.\n"
      "Dialects: source (items name their source account) and plain" },
    { SIM_INTEGER, "ready-ms", "MS", &sim_conf.ready_ms, 0, 86400000,
      "time that a run is READY before it works (0)" },
    { SIM_INTEGER, "run-ms", "MS", &sim_conf.run_ms, 0, 86400000,
      "shortest time that a run works; items appear evenly (0)" },
    { SIM_NUMBER, "items-per-second", "N", &sim_conf.items_per_second,
      0, 1000000000, "pace of a run; 0 = at once, or evenly over run-ms (0)" },
    { SIM_INTEGER, "wind-down-ms", "MS", &sim_conf.wind_down_ms, 0, 86400000,
      "time in TIMING-OUT, and in ABORTING after a graceful abort (0)" },
    { SIM_NUMBER, "speed", "FACTOR", &sim_conf.speed, 0, 1000000,
      "how many times faster than real time runs live (1)" },
    { SIM_INTEGER, "duplicates", "PERCENT", &sim_conf.duplicates, 0, 90,
      "share of items that repeat an earlier one of the same account, on\n"
      "top of the distinct ones (0)" },
    { SIM_INTEGER, "default-max-count", "N", &sim_conf.default_max_count,
      1, 16777215, "followers an account when the input names none (100)" },
    { SIM_INTEGER, "pic-url-bytes", "N", &sim_conf.pic_url_bytes, 100, 1500,
      "length of a picture's address (450)" },
    { SIM_FLAG, "stop-at-max-items", NULL, &sim_conf.stop_at_max_items, 0, 0,
      "runs stop at the query's maxItems instead of only billing so many" },
    { SIM_INTEGER, "default-memory", "MB", &sim_conf.default_memory,
      128, 32768, "memory of a run whose start names none (1024)" },
    { SIM_INTEGER, "default-timeout", "S", &sim_conf.default_timeout,
      0, 864000, "time-out of a run whose start names none; 0 = none (0)" },
    { SIM_INTEGER, "max-concurrent-runs", "N", &sim_conf.max_concurrent_runs,
      0, 1000000, "402 concurrent-runs-limit-exceeded above; 0 = none (0)" },
    { SIM_INTEGER, "max-memory", "MB", &sim_conf.max_memory, 0, 1 << 30,
      "402 actor-memory-limit-exceeded above; 0 = none (0)" },

    GROUP("Money"),
    { SIM_NUMBER, "price-item", "USD", &sim_conf.price_item, 0, 1000000,
      "price of an item, error items included (0.0007)" },
    { SIM_NUMBER, "price-start", "USD", &sim_conf.price_start, 0, 1000000,
      "price of a run's start (0.001)" },
    { SIM_NUMBER, "price-gb-hour", "USD", &sim_conf.price_gb_hour, 0, 1000000,
      "price of a GB of memory for an hour of a run's work (0)" },
    { SIM_INTEGER, "usage-final-ms", "MS", &sim_conf.usage_final_ms,
      0, 86400000, "time after a run's end until its cost is final (10000)" },

    GROUP("Airtable"),
    { SIM_STRING, "airtable-token", "TOKEN", &sim_conf.airtable_token, 0, 0,
      "the one token that is accepted (any, but one must be given)" },
    { SIM_STRING, "airtable-scopes", "SCOPES", &sim_conf.airtable_scopes,
      0, 0, "what the token may do (data.records:read data.records:write\n"
      "schema.bases:read schema.bases:write)" },
    { SIM_STRINGS, "airtable-base", "ID", &sim_conf.airtable_bases, 0, 0,
      "a base that is there from the start; repeatable" },
    { SIM_FLAG, "airtable-closed", NULL, &sim_conf.airtable_closed, 0, 0,
      "no other bases; else any base is made when it is first used" },
    { SIM_INTEGER, "airtable-tables", "N", &sim_conf.airtable_tables, 0, 900,
      "tables Daily_Outreach_Table_01 to N of each new base (0)" },
    { SIM_INTEGER, "airtable-rate", "N", &sim_conf.airtable_rate, 0, 1000,
      "requests a second and base before 429; 0 = no limit (5)" },
    { SIM_INTEGER, "airtable-user-rate", "N", &sim_conf.airtable_user_rate,
      0, 1000, "the same for all bases together (50)" },
    { SIM_INTEGER, "airtable-penalty-ms", "MS", &sim_conf.airtable_penalty_ms,
      0, 86400000, "time that everything is refused after it (30000)" },
    { SIM_INTEGER, "airtable-iterator-ms", "MS",
      &sim_conf.airtable_iterator_ms, 0, 86400000,
      "age at which a list's offset is not known any more (300000)" },
};

#define SIM_OPTIONS  (sizeof(sim_option_table) / sizeof(sim_option_table[0]))


static void __attribute__((noreturn, format(printf, 1, 2)))
sim_usage(const char *format, ...)
{
    va_list  args;

    (void) fputs("igjobs-sim: ", stderr);

    va_start(args, format);
    (void) vfprintf(stderr, format, args);
    va_end(args);

    (void) fputs("; --help lists the options\n", stderr);

    exit(2);
}


static void
sim_help_option(const struct sim_option *o)
{
    char         left[64];
    const char  *line, *end;

    (void) snprintf(left, sizeof(left), "--%s%s%s", o->name,
                    o->value == NULL ? "" : " ",
                    o->value == NULL ? "" : o->value);

    (void) printf("  %-26s ", left);

    if (strlen(left) > 26) {
        (void) printf("\n%29s", "");
    }

    for (line = o->help; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        (void) printf("%.*s\n%29s", (int) (end - line), line, "");
    }

    (void) printf("%s\n", line);
}


static void __attribute__((noreturn))
sim_help(void)
{
    size_t  i;

    (void) printf("usage: igjobs-sim [options]\n\n"
                  "Simulates the APIs of data providers on one port: "
                  "Apify under /v2/,\nAirtable under /v0/.\n"
                  "Control it under /_sim/ (health, population, faults, "
                  "journal, ledger,\nadvance, reset). "
                  "SIGTERM and SIGINT end it.\n");

    for (i = 0; i < SIM_OPTIONS; i++) {
        if (sim_option_table[i].kind == SIM_GROUP) {
            (void) printf("\n%s:\n", sim_option_table[i].name);

        } else {
            sim_help_option(&sim_option_table[i]);
        }
    }

    (void) printf("\n  %-26s this text\n  %-26s version\n",
                  "--help", "--version");

    exit(0);
}


static void
sim_option_number(const struct sim_option *o, const char *value)
{
    char    *end;
    double   number;

    errno = 0;
    number = strtod(value, &end);

    if (errno != 0 || end == value || *end != '\0'
        || !(number >= (double) o->min && number <= (double) o->max))
    {
        sim_usage("--%s takes a number from %lld to %lld, not \"%s\"", o->name,
                  (long long) o->min, (long long) o->max, value);
    }

    *(double *) o->target = number;
}


static void
sim_option_integer(const struct sim_option *o, const char *value)
{
    char       *end;
    long long   number;

    errno = 0;
    number = strtoll(value, &end, 10);

    if (errno != 0 || end == value || *end != '\0'
        || number < o->min || number > o->max)
    {
        sim_usage("--%s takes a whole number from %lld to %lld, not \"%s\"",
                  o->name, (long long) o->min, (long long) o->max, value);
    }

    *(int64_t *) o->target = number;
}


static void
sim_option_set(const struct sim_option *o, const char *value)
{
    struct sim_strings  *list;

    switch (o->kind) {

    case SIM_INTEGER:
        sim_option_integer(o, value);
        break;

    case SIM_NUMBER:
        sim_option_number(o, value);
        break;

    case SIM_STRING:
        *(const char **) o->target = value;
        break;

    case SIM_STRINGS:
        list = o->target;

        if (list->n == SIM_LIST_OPTIONS) {
            sim_usage("--%s may stand %d times", o->name, SIM_LIST_OPTIONS);
        }

        list->value[list->n++] = value;
        break;

    default:
        break;
    }
}


static const struct sim_option *
sim_option_find(const char *name, size_t len)
{
    size_t                    i;
    const struct sim_option  *o;

    for (i = 0; i < SIM_OPTIONS; i++) {
        o = &sim_option_table[i];

        if (o->kind != SIM_GROUP && strlen(o->name) == len
            && strncmp(o->name, name, len) == 0)
        {
            return o;
        }
    }

    sim_usage("unknown option \"--%.*s\"", (int) len, name);
}


static void
sim_options_check(void)
{
    int  i;

    for (i = 0; i < sim_conf.airtable_bases.n; i++) {
        if (!sim_air_base_formed(sim_conf.airtable_bases.value[i])) {
            sim_usage("--airtable-base takes an id like app1a2B3c, not \"%s\"",
                      sim_conf.airtable_bases.value[i]);
        }
    }

    if (sim_conf.speed <= 0) {
        sim_usage("--speed must be above 0");
    }

    if ((sim_conf.default_memory & (sim_conf.default_memory - 1)) != 0) {
        sim_usage("--default-memory must be a power of two");
    }

    if (sim_conf.token != NULL && sim_conf.token[0] == '\0') {
        sim_usage("--token must not be empty");
    }

    if (sim_conf.airtable_token != NULL
        && sim_conf.airtable_token[0] == '\0')
    {
        sim_usage("--airtable-token must not be empty");
    }
}


void
sim_options(int argc, char **argv)
{
    int                       i;
    const char               *name, *value;
    const struct sim_option  *o;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            sim_help();
        }

        if (strcmp(argv[i], "--version") == 0) {
            (void) printf("igjobs-sim %s\n", SIM_VERSION);
            exit(0);
        }

        if (strncmp(argv[i], "--", 2) != 0) {
            sim_usage("unexpected argument \"%s\"", argv[i]);
        }

        name = argv[i] + 2;
        value = strchr(name, '=');
        o = sim_option_find(name, value != NULL ? (size_t) (value - name)
                                                : strlen(name));

        if (o->kind == SIM_FLAG) {
            if (value != NULL) {
                sim_usage("--%s takes no value", o->name);
            }

            *(int64_t *) o->target = 1;
            continue;
        }

        if (value != NULL) {
            sim_option_set(o, value + 1);
            continue;
        }

        if (++i == argc) {
            sim_usage("--%s needs a value", o->name);
        }

        sim_option_set(o, argv[i]);
    }

    sim_options_check();
}
