/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Which part each word of a name plays. */

#include <string.h>

#include "igj_reading.h"
#include "igj_translit.h"


#define READING_FAMILIAR  112              /* common: over 16,000 people */


int
igj_record_is_family(const igj_names_record_t *record)
{
    return record != NULL && (record->kinds & IGJ_WORD_FAMILY)
           && record->common < READING_FAMILIAR;
}


/* Finds the records of the word: as written, folded, in Latin letters. */
static void
reading_look_up(igj_word_t *word, const igj_name_table_t *table)
{
    char                       latin[IGJ_TRANSLIT_MAX];
    size_t                     len;
    const igj_token_t         *token;
    const igj_names_record_t  *exact;

    token = word->token;
    word->word = NULL;
    word->given = NULL;

    if (token->flags & IGJ_TOKEN_CUT) {
        return;
    }

    word->word = igj_names_find(table, token->text, token->len);

    if (word->word == NULL && (token->flags & IGJ_TOKEN_FOREIGN)) {
        len = igj_translit(token->text, token->len, latin);
        word->word = igj_names_find(table, latin, len);
    }

    if (word->word == NULL && token->camel > 2) {
        word->word = igj_names_find(table, token->text, token->camel);
    }

    if (igj_word_is(word, IGJ_WORD_GIVEN)) {
        word->given = word->word;
    }

    if (token->flags & IGJ_TOKEN_ACCENT) {
        exact = igj_names_find(table, token->exact, token->exact_len);

        if (exact != NULL && (exact->kinds & IGJ_WORD_GIVEN)) {
            word->given = exact;

        } else if (exact != NULL) {
            word->word = exact;
        }
    }
}


/* "a/p" and "s/o" come as two words of one letter. */
static int
reading_is_slash_marker(igj_word_t *word, const igj_name_table_t *table)
{
    char                       key[3];
    const igj_token_t         *next;
    const igj_names_record_t  *record;

    next = word->token + 1;

    if (word->token->len != 1 || next->len != 1
        || next->before != IGJ_BREAK_SLASH)
    {
        return 0;
    }

    key[0] = word->token->text[0];
    key[1] = '/';
    key[2] = next->text[0];
    record = igj_names_find(table, key, sizeof(key));

    if (record == NULL) {
        return 0;
    }

    word->word = record;
    word->given = NULL;

    return 1;
}


/* "van Dijk": only the next word begins with a capital. */
static int
reading_is_small_before(const igj_token_t *token, const igj_token_t *end)
{
    return !(token->flags & IGJ_TOKEN_CAPITAL) && token + 1 < end
           && (token[1].flags & IGJ_TOKEN_CAPITAL);
}


static igj_part_e
reading_part(const igj_word_t *word, const igj_word_t *before, int first,
    const igj_token_t *end)
{
    if (igj_word_is(word, IGJ_WORD_ORG)) {
        return IGJ_PART_ORG;
    }

    if (word->token->letters == 1) {
        return IGJ_PART_SKIPPED;
    }

    if (igj_word_is(word, IGJ_WORD_TITLE)) {
        return word->word->lean == 0 || !first ? IGJ_PART_SKIPPED
                                               : IGJ_PART_TITLE;
    }

    if (first && igj_word_is(word, IGJ_WORD_HONOR)) {
        return IGJ_PART_HONOR;
    }

    if (!first && igj_word_is(word, IGJ_WORD_MARKER)) {
        return IGJ_PART_MARKER;
    }

    if (igj_word_is(word, IGJ_WORD_PARTICLE)
        && (!first || reading_is_small_before(word->token, end)))
    {
        return IGJ_PART_SKIPPED;
    }

    if (igj_word_is(word, IGJ_WORD_NOISE|IGJ_WORD_AND)) {
        return IGJ_PART_SKIPPED;
    }

    if (igj_word_is(word, IGJ_WORD_KIN)) {
        return IGJ_PART_KIN;
    }

    if (before != NULL && before->part == IGJ_PART_SKIPPED
        && igj_word_is(before, IGJ_WORD_PARTICLE)
        && !igj_word_is(before, IGJ_WORD_AND))
    {
        return IGJ_PART_FAMILY;
    }

    return IGJ_PART_NAME;
}


/* "Van der Meer": a first word before a particle is one, too. */
static void
reading_lone_particle(igj_reading_t *reading)
{
    if (reading->n > 1 && igj_word_is(&reading->word[0], IGJ_WORD_PARTICLE)
        && igj_word_is(&reading->word[1], IGJ_WORD_PARTICLE)
        && reading->word[1].part == IGJ_PART_SKIPPED)
    {
        reading->word[0].part = IGJ_PART_SKIPPED;
    }
}


/* Whether the first word is less of a given name than this one. */
static int
reading_is_better(const igj_word_t *first, const igj_word_t *word)
{
    return word->part == IGJ_PART_NAME && word->given != NULL
           && (first->given == NULL || first->part == IGJ_PART_FAMILY
               || igj_word_is(first, IGJ_WORD_FAMILY)
               || first->given->common < word->given->common);
}


/* The number of words that are a family name before the given one, or 0. */
static unsigned
reading_family_first(const igj_reading_t *reading)
{
    unsigned           n;
    const igj_word_t  *word;

    for (n = 1; n < reading->n; n++) {
        word = &reading->word[n];

        if (word->token->before == IGJ_BREAK_COMMA) {
            break;
        }

        if (n == 1 && (word[-1].token->flags & IGJ_TOKEN_UPPER)
            && !(word->token->flags & IGJ_TOKEN_UPPER))
        {
            break;
        }
    }

    return n < reading->n && n <= 3
           && (reading->word[n - 1].part == IGJ_PART_NAME
               || reading->word[n - 1].part == IGJ_PART_FAMILY)
           && reading_is_better(&reading->word[n - 1], &reading->word[n])
           ? n : 0;
}


/* "Smith, John", "SMITH John": puts the family name last. */
static void
reading_turn(igj_reading_t *reading)
{
    unsigned    i, n;
    igj_word_t  family[IGJ_TOKENS_MAX];

    n = reading_family_first(reading);

    if (n == 0 || reading->word[reading->n - 1].segment > 1) {
        return;
    }

    memcpy(family, reading->word, n * sizeof(igj_word_t));
    memmove(&reading->word[0], &reading->word[n],
            (reading->n - n) * sizeof(igj_word_t));
    memcpy(&reading->word[reading->n - n], family, n * sizeof(igj_word_t));

    for (i = 0; i < reading->n; i++) {
        reading->word[i].segment = 0;
    }
}


/* "and"; of one letter only a small one: Maria E. Smith is one person. */
static int
reading_is_and(const igj_word_t *word)
{
    return word->token->before == IGJ_BREAK_AND
           || (igj_word_is(word, IGJ_WORD_AND)
               && !(word->token->letters == 1
                    && (word->token->flags & IGJ_TOKEN_CAPITAL)));
}


void
igj_reading_read(igj_reading_t *reading, const igj_name_table_t *table,
    const igj_tokens_t *tokens)
{
    int          first;
    uint8_t      segment, person;
    unsigned     i;
    igj_word_t  *word;

    reading->n = tokens->n;
    segment = 0;
    person = 0;
    first = 1;

    for (i = 0; i < tokens->n; i++) {
        word = &reading->word[i];
        word->token = &tokens->token[i];

        if (i > 0 && word->token->before >= IGJ_BREAK_COMMA) {
            segment++;
        }

        reading_look_up(word, table);

        if (i > 0 && reading_is_and(word)) {
            person++;
        }

        word->segment = (uint8_t) (segment
            | (word->token->flags & IGJ_TOKEN_BRACKET ? IGJ_SEGMENT_BRACKET
                                                      : 0));
        word->person = person;

        if (i + 1 < tokens->n && reading_is_slash_marker(word, table)) {
            word->part = IGJ_PART_MARKER;
            continue;
        }

        word->part = (uint8_t) reading_part(word, i > 0 ? word - 1 : NULL,
                                            first, tokens->token + tokens->n);
        if (word->part != IGJ_PART_SKIPPED) {
            first = 0;
        }
    }

    reading_lone_particle(reading);
    reading_turn(reading);
}


void
igj_reading_person(const igj_reading_t *reading, unsigned segment,
    unsigned person, igj_reading_t *name)
{
    unsigned  i;

    for (name->n = 0, i = 0; i < reading->n; i++) {
        if (reading->word[i].segment == segment
            && reading->word[i].person == person)
        {
            name->word[name->n++] = reading->word[i];
        }
    }
}
