/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Items of a dataset as JSON: which fields the actors' dialects and the error
 * items have, which of them a client asked for, and their values.  Pure.
 */

#ifndef SIM_ITEM_H
#define SIM_ITEM_H

#include "sim_fault.h"

#define SIM_ITEM_ROOM    8192        /* enough for any item but mutated ones */
#define SIM_FIELDS_MAX   16          /* fields of one item */
#define SIM_SHAPES       10

/* The fields to write, for each kind of item. */
struct sim_layout {
    struct {
        unsigned char  n;
        unsigned char  field[SIM_FIELDS_MAX];
    } shape[SIM_SHAPES];
};

/* Prepares constant texts.  Called once, before any thread. */
void sim_item_init(void);

/*
 * fields and omit are the query's comma-separated names, or NULL; fields also
 * fixes the order.
 */
void sim_layout_init(struct sim_layout *layout, const char *fields,
    const char *omit);

/*
 * Write an item of that row.  As an error item, if error is one of the kinds
 * with an error; else the row's own account decides.  sim_item_write() needs
 * SIM_ITEM_ROOM bytes at p and returns the end; the other appends an item with
 * a mutation, huge ones with so many bytes.
 */
char *sim_item_write(char *p, const struct sim_layout *layout,
    enum sim_dialect dialect, const struct sim_row *row,
    enum sim_account_kind error);
void sim_item_mutate(struct sim_text *out, const struct sim_layout *layout,
    enum sim_dialect dialect, const struct sim_row *row,
    enum sim_mutation how, uint64_t bytes);

/* Whether the item of that row has no field at all. */
int sim_item_empty(const struct sim_layout *layout, enum sim_dialect dialect,
    const struct sim_row *row, enum sim_account_kind error);

#endif
