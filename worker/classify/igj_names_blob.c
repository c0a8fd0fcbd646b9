/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The compiled table as read-only data of the program: mapped with it, shared
 * by all processes, read from disk where it is touched.
 */

#include "igj_names.h"


/* Found through the include paths, or given as a path of its own. */
#ifndef IGJ_NAMES_BIN
#define IGJ_NAMES_BIN  "names.bin"
#endif


__asm__(
    ".section .rodata\n"
    ".balign 64\n"
    ".global igj_names_blob\n"
    ".hidden igj_names_blob\n"
    "igj_names_blob:\n"
    ".incbin \"" IGJ_NAMES_BIN "\"\n"
    ".global igj_names_blob_end\n"
    ".hidden igj_names_blob_end\n"
    "igj_names_blob_end:\n"
    ".byte 0\n"
    ".previous\n"
);


extern const char  igj_names_blob[] __attribute__((visibility("hidden")));
extern const char  igj_names_blob_end[] __attribute__((visibility("hidden")));


const char *
igj_names_builtin(igj_name_table_t *table)
{
    return igj_names_open(table, igj_names_blob,
                          (size_t) ((uintptr_t) igj_names_blob_end
                                    - (uintptr_t) igj_names_blob));
}
