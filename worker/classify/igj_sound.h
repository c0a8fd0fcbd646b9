/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One spelling for names that are spelled in many ways: Irrfan and Irfan,
 * Keerthi and Kirti, Youssef and Yusuf.  Shared by the table's compiler and
 * its reader, which is why it stands in a header.
 */

#ifndef IGJ_SOUND_H
#define IGJ_SOUND_H

#include <stddef.h>
#include <string.h>


#define IGJ_SOUND_MAX  32


typedef struct {
    char  from[4];
    char  to[3];
} igj_sound_rule_t;


/* The first that fits is taken; letters without a rule stay. */
static const igj_sound_rule_t  igj_sound_rules[] = {
    { "sch", "sh" }, { "tch", "ch" }, { "dzh", "j" }, { "ck", "k" },
    { "ph", "f" }, { "kh", "k" }, { "gh", "g" }, { "dh", "d" },
    { "bh", "b" }, { "th", "t" }, { "zh", "j" }, { "dj", "j" },
    { "ee", "i" }, { "ie", "i" }, { "ei", "i" }, { "ey", "i" },
    { "ea", "i" }, { "oo", "u" }, { "ou", "u" }, { "ow", "u" },
    { "au", "o" }, { "ay", "e" }, { "ai", "e" }, { "ae", "e" },
    { "ce", "se" }, { "ci", "si" }, { "cy", "si" }, { "ch", "ch" },
    { "sh", "sh" }, { "c", "k" }, { "q", "k" }, { "w", "v" }, { "x", "ks" },
    { "y", "i" }, { "z", "s" },
};


/* Takes letters a to z; returns the length of what it wrote. */
static inline size_t
igj_sound(const char *word, size_t len, char out[IGJ_SOUND_MAX])
{
    char        c;
    size_t      at, n, i, k;
    const char *to;

    for (at = 0, n = 0; at < len && n + 2 < IGJ_SOUND_MAX; at += k) {
        to = NULL;
        k = 1;

        for (i = 0; i < sizeof(igj_sound_rules) / sizeof(igj_sound_rules[0]);
             i++)
        {
            k = strlen(igj_sound_rules[i].from);

            if (k <= len - at
                && memcmp(word + at, igj_sound_rules[i].from, k) == 0)
            {
                to = igj_sound_rules[i].to;
                break;
            }
        }

        if (to == NULL) {
            c = word[at];
            to = &c;
            k = 1;
            if (n == 0 || out[n - 1] != c) {
                out[n++] = c;
            }
            continue;
        }

        for (i = 0; to[i] != '\0'; i++) {
            if (n == 0 || out[n - 1] != to[i]) {
                out[n++] = to[i];
            }
        }
    }

    if (n > 1 && out[n - 1] == 'h' && out[n - 2] != 's' && out[n - 2] != 'c') {
        n--;
    }

    return n;
}


#endif /* IGJ_SOUND_H */
