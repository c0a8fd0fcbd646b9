/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Which records of a table have which values in one to three of its fields:
 * a hash of the values leads to the numbers of the records, ascending.  A
 * record that lacks one of the values is not in it.  Under sim_lock().
 */

#ifndef SIM_AIRTABLE_INDEX_H
#define SIM_AIRTABLE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define SIM_AIR_MERGE_MAX  3

/* Records of one hash.  A single one needs no memory of its own. */
struct sim_air_group {
    uint64_t     hash;
    uint32_t     n;                  /* 0: nobody any more */
    uint32_t     max;                /* of many; 0: one is used */
    union {
        uint32_t   one;
        uint32_t  *many;
    } number;
};

struct sim_air_index {
    struct sim_air_index  *next;
    int                    fields;
    int                    field[SIM_AIR_MERGE_MAX];
    size_t                 entries;      /* records */
    size_t                 distinct;     /* groups with records */
    size_t                 used;         /* slots that are taken */
    size_t                 slots;        /* a power of two, or 0 */
    struct sim_air_group  *slot;
    unsigned char         *taken;
};

/* A list of record numbers; {0} is empty, the holder frees number. */
struct sim_air_numbers {
    size_t     n;
    size_t     max;
    uint32_t  *number;
};

void sim_air_numbers_add(struct sim_air_numbers *numbers, uint32_t number);

struct sim_air_index *sim_air_index_new(const int *field, int fields);
void sim_air_index_free(struct sim_air_index *index);

void sim_air_index_add(struct sim_air_index *index, uint64_t hash,
    uint32_t number);
void sim_air_index_remove(struct sim_air_index *index, uint64_t hash,
    uint32_t number);

/* The numbers of that hash, *n of them; NULL if there are none. */
const uint32_t *sim_air_index_find(const struct sim_air_index *index,
    uint64_t hash, size_t *n);

#endif
