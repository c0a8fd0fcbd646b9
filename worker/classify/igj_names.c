/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Opening names.bin and looking up in it. */

#include <string.h>

#include "igj_names.h"


#define NAMES_ENDING_MAX  16


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

    if (header->nslots < 2 || (header->nslots & (header->nslots - 1)) != 0
        || header->nsets == 0 || header->records_size % 8 != 0
        || rest != header->nsets * sizeof(uint64_t)
                   + header->nslots * sizeof(uint32_t) + header->records_size)
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
    table->records = (const char *) (table->slots + header->nslots);
    table->nsets = header->nsets;
    table->mask = header->nslots - 1;

    return NULL;
}


const igj_names_record_t *
igj_names_find_hash(const igj_name_table_t *table, const char *key,
    size_t len, uint32_t hash)
{
    uint32_t                   i, slot;
    const igj_names_record_t  *record;

    for (i = hash & table->mask; ; i = (i + 1) & table->mask) {
        slot = table->slots[i];

        if (slot == 0) {
            return NULL;
        }

        if (slot >> 24 != igj_names_tag(hash)) {
            continue;
        }

        record = (const igj_names_record_t *) (const void *)
                     (table->records + ((size_t) (slot & 0xFFFFFF) << 2));

        if (record->key_len == len && memcmp(record + 1, key, len) == 0) {
            return record;
        }
    }
}


const igj_names_record_t *
igj_names_find(const igj_name_table_t *table, const char *key, size_t len)
{
    size_t    i;
    uint32_t  hash;

    hash = IGJ_NAMES_HASH_INIT;

    for (i = 0; i < len; i++) {
        hash = igj_names_hash_step(hash, (unsigned char) key[i]);
    }

    return igj_names_find_hash(table, key, len, igj_names_hash_end(hash));
}


const igj_names_record_t *
igj_names_ending(const igj_name_table_t *table, char prefix,
    const char *word, size_t len, size_t longest)
{
    char                       key[1 + NAMES_ENDING_MAX];
    size_t                     n;
    const igj_names_record_t  *record;

    key[0] = prefix;

    if (longest > NAMES_ENDING_MAX) {
        longest = NAMES_ENDING_MAX;
    }

    for (n = len <= longest ? len - 1 : longest; n >= 1 && len > 0; n--) {
        memcpy(key + 1, word + len - n, n);
        record = igj_names_find(table, key, n + 1);

        if (record != NULL) {
            return record;
        }
    }

    return NULL;
}


uint64_t
igj_names_set(const igj_name_table_t *table, const igj_names_record_t *record)
{
    return record == NULL || record->set >= table->nsets
           ? 0 : table->sets[record->set];
}
