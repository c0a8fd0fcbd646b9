/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The journal: one entry a provider request, in a ring of --journal entries.
 * Never a token: only whether there was one, whether it was right, and whether
 * it stood in the address.  Any thread.
 */

#ifndef SIM_JOURNAL_H
#define SIM_JOURNAL_H

#include "sim_run.h"

#define SIM_ENTRY_PATH    120
#define SIM_ENTRY_QUERY   160
#define SIM_OPS_MAX       64

struct sim_entry {
    uint64_t                 seq;            /* from 1 */
    int64_t                  unix_ms;        /* of the request's arrival */
    const char              *provider;       /* these are never freed: */
    const char              *op;
    const char              *token;          /* "none", "valid", "invalid" */
    const struct sim_actor  *actor;
    struct sim_run          *run;            /* a reference, or NULL */
    uint32_t                 accounts;       /* in the input; 0 if none */
    int                      started;        /* the request started the run */
    int                      token_in_url;
    int                      effect;         /* it was carried out */
    int                      status;         /* 0: no answer was begun */
    int                      gzip;           /* the client accepts it */
    int                      ended;
    int                      complete;       /* the whole answer was sent */
    int64_t                  offset;         /* of items, -1 if none */
    uint64_t                 items;          /* in the answer */
    uint64_t                 bytes_in;       /* of bodies */
    uint64_t                 bytes_out;
    int64_t                  ms;             /* until the answer ended */
    char                     method[8];
    char                     path[SIM_ENTRY_PATH];
    char                     query[SIM_ENTRY_QUERY];    /* without token */
    char                     content_type[40];
    char                     fault[48];      /* name of the rule, or "" */
};

struct sim_op_count {
    const char  *provider;
    const char  *op;
    uint64_t     requests;
};

struct sim_journal_sums {
    uint64_t             requests;
    uint64_t             faults;
    uint64_t             bytes_out;
    uint64_t             tokens_in_urls;
    int                  ops;
    struct sim_op_count  op[SIM_OPS_MAX];
};

void sim_journal_init(void);
void sim_journal_free(void);
void sim_journal_reset(void);

/* Appends a copy, taking its reference to the run over; returns its seq. */
uint64_t sim_journal_add(const struct sim_entry *entry);

/* Notes how the answer of an entry ended; nothing if it was overwritten. */
void sim_journal_end(uint64_t seq, const struct sim_entry *entry);

/*
 * Waits up to real_ms for an entry after since, then appends those entries, at
 * most limit, only those of op unless that is NULL: a JSON array or JSON Lines.
 */
void sim_journal_list(struct sim_text *out, uint64_t since, uint64_t limit,
    const char *op, int lines, int64_t real_ms);

struct sim_journal_sums sim_journal_sums(void);

#endif
