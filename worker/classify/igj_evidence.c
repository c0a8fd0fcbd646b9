/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* What the names of a person say, summed up. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "igj_culture.h"
#include "igj_evidence.h"
#include "igj_sound.h"


/* Weights in percent of the odds in the table */

#define EVIDENCE_LEARNED      45           /* not in the table: its ending */
#define EVIDENCE_SOUND        70           /* or known in another spelling */
#define EVIDENCE_ALONE        60           /* and no other word: a name? */
#define EVIDENCE_HYPHEN       20           /* second half of Jean-Marie */
#define EVIDENCE_MIDDLE       60           /* after a first not known */
#define EVIDENCE_SECOND       20           /* after a known given name */
#define EVIDENCE_LAST_F       40           /* may be a family name: few of */
#define EVIDENCE_LAST_M       30           /* those are women's names */
#define EVIDENCE_FAMILY       10           /* is one: the first is a name */
#define EVIDENCE_FAMILY_FIRST 50           /* family name before another */

#define EVIDENCE_RARE         40           /* common: 32 people, no weight */
#define EVIDENCE_USUAL        64           /* so much above: full weight */
#define EVIDENCE_KNOWN        80           /* common: over 1,000 people */
#define EVIDENCE_SOUND_MIN    5            /* letters of a name by its sound */
#define EVIDENCE_LEARNED_MIN  4            /* letters of such a name */
#define EVIDENCE_LEARNED_MAX  5            /* letters of a learned ending */
#define EVIDENCE_ENDING_MAX   7            /* of a family name's */


typedef enum {
    EVIDENCE_PLACE_FIRST = 0,
    EVIDENCE_PLACE_ALONE,
    EVIDENCE_PLACE_MIDDLE,
    EVIDENCE_PLACE_SECOND,                 /* middle, after a known one */
    EVIDENCE_PLACE_LAST,
    EVIDENCE_PLACE_FAMILY                  /* last, after a known given name */
} evidence_place_e;


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

    record = len < EVIDENCE_LEARNED_MIN ? NULL
             : igj_names_ending(table, IGJ_NAMES_LEARNED, word, len,
                                EVIDENCE_LEARNED_MAX);

    return record == NULL ? 0 : record->odds * EVIDENCE_LEARNED / 100;
}


/* How far to trust a given name in this place. */
static int
evidence_percent(const igj_word_t *word, int odds, evidence_place_e place)
{
    int  percent, common;

    if (place <= EVIDENCE_PLACE_ALONE) {
        return !igj_record_is_family(word->given) ? 100
               : place == EVIDENCE_PLACE_ALONE ? EVIDENCE_FAMILY
                                               : EVIDENCE_FAMILY_FIRST;
    }

    if (igj_word_is(word, IGJ_WORD_FAMILY)) {
        return 0;
    }

    if (word->token->before == IGJ_BREAK_HYPHEN) {
        return EVIDENCE_HYPHEN;
    }

    percent = place == EVIDENCE_PLACE_FAMILY ? EVIDENCE_FAMILY
              : place == EVIDENCE_PLACE_SECOND ? EVIDENCE_SECOND
              : place == EVIDENCE_PLACE_MIDDLE ? EVIDENCE_MIDDLE
              : odds > 0 ? EVIDENCE_LAST_F : EVIDENCE_LAST_M;

    common = word->given->common - EVIDENCE_RARE;
    common = common < 0 ? 0 : common > EVIDENCE_USUAL ? EVIDENCE_USUAL
                                                      : common;

    return percent * common / EVIDENCE_USUAL;
}


static void
evidence_given(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_reading_t *reading, const igj_word_t *word,
    evidence_place_e place)
{
    int                 odds;
    const igj_token_t  *token;

    token = word->token;

    if (word->given != NULL) {
        odds = igj_culture_odds(table, reading, word);
        odds = odds * evidence_percent(word, odds, place) / 100;
        igj_evidence_add(evidence, odds, "name", token->text, token->len);
        return;
    }

    if (place > EVIDENCE_PLACE_ALONE || (token->flags & IGJ_TOKEN_FOREIGN)) {
        return;
    }

    odds = igj_evidence_learned(table, token->text, token->len);

    if (place == EVIDENCE_PLACE_ALONE) {
        odds = odds * EVIDENCE_ALONE / 100;
    }

    igj_evidence_add(evidence, odds, "like", token->text, token->len);
}


/* Ivanova, Kowalski: any word but a given name in first place. */
static void
evidence_surname(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_word_t *word, evidence_place_e place)
{
    const igj_token_t         *token;
    const igj_names_record_t  *ending;

    if ((place <= EVIDENCE_PLACE_ALONE && word->given != NULL)
        || igj_word_is(word, IGJ_WORD_FAMILY))
    {
        return;
    }

    token = word->token;
    ending = igj_names_ending(table, IGJ_NAMES_ENDING, token->text, token->len,
                              EVIDENCE_ENDING_MAX);
    if (ending != NULL) {
        igj_evidence_add(evidence, ending->lean, "surname", token->text,
                         token->len);
    }
}


/* Whether the first name is beyond doubt, so that the last is a family's. */
static int
evidence_is_known(const igj_word_t *word)
{
    return word != NULL && word->given != NULL
           && word->given->common >= EVIDENCE_KNOWN
           && !igj_word_is(word, IGJ_WORD_FAMILY);
}


static evidence_place_e
evidence_place(const igj_word_t *word, const igj_word_t *first,
    const igj_word_t *last)
{
    if (word == first) {
        return first == last ? EVIDENCE_PLACE_ALONE : EVIDENCE_PLACE_FIRST;
    }

    if (evidence_is_known(first)) {
        return word == last ? EVIDENCE_PLACE_FAMILY : EVIDENCE_PLACE_SECOND;
    }

    return word == last ? EVIDENCE_PLACE_LAST : EVIDENCE_PLACE_MIDDLE;
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
                         (const char *) (word->word + 1),
                         word->word->key_len);

    } else if (word->part == IGJ_PART_HONOR) {
        igj_evidence_add(evidence, word->word->lean, "title",
                         word->token->text, word->token->len);
    }
}


void
igj_evidence_names(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_reading_t *reading)
{
    evidence_place_e           place;
    const igj_word_t          *word, *first, *last, *end;
    const igj_names_record_t  *pair;

    first = last = NULL;
    end = reading->word + reading->n;

    for (word = reading->word; word < end; word++) {
        if (word->part == IGJ_PART_NAME) {
            first = first == NULL ? word : first;
            last = word;
        }
    }

    for (word = reading->word; word < end; word++) {

        if (word->part != IGJ_PART_NAME) {
            evidence_others(evidence, word);
            continue;
        }

        pair = word == first ? evidence_pair(table, word, end) : NULL;

        if (pair != NULL) {
            igj_evidence_add(evidence, pair->odds, "name", word->token->text,
                             word->token->len);
            word++;
            continue;
        }

        place = evidence_place(word, first, last);
        evidence_given(evidence, table, reading, word, place);
        evidence_surname(evidence, table, word, place);
    }
}
