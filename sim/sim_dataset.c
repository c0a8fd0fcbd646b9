/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Streams of dataset items.  The length of the dataset is taken once, when the
 * request comes; from then on every item is a pure function of its number, so
 * a stream holds one item at most and no lock.
 */

#include <stdlib.h>
#include <string.h>

#include "sim_dataset.h"
#include "sim_item.h"

#define SIM_NO_LIMIT  999999999999LL


struct sim_items {
    struct sim_stream          stream;
    struct sim_request        *r;        /* outlives the stream */
    struct sim_run            *run;      /* a reference, as has: */
    struct sim_rule           *rule;     /* or NULL */
    struct sim_view            view;
    struct sim_plan            plan;
    struct sim_layout          layout;
    uint64_t                   first;    /* number of the first item */
    uint64_t                   n;        /* items of this answer */
    uint64_t                   done;
    int                        backwards;
    int                        skip_empty;
    int                        array;    /* JSON array, else lines */
    int                        opened;   /* the array's bracket is written */
    int                        closed;
    int                        written;  /* some item is written */
    struct sim_text            pending;  /* the part not yet given */
    size_t                     at;
};


static uint64_t
sim_items_number(const struct sim_items *s)
{
    return s->backwards ? s->first - s->done : s->first + s->done;
}


static struct sim_row
sim_items_row(const struct sim_items *s, uint64_t item)
{
    return sim_plan_row(&s->plan, sim_view_row(&s->view, item));
}


static enum sim_mutation
sim_items_mutation(const struct sim_items *s, uint64_t item)
{
    const struct sim_action  *a;

    if (s->rule == NULL || !s->rule->action.mutate_item.on) {
        return SIM_MUTATE_NONE;
    }

    a = &s->rule->action;

    if (!sim_fault_meant(item, a->mutate_item.every, a->mutate_item.from,
                         a->mutate_item.to))
    {
        return SIM_MUTATE_NONE;
    }

    return (enum sim_mutation) a->mutate_item.how;
}


/* The kind of error item that a fault puts here, or PLAIN. */

static enum sim_account_kind
sim_items_error(const struct sim_items *s, uint64_t item)
{
    const struct sim_action  *a;

    if (s->rule == NULL || !s->rule->action.error_item.on) {
        return SIM_ACCOUNT_PLAIN;
    }

    a = &s->rule->action;

    if (!sim_fault_meant(item, a->error_item.every, a->error_item.from,
                         a->error_item.to))
    {
        return SIM_ACCOUNT_PLAIN;
    }

    return (enum sim_account_kind) a->error_item.kind;
}


/* What stands before an item. */

static char *
sim_items_before(struct sim_items *s, char *p)
{
    if (s->array) {
        *p++ = s->written ? ',' : '[';

        if (s->written) {
            *p++ = '\n';
        }
    }

    s->opened = 1;
    s->written = 1;

    return p;
}


/* Writes an item, or nothing if it is skipped, into SIM_ITEM_ROOM + 3. */

static char *
sim_items_plain(struct sim_items *s, uint64_t item, char *p)
{
    struct sim_row          row;
    enum sim_account_kind   error;

    row = sim_items_row(s, item);
    error = sim_items_error(s, item);

    if (s->skip_empty
        && sim_item_empty(&s->layout, s->run->actor->dialect, &row, error))
    {
        return p;
    }

    p = sim_items_before(s, p);
    p = sim_item_write(p, &s->layout, s->run->actor->dialect, &row, error);

    if (!s->array) {
        *p++ = '\n';
    }

    return p;
}


/* Appends a mutated item to the pending text. */

static void
sim_items_mutated(struct sim_items *s, uint64_t item, enum sim_mutation how)
{
    char             before[4];
    struct sim_row   row;

    if (how == SIM_MUTATE_DUPLICATE && item > 0) {
        item--;
    }

    row = sim_items_row(s, item);

    sim_text_add(&s->pending, before,
                 (size_t) (sim_items_before(s, before) - before));
    sim_item_mutate(&s->pending, &s->layout, s->run->actor->dialect, &row, how,
                    (uint64_t) s->rule->action.mutate_item.bytes);
    sim_text_puts(&s->pending, s->array ? "" : "\n");
}


/* Puts the next item, or the array's end, into the pending text. */

static void
sim_items_next(struct sim_items *s)
{
    char               *p;
    uint64_t            item;
    enum sim_mutation   how;

    s->at = 0;
    s->pending.len = 0;

    if (s->done == s->n) {
        sim_text_puts(&s->pending, !s->array ? "" : s->opened ? "]" : "[]");
        s->closed = 1;
        return;
    }

    item = sim_items_number(s);
    how = sim_items_mutation(s, item);
    s->done++;

    if (how != SIM_MUTATE_NONE) {
        sim_items_mutated(s, item, how);
        return;
    }

    sim_text_room(&s->pending, SIM_ITEM_ROOM + 3);
    p = sim_items_plain(s, item, s->pending.data);
    s->pending.len = (size_t) (p - s->pending.data);
}


/* Writes as many ordinary items as fit without copying. */

static char *
sim_items_fill(struct sim_items *s, char *p, const char *end)
{
    uint64_t  item;

    while (s->done < s->n && end - p >= SIM_ITEM_ROOM + 3) {
        item = sim_items_number(s);

        if (sim_items_mutation(s, item) != SIM_MUTATE_NONE) {
            break;
        }

        s->done++;
        p = sim_items_plain(s, item, p);
    }

    return p;
}


static size_t
sim_items_read(struct sim_stream *stream, char *buf, size_t max)
{
    char              *p, *end;
    size_t             piece;
    struct sim_items  *s = (struct sim_items *) stream;

    p = buf;
    end = buf + max;

    while (p < end) {
        if (s->at < s->pending.len) {
            piece = s->pending.len - s->at;
            piece = piece < (size_t) (end - p) ? piece : (size_t) (end - p);
            p = sim_copy(p, s->pending.data + s->at, piece);
            s->at += piece;
            continue;
        }

        p = sim_items_fill(s, p, end);

        if (s->closed) {
            break;
        }

        if (p < end) {
            sim_items_next(s);
        }
    }

    return (size_t) (p - buf);
}


static void
sim_items_close(struct sim_stream *stream)
{
    struct sim_items  *s = (struct sim_items *) stream;

    s->r->entry.items = s->done;

    if (s->done > 0) {
        sim_run_delivered(s->run,
                          s->backwards ? s->first + 1 - s->done : s->first,
                          s->backwards ? s->first + 1 : s->first + s->done);
    }

    if (s->rule != NULL) {
        sim_rule_release(s->rule);
    }

    sim_run_release(s->run);
    sim_plan_free(&s->plan);
    sim_text_free(&s->pending);
    free(s);
}


/* Which items: of total, offset and limit, perhaps backwards. */

static void
sim_items_range(struct sim_items *s, uint64_t total, uint64_t offset,
    uint64_t limit)
{
    offset = offset < total ? offset : total;
    s->n = total - offset < limit ? total - offset : limit;
    s->first = s->backwards && s->n > 0 ? total - 1 - offset : offset;
}


static void
sim_items_headers(const struct sim_items *s, struct sim_answer *answer,
    uint64_t total, int64_t offset, int64_t limit)
{
    sim_answer_header(answer, "X-Apify-Pagination-Offset", "%lld",
                      (long long) offset);
    sim_answer_header(answer, "X-Apify-Pagination-Limit", "%lld",
                      (long long) limit);
    sim_answer_header(answer, "X-Apify-Pagination-Count", "%llu",
                      (unsigned long long) s->n);
    sim_answer_header(answer, "X-Apify-Pagination-Total", "%llu",
                      (unsigned long long) total);
    sim_answer_header(answer, "X-Apify-Pagination-Desc", "%s",
                      s->backwards ? "true" : "false");
}


static uint64_t
sim_items_total(const struct sim_request *r, const struct sim_view *view)
{
    uint64_t  lag;

    lag = r->rule != NULL ? (uint64_t) r->rule->action.lag_items : 0;

    return view->items > lag ? view->items - lag : 0;
}


const char *
sim_dataset_items(struct sim_request *r, struct sim_answer *answer)
{
    int64_t            offset, limit;
    uint64_t           total;
    const char        *format;
    struct sim_items  *s;

    format = sim_query(r, "format");

    if (format != NULL && strcmp(format, "json") != 0
        && strcmp(format, "jsonl") != 0)
    {
        return "Only the formats json and jsonl are simulated";
    }

    s = sim_alloc(sizeof(struct sim_items));

    s->stream.read = sim_items_read;
    s->stream.close = sim_items_close;
    s->r = r;
    s->run = r->entry.run;
    s->run->refs++;
    s->rule = r->rule;
    s->array = format == NULL || strcmp(format, "json") == 0;
    s->backwards = sim_query_flag(r, "desc");
    s->skip_empty = sim_query_flag(r, "clean")
                    || sim_query_flag(r, "skipEmpty");

    if (s->rule != NULL) {
        s->rule->refs++;
    }

    (void) sim_plan_read(&s->plan, s->run->actor, s->run->input,
                         s->run->input_n);
    sim_layout_init(&s->layout, sim_query(r, "fields"), sim_query(r, "omit"));

    s->view = sim_run_look(s->run);
    total = sim_items_total(r, &s->view);
    offset = sim_query_number(r, "offset", 0);
    limit = sim_query_number(r, "limit", SIM_NO_LIMIT);

    sim_items_range(s, total, (uint64_t) offset, (uint64_t) limit);
    sim_items_headers(s, answer, total, offset, limit);

    answer->code = 200;
    answer->type = s->array ? "application/json; charset=utf-8"
                            : "application/jsonl; charset=utf-8";
    answer->stream = &s->stream;

    return NULL;
}
