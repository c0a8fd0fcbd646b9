/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Rows of name-words.csv: kind,words,lean,sources. */

#include <stdlib.h>
#include <string.h>

#include "igj_names_build.h"


typedef struct {
    const char  *name;
    char         prefix;         /* of the key, 0: none */
    uint16_t     kind;
} words_kind_t;


static const words_kind_t  words_kinds[] = {
    { "title",    0,                   IGJ_WORD_TITLE    },
    { "honor",    0,                   IGJ_WORD_HONOR    },
    { "kin",      0,                   IGJ_WORD_KIN      },
    { "pronoun",  0,                   IGJ_WORD_PRONOUN  },
    { "particle", 0,                   IGJ_WORD_PARTICLE },
    { "marker",   0,                   IGJ_WORD_MARKER   },
    { "org",      0,                   IGJ_WORD_ORG      },
    { "noise",    0,                   IGJ_WORD_NOISE    },
    { "east",     0,                   IGJ_WORD_EAST     },
    { "family",   0,                   IGJ_WORD_FAMILY   },
    { "affix",    0,                   IGJ_WORD_AFFIX    },
    { "and",      0,                   IGJ_WORD_AND      },
    { "ending",   IGJ_NAMES_ENDING,    IGJ_WORD_PREFIXED },
    { "syllable", IGJ_NAMES_SYLLABLE,  IGJ_WORD_PREFIXED },
    { "letter",   IGJ_NAMES_LETTER,    IGJ_WORD_PREFIXED },
};


static const words_kind_t *
words_kind(const igj_csv_row_t *row)
{
    size_t  i;

    for (i = 0; i < sizeof(words_kinds) / sizeof(words_kinds[0]); i++) {
        if (strcmp(words_kinds[i].name, row->field[0]) == 0) {
            return &words_kinds[i];
        }
    }

    igj_csv_fail(row, "unknown kind \"%s\"", row->field[0]);
}


/* "f25" is log-odds 2.5 towards female, "m" or "f" alone 5.0. */
static int8_t
words_lean(const igj_csv_row_t *row, const char *text)
{
    char  *end;
    long   tenths;

    if (text[0] == '\0' || strcmp(text, "n") == 0) {
        return 0;
    }

    end = (char *) text + 1;
    tenths = text[1] == '\0' ? 50 : strtol(text + 1, &end, 10);

    if ((text[0] != 'f' && text[0] != 'm') || *end != '\0' || tenths < 1
        || tenths > 50)
    {
        igj_csv_fail(row, "not a lean: \"%s\"", text);
    }

    tenths = tenths * IGJ_NAMES_ODDS_UNIT / 10;

    return (int8_t) (text[0] == 'f' ? tenths : -tenths);
}


static uint64_t
words_sources(const igj_csv_row_t *row, const char *text)
{
    uint64_t  set;

    for (set = 0; *text != '\0'; text += text[2] == ' ' ? 3 : 2) {

        if (strlen(text) < 2 || (text[2] != ' ' && text[2] != '\0')) {
            igj_csv_fail(row, "not a source: \"%s\"", text);
        }

        set |= (uint64_t) 1 << igj_culture_bit(row, text);
    }

    return set;
}


/*
 * What the word hints at.  A given name that differs between countries keeps
 * its own sources instead; of another that is mostly a family name they would
 * mislead.
 */
static void
words_hint(igj_build_entry_t *entry, uint64_t set, uint16_t kind)
{
    int  differs;

    differs = (entry->set & 0xFFFFFFFF) != 0 && entry->set >> 32 != 0;

    if (!(entry->kinds & IGJ_WORD_GIVEN)) {
        entry->set |= set;

    } else if (kind == IGJ_WORD_FAMILY && !differs) {
        entry->set = set;
    }
}


static void
words_word(igj_build_t *build, const igj_csv_row_t *row,
    const words_kind_t *kind, const char *word)
{
    int                 made;
    char                key[IGJ_NAMES_KEY_MAX + 2];
    size_t              len;
    int8_t              lean;
    igj_build_entry_t  *entry;

    igj_csv_check_key(row, word);

    len = strlen(word);
    key[0] = kind->prefix;
    memcpy(key + (kind->prefix != 0), word, len);

    entry = igj_build_entry(build, key, len + (kind->prefix != 0), &made);

    if ((entry->kinds & kind->kind) != 0) {
        igj_csv_fail(row, "twice: \"%s\"", word);
    }

    lean = words_lean(row, row->field[2]);

    if (lean != 0 && entry->lean != 0 && lean != entry->lean) {
        igj_csv_fail(row, "\"%s\" has another lean above", word);
    }

    entry->kinds |= kind->kind;

    if (lean != 0) {
        entry->lean = lean;
    }

    if (strcmp(row->field[2], "n") == 0) {
        entry->kinds |= IGJ_WORD_NEUTRAL;
    }

    words_hint(entry, words_sources(row, row->field[3]), kind->kind);
}


/* A given name that is a man's or a woman's in this country. */
static void
words_local(igj_build_t *build, const igj_csv_row_t *row, const char *name)
{
    uint64_t            set;
    igj_build_entry_t  *entry;

    entry = igj_build_find(build, name, strlen(name));

    if (entry == NULL || !(entry->kinds & IGJ_WORD_GIVEN)) {
        igj_csv_fail(row, "no such given name: \"%s\"", name);
    }

    set = words_sources(row, row->field[3]);
    entry->set |= words_lean(row, row->field[2]) > 0 ? set : set << 32;
}


static void
words_row(igj_build_t *build, igj_csv_row_t *row)
{
    char                *word, *rest;
    const words_kind_t  *kind;

    rest = row->field[1];

    if (strcmp(row->field[0], "local") == 0) {
        while ((word = strsep(&rest, " ")) != NULL) {
            words_local(build, row, word);
        }

        return;
    }

    kind = words_kind(row);

    while ((word = strsep(&rest, " ")) != NULL) {
        words_word(build, row, kind, word);
    }
}


const igj_csv_format_t  igj_words_csv = {
    "kind,words,lean,sources", 4, words_row
};
