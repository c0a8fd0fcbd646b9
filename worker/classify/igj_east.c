/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* East Asian names: telling them apart, and adding up their syllables. */

#include <string.h>

#include "igj_east.h"


#define EAST_SYLLABLE_MAX  6               /* letters: cheong, zhuang */
#define EAST_TOKENS_MAX    4               /* Nguyen Thi Minh Khai */
#define EAST_GIVEN         15              /* percent of one syllable's odds */
#define EAST_FIRST         50              /* of a syllable before another */
#define EAST_WHOLE         60              /* of the given name as a whole */
#define EAST_WESTERN       112             /* common: over 16,000 people */


typedef struct {
    const igj_word_t  *given[EAST_TOKENS_MAX];
    unsigned           n;
} east_name_t;


static int
east_in(const char *set, char c)
{
    return c != '\0' && strchr(set, c) != NULL;
}


/* One romanised syllable: at most two consonants, vowels, one ending. */
static int
east_is_syllable(const char *text, size_t len)
{
    size_t  i, vowels;

    if (len == 0 || len > EAST_SYLLABLE_MAX) {
        return 0;
    }

    for (i = 0; i < len && !east_in("aeiouyw", text[i]); i++) { /* void */ }

    if (i > 3 || (i == 3 && memcmp(text, "ngh", 3) != 0)
        || (i == 2 && !(text[1] == 'h' || text[0] == text[1]
                        || memcmp(text, "ts", 2) == 0
                        || memcmp(text, "tr", 2) == 0
                        || memcmp(text, "hs", 2) == 0
                        || memcmp(text, "tz", 2) == 0
                        || memcmp(text, "ng", 2) == 0)))
    {
        return 0;
    }

    vowels = i;

    while (i < len && east_in("aeiouyw", text[i])) {
        i++;
    }

    if (i == vowels || i - vowels > 4) {
        return 0;
    }

    if (i == len) {
        return 1;
    }

    if (len - i == 2) {
        return memcmp(text + i, "ng", 2) == 0 || memcmp(text + i, "nh", 2) == 0
               || memcmp(text + i, "ch", 2) == 0;
    }

    return len - i == 1 && east_in("nmkgplthrc", text[i]);
}


/* Where a word of two syllables divides; 0: it is one, len: it is neither. */
static size_t
east_divide(const igj_name_table_t *table, const char *text, size_t len)
{
    char                       key[1 + EAST_SYLLABLE_MAX];
    int                        listed, best;
    size_t                     at, found;
    const igj_names_record_t  *record;

    found = len;
    best = -1;
    key[0] = IGJ_NAMES_SYLLABLE;

    for (at = 1; at + 1 < len; at++) {
        if (!east_is_syllable(text, at)
            || !east_is_syllable(text + at, len - at))
        {
            continue;
        }

        memcpy(key + 1, text, at);
        record = igj_names_find(table, key, at + 1);
        listed = record != NULL;

        memcpy(key + 1, text + at, len - at);
        record = igj_names_find(table, key, len - at + 1);
        listed += record != NULL;

        if (listed > best) {
            best = listed;
            found = at;
        }
    }

    if (best <= 0 && east_is_syllable(text, len)) {
        return 0;
    }

    return found;
}


/* Whether the word can be the given name, or a part of it. */
static int
east_is_given(const igj_name_table_t *table, const igj_word_t *word)
{
    const igj_token_t  *token;

    token = word->token;

    if ((token->flags & (IGJ_TOKEN_FOREIGN|IGJ_TOKEN_CUT))
        || token->len > 2 * EAST_SYLLABLE_MAX
        || east_divide(table, token->text, token->len) == token->len)
    {
        return 0;
    }

    if (igj_word_is(word, IGJ_WORD_EAST)) {
        return 1;
    }

    return (!igj_word_is(word, IGJ_WORD_FAMILY)
            || token->before == IGJ_BREAK_HYPHEN)
           && (word->given == NULL || word->given->common < EAST_WESTERN);
}


/* The words that may be a name; 0 if there are others, or too many. */
static unsigned
east_words(const igj_reading_t *reading, const igj_word_t **words)
{
    unsigned           i, n;
    const igj_word_t  *word;

    for (n = 0, i = 0; i < reading->n; i++) {
        word = &reading->word[i];

        if (word->part == IGJ_PART_TITLE || word->token->letters == 1) {
            continue;
        }

        if (n == EAST_TOKENS_MAX || word->part == IGJ_PART_ORG) {
            return 0;
        }

        words[n++] = word;
    }

    return n;
}


/* Family name first, or last when the given name is written Ji-sung. */
static int
east_name(east_name_t *name, const igj_name_table_t *table,
    const igj_reading_t *reading)
{
    unsigned           i, n, family;
    const igj_word_t  *word[EAST_TOKENS_MAX];

    n = east_words(reading, word);

    if (n < 2) {
        return 0;
    }

    family = n == 3 && word[1]->token->before == IGJ_BREAK_HYPHEN
             && igj_word_is(word[2], IGJ_WORD_EAST) ? 2 : 0;

    if (!igj_word_is(word[family], IGJ_WORD_EAST)) {
        return 0;
    }

    for (name->n = 0, i = 0; i < n; i++) {

        if (i != family) {
            if (!east_is_given(table, word[i])) {
                return 0;
            }

            name->given[name->n++] = word[i];
        }
    }

    return 1;
}


static int
east_syllable(const igj_name_table_t *table, const char *text, size_t len)
{
    char                       key[1 + EAST_SYLLABLE_MAX];
    const igj_names_record_t  *record;

    if (len > EAST_SYLLABLE_MAX) {
        return 0;
    }

    key[0] = IGJ_NAMES_SYLLABLE;
    memcpy(key + 1, text, len);
    record = igj_names_find(table, key, len + 1);

    return record == NULL ? 0 : record->lean;
}


/* The given name as one word or a pair of words of the list. */
static int
east_whole(const igj_name_table_t *table, const east_name_t *name)
{
    char                       key[2 * IGJ_TOKEN_SIZE + 1];
    size_t                     len;
    const igj_token_t         *a, *b;
    const igj_names_record_t  *record;

    a = name->given[0]->token;

    if (name->n == 1) {
        return name->given[0]->given == NULL ? 0 : name->given[0]->given->odds;
    }

    b = name->given[1]->token;
    memcpy(key, a->text, a->len);
    key[a->len] = ' ';
    memcpy(key + a->len + 1, b->text, b->len);
    len = (size_t) a->len + 1 + b->len;
    record = igj_names_find(table, key, len);

    if (record == NULL) {
        memmove(key + a->len, key + a->len + 1, b->len);
        record = igj_names_find(table, key, len - 1);
    }

    return record == NULL ? 0 : record->odds;
}


/* What the syllables of a word say; the first of a name counts for less. */
static int
east_syllables(const igj_name_table_t *table, const igj_token_t *token,
    int last)
{
    int     odds;
    size_t  at;

    at = east_divide(table, token->text, token->len);
    odds = east_syllable(table, token->text + at, token->len - at);

    if (!last) {
        return odds * EAST_FIRST / 100;
    }

    if (at > 0) {
        odds += east_syllable(table, token->text, at) * EAST_FIRST / 100;
    }

    return odds;
}


int
igj_east_names(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_reading_t *reading)
{
    int                 odds;
    unsigned            i;
    east_name_t         name;
    const igj_token_t  *token;

    if (!east_name(&name, table, reading)) {
        return 0;
    }

    odds = east_whole(table, &name) * EAST_WHOLE / 100;

    for (i = 0; i < name.n; i++) {
        odds += east_syllables(table, name.given[i]->token, i + 1 == name.n);

        if (name.n > 1 && name.given[i]->given != NULL) {
            odds += name.given[i]->given->odds * EAST_GIVEN / 100;
        }
    }

    token = name.given[0]->token;
    igj_evidence_add(evidence, odds, "east", token->text, token->len);

    return 1;
}
