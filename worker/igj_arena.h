/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Memory for texts that are thrown away together: one page of profiles.
 * Resetting keeps the blocks for the next page.  One thread.
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

void igj_arena_reset(igj_arena_t *arena);
void igj_arena_free(igj_arena_t *arena);


#endif /* IGJ_ARENA_H */
