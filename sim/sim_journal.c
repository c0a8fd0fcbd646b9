/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The ring of requests and its rendering. */

#include <stdlib.h>
#include <string.h>

#include "sim_conf.h"
#include "sim_journal.h"


struct sim_journal {
    struct sim_entry         *entry;     /* seq s stands at (s - 1) % size */
    uint64_t                  size;
    uint64_t                  last;      /* highest seq */
    uint64_t                  forgotten; /* highest seq before a reset */
    int                       waiting;
    struct sim_journal_sums   sums;
};

static struct sim_journal  sim_journal;


void
sim_journal_init(void)
{
    sim_journal.size = (uint64_t) sim_conf.journal;
    sim_journal.entry = sim_alloc(sim_journal.size * sizeof(struct sim_entry));
}


static struct sim_entry *
sim_journal_at(uint64_t seq)
{
    return &sim_journal.entry[(seq - 1) % sim_journal.size];
}


/* Lowest seq that is still there, or last + 1. */

static uint64_t
sim_journal_first(void)
{
    uint64_t  first;

    first = sim_journal.last > sim_journal.size
            ? sim_journal.last - sim_journal.size : 0;

    return (first > sim_journal.forgotten ? first : sim_journal.forgotten) + 1;
}


void
sim_journal_reset(void)
{
    uint64_t  seq;

    sim_lock();

    for (seq = sim_journal_first(); seq <= sim_journal.last; seq++) {
        sim_run_release(sim_journal_at(seq)->run);
        sim_journal_at(seq)->run = NULL;
    }

    sim_journal.forgotten = sim_journal.last;
    memset(&sim_journal.sums, 0, sizeof(sim_journal.sums));

    sim_unlock();
}


void
sim_journal_free(void)
{
    sim_journal_reset();
    free(sim_journal.entry);
    sim_journal.entry = NULL;
}


static void
sim_journal_count(const struct sim_entry *entry)
{
    int                       i;
    struct sim_journal_sums  *sums = &sim_journal.sums;

    sums->requests++;
    sums->faults += entry->fault[0] != '\0';
    sums->tokens_in_urls += (uint64_t) entry->token_in_url;

    for (i = 0; i < sums->ops; i++) {
        if (strcmp(sums->op[i].op, entry->op) == 0
            && strcmp(sums->op[i].provider, entry->provider) == 0)
        {
            sums->op[i].requests++;
            return;
        }
    }

    if (i < SIM_OPS_MAX) {
        sums->op[i].provider = entry->provider;
        sums->op[i].op = entry->op;
        sums->op[i].requests = 1;
        sums->ops++;
    }
}


uint64_t
sim_journal_add(const struct sim_entry *entry)
{
    uint64_t           seq;
    struct sim_entry  *place;

    sim_lock();

    seq = ++sim_journal.last;
    place = sim_journal_at(seq);
    sim_run_release(place->run);

    *place = *entry;
    place->seq = seq;
    sim_journal_count(entry);

    if (sim_journal.waiting > 0) {
        sim_changed();
    }

    sim_unlock();

    return seq;
}


void
sim_journal_end(uint64_t seq, const struct sim_entry *entry)
{
    struct sim_entry  *place;

    sim_lock();

    if (seq >= sim_journal_first()) {
        place = sim_journal_at(seq);

        place->ended = 1;
        place->status = entry->status;
        place->complete = entry->complete;
        place->bytes_out = entry->bytes_out;
        place->items = entry->items;
        place->ms = sim_clock_unix() - place->unix_ms;

        sim_journal.sums.bytes_out += entry->bytes_out;
    }

    if (sim_journal.waiting > 0) {
        sim_changed();
    }

    sim_unlock();
}


static void
sim_entry_usernames(struct sim_text *out, const struct sim_run *run)
{
    uint32_t         i;
    struct sim_plan  plan;

    if (sim_plan_read(&plan, run->actor, run->input, run->input_n) != NULL) {
        return;
    }

    sim_text_puts(out, ",\"usernames\":[");

    for (i = 0; i < plan.accounts; i++) {
        sim_text_puts(out, i > 0 ? "," : "");
        sim_text_puts(out, plan.source[i].json);
    }

    sim_text_puts(out, "]");
    sim_plan_free(&plan);
}


static void
sim_entry_write(struct sim_text *out, const struct sim_entry *e)
{
    char  date[SIM_DATE_LENGTH];

    sim_clock_date(e->unix_ms, date);

    sim_text_printf(out, "{\"seq\":%llu,\"time\":\"%s\",\"provider\":\"%s\","
                    "\"op\":\"%s\",\"method\":\"%s\"",
                    (unsigned long long) e->seq, date, e->provider, e->op,
                    e->method);

    sim_text_key(out, "path");
    sim_text_json(out, e->path);
    sim_text_key(out, "query");
    sim_text_json(out, e->query);
    sim_text_key(out, "content_type");
    sim_text_json(out, e->content_type);
    sim_text_key(out, "actor");
    sim_text_json(out, e->actor != NULL ? e->actor->name : NULL);
    sim_text_key(out, "run");
    sim_text_json(out, e->run != NULL ? e->run->id : NULL);
    sim_text_key(out, "fault");
    sim_text_json(out, e->fault[0] != '\0' ? e->fault : NULL);

    sim_text_printf(out, ",\"token\":\"%s\",\"token_in_url\":%s,"
                    "\"effect\":%s,\"started\":%s,\"status\":%d,"
                    "\"ended\":%s,\"complete\":%s,\"gzip\":%s",
                    e->token, e->token_in_url ? "true" : "false",
                    e->effect ? "true" : "false",
                    e->started ? "true" : "false", e->status,
                    e->ended ? "true" : "false",
                    e->complete ? "true" : "false",
                    e->gzip ? "true" : "false");

    sim_text_printf(out, ",\"offset\":%lld,\"items\":%llu,\"bytes_in\":%llu,"
                    "\"bytes_out\":%llu,\"ms\":%lld,\"accounts\":%u",
                    (long long) e->offset, (unsigned long long) e->items,
                    (unsigned long long) e->bytes_in,
                    (unsigned long long) e->bytes_out, (long long) e->ms,
                    (unsigned) e->accounts);

    if (e->started && e->run != NULL) {
        sim_text_key(out, "input_token");
        sim_text_json(out, e->run->marker[0] != '\0' ? e->run->marker : NULL);
        sim_entry_usernames(out, e->run);
    }

    sim_text_puts(out, "}\n");
}


/* Copies the entry, with a reference, so that it is rendered unlocked. */

static int
sim_journal_get(uint64_t *seq, struct sim_entry *copy)
{
    int  found;

    sim_lock();

    if (*seq < sim_journal_first()) {
        *seq = sim_journal_first();
    }

    found = *seq <= sim_journal.last;

    if (found) {
        *copy = *sim_journal_at(*seq);

        if (copy->run != NULL) {
            copy->run->refs++;
        }
    }

    sim_unlock();

    return found;
}


static void
sim_journal_wait(uint64_t since, int64_t real_ms)
{
    int64_t  deadline;

    deadline = sim_clock_unix() + real_ms;

    sim_lock();
    sim_journal.waiting++;

    while (sim_journal.last <= since
           && sim_wait(deadline - sim_clock_unix()))
    {
        /* woken for somebody else */
    }

    sim_journal.waiting--;
    sim_unlock();
}


void
sim_journal_list(struct sim_text *out, uint64_t since, uint64_t limit,
    const char *op, int lines, int64_t real_ms)
{
    int               n;
    uint64_t          seq;
    struct sim_entry  entry;

    if (real_ms > 0) {
        sim_journal_wait(since, real_ms);
    }

    n = 0;
    sim_text_puts(out, lines ? "" : "[");

    for (seq = since + 1; limit > 0 && sim_journal_get(&seq, &entry); seq++) {
        if (op == NULL || strcmp(op, entry.op) == 0) {
            sim_text_puts(out, n++ > 0 && !lines ? "," : "");
            sim_entry_write(out, &entry);
            limit--;
        }

        sim_run_release(entry.run);
    }

    sim_text_puts(out, lines ? "" : "]\n");
}


struct sim_journal_sums
sim_journal_sums(void)
{
    struct sim_journal_sums  sums;

    sim_lock();
    sums = sim_journal.sums;
    sim_unlock();

    return sums;
}
