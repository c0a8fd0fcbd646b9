/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * /_sim/: health, population, faults, journal, ledger, advance, reset; its
 * part for Airtable is sim_airtable_control.c.
 */

#include <stdio.h>
#include <string.h>

#include "sim_airtable_base.h"
#include "sim_airtable_control.h"
#include "sim_conf.h"
#include "sim_control.h"
#include "sim_ledger.h"
#include "sim_population.h"


struct sim_command {
    const char   *method;
    const char   *path;
    void        (*answer)(struct sim_request *r, struct sim_answer *answer);
};


void
sim_control_ok(struct sim_answer *answer, const char *type)
{
    answer->code = 200;
    answer->type = type;
}


void
sim_control_error(struct sim_answer *answer, int code, const char *message)
{
    answer->code = code;
    answer->type = "application/json";

    sim_text_puts(&answer->text, "{\"error\":");
    sim_text_json(&answer->text, message);
    sim_text_puts(&answer->text, "}\n");
}


static void
sim_control_health(struct sim_request *r, struct sim_answer *answer)
{
    (void) r;

    sim_control_ok(answer, "application/json");
    sim_text_printf(&answer->text, "{\"status\":\"ok\",\"version\":\"%s\","
                    "\"seed\":%lld,\"followers\":%lld,\"overlap\":%lld,"
                    "\"shared_people\":%lld,\"officials\":%u}\n",
                    SIM_VERSION, (long long) sim_conf.seed,
                    (long long) sim_conf.followers,
                    (long long) sim_conf.overlap,
                    (long long) sim_conf.shared_people,
                    (unsigned) sim_world_officials());
}


static void
sim_control_population(struct sim_request *r, struct sim_answer *answer)
{
    const char  *account;

    account = sim_query(r, "account");

    if (account == NULL || *account == '\0') {
        sim_control_error(answer, 400, "account is missing");
        return;
    }

    sim_control_ok(answer, "application/jsonl");
    answer->stream = sim_population(account,
                         (uint64_t) sim_query_number(r, "offset", 0),
                         (uint64_t) sim_query_number(r, "count", SIM_NEVER));
}


static void
sim_control_faults_list(struct sim_request *r, struct sim_answer *answer)
{
    (void) r;

    sim_control_ok(answer, "application/json");
    sim_faults_list(&answer->text);
}


static void
sim_control_faults_add(struct sim_request *r, struct sim_answer *answer)
{
    int              added;
    struct sim_text  error = { 0 };

    added = sim_faults_add(r->body.data != NULL ? r->body.data : "",
                           r->body.len, &error);

    if (added < 0) {
        sim_control_error(answer, 400, error.data);
        sim_text_free(&error);
        return;
    }

    sim_control_ok(answer, "application/json");
    sim_text_printf(&answer->text, "{\"added\":%d}\n", added);
}


static void
sim_control_faults_clear(struct sim_request *r, struct sim_answer *answer)
{
    (void) r;

    sim_faults_clear();
    sim_control_ok(answer, "application/json");
    sim_text_puts(&answer->text, "{\"cleared\":true}\n");
}


static void
sim_control_journal(struct sim_request *r, struct sim_answer *answer)
{
    int          lines;
    const char  *format;

    format = sim_query(r, "format");
    lines = format != NULL && strcmp(format, "jsonl") == 0;

    sim_control_ok(answer, lines ? "application/jsonl" : "application/json");

    sim_journal_list(&answer->text,
                     (uint64_t) sim_query_number(r, "since", 0),
                     (uint64_t) sim_query_number(r, "limit", SIM_NEVER),
                     sim_query(r, "op"), lines,
                     sim_query_number(r, "wait", 0));
}


static void
sim_control_ledger(struct sim_request *r, struct sim_answer *answer)
{
    sim_control_ok(answer, "application/json");
    sim_ledger_write(&answer->text, sim_query_flag(r, "accounts"),
                     sim_query_flag(r, "runs"));
}


static void
sim_control_advance(struct sim_request *r, struct sim_answer *answer)
{
    int64_t  ms;

    ms = sim_query_number(r, "ms", 0);

    if (ms == 0 || ms > 1000LL * 86400 * 365) {
        sim_control_error(answer, 400, "ms is missing or more than a year");
        return;
    }

    sim_clock_advance(ms);
    sim_control_ok(answer, "application/json");
    sim_text_printf(&answer->text, "{\"now\":%lld}\n",
                    (long long) sim_clock_now());
}


static void
sim_control_reset(struct sim_request *r, struct sim_answer *answer)
{
    (void) r;

    sim_faults_clear();
    sim_journal_reset();
    sim_runs_reset();
    sim_air_reset();

    sim_control_ok(answer, "application/json");
    sim_text_puts(&answer->text, "{\"reset\":true}\n");
}


static const struct sim_command  sim_commands[] = {
    { "GET", "/_sim/health", sim_control_health },
    { "GET", "/_sim/population", sim_control_population },
    { "GET", "/_sim/faults", sim_control_faults_list },
    { "POST", "/_sim/faults", sim_control_faults_add },
    { "DELETE", "/_sim/faults", sim_control_faults_clear },
    { "GET", "/_sim/journal", sim_control_journal },
    { "GET", "/_sim/ledger", sim_control_ledger },
    { "POST", "/_sim/advance", sim_control_advance },
    { "POST", "/_sim/reset", sim_control_reset },
    { "GET", "/_sim/airtable", sim_air_control_ledger },
    { "GET", "/_sim/airtable/records", sim_air_control_records },
    { "POST", "/_sim/airtable/tables", sim_air_control_tables },
    { "POST", "/_sim/airtable/set", sim_air_control_set },
    { "POST", "/_sim/airtable/add", sim_air_control_add },
    { "POST", "/_sim/airtable/delete", sim_air_control_delete },
    { "POST", "/_sim/airtable/rename", sim_air_control_rename },
    { "POST", "/_sim/airtable/drop", sim_air_control_drop },
    { "POST", "/_sim/airtable/expire", sim_air_control_expire },
};


void
sim_control(struct sim_request *r, struct sim_answer *answer)
{
    int     code;
    size_t  i;

    code = 404;

    for (i = 0; i < sizeof(sim_commands) / sizeof(sim_commands[0]); i++) {
        if (strcmp(r->path, sim_commands[i].path) != 0) {
            continue;
        }

        if (strcmp(r->method, sim_commands[i].method) == 0) {
            if (r->too_large) {
                sim_control_error(answer, 413, "the body is too large");
                return;
            }

            sim_commands[i].answer(r, answer);
            return;
        }

        code = 405;
    }

    sim_control_error(answer, code, code == 404 ? "no such path"
                                                : "no such method here");
}
