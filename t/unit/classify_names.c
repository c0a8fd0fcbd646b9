/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The compiled table: looking up, endings, and tables that are damaged. */

#include <stdlib.h>

#include "igj_names.h"
#include "igj_sound.h"
#include "tap.h"


static igj_name_table_t  table;


static const igj_names_record_t *
find(const char *key)
{
    return igj_names_find(&table, key, strlen(key));
}


static void
test_records(void)
{
    const igj_names_record_t  *record;

    record = find("maria");
    ok(record != NULL && record->odds > 90 && record->common > 150,
       "maria is a woman's name of millions");
    record = find("robert");
    ok(record != NULL && record->odds < -90, "robert is a man's name");
    record = find("ольга");
    ok(record != NULL && record->odds > 60, "names in Cyrillic letters");
    record = find("kari pekka");
    ok(record != NULL && record->odds < -30, "names of two words");
    ok(find("marias sister") == NULL, "what is not there is not found");
    ok(find("") == NULL, "nothing is not found");

    record = find("mrs");
    ok(record != NULL && (record->kinds & IGJ_WORD_TITLE) && record->lean > 0,
       "words have their kind");
    record = find("queen");
    ok(record != NULL && (record->kinds & IGJ_WORD_HONOR)
       && (record->kinds & IGJ_WORD_GIVEN), "a word can be a name as well");

    record = find("andrea");
    ok(record != NULL && (igj_names_set(&table, record) & 0xFFFFFFFF) != 0
       && igj_names_set(&table, record) >> 32 != 0,
       "andrea differs between countries");
    ok(igj_names_set(&table, find("robert")) == 0, "robert does not");
    ok(igj_names_set(&table, NULL) == 0, "nor does nothing");
}


static const igj_names_record_t *
ending(char prefix, const char *word)
{
    return igj_names_ending(&table, prefix, word, strlen(word), 7);
}


static void
test_endings(void)
{
    const igj_names_record_t  *record;

    record = ending(IGJ_NAMES_ENDING, "gorbunova");
    ok(record != NULL && record->lean > 0, "-ova");
    record = ending(IGJ_NAMES_ENDING, "papadopoulos");
    ok(record != NULL && record->lean < 0 && record->key_len == 8,
       "the longest ending that is listed: -opoulos");
    ok(ending(IGJ_NAMES_ENDING, "ova") == NULL, "a whole word is no ending");
    ok(ending(IGJ_NAMES_ENDING, "") == NULL, "nor is nothing");
    record = ending(IGJ_NAMES_LEARNED, "zzzetta");
    ok(record != NULL && record->odds > 0, "-etta was learned");
    record = ending(IGJ_NAMES_LEARNED, "zzzardo");
    ok(record != NULL && record->odds < 0, "-ardo was learned");
}


static void
sound_is(const char *word, const char *same)
{
    char    a[IGJ_SOUND_MAX], b[IGJ_SOUND_MAX];
    size_t  n;

    n = igj_sound(word, strlen(word), a);
    ok(n == igj_sound(same, strlen(same), b) && memcmp(a, b, n) == 0,
       "%s sounds like %s", word, same);
}


/* Opens a copy of the built-in table with one byte changed. */
static const char *
damaged(const char *file, size_t size, size_t at)
{
    char              *copy;
    const char        *error;
    igj_name_table_t   other;

    copy = malloc(size);
    if (copy == NULL) {
        return NULL;
    }

    memcpy(copy, file, size);
    copy[at] ^= 1;
    error = igj_names_open(&other, copy, size);
    free(copy);

    return error;
}


static void
test_damage(void)
{
    size_t                     size;
    const char                *file;
    igj_name_table_t           other;
    const igj_names_header_t  *header;

    header = (const igj_names_header_t *) table.sets - 1;
    file = (const char *) header;
    size = sizeof(*header) + header->nsets * sizeof(uint64_t)
           + ((size_t) header->nslots + header->nparts) * sizeof(uint32_t)
           + header->records_size;

    ok(igj_names_open(&other, file, size) == NULL, "a copy opens");
    ok(other.records == table.records, "and is used in place");

    is_text(igj_names_open(&other, file, 10), "not a name table", "short");
    is_text(igj_names_open(&other, file, size - 8),
            "name table of a wrong size", "cut at the end");
    is_text(damaged(file, size, 0), "not a name table", "another file");
    is_text(damaged(file, size, 8), "name table of another version",
            "another version");
    is_text(damaged(file, size, 12), "name table of another byte order",
            "another machine");
    is_text(damaged(file, size, 20), "name table of a wrong size",
            "another size");
    is_text(damaged(file, size, size / 2),
            "name table with a wrong checksum", "one bit in the middle");
    is_text(damaged(file, size, size - 1),
            "name table with a wrong checksum", "one bit at the end");
}


int
main(void)
{
    const char  *error;

    error = igj_names_builtin(&table);

    if (!ok(error == NULL, "the built-in table is whole")) {
        printf("# %s\n", error);
        return done_testing();
    }

    test_records();
    test_endings();

    sound_is("irrfan", "irfan");
    sound_is("youssef", "yusef");
    sound_is("keerthi", "kirti");
    sound_is("sarah", "sara");
    sound_is("kathryn", "katrin");

    test_damage();

    return done_testing();
}
