/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Folding of letters, and words in Latin letters. */

#include "igj_fold.h"
#include "igj_translit.h"
#include "igj_utf8.h"
#include "tap.h"


typedef struct {
    const char  *from;
    const char  *to;             /* a separator is a blank */
} case_t;


static const case_t  folded[] = {
    { "Maria", "maria" }, { "MARIA", "maria" }, { "A1 b", "a1 b" },
    { "José", "jose" }, { "Jose\xCC\x81", "jose" }, { "Łukasz", "lukasz" },
    { "Søren", "soren" }, { "Ægir", "aegir" }, { "Weiß", "weiss" },
    { "Þóra", "thora" }, { "Đỗ", "do" }, { "Nguyễn", "nguyen" },
    { "İlkay", "ilkay" }, { "Işıl", "isil" }, { "Əli", "eli" },
    { "O'Neil", "oneil" }, { "O\xE2\x80\x99Neil", "oneil" },
    { "𝐌𝐚𝐫𝐢𝐚", "maria" }, { "𝑀𝒶𝓇𝒾𝒶", "maria" }, { "ℳ𝒶ℯ", "mae" },
    { "𝕸𝖆𝖗𝖎𝖆", "maria" }, { "𝙼𝚊𝚛𝚒𝚊", "maria" }, { "ℂℍℕℙℚℝℤ", "chnpqrz" },
    { "Ｍａｒｉａ", "maria" }, { "Ⓜⓐⓡⓘⓐ", "maria" }, { "⒨⒜⒭⒤⒜", "maria" },
    { "🄼🄰🅁🄸🄰", "maria" }, { "🅼🅰🆁🅸🅰", "maria" }, { "🅜🅐🅡🅘🅐", "maria" },
    { "ᴍᴀʀɪᴀ", "maria" }, { "ꜰᴇʀɴ", "fern" }, { "ᵐᵃʳⁱᵃ", "maria" },
    { "ᗰᗩᖇIᗩ", "maria" }, { "🇲", "m" }, { "𝟏𝟵", "19" }, { "²", "2" },
    { "a\xCC\xB6" "b", "ab" }, { "m⃣", "m" }, { "ﬁ", "fi" },
    { "ma\xE2\x80\x8Bria", "maria" }, { "ma\xC2\xADria", "maria" },
    { "ma\xE2\x80\x8Dria", "maria" }, { "\xEF\xBB\xBFx", "x" },
    { "Ольга", "ольга" }, { "Алёна", "алена" }, { "Сергій", "сергій" },
    { "Ελένη", "ελενη" }, { "ΝΊΚΟΣ", "νικοσ" }, { "Νίκος", "νικοσ" },
    { "علي", "علی" }, { "فاطمة", "فاطمه" }, { "أحمد", "احمد" },
    { "مُحَمَّد", "محمد" }, { "ســارة", "ساره" }, { "サクラ", "さくら" },
    { "さくら", "さくら" }, { "花子", "花子" }, { "민지", "민지" },
    { "प्रिया", "प्रिया" }, { "שָׂרָה", "שרה" },
    { "a-b|c·d", "a b c d" }, { "♥a★", " a " }, { "👩🏽", " " },
    { "", "" }, { "\xFF", " " }, { "a\xC3", "a " }, { "\xED\xA0\x80", " " },
    { "\xF4\x90\x80\x80", " " }, { "\xC0\xAF", "  " }, { "™", " " }
};


static const case_t  latin[] = {
    { "ольга", "olga" }, { "юлия", "yuliya" }, { "жанна", "zhanna" },
    { "олександр", "oleksandr" }, { "љиљана", "ljiljana" },
    { "δημητρα", "dimitra" }, { "ευα", "eva" }, { "λουκια", "loukia" },
    { "ευαγγελια", "evangelia" }, { "ნინო", "nino" }, { "գոհար", "gohar" },
    { "प्रिया", "priya" }, { "राहुल", "rahul" }, { "सुनीता", "sunita" },
    { "অঞ্জলি", "anjali" }, { "గణేష్", "ganesh" }, { "さくら", "sakura" },
    { "きょうこ", "kyouko" }, { "じゅん", "jun" }, { "しょう", "shou" },
    { "민지", "minji" }, { "한울", "hanul" }, { "花子", "" }, { "سارة", "" }
};


static void
fold_text(const char *text, char *out)
{
    int       i, n;
    size_t    at, len, size;
    uint32_t  c, letters[IGJ_FOLD_MAX];

    len = strlen(text);

    for (at = 0, size = 0; at < len; /* void */) {
        at += igj_fold_decode(text + at, len - at, &c);
        n = igj_fold(c, letters);

        if (n == IGJ_FOLD_SEPARATOR) {
            out[size++] = ' ';
        }

        for (i = 0; i < n; i++) {
            size += igj_utf8_put(out + size, letters[i]);
        }
    }

    out[size] = '\0';
}


/* ASCII does not go by the table of ranges. */
static void
test_ascii(void)
{
    int       good, n;
    uint32_t  c, out[IGJ_FOLD_MAX];

    for (good = 1, c = 0; c < 0x80; c++) {
        n = igj_fold(c, out);

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) {
            good &= n == 1 && out[0] == c;

        } else if (c >= 'A' && c <= 'Z') {
            good &= n == 1 && out[0] == c + 32;

        } else {
            good &= n == (c == '\'' || c == '`' ? 0 : IGJ_FOLD_SEPARATOR);
        }
    }

    ok(good, "of ASCII letters and digits stay, apostrophes vanish");
}


static void
test_all_code_points(void)
{
    int       n, i, good;
    uint32_t  c, out[IGJ_FOLD_MAX];

    for (good = 1, c = 0; c < 0x120000; c++) {
        n = igj_fold(c, out);

        if (n < IGJ_FOLD_SEPARATOR || n > IGJ_FOLD_MAX) {
            good = 0;
        }

        for (i = 0; i < n; i++) {
            good &= out[i] >= '0' && out[i] < 0xE0000
                    && (out[i] < 'A' || out[i] > 'Z');
        }

        good &= igj_fold_look_alike(c) == 0
                || (igj_fold_look_alike(c) >= 'a'
                    && igj_fold_look_alike(c) <= 'z');
    }

    ok(good, "every code point folds to letters or digits, to nothing, or "
       "separates");
}


int
main(void)
{
    char    text[256];
    size_t  i, n;

    for (i = 0; i < sizeof(folded) / sizeof(folded[0]); i++) {
        fold_text(folded[i].from, text);
        is_text(text, folded[i].to, "\"%s\" is folded", folded[i].to);
    }

    for (i = 0; i < sizeof(latin) / sizeof(latin[0]); i++) {
        n = igj_translit(latin[i].from, strlen(latin[i].from), text);
        text[n] = '\0';
        is_text(text, latin[i].to, "\"%s\" in Latin letters", latin[i].from);
    }

    memset(text, 0, sizeof(text));
    ok(igj_translit("щщщщщщщщщщщщщщщщщщщщщщ", 44, text) == IGJ_TRANSLIT_MAX
       && text[IGJ_TRANSLIT_MAX] == 0, "no more than there is room for");

    is(igj_fold_lower(0xC9), 0xE9, "É in small");
    is(igj_fold_lower(0xD7), 0xD7, "the sign between is no letter");
    is(igj_fold_lower(0x160), 0x161, "Š in small");
    is(igj_fold_lower(0x17D), 0x17E, "Ž in small");
    is(igj_fold_lower('z'), 'z', "z is small");

    is(igj_fold_look_alike(0x430), 'a', "Cyrillic a");
    is(igj_fold_look_alike(0x41D), 'h', "Cyrillic en looks like H");
    is(igj_fold_look_alike(0x3B7), 'n', "small eta like n");
    is(igj_fold_look_alike(0x397), 'h', "capital eta like H");
    is(igj_fold_look_alike('$'), 's', "a dollar like s");
    is(igj_fold_look_alike('a'), 0, "a is no look-alike");

    is(igj_fold_leet('4'), 'a', "4 is an a");
    is(igj_fold_leet('9'), 0, "9 is 9");
    is(igj_fold_leet('x'), 0, "x is no digit");

    test_ascii();
    test_all_code_points();

    return done_testing();
}
