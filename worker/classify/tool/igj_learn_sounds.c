/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The given names by their sound: what a spelling that is not listed is
 * looked up by.  Names of a few people only are left out.
 */

#include <math.h>

#include "igj_names_build.h"
#include "igj_sound.h"


#define SOUNDS_PEOPLE_MIN  10
#define SOUNDS_NAME_MIN    5               /* letters of the name */
#define SOUNDS_MIN         4               /* and of its sound */
#define SOUNDS_PRIOR       5.0             /* people added to both sides */


static size_t
sounds_key(const igj_build_entry_t *name, char *key)
{
    size_t  i;

    for (i = 0; i < name->len; i++) {
        if (name->key[i] < 'a' || name->key[i] > 'z') {
            return 0;
        }
    }

    key[0] = IGJ_NAMES_SOUND;

    return 1 + igj_sound(name->key, name->len, key + 1);
}


void
igj_learn_sounds(igj_build_t *build)
{
    int                       made;
    char                      key[1 + IGJ_SOUND_MAX];
    size_t                    i, len, nnames;
    igj_build_entry_t        *sound;
    igj_build_entry_t         name;

    nnames = build->n;

    for (i = 0; i < nnames; i++) {
        name = build->entries[i];

        if (!(name.kinds & IGJ_WORD_GIVEN) || name.len < SOUNDS_NAME_MIN
            || name.female + name.male < SOUNDS_PEOPLE_MIN)
        {
            continue;
        }

        len = sounds_key(&name, key);

        if (len < 1 + SOUNDS_MIN) {
            continue;
        }

        sound = igj_build_entry(build, key, len, &made);
        sound->female += name.female;
        sound->male += name.male;
    }

    for (i = nnames; i < build->n; i++) {
        sound = &build->entries[i];
        sound->odds = (int8_t) lround(fmax(-100, fmin(100,
                          IGJ_NAMES_ODDS_UNIT
                          * log((sound->female + SOUNDS_PRIOR)
                                / (sound->male + SOUNDS_PRIOR)))));
    }
}
