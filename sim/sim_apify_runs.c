/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Starting, listing, showing, aborting and resurrecting runs. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_apify.h"
#include "sim_apify_json.h"
#include "sim_apify_runs.h"
#include "sim_conf.h"

#define SIM_WAIT_MAX      60         /* s, of waitForFinish */
#define SIM_RUNS_LISTED      1000       /* runs in one answer */
#define SIM_MEMORY_MIN    128        /* MB */
#define SIM_MEMORY_MAX    32768


static int
sim_apify_costs(const struct sim_request *r)
{
    return strcmp(r->entry.token, "valid") == 0;
}


/* ms of waitForFinish. */

static int64_t
sim_apify_patience(const struct sim_request *r)
{
    int64_t  s;

    s = sim_query_number(r, "waitForFinish", 0);

    return (s < SIM_WAIT_MAX ? s : SIM_WAIT_MAX) * 1000;
}


static void
sim_apify_run_answer(const struct sim_request *r, int code,
    const struct sim_view *view, struct sim_answer *answer)
{
    answer->code = code;
    answer->type = "application/json; charset=utf-8";

    sim_text_puts(&answer->text, "{\"data\":");
    sim_apify_run_json(&answer->text, r->entry.run, view, sim_apify_costs(r));
    sim_text_puts(&answer->text, "}");
}


/* Reads the limits in the query; 0 if one is wrong, which is answered. */

static int
sim_apify_limits(const struct sim_request *r, struct sim_start *start,
    struct sim_answer *answer)
{
    const char  *value;

    start->memory = sim_query_number(r, "memory", start->memory);
    start->timeout = sim_query_number(r, "timeout", start->timeout);

    if (start->memory < SIM_MEMORY_MIN || start->memory > SIM_MEMORY_MAX
        || (start->memory & (start->memory - 1)) != 0)
    {
        sim_apify_error(answer, 400, "invalid-request",
                        "Memory must be a power of 2 between 128 and 32768");
        return 0;
    }

    value = sim_query(r, "maxItems");

    if (value != NULL) {
        start->max_items = strtoll(value, NULL, 10);

        if (start->max_items <= 0) {
            sim_apify_error(answer, 400,
                            "max-items-must-be-greater-than-zero",
                            "Maximum number of items must be greater than 0");
            return 0;
        }
    }

    value = sim_query(r, "maxTotalChargeUsd");

    if (value != NULL) {
        start->max_charge = strtod(value, NULL);

        if (!(start->max_charge > 0)
            || start->max_charge < sim_conf.price_start)
        {
            sim_apify_error(answer, 400,
                            "max-total-charge-usd-below-minimum",
                            "Maximum total charge is below the minimum");
            return 0;
        }
    }

    return 1;
}


static void
sim_apify_fate(struct sim_fate *fate, const struct sim_rule *rule)
{
    struct sim_fate           none = SIM_NO_FATE;
    const struct sim_action  *a;

    *fate = none;

    if (rule == NULL) {
        return;
    }

    a = &rule->action;
    fate->decided = a->fail_run.on || a->stay_running.on || a->run_404.on;

    if (a->fail_run.on) {
        fate->status = (enum sim_status) a->fail_run.status;
        fate->accounts = a->fail_run.after_accounts;
        fate->items = a->fail_run.after_items;
        (void) snprintf(fate->message, sizeof(fate->message), "%s",
                        a->fail_run.message != NULL ? a->fail_run.message
                                                    : "");
    }

    if (a->stay_running.on) {
        fate->stay_ms = a->stay_running.ms;
        (void) snprintf(fate->stay_status, sizeof(fate->stay_status), "%s",
                        a->stay_running.status != NULL
                        ? a->stay_running.status : "");
    }

    if (a->run_404.on) {
        fate->hide_calls = a->run_404.calls;
        fate->hide_ms = a->run_404.ms;
    }
}


static int64_t
sim_apify_stricter(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}


static void
sim_apify_limit_answer(const char *limit, struct sim_answer *answer)
{
    if (strcmp(limit, "runs") == 0) {
        sim_apify_error(answer, 402, "concurrent-runs-limit-exceeded",
                        "You have exceeded the limit of concurrent Actor "
                        "runs of your plan");
        return;
    }

    sim_apify_error(answer, 402, "actor-memory-limit-exceeded",
                    "By launching this job you will exceed the memory limit "
                    "of your plan");
}


static int
sim_apify_input_ok(const struct sim_request *r, struct sim_answer *answer)
{
    const char  *type;

    type = sim_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);

    if (type == NULL || strncasecmp(type, "application/json", 16) != 0) {
        sim_apify_error(answer, 400, "invalid-input",
                        "The input must be of content type application/json");
        return 0;
    }

    if (r->refusal != NULL) {
        sim_apify_error(answer, 400, r->refusal == sim_plan_not_json
                                     ? "run-input-body-not-valid-json"
                                     : "invalid-input", r->refusal);
        return 0;
    }

    return 1;
}


static void
sim_apify_started(struct sim_request *r, struct sim_run *run,
    struct sim_answer *answer)
{
    int64_t           patience;
    const char       *host;
    struct sim_view   view;

    r->entry.run = run;
    r->entry.started = 1;

    patience = sim_apify_patience(r);

    if (patience > 0) {
        sim_request_note(r, 201);
        view = sim_run_wait(run, patience);

    } else {
        memset(&view, 0, sizeof(view));
        view.word = sim_status_word(SIM_READY);
    }

    host = sim_header(r, MHD_HTTP_HEADER_HOST);

    sim_answer_header(answer, "Location", "http://%s/v2/actor-runs/%s",
                      host != NULL ? host : "localhost", run->id);
    sim_apify_run_answer(r, 201, &view, answer);
}


/* The same start once more, as a proxy that repeats requests would make it. */

static void
sim_apify_twin(const struct sim_start *start)
{
    const char      *limit;
    struct sim_run  *run;

    run = sim_run_start(start, &limit);

    if (run != NULL) {
        sim_run_release(run);
    }
}


void
sim_apify_start(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    const char        *limit;
    struct sim_run    *run;
    struct sim_start   start = { 0 };

    start.actor = r->entry.actor;
    start.input = r->body.data;
    start.input_n = r->body.len;
    start.plan = &r->plan;
    start.memory = sim_conf.default_memory;
    start.timeout = sim_conf.default_timeout;
    start.limit_runs = sim_apify_stricter(sim_conf.max_concurrent_runs,
                                          verdict->limit_runs);
    start.limit_memory = sim_apify_stricter(sim_conf.max_memory,
                                            verdict->limit_memory);

    sim_apify_fate(&start.fate, r->rule);

    if (!sim_apify_input_ok(r, answer)
        || !sim_apify_limits(r, &start, answer))
    {
        return;
    }

    run = sim_run_start(&start, &limit);

    if (run == NULL) {
        sim_apify_limit_answer(limit, answer);
        return;
    }

    if (r->rule != NULL && r->rule->action.twice) {
        sim_apify_twin(&start);
    }

    sim_apify_started(r, run, answer);
}


/* One GET of a list of runs. */

struct sim_listing {
    const struct sim_request    *r;
    const struct sim_actor      *actor;      /* NULL = any */
    const char                  *statuses;   /* NULL = any */
    int64_t                      after;      /* Unix ms, -1 = no bound */
    int64_t                      before;
    size_t                       n;
    size_t                       cap;
    struct sim_run             **run;        /* that match, oldest first */
};


static int
sim_listing_wants(const struct sim_listing *l, const struct sim_run *run)
{
    size_t        n;
    const char   *word, *p;

    if ((l->actor != NULL && l->actor != run->actor)
        || (l->after >= 0 && run->started_unix < l->after)
        || (l->before >= 0 && run->started_unix > l->before)
        || sim_clock_unix() < run->hide_until)
    {
        return 0;
    }

    if (l->statuses == NULL) {
        return 1;
    }

    word = sim_run_look_locked(run).word;
    n = strlen(word);

    for (p = l->statuses; *p != '\0'; p += strcspn(p, ",")) {
        p += *p == ',';

        if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0')) {
            return 1;
        }
    }

    return 0;
}


static int
sim_listing_collect(void *ctx, struct sim_run *run)
{
    struct sim_listing  *l = ctx;

    if (!sim_listing_wants(l, run)) {
        return 1;
    }

    if (l->n == l->cap) {
        l->cap = l->cap > 0 ? l->cap * 2 : 256;
        l->run = sim_realloc(l->run, l->cap * sizeof(*l->run));
    }

    run->refs++;
    l->run[l->n++] = run;

    return 1;
}


static int64_t
sim_listing_date(const struct sim_request *r, const char *name)
{
    const char  *value;

    value = sim_query(r, name);

    return value == NULL ? -1 : sim_clock_parse(value);
}


static void
sim_listing_write(const struct sim_listing *l, struct sim_text *out)
{
    int              desc;
    size_t           i, offset, limit, count;
    struct sim_run  *run;
    struct sim_view  view;

    desc = sim_query_flag(l->r, "desc");
    offset = (size_t) sim_query_number(l->r, "offset", 0);
    limit = (size_t) sim_query_number(l->r, "limit", SIM_RUNS_LISTED);
    limit = limit < SIM_RUNS_LISTED ? limit : SIM_RUNS_LISTED;
    count = offset < l->n ? l->n - offset : 0;
    count = count < limit ? count : limit;

    sim_text_printf(out, "{\"data\":{\"total\":%llu,\"offset\":%llu,"
                    "\"limit\":%llu,\"count\":%llu,\"desc\":%s,\"items\":[",
                    (unsigned long long) l->n, (unsigned long long) offset,
                    (unsigned long long) limit, (unsigned long long) count,
                    desc ? "true" : "false");

    for (i = 0; i < count; i++) {
        run = l->run[desc ? l->n - 1 - offset - i : offset + i];
        view = sim_run_look(run);

        sim_text_puts(out, i > 0 ? "," : "");
        sim_apify_run_short_json(out, run, &view, 1);
    }

    sim_text_puts(out, "]}}");
}


void
sim_apify_list(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    size_t              i;
    struct sim_listing  l = { 0 };

    (void) verdict;

    l.r = r;
    l.actor = r->entry.actor;
    l.statuses = sim_query(r, "status");
    l.after = sim_listing_date(r, "startedAfter");
    l.before = sim_listing_date(r, "startedBefore");

    sim_runs_each(sim_listing_collect, &l);

    answer->code = 200;
    answer->type = "application/json; charset=utf-8";
    sim_listing_write(&l, &answer->text);

    for (i = 0; i < l.n; i++) {
        sim_run_release(l.run[i]);
    }

    free(l.run);
}


void
sim_apify_run(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    int64_t          patience;
    struct sim_view  view;

    (void) verdict;

    patience = sim_apify_patience(r);

    if (patience > 0) {
        sim_request_note(r, 200);
    }

    view = sim_run_wait(r->entry.run, patience);

    sim_apify_run_answer(r, 200, &view, answer);
}


void
sim_apify_abort(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    struct sim_view  view;

    (void) verdict;

    (void) sim_run_abort(r->entry.run, sim_query_flag(r, "gracefully"));

    view = sim_run_look(r->entry.run);
    sim_apify_run_answer(r, 200, &view, answer);
}


void
sim_apify_resurrect(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    const char        *error;
    struct sim_run    *run;
    struct sim_view    view;
    struct sim_start   start = { 0 };

    (void) verdict;

    run = r->entry.run;

    sim_lock();
    start.memory = run->memory;
    start.timeout = run->timeout;
    start.max_items = run->max_items;
    start.max_charge = run->max_charge;
    sim_unlock();

    if (!sim_apify_limits(r, &start, answer)) {
        return;
    }

    error = sim_run_resurrect(run, start.timeout, start.memory,
                              start.max_items, start.max_charge);

    if (error != NULL) {
        sim_apify_error(answer, 400, "run-failed", error);
        return;
    }

    view = sim_run_look(run);
    view.status = SIM_RUNNING;
    view.word = sim_status_word(SIM_RUNNING);
    view.ended_unix = 0;

    sim_apify_run_answer(r, 200, &view, answer);
}
