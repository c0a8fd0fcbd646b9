/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The built-in name tables, indexed.  The names themselves stand in
 * sim_names.def, which the Perl side of the tests reads too.
 */

#ifndef SIM_NAMES_H
#define SIM_NAMES_H

#include <stddef.h>

#define SIM_CULTURES_MAX  32
#define SIM_LIST_MAX      24

struct sim_name {
    const char  *text;           /* as a profile shows it, UTF-8 */
    size_t       len;
    const char  *latin;          /* for user names: a-z only */
    size_t       latin_len;
};

struct sim_name_list {
    size_t           n;
    struct sim_name  name[SIM_LIST_MAX];
};

struct sim_culture {
    struct sim_name_list  first[2];    /* 0 male, 1 female */
    struct sim_name_list  last[2];     /* 0 male, 1 female */
};

struct sim_names {
    size_t                n;
    struct sim_culture    culture[SIM_CULTURES_MAX];
    struct sim_name_list  emoji;
    struct sim_name_list  job;
    struct sim_name_list  word;
    struct sim_name_list  brand;
    struct sim_name_list  trade;
};

extern struct sim_names  sim_names;    /* constant after sim_names_init() */

/* Sorts the table into the lists above.  Called once, before any thread. */
void sim_names_init(void);

#endif
