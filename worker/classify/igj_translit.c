/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Alphabets by tables of spellings; the scripts of India by their layout. */

#include <string.h>

#include "igj_fold.h"
#include "igj_translit.h"
#include "igj_translit_asia.h"


typedef struct {
    uint32_t     first;
    const char  *spelling;       /* of one letter after another, by blanks */
} translit_alphabet_t;


static const translit_alphabet_t  translit_alphabets[] = {
    { 0x3B1, "a v g d e z i th i k l m n x o p r s s t y f ch ps o" },
    { 0x430, "a b v g d e zh z i y k l m n o p r s t u f h ts ch sh shch - y -"
             " e yu ya e yo dj g ye dz i yi j lj nj c k i u dz" },
    { 0x490, "g g gh gh - - zh zh z z k k - - - - - - k k n n - - - - - - - -"
             " - - - u u u u h h" },
    { 0x561, "a b g d e z e e t zh i l kh ts k h dz gh ch m y n sh o ch p j r"
             " s v t r ts u p k ev o f" },
    { 0x4D9, "a" },
    { 0x4E9, "o" },
    { 0x10D0, "a b g d e v z t i k l m n o p zh r s t u p k gh q sh ch ts dz"
              " ts ch kh j h" },
};

#define TRANSLIT_ALPHABETS                                                    \
    (sizeof(translit_alphabets) / sizeof(translit_alphabets[0]))


/* Pairs of Greek letters, as the table above spells them. */
static const char  translit_greek[][2][3] = {
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

static const char  translit_vowels[] =
    "a a i i u u ri l e e e ai o o o au";
static const char  translit_consonants[] =
    "k kh g gh n ch chh j jh n t th d dh n t th d dh n n p ph b bh m y r r l"
    " l l v sh sh s h";
static const char  translit_signs[] =
    "a i i u u ri r e e e ai o o o au";


/* The n-th spelling; its length is 0 for none. */
static igj_str_t
translit_nth(const char *spelling, uint32_t n)
{
    igj_str_t  found = { "", 0 };

    while (n > 0) {
        spelling = strchr(spelling, ' ');

        if (spelling == NULL) {
            return found;
        }

        spelling++;
        n--;
    }

    found.data = spelling;
    found.len = strcspn(spelling, " ");

    return found;
}


static int
translit_alphabet(uint32_t c, igj_translit_t *out)
{
    size_t     i;
    igj_str_t  spelling;

    for (i = TRANSLIT_ALPHABETS; i-- > 0; ) {
        if (c < translit_alphabets[i].first) {
            continue;
        }

        spelling = translit_nth(translit_alphabets[i].spelling,
                                c - translit_alphabets[i].first);
        if (spelling.len > 0) {
            igj_translit_put(out, spelling.data,
                             spelling.data[0] == '-' ? 0 : spelling.len);
            return 1;
        }
    }

    return 0;
}


/* A letter of India; *open says that its own vowel "a" is still to come. */
static int
translit_indic(uint32_t c, int *open, igj_translit_t *out)
{
    uint32_t   letter;
    igj_str_t  spelling = { "", 0 };

    letter = c & 0x7F;

    if (letter == TRANSLIT_VIRAMA) {
        *open = 0;
        return 1;
    }

    if (letter >= 0x3E && letter <= 0x4C) {
        spelling = translit_nth(translit_signs, letter - 0x3E);
        *open = 0;

    } else if (*open && letter != 0x3C) {
        igj_translit_put(out, "a", 1);
        *open = 0;
    }

    if (letter >= 0x05 && letter <= 0x14) {
        spelling = translit_nth(translit_vowels, letter - 0x05);

    } else if (letter >= 0x15 && letter <= 0x39) {
        spelling = translit_nth(translit_consonants, letter - 0x15);
        *open = 1;

    } else if (letter <= TRANSLIT_NASAL) {
        spelling = igj_str("n");
    }

    igj_translit_put(out, spelling.data, spelling.len);

    return 1;
}


/* Puts the sounds together that Greek writes with two letters. */
static void
translit_greek_pairs(igj_translit_t *out)
{
    char    *p;
    size_t   i;

    out->text[out->len] = '\0';

    for (i = 0; i < sizeof(translit_greek) / sizeof(translit_greek[0]); i++) {
        while ((p = strstr(out->text, translit_greek[i][0])) != NULL) {
            memcpy(p, translit_greek[i][1], 2);
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
