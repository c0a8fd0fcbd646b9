/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The table of names and words, read-only and used in place: any number of
 * threads may look up in it at once.
 */

#ifndef IGJ_NAMES_H
#define IGJ_NAMES_H

#include "igj_base.h"
#include "igj_names_format.h"


typedef struct igj_name_table_s {
    const uint64_t  *sets;
    const uint32_t  *slots;
    const uint32_t  *parts;
    const char      *records;
    uint32_t         nsets;
    uint32_t         slots_mask;
    uint32_t         parts_mask;
} igj_name_table_t;


/*
 * Takes data (8-byte aligned, kept by the caller as long as the table is in
 * use) for a table.  Returns NULL, or what is wrong with it.
 */
IGJ_MUST_CHECK const char *igj_names_open(igj_name_table_t *table,
    const void *data, size_t size);

/* The same for the table that the program was built with. */
IGJ_MUST_CHECK const char *igj_names_builtin(igj_name_table_t *table);

/* The record of the key, or NULL. */
const igj_names_record_t *igj_names_find(const igj_name_table_t *table,
    const char *key, size_t len);

/* The same of a word whose igj_names_hash() is known. */
const igj_names_record_t *igj_names_find_hash(const igj_name_table_t *table,
    const char *word, size_t len, uint32_t hash);

/*
 * The record of the longest listed ending of the word, at most `longest`
 * bytes of it and never all of it.  prefix is IGJ_NAMES_ENDING or
 * IGJ_NAMES_LEARNED.
 */
const igj_names_record_t *igj_names_ending(const igj_name_table_t *table,
    char prefix, const char *word, size_t len, size_t longest);

/* Female sources in the low half, male ones in the high; 0 for NULL. */
uint64_t igj_names_set(const igj_name_table_t *table,
    const igj_names_record_t *record);


#endif /* IGJ_NAMES_H */
