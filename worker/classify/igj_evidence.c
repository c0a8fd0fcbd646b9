/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* What the names of a person say, summed up. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "igj_evidence.h"
#include "igj_fold.h"
#include "igj_sound.h"
#include "igj_utf8.h"


/* Weights in percent of the odds in the table */

#define EVIDENCE_FIRST         100         /* the first given name */
#define EVIDENCE_LEARNED       45          /* a first name not in the table */
#define EVIDENCE_ALONE         60          /* and no other word: a name? */
#define EVIDENCE_SOUND         70          /* known in another spelling */
#define EVIDENCE_HYPHEN        30          /* second half of Jean-Marie */
#define EVIDENCE_MIDDLE_F      40
#define EVIDENCE_MIDDLE_M      40
#define EVIDENCE_LAST_F        40          /* may be a family name: few of */
#define EVIDENCE_LAST_M        20          /* those are women's names */

#define EVIDENCE_RARE          53          /* common: under 100 people */
#define EVIDENCE_SOUND_MIN     5           /* letters of such a name */
#define EVIDENCE_LEARNED_MAX   5           /* letters of a learned ending */
#define EVIDENCE_ENDING_MAX    7           /* of a family name's */
#define EVIDENCE_CULTURE_ODDS  60          /* one country's own verdict */


void
igj_evidence_init(igj_evidence_t *evidence)
{
    evidence->sum = 0;
    evidence->weight = 0;
    evidence->text[0] = '\0';
}


void
igj_evidence_add(igj_evidence_t *evidence, int odds, const char *rule,
    const char *word, size_t len)
{
    size_t  n;

    evidence->sum += odds;

    if (abs(odds) <= evidence->weight) {
        return;
    }

    evidence->weight = abs(odds);

    n = strlen(rule);
    memcpy(evidence->text, rule, n);
    evidence->text[n++] = ':';

    if (len > sizeof(evidence->text) - n - 1) {
        len = sizeof(evidence->text) - n - 1;
    }

    memcpy(evidence->text + n, word, len);
    evidence->text[n + len] = '\0';
}


void
igj_evidence_merge(igj_evidence_t *evidence, const igj_evidence_t *said,
    int percent)
{
    int  weight;

    weight = said->weight * percent / 100;
    evidence->sum += said->sum * percent / 100;

    if (weight > evidence->weight) {
        evidence->weight = weight;
        memcpy(evidence->text, said->text, sizeof(evidence->text));
    }
}


float
igj_evidence_share(const igj_evidence_t *evidence)
{
    float  odds;

    odds = (float) abs(evidence->sum) / IGJ_NAMES_ODDS_UNIT;

    return fminf(0.99f, 1 / (1 + expf(-odds)));
}


int
igj_evidence_learned(const igj_name_table_t *table, const char *word,
    size_t len)
{
    char                       key[1 + IGJ_SOUND_MAX];
    size_t                     n;
    const igj_names_record_t  *record;

    key[0] = IGJ_NAMES_SOUND;
    n = igj_sound(word, len, key + 1);
    record = len < EVIDENCE_SOUND_MIN ? NULL
             : igj_names_find(table, key, n + 1);

    if (record != NULL) {
        return record->odds * EVIDENCE_SOUND / 100;
    }

    record = igj_names_ending(table, IGJ_NAMES_LEARNED, word, len,
                              EVIDENCE_LEARNED_MAX);

    return record == NULL ? 0 : record->odds * EVIDENCE_LEARNED / 100;
}


/* The countries that a spelling hints at: each letter with an accent. */
static uint64_t
evidence_spelling(const igj_name_table_t *table, const igj_token_t *token)
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


/* The countries that the words after the given name hint at. */
static uint64_t
evidence_culture(const igj_name_table_t *table, const igj_reading_t *reading,
    const igj_word_t *given)
{
    unsigned           i;
    uint64_t           set;
    const igj_word_t  *word;

    for (set = 0, i = 0; i < reading->n; i++) {
        word = &reading->word[i];
        set |= evidence_spelling(table, word->token);

        if (word == given || word->part > IGJ_PART_FAMILY) {
            continue;
        }

        if (igj_word_is(word, IGJ_WORD_FAMILY)) {
            if (!igj_word_is(word, IGJ_WORD_GIVEN)) {
                set |= igj_names_set(table, word->word);
            }

            continue;
        }

        set |= igj_names_set(table,
                             igj_names_ending(table, IGJ_NAMES_ENDING,
                                              word->token->text,
                                              word->token->len,
                                              EVIDENCE_ENDING_MAX));
    }

    return set & 0xFFFFFFFF;
}


/* Odds of a given name, by the country of the others where that matters. */
static int
evidence_given(const igj_name_table_t *table, const igj_reading_t *reading,
    const igj_word_t *word)
{
    uint64_t  set, culture, female, male;

    set = igj_names_set(table, word->given);

    if (set >> 32 == 0) {
        return word->given->odds;
    }

    culture = evidence_culture(table, reading, word);
    female = set & culture;
    male = set >> 32 & culture;

    if (female != 0 && male == 0) {
        return word->given->odds < EVIDENCE_CULTURE_ODDS
               ? EVIDENCE_CULTURE_ODDS : word->given->odds;
    }

    if (male != 0 && female == 0) {
        return word->given->odds > -EVIDENCE_CULTURE_ODDS
               ? -EVIDENCE_CULTURE_ODDS : word->given->odds;
    }

    return word->given->odds;
}


static int
evidence_percent(const igj_word_t *word, int odds, int first, int last)
{
    int  percent;

    if (first) {
        return EVIDENCE_FIRST;
    }

    if (igj_word_is(word, IGJ_WORD_FAMILY)) {
        return 0;
    }

    if (word->token->before == IGJ_BREAK_HYPHEN) {
        return EVIDENCE_HYPHEN;
    }

    percent = last ? (odds > 0 ? EVIDENCE_LAST_F : EVIDENCE_LAST_M)
                   : (odds > 0 ? EVIDENCE_MIDDLE_F : EVIDENCE_MIDDLE_M);

    return word->given->common < EVIDENCE_RARE ? percent / 2 : percent;
}


static void
evidence_word(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_reading_t *reading, const igj_word_t *word, int first, int last)
{
    int                        odds;
    const igj_token_t         *token;
    const igj_names_record_t  *ending;

    token = word->token;

    if (word->given != NULL) {
        odds = evidence_given(table, reading, word);
        odds = odds * evidence_percent(word, odds, first, last) / 100;
        igj_evidence_add(evidence, odds, "name", token->text, token->len);

    } else if (first && !(token->flags & IGJ_TOKEN_FOREIGN)) {
        odds = igj_evidence_learned(table, token->text, token->len);

        if (last) {
            odds = odds * EVIDENCE_ALONE / 100;
        }

        igj_evidence_add(evidence, odds, "like", token->text, token->len);
    }

    if ((!first || word->given == NULL)
        && !igj_word_is(word, IGJ_WORD_FAMILY))
    {
        ending = igj_names_ending(table, IGJ_NAMES_ENDING, token->text,
                                  token->len, EVIDENCE_ENDING_MAX);
        if (ending != NULL) {
            igj_evidence_add(evidence, ending->lean, "surname", token->text,
                             token->len);
        }
    }
}


/* The record of two given names that together say something else. */
static const igj_names_record_t *
evidence_pair(const igj_name_table_t *table, const igj_word_t *word,
    const igj_word_t *end)
{
    char                       key[2 * IGJ_TOKEN_SIZE + 1];
    size_t                     len;
    const igj_token_t         *a, *b;
    const igj_names_record_t  *record;

    if (word + 1 >= end || word[1].part != IGJ_PART_NAME) {
        return NULL;
    }

    a = word[0].token;
    b = word[1].token;
    len = (size_t) a->len + 1 + b->len;
    memcpy(key, a->text, a->len);
    key[a->len] = ' ';
    memcpy(key + a->len + 1, b->text, b->len);
    record = igj_names_find(table, key, len);

    return record != NULL && (record->kinds & IGJ_WORD_GIVEN) ? record : NULL;
}


/* Words that are no names: markers anywhere, "King" in first place. */
static void
evidence_others(igj_evidence_t *evidence, const igj_word_t *word)
{
    if (word->part == IGJ_PART_MARKER) {
        igj_evidence_add(evidence, word->word->lean, "marker",
                         word->token->text, word->token->len);

    } else if (word->part == IGJ_PART_HONOR) {
        igj_evidence_add(evidence, word->word->lean, "title",
                         word->token->text, word->token->len);
    }
}


void
igj_evidence_names(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_reading_t *reading)
{
    int                        first;
    unsigned                   i, last;
    const igj_word_t          *word, *end;
    const igj_names_record_t  *pair;

    last = 0;
    end = reading->word + reading->n;

    for (i = 0; i < reading->n; i++) {
        if (reading->word[i].part == IGJ_PART_NAME) {
            last = i;
        }
    }

    for (first = 1, i = 0; i < reading->n; i++) {
        word = &reading->word[i];

        if (word->part != IGJ_PART_NAME) {
            evidence_others(evidence, word);
            continue;
        }

        pair = first ? evidence_pair(table, word, end) : NULL;

        if (pair != NULL) {
            igj_evidence_add(evidence, pair->odds, "name", word->token->text,
                             word->token->len);
            i++;

        } else {
            evidence_word(evidence, table, reading, word, first, i == last);
        }

        first = 0;
    }
}
