/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The accounts of one submission: user names in the order of their first
 * appearance, without duplicates, already in the form in which batches are
 * stored.
 *
 * Names stand in segments of 64 KiB; inside a batch they are separated by a
 * line feed, and a batch is never split over two segments, so a batch is one
 * piece of memory.  Beside them an open-addressing table of 4-byte slots finds
 * duplicates.  It grows a little with each name, so that no call takes more
 * than some microseconds.
 *
 * Use: init, add each name, finish, walk the batches, free.
 */

#ifndef IGJ_ACCOUNTS_H
#define IGJ_ACCOUNTS_H

#include "igj_base.h"
#include "igj_limits.h"
#include "igj_mem.h"
#include "igj_username.h"


#define IGJ_ACCOUNTS_SEGMENT   65536u
#define IGJ_ACCOUNTS_SEGMENTS  256u    /* places are 24 bits */


/* Names that wait while the processor fetches their slots. */
#define IGJ_ACCOUNTS_WAITING   16u


typedef struct {
    uint32_t        *slots;            /* 0: free */
    uint32_t         mask;             /* number of slots - 1 */
} igj_accounts_table_t;


typedef struct {
    uint64_t         hash;
    igj_username_t   name;
} igj_accounts_entry_t;


typedef struct {
    const igj_mem_t      *mem;
    uint64_t              seed[4];     /* makes collisions unpredictable */
    size_t                held;        /* bytes allocated now */

    /* Good after finish(). */
    uint32_t              count;       /* names kept */
    uint32_t              duplicates;  /* names that were there already */

    /* Private. */
    uint32_t              end;         /* place behind the last name */
    uint32_t              nsegments;
    uint32_t              nwaiting;
    igj_accounts_table_t  table;
    igj_accounts_table_t  next;        /* being prepared to replace it */
    size_t                prepared;    /* bytes of next */
    igj_accounts_table_t  old;         /* replaced, being moved to table */
    uint32_t              moved;       /* names of old already in table */
    uint32_t              to_move;     /* names that old holds */
    uint32_t              move_place;  /* where the next of them stands */
    igj_accounts_entry_t  waiting[IGJ_ACCOUNTS_WAITING];
    char                 *segment[IGJ_ACCOUNTS_SEGMENTS];
} igj_accounts_t;


/* Walks the batches in order; start from all zero. */
typedef struct {
    uint32_t  next;                    /* number of the next batch */
    uint32_t  place;
} igj_accounts_iter_t;

typedef struct {
    uint32_t   number;                 /* from 0 */
    uint32_t   count;                  /* names, IGJ_BATCH_ACCOUNTS or less */
    igj_str_t  names;                  /* joined by "\n", none at the end */
} igj_accounts_batch_t;


/* seed is random, so that nobody can choose names that collide. */
void igj_accounts_init(igj_accounts_t *a, const igj_mem_t *mem, uint64_t seed);

/* Gives all memory back; the object can be initialised again. */
void igj_accounts_free(igj_accounts_t *a);

/* IGJ_ERROR: no memory, or IGJ_MAX_ACCOUNTS are kept. */
IGJ_MUST_CHECK int igj_accounts_add(igj_accounts_t *a,
    const igj_username_t *name);

/* There will be no more names.  Gives the memory of the table back. */
IGJ_MUST_CHECK int igj_accounts_finish(igj_accounts_t *a);

/* Number of batches. */
uint32_t igj_accounts_batches(const igj_accounts_t *a);

/*
 * The next batch after finish(), valid until free().  Returns 0 after the last
 * one.
 */
int igj_accounts_next(const igj_accounts_t *a, igj_accounts_iter_t *iter,
    igj_accounts_batch_t *batch);

/*
 * All batches as one text, apart by an empty line, as igjobs.submit_all takes
 * them: room for it, and its length.
 */
size_t igj_accounts_text_max(const igj_accounts_t *a);
size_t igj_accounts_text(const igj_accounts_t *a, char *text);


#endif /* IGJ_ACCOUNTS_H */
