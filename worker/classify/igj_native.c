/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The family name comes first, mostly one character; what is left is looked
 * up as a whole, and its characters or syllables are added up.
 */

#include <string.h>

#include "igj_fold.h"
#include "igj_native.h"
#include "igj_translit_asia.h"


#define NATIVE_MAX    6                    /* characters of a full name */
#define NATIVE_FIRST  70                   /* percent: before the last one */


typedef struct {
    unsigned     n;
    int          hangul;
    uint32_t     c[NATIVE_MAX];
    const char  *at[NATIVE_MAX];           /* in the token's text */
    const char  *end;
} native_name_t;


static int
native_is_han(uint32_t c)
{
    return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0x20000 && c <= 0x3FFFF);
}


static int
native_is_hangul(uint32_t c)
{
    return c >= 0xAC00 && c <= 0xD7A3;
}


/* Returns 0 unless the word is wholly in one of the two scripts. */
static int
native_read(native_name_t *name, const igj_token_t *token)
{
    size_t  at;

    name->n = 0;
    name->end = token->text + token->len;

    for (at = 0; at < token->len; name->n++) {
        if (name->n == NATIVE_MAX) {
            return 0;
        }

        name->at[name->n] = token->text + at;
        at += igj_fold_decode(token->text + at, token->len - at,
                              &name->c[name->n]);

        if (name->n == 0) {
            name->hangul = native_is_hangul(name->c[0]);
        }

        if (name->hangul ? !native_is_hangul(name->c[name->n])
                         : !native_is_han(name->c[name->n]))
        {
            return 0;
        }
    }

    return name->n > 0;
}


static int
native_lean(const igj_name_table_t *table, const native_name_t *name,
    unsigned i)
{
    size_t                     len;
    igj_translit_t             key = { .len = 0 };
    const igj_names_record_t  *record;

    key.text[0] = IGJ_NAMES_SYLLABLE;
    key.len = 1;

    if (name->hangul) {
        (void) igj_translit_hangul(name->c[i], &key);

    } else {
        len = (size_t) ((i + 1 < name->n ? name->at[i + 1] : name->end)
                        - name->at[i]);
        igj_translit_put(&key, name->at[i], len);
    }

    record = igj_names_find(table, key.text, key.len);

    return record == NULL ? 0 : record->lean;
}


/* Odds of the given name that begins with character `first`. */
static int
native_given(const igj_name_table_t *table, const native_name_t *name,
    unsigned first)
{
    int                        odds;
    unsigned                   i;
    const igj_names_record_t  *record;

    record = igj_names_find(table, name->at[first],
                            (size_t) (name->end - name->at[first]));

    if (record != NULL && (record->kinds & IGJ_WORD_GIVEN)) {
        return record->odds;
    }

    odds = native_lean(table, name, name->n - 1);

    for (i = first; i + 1 < name->n; i++) {
        odds += native_lean(table, name, i) * NATIVE_FIRST / 100;
    }

    return odds;
}


int
igj_native_names(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_reading_t *reading)
{
    int                 odds, whole;
    unsigned            i, words;
    native_name_t       name;
    const igj_token_t  *given;

    given = NULL;
    words = 0;

    for (i = 0; i < reading->n; i++) {
        if (reading->word[i].part == IGJ_PART_NAME
            && (reading->word[i].token->flags & IGJ_TOKEN_FOREIGN))
        {
            given = reading->word[i].token;
            words++;
        }
    }

    if (given == NULL || !native_read(&name, given)) {
        return 0;
    }

    whole = native_given(table, &name, 0);
    odds = whole;

    if (words == 1 && name.n > 1) {
        odds = native_given(table, &name, name.n > 3 ? name.n - 2 : 1);

        if (name.n == 2 && (whole > odds || whole < -odds)) {
            odds = whole;
        }
    }

    igj_evidence_add(evidence, odds, "name", given->text, given->len);

    return 1;
}
