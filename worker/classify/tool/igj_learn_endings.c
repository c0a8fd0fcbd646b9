/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the last letters of a given name say: counted over the rows of
 * given-names.csv (each name once, however many bear it, since the names this
 * is for are the rare ones), kept where the sample is large enough and where
 * a longer ending says something else than the shorter one within it.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "igj_names_build.h"


#define LEARN_SHORTEST     1         /* letters of an ending */
#define LEARN_LONGEST      5
#define LEARN_NAME_MIN     4         /* letters of a name that counts */
#define LEARN_NAMES_MIN    15        /* names with the ending */
#define LEARN_PRIOR        3.0       /* names added to both sides */
#define LEARN_DIFFERENCE   6         /* of odds, from the shorter ending */


static int
learn_plain(const igj_build_entry_t *entry)
{
    size_t  i;

    for (i = 0; i < entry->len; i++) {
        if (entry->key[i] < 'a' || entry->key[i] > 'z') {
            return 0;
        }
    }

    return entry->len >= LEARN_NAME_MIN;
}


static size_t
learn_key(char *key, const igj_build_entry_t *entry, size_t n)
{
    key[0] = IGJ_NAMES_LEARNED;
    memcpy(key + 1, entry->key + entry->len - n, n);

    return n + 1;
}


/* Counts the name for its ending of n letters. */
static void
learn_name(igj_build_t *endings, const igj_build_entry_t *name, size_t n)
{
    int                 made;
    char                key[LEARN_LONGEST + 1];
    size_t              len;
    double              share;
    igj_build_entry_t  *ending;

    len = learn_key(key, name, n);
    ending = igj_build_entry(endings, key, len, &made);
    share = name->female / (name->female + name->male);
    ending->female += share;
    ending->male += 1 - share;
}


static int
learn_odds(const igj_build_entry_t *ending, double bias)
{
    return (int) lround(IGJ_NAMES_ODDS_UNIT
                        * (log((ending->female + LEARN_PRIOR)
                               / (ending->male + LEARN_PRIOR)) - bias));
}


/* Odds of the longest kept ending within this one. */
static int
learn_shorter(const igj_build_t *build, const igj_build_entry_t *ending)
{
    size_t                    n;
    char                      key[LEARN_LONGEST + 1];
    const igj_build_entry_t  *shorter;

    for (n = ending->len - 2u; n >= LEARN_SHORTEST; n--) {
        learn_key(key, ending, n);
        shorter = igj_build_find(build, key, n + 1);

        if (shorter != NULL) {
            return shorter->odds;
        }
    }

    return 0;
}


static void
learn_keep(igj_build_t *build, const igj_build_t *endings, size_t letters,
    double bias)
{
    int                       made, odds;
    size_t                    i;
    igj_build_entry_t        *entry;
    const igj_build_entry_t  *ending;

    for (i = 0; i < endings->n; i++) {
        ending = &endings->entries[i];

        if (ending->len != letters + 1
            || ending->female + ending->male < LEARN_NAMES_MIN)
        {
            continue;
        }

        odds = learn_odds(ending, bias);

        if (abs(odds - learn_shorter(build, ending)) < LEARN_DIFFERENCE) {
            continue;
        }

        entry = igj_build_entry(build, ending->key, ending->len, &made);
        entry->odds = (int8_t) fmax(-100, fmin(100, odds));
    }
}


void
igj_learn_endings(igj_build_t *build)
{
    size_t       i, n, nnames;
    double       female, male;
    igj_build_t  endings;

    igj_build_init(&endings);
    female = male = 1;
    nnames = build->n;

    for (i = 0; i < nnames; i++) {
        const igj_build_entry_t  *name = &build->entries[i];

        if (!(name->kinds & IGJ_WORD_GIVEN) || !learn_plain(name)) {
            continue;
        }

        female += name->female / (name->female + name->male);
        male += name->male / (name->female + name->male);

        for (n = LEARN_SHORTEST; n <= LEARN_LONGEST && n < name->len; n++) {
            learn_name(&endings, name, n);
        }
    }

    for (n = LEARN_SHORTEST; n <= LEARN_LONGEST; n++) {
        learn_keep(build, &endings, n, log(female / male));
    }
}
