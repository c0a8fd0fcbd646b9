/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Kana by a table, Korean syllables by arithmetic. */

#include <string.h>

#include "igj_translit_asia.h"


#define ASIA_HIRAGANA    0x3041
#define ASIA_LONG_VOWEL  0x30FC
#define ASIA_HANGUL      0xAC00
#define ASIA_HANGUL_END  0xD7A3
#define ASIA_VOWELS      21
#define ASIA_FINALS      28


/* From U+3041 on, four bytes each; small ones change the syllable before. */
static const char  asia_kana[] =
    "a   a   i   i   u   u   e   e   o   o   ka  ga  ki  gi  ku  gu  "
    "ke  ge  ko  go  sa  za  shi ji  su  zu  se  ze  so  zo  ta  da  "
    "chi ji  *   tsu zu  te  de  to  do  na  ni  nu  ne  no  ha  ba  "
    "pa  hi  bi  pi  fu  bu  pu  he  be  pe  ho  bo  po  ma  mi  mu  "
    "me  mo  ya* ya  yu* yu  yo* yo  ra  ri  ru  re  ro  wa  wa  i   "
    "e   o   n   vu  ";

static const char  asia_initials[][3] = {
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj",
    "ch", "k", "t", "p", "h"
};

static const char  asia_vowels[][4] = {
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe",
    "yo", "u", "wo", "we", "wi", "yu", "eu", "ui", "i"
};

static const char  asia_finals[][3] = {
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p",
    "l", "m", "p", "p", "t", "t", "ng", "t", "t", "k", "t", "p", "t"
};


void
igj_translit_put(igj_translit_t *out, const char *text, size_t len)
{
    if (len > IGJ_TRANSLIT_MAX - out->len) {
        len = IGJ_TRANSLIT_MAX - out->len;
    }

    memcpy(out->text + out->len, text, len);
    out->len += len;
}


int
igj_translit_kana(uint32_t c, igj_translit_t *out)
{
    size_t       n;
    const char  *kana;

    if (c == ASIA_LONG_VOWEL) {
        return 1;
    }

    if (c < ASIA_HIRAGANA
        || (c - ASIA_HIRAGANA) * 4 >= sizeof(asia_kana) - 1)
    {
        return 0;
    }

    kana = &asia_kana[(c - ASIA_HIRAGANA) * 4];

    /* kiyo, chiyo with a small yo: kyo, cho */
    if (kana[2] == '*' && out->len > 0 && out->text[out->len - 1] == 'i') {
        out->len--;
        n = out->len > 0 && strchr("hj", out->text[out->len - 1]) != NULL
            && (out->text[out->len - 1] == 'j' || out->len > 1);
        igj_translit_put(out, kana + n, 2 - n);
        return 1;
    }

    n = strcspn(kana, " *");
    igj_translit_put(out, kana, n < 4 ? n : 3);

    return 1;
}


int
igj_translit_hangul(uint32_t c, igj_translit_t *out)
{
    const char  *part;

    if (c < ASIA_HANGUL || c > ASIA_HANGUL_END) {
        return 0;
    }

    c -= ASIA_HANGUL;

    part = asia_initials[c / ASIA_FINALS / ASIA_VOWELS];
    igj_translit_put(out, part, strlen(part));

    part = asia_vowels[c / ASIA_FINALS % ASIA_VOWELS];
    igj_translit_put(out, part, strlen(part));

    part = asia_finals[c % ASIA_FINALS];
    igj_translit_put(out, part, strlen(part));

    return 1;
}
