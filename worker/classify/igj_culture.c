/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Names that are a man's in one country and a woman's in another: the rest of
 * the name often tells the country.
 */

#include <string.h>

#include "igj_culture.h"
#include "igj_fold.h"


#define CULTURE_ENDING_MAX  7              /* letters of a family name's */
#define CULTURE_ODDS        60             /* one country's own verdict */
#define CULTURE_ALL         0xFFFFFFFFu


/* The countries that a spelling hints at: each letter with an accent. */
static uint64_t
culture_spelling(const igj_name_table_t *table, const igj_token_t *token)
{
    char      key[5];
    size_t    at, n;
    uint32_t  c;
    uint64_t  set;

    if (!(token->flags & IGJ_TOKEN_ACCENT)) {
        return 0;
    }

    key[0] = IGJ_NAMES_LETTER;

    for (set = 0, at = 0; at < token->exact_len; at += n) {
        n = igj_fold_decode(token->exact + at, token->exact_len - at, &c);

        if (n > 1) {
            memcpy(key + 1, token->exact + at, n);
            set |= igj_names_set(table, igj_names_find(table, key, n + 1));
        }
    }

    return set;
}


/* The countries that a family name hints at: listed, or by its ending. */
static uint64_t
culture_family(const igj_name_table_t *table, const igj_word_t *word)
{
    uint64_t                   set;
    const igj_names_record_t  *ending;

    if (igj_word_is(word, IGJ_WORD_FAMILY)) {
        set = igj_names_set(table, word->word);

        /* two halves are those of a given name */
        return set >> 32 == 0 ? set : 0;
    }

    ending = igj_names_ending(table, IGJ_NAMES_ENDING, word->token->text,
                              word->token->len, CULTURE_ENDING_MAX);

    return igj_names_set(table, ending);
}


/* The countries that the words after the given name hint at. */
static uint64_t
culture_of_name(const igj_name_table_t *table, const igj_reading_t *reading,
    const igj_word_t *given)
{
    unsigned           i;
    uint64_t           set;
    const igj_word_t  *word;

    for (set = 0, i = 0; i < reading->n; i++) {
        word = &reading->word[i];
        set |= culture_spelling(table, word->token);

        if (word != given && word->part <= IGJ_PART_FAMILY) {
            set |= culture_family(table, word);
        }
    }

    return set & CULTURE_ALL;
}


int
igj_culture_odds(const igj_name_table_t *table, const igj_reading_t *reading,
    const igj_word_t *word)
{
    uint64_t  set, culture, female, male;

    set = igj_names_set(table, word->given);

    if (set >> 32 == 0) {
        return word->given->odds;
    }

    culture = culture_of_name(table, reading, word);
    female = set & culture;
    male = set >> 32 & culture;

    if (female != 0 && male == 0) {
        return word->given->odds < CULTURE_ODDS
               ? CULTURE_ODDS : word->given->odds;
    }

    if (male != 0 && female == 0) {
        return word->given->odds > -CULTURE_ODDS
               ? -CULTURE_ODDS : word->given->odds;
    }

    return word->given->odds;
}
