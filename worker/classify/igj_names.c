/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Opening names.bin and looking up in it. */

#include <string.h>

#include "igj_names.h"


#define NAMES_SLOT_OFFSET  0xFFFFFFu       /* of a record, in four bytes */


static int
names_is_power(uint32_t n)
{
    return n >= 2 && (n & (n - 1)) == 0;
}


const char *
igj_names_open(igj_name_table_t *table, const void *data, size_t size)
{
    size_t                     rest;
    const uint64_t            *body;
    const igj_names_header_t  *header;

    header = data;

    if (size < sizeof(*header)
        || memcmp(header->magic, IGJ_NAMES_MAGIC, sizeof(header->magic)) != 0)
    {
        return "not a name table";
    }

    if (header->order != IGJ_NAMES_ORDER) {
        return "name table of another byte order";
    }

    if (header->version != IGJ_NAMES_VERSION) {
        return "name table of another version";
    }

    rest = size - sizeof(*header);

    if (!names_is_power(header->nslots) || !names_is_power(header->nparts)
        || header->nsets == 0 || header->records_size % 8 != 0
        || rest != header->nsets * sizeof(uint64_t)
                   + ((size_t) header->nslots + header->nparts)
                     * sizeof(uint32_t) + header->records_size)
    {
        return "name table of a wrong size";
    }

    body = (const uint64_t *) (header + 1);

    if (igj_names_checksum(body, rest / sizeof(uint64_t))
        != header->checksum)
    {
        return "name table with a wrong checksum";
    }

    table->sets = body;
    table->slots = (const uint32_t *) (body + header->nsets);
    table->parts = table->slots + header->nslots;
    table->records = (const char *) (table->parts + header->nparts);
    table->nsets = header->nsets;
    table->slots_mask = header->nslots - 1;
    table->parts_mask = header->nparts - 1;

    return NULL;
}


static const igj_names_record_t *
names_record(const igj_name_table_t *table, uint32_t slot)
{
    return (const igj_names_record_t *) (const void *)
               (table->records + ((size_t) (slot & NAMES_SLOT_OFFSET) << 2));
}


const igj_names_record_t *
igj_names_find_hash(const igj_name_table_t *table, const char *word,
    size_t len, uint32_t hash)
{
    uint32_t                   i, slot;
    const igj_names_record_t  *record;

    i = hash & table->slots_mask;

    for ( ;; ) {
        slot = table->slots[i];

        if (slot == 0) {
            return NULL;
        }

        if (slot >> 24 == igj_names_tag(hash)) {
            record = names_record(table, slot);

            if (record->key_len == len && memcmp(record + 1, word, len) == 0) {
                return record;
            }
        }

        i = (i + 1) & table->slots_mask;
    }
}


/* The part whose key is the prefix and then len bytes of text. */
static const igj_names_record_t *
names_find_part(const igj_name_table_t *table, char prefix, const char *text,
    size_t len, uint32_t hash)
{
    uint32_t                   i, slot;
    const char                *key;
    const igj_names_record_t  *record;

    i = hash & table->parts_mask;

    for ( ;; ) {
        slot = table->parts[i];

        if (slot == 0) {
            return NULL;
        }

        if (slot >> 24 == igj_names_tag(hash)) {
            record = names_record(table, slot);
            key = (const char *) (record + 1);

            if (record->key_len == len + 1 && key[0] == prefix
                && memcmp(key + 1, text, len) == 0)
            {
                return record;
            }
        }

        i = (i + 1) & table->parts_mask;
    }
}


const igj_names_record_t *
igj_names_find(const igj_name_table_t *table, const char *key, size_t len)
{
    uint32_t  hash;

    if (len == 0) {
        return NULL;
    }

    hash = igj_names_hash(key, len);

    return igj_names_is_part(key[0])
           ? names_find_part(table, key[0], key + 1, len - 1, hash)
           : igj_names_find_hash(table, key, len, hash);
}


const igj_names_record_t *
igj_names_ending(const igj_name_table_t *table, char prefix,
    const char *word, size_t len, size_t longest)
{
    size_t                     n;
    uint32_t                   hash;
    const igj_names_record_t  *record, *found;

    found = NULL;
    hash = igj_names_hash_step(IGJ_NAMES_HASH_INIT, (unsigned char) prefix);

    for (n = 1; n < len && n <= longest; n++) {
        hash = igj_names_hash_step(hash, (unsigned char) word[len - n]);
        record = names_find_part(table, prefix, word + len - n, n,
                                 igj_names_hash_end(hash));
        if (record != NULL) {
            found = record;
        }
    }

    return found;
}


uint64_t
igj_names_set(const igj_name_table_t *table, const igj_names_record_t *record)
{
    return record == NULL || record->set >= table->nsets
           ? 0 : table->sets[record->set];
}
