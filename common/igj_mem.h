/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Where larger, short-lived memory comes from.  igj_mem_system maps pieces of
 * IGJ_MEM_MAP_MIN bytes and more directly, so that a submission of megabytes
 * leaves nothing behind in the allocator once it has ended.
 */

#ifndef IGJ_MEM_H
#define IGJ_MEM_H

#include "igj_base.h"


#define IGJ_MEM_MAP_MIN  32768u


typedef struct {
    /* Zeroed memory, or NULL. */
    void  *(*alloc)(void *data, size_t size);
    /* The same size again; ptr is not NULL. */
    void   (*free)(void *data, void *ptr, size_t size);
    void   *data;
} igj_mem_t;


extern const igj_mem_t  igj_mem_system;


#endif /* IGJ_MEM_H */
