/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A name as it is read: each word with its record of the table and its part
 * in the whole.
 */

#ifndef IGJ_READING_H
#define IGJ_READING_H

#include "igj_names.h"
#include "igj_tokens.h"


typedef enum {
    IGJ_PART_NAME = 0,           /* may be a given name */
    IGJ_PART_FAMILY,             /* belongs to a family name: van Dijk */
    IGJ_PART_MARKER,
    IGJ_PART_TITLE,              /* Mrs */
    IGJ_PART_HONOR,              /* Queen */
    IGJ_PART_KIN,
    IGJ_PART_ORG,
    IGJ_PART_SKIPPED             /* initials, Dr, particles, noise */
} igj_part_e;


#define IGJ_SEGMENT_BRACKET  0x80u         /* added to that of its place */
#define IGJ_SEGMENTS_MAX     4             /* that are tried for names */


typedef struct {
    uint8_t                    part;       /* igj_part_e */
    uint8_t                    segment;    /* 0: before the first | or , */
    uint8_t                    person;     /* 1 and more: after & or "and" */
    const igj_token_t         *token;
    const igj_names_record_t  *word;       /* NULL: not in the table */
    const igj_names_record_t  *given;      /* NULL: no given name */
} igj_word_t;


typedef struct {
    unsigned    n;
    igj_word_t  word[IGJ_TOKENS_MAX];
} igj_reading_t;


/* The reading points into tokens. */
void igj_reading_read(igj_reading_t *reading, const igj_name_table_t *table,
    const igj_tokens_t *tokens);

/*
 * Copies what may be one person's name: the words of one segment and one
 * person.  "Smith, John" is one segment and comes out as John Smith.
 */
void igj_reading_person(const igj_reading_t *reading, unsigned segment,
    unsigned person, igj_reading_t *name);

/* Whether the word's record is of one of these kinds (igj_word_e). */
static inline int
igj_word_is(const igj_word_t *word, unsigned kinds)
{
    return word->word != NULL && (word->word->kinds & kinds) != 0;
}


/* Whether the record is of a family name, borne by few as a given name. */
int igj_record_is_family(const igj_names_record_t *record);


#endif /* IGJ_READING_H */
