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


/* The rule that fits at the beginning of text, or NULL. */
static inline const igj_sound_rule_t *
igj_sound_rule(const char *text, size_t len)
{
    size_t                   i, n;
    const igj_sound_rule_t  *rule;

    for (i = 0; i < sizeof(igj_sound_rules) / sizeof(igj_sound_rules[0]);
         i++)
    {
        rule = &igj_sound_rules[i];
        n = strlen(rule->from);

        if (n <= len && memcmp(text, rule->from, n) == 0) {
            return rule;
        }
    }

    return NULL;
}


/* Takes letters a to z; returns the length of what it wrote. */
static inline size_t
igj_sound(const char *word, size_t len, char out[IGJ_SOUND_MAX])
{
    char                     letter[2];
    size_t                   at, n;
    const char              *to;
    const igj_sound_rule_t  *rule;

    letter[1] = '\0';

    for (at = 0, n = 0; at < len && n + 2 < IGJ_SOUND_MAX; /* void */) {
        rule = igj_sound_rule(word + at, len - at);
        letter[0] = word[at];
        to = rule == NULL ? letter : rule->to;
        at += rule == NULL ? 1 : strlen(rule->from);

        for ( /* void */ ; *to != '\0'; to++) {
            if (n == 0 || out[n - 1] != *to) {
                out[n++] = *to;
            }
        }
    }

    /* a last h is not heard, other than in sh and ch */
    if (n > 1 && out[n - 1] == 'h' && out[n - 2] != 's' && out[n - 2] != 'c') {
        n--;
    }

    return n;
}


#endif /* IGJ_SOUND_H */
