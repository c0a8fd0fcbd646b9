/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Fault rules: which request, and what goes wrong with it.  sim/README.md
 * shows every member with an example; sim_fault_parse.c reads them.
 *
 * The rules are tried in their order.  The first that fires decides; limits on
 * runs and memory are collected from all that match.  A rule never changes but
 * for its counters, and is counted: sim_fault_ask() gives a reference.
 */

#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdatomic.h>

#include "sim_run.h"

#define SIM_RULES_MAX     1000
#define SIM_HEADERS_MAX   16

struct sim_header {
    char  *name;
    char  *value;
};

/* How an item of a dataset is changed. */
enum sim_mutation {
    SIM_MUTATE_NONE,
    SIM_MUTATE_TYPE,             /* numbers and words where texts belong */
    SIM_MUTATE_NULL,             /* every value null */
    SIM_MUTATE_DUPLICATE,        /* the item before, once more */
    SIM_MUTATE_UNICODE,          /* a full name of marks, joiners, directions */
    SIM_MUTATE_SURROGATE,        /* a lone \ud800 */
    SIM_MUTATE_NUL,              /* \u0000 */
    SIM_MUTATE_UTF8,             /* bytes that are not UTF-8 */
    SIM_MUTATE_HUGE,             /* a full name of many bytes */
    SIM_MUTATE_DEEP,             /* nested 2000 levels */
    SIM_MUTATE_NUMBER_ID,        /* ids as numbers above 2^53 */
    SIM_MUTATE_GARBAGE           /* not JSON */
};

struct sim_match {
    char     *provider, *op, *method, *path, *run, *account, *record;
    int64_t   nth, every, after, times;
    double    probability;
    int64_t   offset_from, offset_to;
};

/* Every struct here begins with on: whether the member stands in the rule. */

struct sim_action {
    struct { int64_t on, code; char *type, *message, *body, *content_type; }
              status;
    struct { int64_t on, how, every, from, to, bytes; }
              mutate_item;
    struct { int64_t on, kind, every, from, to; }
              error_item;
    struct { int64_t on, status, after_accounts, after_items; char *message; }
              fail_run;
    struct { int64_t on, ms; char *status; }
              stay_running;
    struct { int64_t on, calls, ms; }
              run_404;
    struct { int64_t on; double per_second, burst;
             int64_t concurrent_runs, memory_mb; }
              limit;
    struct { int64_t on, ms, at; }
              hang;
    struct { int64_t on, at; }
              rst;
    struct { int64_t on, bytes, clean, body; }
              truncate_at;

    struct sim_header   header[SIM_HEADERS_MAX];
    int                 headers;

    char               *redirect, *raw;
    int64_t             drop_before, drop_after, no_length, drip, delay_ms;
    int64_t             lag_items, effect, gzip, bad_gzip, twice;
};

/* Values of bad_gzip. */
enum sim_bad_gzip {
    SIM_GZIP_RIGHT,
    SIM_GZIP_CRC,                /* wrong check sum */
    SIM_GZIP_PLAIN,              /* says gzip, is not */
    SIM_GZIP_CUT                 /* ends in the middle, framing correct */
};

struct sim_rule {
    _Atomic uint32_t     refs;
    char                *json;       /* as it was given */
    char                *name;       /* in the journal; "rule N" if not given */
    uint64_t             salt;       /* of its probability */
    struct sim_match     match;
    struct sim_action    action;

    uint64_t             seen;       /* under the lock from here on */
    uint64_t             fired;
    double               bucket;     /* tokens left of limit.per_second */
    int64_t              filled;     /* Unix ms when that was so */
};

/* What is known of a request when the rules are asked. */
struct sim_ask {
    const char             *provider;
    const char             *op;
    const char             *method;
    const char             *path;
    const char             *run;         /* id, NULL if it concerns none */
    const struct sim_plan  *plan;        /* of its input, NULL if none */
    int64_t                 offset;      /* of items, -1 if none */
    const struct cJSON     *json;        /* body or query, or NULL */
};

struct sim_verdict {
    struct sim_rule  *rule;              /* NULL: no fault */
    int64_t           limit_runs;        /* 0 = none */
    int64_t           limit_memory;      /* 0 = none */
};

/*
 * Reads one rule and gives it one reference; NULL and a text in *error if it
 * is not understood.
 */
struct cJSON;
struct sim_rule *sim_rule_parse(const struct cJSON *json,
    struct sim_text *error);
void sim_rule_free(struct sim_rule *rule);
void sim_rule_release(struct sim_rule *rule);

/* Adds rules, all or none; the number added, or -1 and *error. */
int sim_faults_add(const char *json, size_t n, struct sim_text *error);
void sim_faults_clear(void);

/* JSON array of the rules with their counters. */
void sim_faults_list(struct sim_text *out);

/* Whether there is any rule. */
int sim_faults_any(void);

/* Gives a reference to the rule that fires. */
struct sim_verdict sim_fault_ask(const struct sim_ask *ask);

/* Whether item i of a dataset is meant by every, from and to. */
int sim_fault_meant(uint64_t i, int64_t every, int64_t from, int64_t to);

#endif
