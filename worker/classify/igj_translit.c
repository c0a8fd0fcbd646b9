/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Alphabets by tables of spellings; the scripts of India by their layout. */

#include <string.h>

#include "igj_fold.h"
#include "igj_translit.h"
#include "igj_translit_asia.h"


/* Spellings of one letter after another; "": not spoken. */

typedef char  translit_spelling_t[5];

static const translit_spelling_t  translit_greek[] = {
    "a", "v", "g", "d", "e", "z", "i", "th", "i", "k", "l", "m", "n", "x",
    "o", "p", "r", "s", "s", "t", "y", "f", "ch", "ps", "o"
};

static const translit_spelling_t  translit_cyrillic[] = {
    "a", "b", "v", "g", "d", "e", "zh", "z", "i", "y", "k", "l", "m", "n",
    "o", "p", "r", "s", "t", "u", "f", "h", "ts", "ch", "sh", "shch", "",
    "y", "", "e", "yu", "ya", "e", "yo", "dj", "g", "ye", "dz", "i", "yi",
    "j", "lj", "nj", "c", "k", "i", "u", "dz"
};

static const translit_spelling_t  translit_cyrillic_more[] = {
    "g", "g", "gh", "gh", "", "", "zh", "zh", "z", "z", "k", "k", "", "",
    "", "", "", "", "k", "k", "n", "n", "", "", "", "", "", "", "", "", "",
    "", "", "u", "u", "u", "u", "h", "h"
};

static const translit_spelling_t  translit_armenian[] = {
    "a", "b", "g", "d", "e", "z", "e", "e", "t", "zh", "i", "l", "kh", "ts",
    "k", "h", "dz", "gh", "ch", "m", "y", "n", "sh", "o", "ch", "p", "j",
    "r", "s", "v", "t", "r", "ts", "u", "p", "k", "ev", "o", "f"
};

static const translit_spelling_t  translit_georgian[] = {
    "a", "b", "g", "d", "e", "v", "z", "t", "i", "k", "l", "m", "n", "o",
    "p", "zh", "r", "s", "t", "u", "p", "k", "gh", "q", "sh", "ch", "ts",
    "dz", "ts", "ch", "kh", "j", "h"
};

static const translit_spelling_t  translit_schwa[] = { "a" };
static const translit_spelling_t  translit_barred_o[] = { "o" };


typedef struct {
    uint32_t                    first;
    uint32_t                    n;
    const translit_spelling_t  *spelling;
} translit_alphabet_t;


#define translit_from(first, spelling)                                        \
    { first, sizeof(spelling) / sizeof(spelling[0]), spelling }

static const translit_alphabet_t  translit_alphabets[] = {
    translit_from(0x3B1, translit_greek),
    translit_from(0x430, translit_cyrillic),
    translit_from(0x490, translit_cyrillic_more),
    translit_from(0x4D9, translit_schwa),
    translit_from(0x4E9, translit_barred_o),
    translit_from(0x561, translit_armenian),
    translit_from(0x10D0, translit_georgian),
};

#define TRANSLIT_ALPHABETS                                                    \
    (sizeof(translit_alphabets) / sizeof(translit_alphabets[0]))


/* Pairs of Greek letters, as the table above spells them. */
static const char  translit_pairs[][2][3] = {
    { "oy", "ou" }, { "ey", "ev" }, { "ay", "av" }, { "gg", "ng" },
};


/*
 * Consonants and vowels of Devanagari; nine more scripts are laid out the
 * same, each in its 128 code points.
 */
#define TRANSLIT_INDIC_FIRST  0x900
#define TRANSLIT_INDIC_LAST   0xD7F
#define TRANSLIT_VIRAMA       0x4D
#define TRANSLIT_NASAL        0x02

static const translit_spelling_t  translit_vowels[] = {
    "a", "a", "i", "i", "u", "u", "ri", "l", "e", "e", "e", "ai", "o", "o",
    "o", "au"
};

static const translit_spelling_t  translit_consonants[] = {
    "k", "kh", "g", "gh", "n", "ch", "chh", "j", "jh", "n", "t", "th", "d",
    "dh", "n", "t", "th", "d", "dh", "n", "n", "p", "ph", "b", "bh", "m",
    "y", "r", "r", "l", "l", "l", "v", "sh", "sh", "s", "h"
};

static const translit_spelling_t  translit_signs[] = {
    "a", "i", "i", "u", "u", "ri", "r", "e", "e", "e", "ai", "o", "o", "o",
    "au"
};


static void
translit_spell(igj_translit_t *out, const char *spelling)
{
    igj_translit_put(out, spelling, strlen(spelling));
}


static int
translit_alphabet(uint32_t c, igj_translit_t *out)
{
    size_t                      i;
    const translit_alphabet_t  *alphabet;

    for (i = 0; i < TRANSLIT_ALPHABETS; i++) {
        alphabet = &translit_alphabets[i];

        if (c - alphabet->first < alphabet->n) {
            translit_spell(out, alphabet->spelling[c - alphabet->first]);
            return 1;
        }
    }

    return 0;
}


/* A letter of India; *open says that its own vowel "a" is still to come. */
static int
translit_indic(uint32_t c, int *open, igj_translit_t *out)
{
    uint32_t     letter;
    const char  *spelling;

    spelling = "";
    letter = c & 0x7F;

    if (letter == TRANSLIT_VIRAMA) {
        *open = 0;
        return 1;
    }

    if (letter >= 0x3E && letter <= 0x4C) {
        spelling = translit_signs[letter - 0x3E];
        *open = 0;

    } else if (*open && letter != 0x3C) {
        igj_translit_put(out, "a", 1);
        *open = 0;
    }

    if (letter >= 0x05 && letter <= 0x14) {
        spelling = translit_vowels[letter - 0x05];

    } else if (letter >= 0x15 && letter <= 0x39) {
        spelling = translit_consonants[letter - 0x15];
        *open = 1;

    } else if (letter <= TRANSLIT_NASAL) {
        spelling = "n";
    }

    translit_spell(out, spelling);

    return 1;
}


/* Puts the sounds together that Greek writes with two letters. */
static void
translit_greek_pairs(igj_translit_t *out)
{
    char    *p;
    size_t   i;

    out->text[out->len] = '\0';

    for (i = 0; i < sizeof(translit_pairs) / sizeof(translit_pairs[0]); i++) {
        while ((p = strstr(out->text, translit_pairs[i][0])) != NULL) {
            memcpy(p, translit_pairs[i][1], 2);
        }
    }
}


/* North of the Dravidian languages a last "a" is written but not spoken. */
static int
translit_ends_open(uint32_t c)
{
    return c >= 0xB80 && c <= TRANSLIT_INDIC_LAST;
}


size_t
igj_translit(const char *word, size_t len, char out[IGJ_TRANSLIT_MAX])
{
    int             open, known;
    size_t          at;
    uint32_t        c;
    igj_translit_t  latin = { .len = 0 };

    open = 0;
    c = 0;

    for (at = 0; at < len; /* void */) {
        at += igj_fold_decode(word + at, len - at, &c);

        if (c >= TRANSLIT_INDIC_FIRST && c <= TRANSLIT_INDIC_LAST) {
            known = translit_indic(c, &open, &latin);

        } else {
            known = translit_alphabet(c, &latin)
                    || igj_translit_kana(c, &latin)
                    || igj_translit_hangul(c, &latin);
        }

        if (!known) {
            return 0;
        }
    }

    if (open && translit_ends_open(c)) {
        igj_translit_put(&latin, "a", 1);
    }

    if (c >= 0x370 && c < 0x400) {
        translit_greek_pairs(&latin);
    }

    memcpy(out, latin.text, latin.len);

    return latin.len;
}
