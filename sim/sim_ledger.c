/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The ledger.  Any thread; takes the lock in short spells. */

#include <stdlib.h>
#include <string.h>

#include "sim_airtable_ledger.h"
#include "sim_journal.h"
#include "sim_ledger.h"


/* All runs, each with a reference, so that they can be read unlocked. */

struct sim_run_list {
    size_t            n;
    size_t            cap;
    struct sim_run  **run;
};

/* An account in the input of a run. */

struct sim_mention {
    char            *name;
    struct sim_run  *run;
};


static int
sim_ledger_collect(void *ctx, struct sim_run *run)
{
    struct sim_run_list  *list = ctx;

    if (list->n == list->cap) {
        list->cap = list->cap > 0 ? list->cap * 2 : 256;
        list->run = sim_realloc(list->run, list->cap * sizeof(*list->run));
    }

    run->refs++;
    list->run[list->n++] = run;

    return 1;
}


static int
sim_ledger_by_input(const void *a, const void *b)
{
    const struct sim_run  *x = *(struct sim_run *const *) a;
    const struct sim_run  *y = *(struct sim_run *const *) b;

    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }

    return x->number < y->number ? -1 : 1;
}


/* Runs whose inputs name the same set of accounts. */

static void
sim_ledger_inputs(struct sim_text *out, struct sim_run_list *list)
{
    size_t  i, j, distinct;

    if (list->n > 1) {
        qsort(list->run, list->n, sizeof(*list->run), sim_ledger_by_input);
    }

    distinct = 0;
    sim_text_key(out, "repeated_inputs");
    sim_text_puts(out, "[");

    for (i = 0; i < list->n; i = j) {
        distinct++;

        for (j = i + 1; j < list->n
                        && list->run[j]->hash == list->run[i]->hash; j++)
        {
            if (j == i + 1) {
                sim_text_printf(out, "%s{\"accounts\":%u,\"runs\":[\"%s\"",
                                out->data[out->len - 1] == '[' ? "" : ",",
                                (unsigned) list->run[i]->accounts,
                                list->run[i]->id);
            }

            sim_text_printf(out, ",\"%s\"", list->run[j]->id);
        }

        sim_text_puts(out, j > i + 1 ? "]}" : "");
    }

    sim_text_printf(out, "],\"distinct_inputs\":%llu",
                    (unsigned long long) distinct);
}


static int
sim_ledger_by_account(const void *a, const void *b)
{
    int                        order;
    const struct sim_mention  *x = a, *y = b;

    order = strcmp(x->name, y->name);

    if (order != 0) {
        return order;
    }

    return x->run->number < y->run->number ? -1
           : x->run->number > y->run->number;
}


static struct sim_mention *
sim_ledger_mentions(const struct sim_run_list *list, size_t *n)
{
    size_t               i, most;
    uint32_t             k;
    struct sim_run      *run;
    struct sim_plan      plan;
    struct sim_mention  *mention;

    for (most = 0, i = 0; i < list->n; i++) {
        most += list->run[i]->accounts;
    }

    mention = sim_alloc(most * sizeof(*mention));
    *n = 0;

    for (i = 0; i < list->n; i++) {
        run = list->run[i];
        (void) sim_plan_read(&plan, run->actor, run->input, run->input_n);

        for (k = 0; k < plan.accounts && *n < most; k++) {
            mention[*n].name = sim_strdup(plan.source[k].name);
            mention[(*n)++].run = run;
        }

        sim_plan_free(&plan);
    }

    return mention;
}


static void
sim_ledger_repeated(struct sim_text *out, const struct sim_mention *mention,
    size_t n)
{
    size_t  i;

    sim_text_puts(out, out->data[out->len - 1] == '[' ? "" : ",");
    sim_text_puts(out, "{\"account\":");
    sim_text_json(out, mention[0].name);
    sim_text_puts(out, ",\"runs\":[");

    for (i = 0; i < n; i++) {
        sim_text_printf(out, "%s\"%s\"", i > 0 ? "," : "", mention[i].run->id);
    }

    sim_text_puts(out, "]}");
}


static void
sim_ledger_accounts(struct sim_text *out, const struct sim_run_list *list)
{
    size_t               i, j, n, distinct;
    struct sim_mention  *mention;

    mention = sim_ledger_mentions(list, &n);

    if (n > 1) {
        qsort(mention, n, sizeof(*mention), sim_ledger_by_account);
    }

    distinct = 0;
    sim_text_key(out, "repeated_accounts");
    sim_text_puts(out, "[");

    for (i = 0; i < n; i = j) {
        distinct++;

        for (j = i + 1; j < n && strcmp(mention[j].name, mention[i].name) == 0;
             j++)
        {
            /* the same account again */
        }

        if (j > i + 1) {
            sim_ledger_repeated(out, &mention[i], j - i);
        }
    }

    sim_text_printf(out, "],\"distinct_accounts\":%llu",
                    (unsigned long long) distinct);

    for (i = 0; i < n; i++) {
        free(mention[i].name);
    }

    free(mention);
}


static void
sim_ledger_number(struct sim_text *out, const char *name, uint64_t n)
{
    sim_text_key(out, name);
    sim_text_printf(out, "%llu", (unsigned long long) n);
}


static void
sim_ledger_runs(struct sim_text *out, uint64_t started)
{
    int                  i;
    uint64_t             active;
    struct sim_run_sums  sums;

    sums = sim_runs_sums();
    active = 0;

    sim_ledger_number(out, "runs_started", started);
    sim_text_key(out, "runs_by_status");
    sim_text_puts(out, "{");

    for (i = 0; i < SIM_STATUSES; i++) {
        sim_ledger_number(out, sim_status_word((enum sim_status) i),
                          sums.by_status[i]);

        if (!sim_status_terminal((enum sim_status) i)) {
            active += sums.by_status[i];
        }
    }

    sim_text_puts(out, "}");
    sim_ledger_number(out, "runs_active", active);
    sim_ledger_number(out, "runs_aborted", sums.aborted);
    sim_ledger_number(out, "runs_resurrected", sums.resurrected);
    sim_ledger_number(out, "max_concurrent_runs", sums.max_runs);
    sim_ledger_number(out, "max_memory_mb", sums.max_memory);
    sim_ledger_number(out, "items_produced", sums.produced);
    sim_ledger_number(out, "items_billed", sums.billed);
    sim_ledger_number(out, "items_delivered", sums.delivered);
    sim_ledger_number(out, "items_delivered_distinct",
                      sums.delivered_distinct);
    sim_text_printf(out, ",\"usd\":%.6f", sums.usd);
}


static void
sim_ledger_requests(struct sim_text *out)
{
    int                       i;
    struct sim_journal_sums   sums;

    sums = sim_journal_sums();

    sim_ledger_number(out, "requests", sums.requests);
    sim_ledger_number(out, "faults", sums.faults);
    sim_ledger_number(out, "bytes_out", sums.bytes_out);
    sim_ledger_number(out, "tokens_in_urls", sums.tokens_in_urls);
    sim_text_key(out, "requests_by_op");
    sim_text_puts(out, "{");

    for (i = 0; i < sums.ops; i++) {
        sim_text_printf(out, "%s\"%s.%s\":%llu", i > 0 ? "," : "",
                        sums.op[i].provider, sums.op[i].op,
                        (unsigned long long) sums.op[i].requests);
    }

    sim_text_puts(out, "}");
}


/* Each run, oldest first, and what it has cost or will have when settled. */

static void
sim_ledger_each(struct sim_text *out, const struct sim_run_list *list)
{
    size_t                  i;
    struct sim_view         view;
    const struct sim_run   *run;

    sim_text_key(out, "runs");
    sim_text_puts(out, "[");

    for (i = 0; i < list->n; i++) {
        run = list->run[i];
        view = sim_run_look(list->run[i]);

        sim_text_puts(out, i > 0 ? ",{\"run\":" : "{\"run\":");
        sim_text_json(out, run->id);
        sim_text_key(out, "input_token");
        sim_text_json(out, run->marker);
        sim_text_key(out, "status");
        sim_text_json(out, view.word);
        sim_ledger_number(out, "items", view.items);
        sim_ledger_number(out, "items_billed", view.billed);
        sim_text_printf(out, ",\"max_usd\":%.6f,\"usd\":%.6f}",
                        run->max_charge, view.usd_final);
    }

    sim_text_puts(out, "]");
}


void
sim_ledger_write(struct sim_text *out, int accounts, int runs)
{
    size_t               i;
    struct sim_run_list  list = { 0 };

    sim_runs_each(sim_ledger_collect, &list);

    sim_text_puts(out, "{");
    sim_ledger_runs(out, list.n);

    if (runs) {
        sim_ledger_each(out, &list);
    }

    sim_ledger_inputs(out, &list);

    if (accounts) {
        sim_ledger_accounts(out, &list);
    }

    sim_ledger_requests(out);
    sim_text_key(out, "airtable");
    sim_air_ledger_write(out);
    sim_text_puts(out, "}\n");

    for (i = 0; i < list.n; i++) {
        sim_run_release(list.run[i]);
    }

    free(list.run);
}
