/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The growing table and the writing of names.bin. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_names_build.h"


#define BUILD_FIRST_SIZE  4096
#define SETS_MAX          65535


/* Distinct culture sets, found again by a small table of their own. */
typedef struct {
    uint64_t  *set;
    uint32_t   n;
    uint32_t   index[4 * (SETS_MAX + 1)];
} build_sets_t;


static void *
build_alloc(size_t n, size_t size)
{
    void  *p;

    p = calloc(n, size);
    if (p == NULL) {
        igj_build_fail("no memory");
    }

    return p;
}


void
igj_build_init(igj_build_t *build)
{
    build->n = 0;
    build->size = BUILD_FIRST_SIZE;
    build->nindex = 2 * BUILD_FIRST_SIZE;
    build->entries = build_alloc(build->size, sizeof(igj_build_entry_t));
    build->index = build_alloc(build->nindex, sizeof(uint32_t));
}


/* The place of the key in the index, or the empty one where it belongs. */
static size_t
build_place(const igj_build_t *build, const char *key, size_t len)
{
    size_t                    i;
    const igj_build_entry_t  *entry;

    i = igj_names_hash(key, len) & (build->nindex - 1);

    while (build->index[i] != 0) {
        entry = &build->entries[build->index[i] - 1];

        if (entry->len == len && memcmp(entry->key, key, len) == 0) {
            break;
        }

        i = (i + 1) & (build->nindex - 1);
    }

    return i;
}


static void
build_grow(igj_build_t *build)
{
    size_t              i;
    igj_build_entry_t  *entries;

    entries = build_alloc(2 * build->size, sizeof(igj_build_entry_t));
    memcpy(entries, build->entries, build->n * sizeof(igj_build_entry_t));
    free(build->entries);
    free(build->index);

    build->entries = entries;
    build->size *= 2;
    build->nindex *= 2;
    build->index = build_alloc(build->nindex, sizeof(uint32_t));

    for (i = 0; i < build->n; i++) {
        build->index[build_place(build, entries[i].key, entries[i].len)] =
            (uint32_t) i + 1;
    }
}


igj_build_entry_t *
igj_build_find(const igj_build_t *build, const char *key, size_t len)
{
    uint32_t  number;

    number = build->index[build_place(build, key, len)];

    return number == 0 ? NULL : &build->entries[number - 1];
}


igj_build_entry_t *
igj_build_entry(igj_build_t *build, const char *key, size_t len, int *made)
{
    uint32_t            number;
    igj_build_entry_t  *entry;

    number = build->index[build_place(build, key, len)];
    *made = number == 0;

    if (number != 0) {
        return &build->entries[number - 1];
    }

    if (len > IGJ_NAMES_KEY_MAX) {
        igj_build_fail("key too long: %s", key);
    }

    if (build->n == build->size) {
        build_grow(build);
    }

    entry = &build->entries[build->n];
    memcpy(entry->key, key, len);
    entry->len = (uint8_t) len;
    build->index[build_place(build, key, len)] = (uint32_t) ++build->n;

    return entry;
}


static uint16_t
build_set_number(build_sets_t *sets, uint64_t set)
{
    uint64_t   i;
    uint32_t  *number;

    i = set * 0x9e3779b97f4a7c15u >> 46;

    for ( ;; i = (i + 1) & (4 * (SETS_MAX + 1) - 1)) {
        number = &sets->index[i];

        if (*number != 0 && sets->set[*number] == set) {
            return (uint16_t) *number;
        }

        if (*number == 0) {
            break;
        }
    }

    if (sets->n == SETS_MAX) {
        igj_build_fail("more than %d culture sets", SETS_MAX);
    }

    sets->set[sets->n] = set;
    *number = sets->n++;

    return (uint16_t) *number;
}


/* Of given names, only those that differ between countries need their set. */
static uint16_t
build_entry_set(build_sets_t *sets, const igj_build_entry_t *entry)
{
    int  differs;

    differs = (entry->set & 0xFFFFFFFF) != 0 && entry->set >> 32 != 0;

    if (entry->set == 0 || ((entry->kinds & IGJ_WORD_GIVEN) && !differs
                            && !(entry->kinds & IGJ_WORD_FAMILY)))
    {
        return 0;
    }

    return build_set_number(sets, entry->set);
}


/* Lays the records one after another; returns their size. */
static uint32_t
build_records(const igj_build_t *build, build_sets_t *sets, char *records,
    uint32_t *offsets)
{
    size_t                    i;
    uint32_t                  size;
    igj_names_record_t        record;
    const igj_build_entry_t  *entry;

    size = 0;

    for (i = 0; i < build->n; i++) {
        entry = &build->entries[i];

        record.key_len = entry->len;
        record.common = entry->common;
        record.odds = entry->odds;
        record.lean = entry->lean;
        record.kinds = entry->kinds;
        record.set = build_entry_set(sets, entry);

        memcpy(records + size, &record, sizeof(record));
        memcpy(records + size + sizeof(record), entry->key, entry->len);

        offsets[i] = size;
        size += (uint32_t) sizeof(record) + (((uint32_t) entry->len + 3) & ~3u);
    }

    return (size + 7) & ~7u;
}


/* A power of two, at most two thirds of it in use. */
static uint32_t
build_nslots(const igj_build_t *build, int parts)
{
    size_t    i, n;
    uint32_t  nslots;

    for (n = 0, i = 1; i < build->n; i++) {
        n += igj_names_is_part(build->entries[i].key[0]) == parts;
    }

    for (nslots = 2; nslots * 2 < n * 3; nslots *= 2) { /* void */ }

    return nslots;
}


static void
build_slots(const igj_build_t *build, const uint32_t *offsets,
    uint32_t *slots, uint32_t nslots, int parts)
{
    size_t                    i;
    uint32_t                  hash, slot;
    const igj_build_entry_t  *entry;

    /* the first one only keeps offset 0 for itself */
    for (i = 1; i < build->n; i++) {
        entry = &build->entries[i];

        if (igj_names_is_part(entry->key[0]) != parts) {
            continue;
        }

        hash = igj_names_hash(entry->key, entry->len);
        slot = hash & (nslots - 1);

        while (slots[slot] != 0) {
            slot = (slot + 1) & (nslots - 1);
        }

        slots[slot] = igj_names_tag(hash) << 24 | offsets[i] >> 2;
    }
}


static void
build_save(const char *path, const void *data, size_t size)
{
    FILE  *f;

    f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
        igj_build_fail("%s: %s", path, strerror(errno));
    }
}


static void
build_header(const igj_build_t *build, igj_names_header_t *header)
{
    memcpy(header->magic, IGJ_NAMES_MAGIC, sizeof(header->magic));
    header->version = IGJ_NAMES_VERSION;
    header->order = IGJ_NAMES_ORDER;
    header->nrecords = (uint32_t) build->n;
    header->nslots = build_nslots(build, 0);
    header->nparts = build_nslots(build, 1);
}


void
igj_build_write(const igj_build_t *build, const char *path)
{
    char                *file, *records;
    size_t               size;
    uint32_t            *offsets, *slots;
    build_sets_t        *sets;
    igj_names_header_t   header = { .nsets = 0 };

    build_header(build, &header);

    sets = build_alloc(1, sizeof(build_sets_t));
    sets->set = build_alloc(SETS_MAX, sizeof(uint64_t));
    sets->n = 1;

    offsets = build_alloc(build->n, sizeof(uint32_t));
    records = build_alloc(build->n + 1,
                          sizeof(igj_names_record_t) + IGJ_NAMES_KEY_MAX + 1);

    header.records_size = build_records(build, sets, records, offsets);
    header.nsets = sets->n;

    if (header.records_size >> 2 >= 1u << 24) {
        igj_build_fail("more than 64 MB of records");
    }

    size = sizeof(header) + sets->n * sizeof(uint64_t)
           + ((size_t) header.nslots + header.nparts) * sizeof(uint32_t)
           + header.records_size;
    file = build_alloc(1, size);

    memcpy(file + sizeof(header), sets->set, sets->n * sizeof(uint64_t));
    slots = (uint32_t *) (void *) (file + sizeof(header)
                                   + sets->n * sizeof(uint64_t));
    build_slots(build, offsets, slots, header.nslots, 0);
    build_slots(build, offsets, slots + header.nslots, header.nparts, 1);
    memcpy(file + size - header.records_size, records, header.records_size);

    header.checksum = igj_names_checksum(
                          (uint64_t *) (void *) (file + sizeof(header)),
                          (size - sizeof(header)) / sizeof(uint64_t));
    memcpy(file, &header, sizeof(header));

    build_save(path, file, size);
}
