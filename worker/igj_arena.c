/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The arena: a list of blocks, filled from the first on. */

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "igj_arena.h"


struct igj_arena_block_s {
    igj_arena_block_t  *next;
    size_t              size;
    size_t              used;
    alignas(max_align_t) char  data[];
};


static igj_arena_block_t *igj_arena_room(igj_arena_t *arena, size_t len);


char *
igj_arena_text(igj_arena_t *arena, const char *text, size_t len)
{
    char               *copy;
    igj_arena_block_t  *block;

    block = igj_arena_room(arena, len + 1);

    if (block == NULL) {
        return NULL;
    }

    copy = block->data + block->used;
    block->used += len + 1;
    memcpy(copy, text, len);
    copy[len] = '\0';

    return copy;
}


void *
igj_arena_zero(igj_arena_t *arena, size_t size)
{
    void               *at;
    igj_arena_block_t  *block;

    block = igj_arena_room(arena, size + alignof(max_align_t));

    if (block == NULL) {
        return NULL;
    }

    block->used += -block->used % alignof(max_align_t);
    at = block->data + block->used;
    block->used += size;

    return memset(at, 0, size);
}


/* The present block, or the next one that is large enough. */

static igj_arena_block_t *
igj_arena_room(igj_arena_t *arena, size_t len)
{
    size_t               size;
    igj_arena_block_t   *block, **link;

    link = arena->at ? &arena->at->next : &arena->first;

    if (arena->at != NULL && arena->at->size - arena->at->used >= len) {
        return arena->at;
    }

    for (block = *link; block != NULL; block = block->next) {
        if (block->size >= len) {
            arena->at = block;
            return block;
        }
    }

    size = len > IGJ_ARENA_BLOCK ? len : IGJ_ARENA_BLOCK;
    block = malloc(sizeof(igj_arena_block_t) + size);

    if (block == NULL) {
        return NULL;
    }

    block->next = *link;
    block->size = size;
    block->used = 0;
    *link = block;
    arena->at = block;

    return block;
}


void
igj_arena_reset(igj_arena_t *arena)
{
    igj_arena_block_t  *block;

    for (block = arena->first; block != NULL; block = block->next) {
        block->used = 0;
    }

    arena->at = arena->first;
}


void
igj_arena_free(igj_arena_t *arena)
{
    igj_arena_block_t  *block, *next;

    for (block = arena->first; block != NULL; block = next) {
        next = block->next;
        free(block);
    }

    arena->first = NULL;
    arena->at = NULL;
}
