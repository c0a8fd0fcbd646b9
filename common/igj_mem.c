/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Memory of the system: large pieces by mmap, small ones by calloc.  glibc
 * raises its own mmap threshold after the first large free, after which large
 * pieces would come from the heap and stay with the process.
 */

#include "igj_mem.h"

#include <stdlib.h>
#include <sys/mman.h>


static void *
igj_mem_system_alloc(void *data, size_t size)
{
    void  *p;

    (void) data;

    if (size < IGJ_MEM_MAP_MIN) {
        return calloc(1, size);
    }

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1,
             0);

    return (p == MAP_FAILED) ? NULL : p;
}


static void
igj_mem_system_free(void *data, void *ptr, size_t size)
{
    (void) data;

    if (size < IGJ_MEM_MAP_MIN) {
        free(ptr);
        return;
    }

    (void) munmap(ptr, size);
}


const igj_mem_t  igj_mem_system = {
    .alloc = igj_mem_system_alloc,
    .free = igj_mem_system_free,
    .data = NULL
};
