/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* UTF-8: every character, every faulty beginning, repair. */

#include "igj_utf8.h"
#include "tap.h"


/* Whether the text is one character, by the definition. */
static int
is_character(const unsigned char *t, size_t len)
{
    static const uint32_t  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    size_t    i;
    uint32_t  c;

    if (len == 1) {
        return t[0] < 0x80;
    }

    if (len < 2 || len > 4 || (t[0] >> (7 - len)) + 2 != 1 << (len + 1)) {
        return 0;
    }

    c = t[0] & (0x7Fu >> len);

    for (i = 1; i < len; i++) {
        if (t[i] >> 6 != 2) {
            return 0;
        }

        c = c << 6 | (t[i] & 0x3F);
    }

    return c >= least[len] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
}


static void
test_all_characters(void)
{
    char      text[4];
    uint32_t  c, bad_ones;
    unsigned  n, bad;

    bad_ones = 0;

    for (c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF) {
            continue;
        }

        n = igj_utf8_put(text, c);
        bad_ones += (igj_utf8_char(text, n, &bad) != n
                     || !is_character((unsigned char *) text, n)
                     || igj_utf8_valid(text, n) != n);
    }

    is(bad_ones, 0, "all characters are written and read");
}


static void
test_all_beginnings(void)
{
    static const unsigned char  third[] = { 0x00, 0x22, 0x7F, 0x80, 0x8F, 0x90,
                                            0x9F, 0xA0, 0xBF, 0xC0, 0xFF };

    char      text[4];
    size_t    i, k, len;
    uint32_t  two, wrong;
    unsigned  bad;

    wrong = 0;

    for (two = 0; two < 0x10000; two++) {
        text[0] = (char) (two >> 8);
        text[1] = (char) two;

        for (i = 0; i < sizeof(third); i++) {
            for (k = 0; k < sizeof(third); k++) {
                text[2] = (char) third[i];
                text[3] = (char) third[k];

                for (len = 1; len <= 4; len++) {
                    wrong += ((igj_utf8_char(text, len, &bad) == len)
                              != is_character((unsigned char *) text, len));
                }
            }
        }
    }

    is(wrong, 0, "nothing else is a character");
}


static void
test_plain(void)
{
    char      text[24];
    size_t    at, len, wrong;
    unsigned  c, special;

    wrong = 0;

    for (c = 0; c < 256; c++) {
        special = (c < 0x20 || c >= 0x80 || c == '"' || c == '\\');

        for (len = 1; len <= sizeof(text); len++) {
            for (at = 0; at < len; at++) {
                memset(text, 'x', sizeof(text));
                text[at] = (char) c;

                wrong += (igj_utf8_plain(text, len) != (special ? at : len));
            }
        }
    }

    is(wrong, 0, "plain text ends at each special byte, anywhere");
    is(igj_utf8_plain("a\x80\x1F\"xyzw", 8), 1, "the first of several counts");
}


static const char *
repaired(const char *text, size_t size)
{
    static char  out[64];

    size_t  need;

    memset(out, '.', sizeof(out));
    need = igj_utf8_repair(out, size, text, strlen(text));
    out[(need < size) ? need : size] = '\0';

    return out;
}


static void
test_repair(void)
{
    is_text(repaired("abc \xC3\xA9", 60), "abc \xC3\xA9", "valid text stays");
    is_text(repaired("a\xFF" "b", 60), "a\xEF\xBF\xBD" "b", "a faulty byte");
    is_text(repaired("a\xE2\x82", 60), "a\xEF\xBF\xBD",
            "a sequence cut short is one fault");
    is_text(repaired("\xED\xA0\x80", 60),
            "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
            "a surrogate is three, as its first byte cannot go on");
    is_text(repaired("\xF0\x9F\x98" "a", 60), "\xEF\xBF\xBD" "a",
            "the byte after it is read again");
    is_text(repaired("ab\xC3\xA9" "c", 3), "ab.",
            "no character is cut, nothing follows");
    is(igj_utf8_repair(NULL, 0, "\xFF\xFF", 2), 6, "the size is told");
    is(igj_utf8_valid("abcdefghi\xC3\xA9xyz\xC3(", 15), 14,
       "the valid prefix is told");
    is(igj_utf8_valid("", 0), 0, "an empty text is valid");
}


int
main(void)
{
    test_all_characters();
    test_all_beginnings();
    test_plain();
    test_repair();

    return done_testing();
}
