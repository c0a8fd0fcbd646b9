/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Which part each word of a name plays. */

#include <string.h>

#include "igj_reading.h"
#include "igj_translit.h"


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


static igj_part_e
reading_part(const igj_word_t *word, const igj_word_t *before, int first)
{
    if (igj_word_is(word, IGJ_WORD_ORG)
        && !(word->token->flags & IGJ_TOKEN_ACCENT))
    {
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

    if (igj_word_is(word, IGJ_WORD_PARTICLE) && !first) {
        return IGJ_PART_SKIPPED;
    }

    if (igj_word_is(word, IGJ_WORD_NOISE|IGJ_WORD_AND)) {
        return IGJ_PART_SKIPPED;
    }

    if (igj_word_is(word, IGJ_WORD_KIN)) {
        return IGJ_PART_KIN;
    }

    if (before != NULL && before->part == IGJ_PART_SKIPPED
        && igj_word_is(before, IGJ_WORD_PARTICLE))
    {
        return IGJ_PART_FAMILY;
    }

    return IGJ_PART_NAME;
}


/* "Smith, John": the first two segments are one, and change places. */
static void
reading_turn(igj_reading_t *reading)
{
    unsigned     i, given;
    igj_word_t   family;

    if (reading->n < 2 || reading->n > 4
        || reading->word[1].token->before != IGJ_BREAK_COMMA
        || reading->word[0].part != IGJ_PART_NAME)
    {
        return;
    }

    for (given = 0, i = 1; i < reading->n; i++) {
        if (reading->word[i].segment != 1) {
            return;
        }

        given |= reading->word[i].given != NULL
                 && (reading->word[0].given == NULL
                     || igj_word_is(&reading->word[0], IGJ_WORD_FAMILY)
                     || reading->word[0].given->common
                        < reading->word[i].given->common);
    }

    if (!given) {
        return;
    }

    family = reading->word[0];
    memmove(&reading->word[0], &reading->word[1],
            (reading->n - 1) * sizeof(igj_word_t));
    reading->word[reading->n - 1] = family;

    for (i = 0; i < reading->n; i++) {
        reading->word[i].segment = 0;
    }
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

        if (i > 0 && (word->token->before == IGJ_BREAK_AND
                      || igj_word_is(word, IGJ_WORD_AND)))
        {
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
                                            first);
        if (word->part != IGJ_PART_SKIPPED) {
            first = 0;
        }
    }

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
