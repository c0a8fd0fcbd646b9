/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Memory that is thrown away together: the texts of one page of profiles, the
 * runs of one batch.  Resetting keeps the blocks for the next page.  One
 * thread.
 */

#ifndef IGJ_ARENA_H
#define IGJ_ARENA_H

#include <stddef.h>


#define IGJ_ARENA_BLOCK  (128 * 1024)


typedef struct igj_arena_block_s  igj_arena_block_t;

typedef struct {
    igj_arena_block_t  *first;
    igj_arena_block_t  *at;           /* NULL: nothing allocated yet */
} igj_arena_t;              /* all zero is an empty arena */


/* A copy of the text with a NUL; NULL when memory is short.  A text longer
 * than a block has a block of its own. */
char *igj_arena_text(igj_arena_t *arena, const char *text, size_t len);

/* Zeroed memory for any object; NULL when memory is short. */
void *igj_arena_zero(igj_arena_t *arena, size_t size);

void igj_arena_reset(igj_arena_t *arena);
void igj_arena_free(igj_arena_t *arena);


#endif /* IGJ_ARENA_H */
