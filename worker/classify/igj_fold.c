/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Folding of single code points.  The large table is made, see the tool. */

#include "igj_fold.h"


#define FOLD_STEP     0x8000u              /* in count: values ascend */
#define FOLD_COUNT    0x7FFFu
#define FOLD_LETTERS  0x8000u              /* in value: up to 3 of a to z */
#define FOLD_DROP     0u
#define FOLD_SELF     1u


typedef struct {
    uint32_t  first;
    uint16_t  count;
    uint16_t  value;
} igj_fold_range_t;


#include "igj_fold_table.h"

#define FOLD_RANGES  (sizeof(igj_fold_ranges) / sizeof(igj_fold_ranges[0]))


/* What Greek and Cyrillic letters are drawn like, a blank: like none. */
static const char  fold_greek_large[] = "abraezhoikamneonp ety x o";
static const char  fold_greek_small[] = "abydeznoikauv onpsotu x w";
static const char  fold_cyrillic[] = "abbrae  nnk mhonpcty xu wwb be r";

#define fold_like(letters, c, first)                                          \
    ((c) - (first) < sizeof(letters) - 1 ? letters[(c) - (first)] : 0)


unsigned
igj_fold_decode(const char *text, size_t len, uint32_t *c)
{
    unsigned              i, n;
    uint32_t              value;
    const unsigned char  *p;

    p = (const unsigned char *) text;

    if (p[0] < 0x80) {
        *c = p[0];
        return 1;
    }

    n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    *c = 0xFFFD;

    if (p[0] < 0xC2 || p[0] > 0xF4 || n > len) {
        return 1;
    }

    value = p[0] & (0x7Fu >> n);

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 1;
        }

        value = value << 6 | (p[i] & 0x3Fu);
    }

    /* neither overlong nor a surrogate: those are separators, too */
    if (value >= (n == 2 ? 0x80u : n == 3 ? 0x800u : 0x10000u)
        && (value < 0xD800 || value > 0xDFFF) && value <= 0x10FFFF)
    {
        *c = value;
    }

    return n;
}


static const igj_fold_range_t *
fold_range(uint32_t c)
{
    size_t  low, high, middle;

    low = 0;
    high = FOLD_RANGES;

    while (low < high) {
        middle = (low + high) / 2;

        if (igj_fold_ranges[middle].first <= c) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    if (low == 0) {
        return NULL;
    }

    low--;

    return c - igj_fold_ranges[low].first
               < (igj_fold_ranges[low].count & FOLD_COUNT)
           ? &igj_fold_ranges[low] : NULL;
}


int
igj_fold(uint32_t c, uint32_t out[IGJ_FOLD_MAX])
{
    int                      n;
    uint32_t                 value;
    const igj_fold_range_t  *range;

    if (c - 'a' < 26 || c - 'A' < 26) {
        out[0] = c | 0x20;
        return 1;
    }

    if (c < 0x80) {
        out[0] = c;
        return c - '0' < 10 ? 1 : c == '\'' || c == '`' ? 0
               : IGJ_FOLD_SEPARATOR;
    }

    range = fold_range(c);

    if (range == NULL) {
        return (c >= 0xE0000 && c <= 0xE0FFF) ? 0
               : c >= 0x20000 && c < 0xE0000 ? (out[0] = c, 1)
               : IGJ_FOLD_SEPARATOR;
    }

    value = range->value;

    if (range->count & FOLD_STEP) {
        value += c - range->first;
    }

    if (value == FOLD_DROP) {
        return 0;
    }

    if (!(value & FOLD_LETTERS)) {
        out[0] = value == FOLD_SELF ? c : value;
        return 1;
    }

    for (n = 0, value &= 0x7FFF; value != 0; n++, value >>= 5) {
        out[n] = 'a' - 1 + (value & 31);
    }

    return n;
}


uint32_t
igj_fold_lower(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7)) {
        return c + 32;
    }

    if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177)
        || (c >= 0x1E00 && c <= 0x1EFF))
    {
        return c | 1;
    }

    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) {
        return c + (c & 1);
    }

    return c;
}


/* Letters and symbols apart from the alphabets. */
static char
fold_like_others(uint32_t c)
{
    switch (c) {
    case 0x405: case 0x455: case '$':                            return 's';
    case 0x406: case 0x456: case 0x407: case 0x457: case 0x4C0:  return 'i';
    case 0x408: case 0x458:                                      return 'j';
    case 0x404: case 0x454: case 0x401: case 0x451: case 0x20AC: return 'e';
    case 0x500: case 0x501: case 0x2202:                         return 'd';
    case 0x51A: case 0x51B:                                      return 'q';
    case 0x51C: case 0x51D: case 0x460: case 0x461:              return 'w';
    case 0x4AE: case 0x4AF: case 0x40E: case 0x45E:              return 'y';
    case 0x4BA: case 0x4BB: case 0x402: case 0x452: case 0x45B:  return 'h';
    case 0x5E0:                                                  return 'n';
    case '@':                                                    return 'a';
    case 0xA2:                                                   return 'c';
    case 0xA3:                                                   return 'l';
    default:                                                     return 0;
    }
}


uint32_t
igj_fold_look_alike(uint32_t c)
{
    char  like;

    like = fold_like(fold_greek_large, c, 0x391);

    if (like == 0) {
        like = fold_like(fold_greek_small, c, 0x3B1);
    }

    if (like == 0) {
        like = fold_like(fold_cyrillic, c, 0x410);
    }

    if (like == 0) {
        like = fold_like(fold_cyrillic, c, 0x430);
    }

    if (like == 0) {
        like = fold_like_others(c);
    }

    return like == ' ' ? 0 : (uint32_t) like;
}


uint32_t
igj_fold_leet(uint32_t digit)
{
    static const char  letters[] = "oi.eas.t..";

    if (digit < '0' || digit > '9' || letters[digit - '0'] == '.') {
        return 0;
    }

    return (uint32_t) letters[digit - '0'];
}
