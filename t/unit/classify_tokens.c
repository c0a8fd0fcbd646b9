/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Names cut into words. */

#include <stdlib.h>

#include "igj_tokens.h"
#include "tap.h"


/*
 * Expected words, each after a sign for what stands before it:
 * ^ the first, blank, - & , / | and ( for one in brackets.
 */
typedef struct {
    const char  *text;
    const char  *words;
} case_t;


static const case_t  cases[] = {
    { "", "" }, { "...", "" }, { "✨🔥", "" }, { "123 45", "" },
    { "Maria", "^maria" }, { "  Maria  ", "^maria" },
    { "Maria Garcia", "^maria garcia" }, { "Maria.Garcia", "^maria garcia" },
    { "maria_garcia", "^maria garcia" }, { "Anne-Marie", "^anne-marie" },
    { "Anna & Tom", "^anna&tom" }, { "Anna + Tom", "^anna&tom" },
    { "Smith, John", "^smith,john" }, { "she/her", "^she/her" },
    { "Maria | NYC", "^maria|nyc" }, { "Maria • NYC", "^maria|nyc" },
    { "Maria – NYC", "^maria|nyc" }, { "Maria: NYC", "^maria|nyc" },
    { "Maria, | NYC", "^maria|nyc" }, { "田中・太郎", "^田中|太郎" },
    { "Alex (she/her)", "^alex(she(her" }, { "Bob \"Rob\" Lee",
      "^bob(rob lee" },
    { "【Maria】", "(maria" }, { "Maria)", "^maria" }, { "((Maria", "(maria" },
    { "M A R I A", "^maria" }, { "🇲 🇦 🇷 🇮 🇦", "^maria" },
    { "J K R", "^j k r" }, { "J. K. Smith", "^j k smith" },
    { "🇩🇪 Maria 🇩🇪", "^maria" }, { "Maria🇩🇪Garcia", "^maria garcia" },
    { "m4ria", "^maria" }, { "Maria98", "^maria" }, { "98maria", "^maria" },
    { "R0bert 2", "^robert" }, { "m2a", "^m a" }, { "Ke$ha", "^kesha" },
    { "$ara", "^sara" }, { "M@ria", "^maria" }, { "@maria", "^maria" },
    { "Je$$ica", "^jessica" }, { "100$", "" }, { "Anna's shop",
      "^anna shop" },
    { "Anna’s", "^anna" }, { "O'Sullivan", "^osullivan" },
    { "Mаria", "^maria" }, { "мαяια", "^maria" }, { "Мария", "^мария" },
    { "ма", "^ма" }, { "ANNA ΜΑΡΙΑ", "^anna μαρια" },
    { "a\xFF" "b", "^a b" }, { "ma\xE2\x80\x8Bria", "^maria" }
};


static void
show(const igj_tokens_t *tokens, char *out)
{
    static const char  before[] = " -&,/|^";

    unsigned            i;
    const igj_token_t  *token;

    for (i = 0; i < tokens->n; i++) {
        token = &tokens->token[i];
        *out++ = token->flags & IGJ_TOKEN_BRACKET ? '('
                                                  : before[token->before];
        memcpy(out, token->text, token->len);
        out += token->len;
    }

    *out = '\0';
}


/* Where a capital within a word stands, whatever its neighbours are. */
static void
test_camel(void)
{
    static const struct {
        const char  *text;
        int          camel;
    } words[] = {
        { "MariaGarcia", 5 }, { "mariaGarcia", 5 }, { "annaMariaLee", 4 },
        { "Maria", 0 }, { "MARIA", 0 }, { "MARIAanna", 0 }, { "MArIA", 3 },
        { "mariaÉva", 5 }, { "éVa", 1 }, { "josÉMaria", 3 }, { "m4Ria", 2 },
        { "ma\xE2\x80\x8BRia", 2 }, { "M$Ria", 2 }, { "мариЯна", 0 }
    };

    size_t        i;
    igj_tokens_t  tokens;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        igj_tokens_read(&tokens, words[i].text, strlen(words[i].text));
        is(tokens.n, 1, "%s is one word", words[i].text);
        is(tokens.token[0].camel, words[i].camel, "%s: its inner capital",
           words[i].text);
    }
}


static void
test_flags(void)
{
    igj_tokens_t  tokens;

    igj_tokens_read(&tokens, "ROSSI Mario", 11);
    ok(tokens.token[0].flags & IGJ_TOKEN_UPPER, "wholly in capitals");
    ok(!(tokens.token[1].flags & IGJ_TOKEN_UPPER), "only one capital");
    ok(tokens.token[1].flags & IGJ_TOKEN_CAPITAL, "begins with a capital");

    igj_tokens_read(&tokens, "René josé", 11);
    ok(tokens.token[0].flags & IGJ_TOKEN_ACCENT, "has an accent");
    ok(tokens.token[0].exact_len == 5
       && memcmp(tokens.token[0].exact, "rené", 5) == 0, "kept in small");
    ok(!(tokens.token[1].flags & IGJ_TOKEN_CAPITAL), "begins small");

    igj_tokens_read(&tokens, "MARIAÉ", 7);
    ok(tokens.token[0].flags & IGJ_TOKEN_UPPER, "capitals of two kinds");
    ok(tokens.token[0].exact_len == 7
       && memcmp(tokens.token[0].exact, "mariaé", 7) == 0,
       "all in small, the plain ones, too");

    igj_tokens_read(&tokens, "Ольга", 10);
    ok(tokens.token[0].flags & IGJ_TOKEN_FOREIGN, "not in Latin letters");
    is(tokens.token[0].letters, 5, "counted in letters");

    igj_tokens_read(&tokens, "👩 👸", 9);
    is(tokens.emoji, 1, "women's emoji");
    igj_tokens_read(&tokens, "👨 👩", 9);
    is(tokens.emoji, 0, "both");
    igj_tokens_read(&tokens, "🧔", 4);
    is(tokens.emoji, -1, "men's emoji");
}


static void
test_limits(void)
{
    char          text[4096];
    size_t        i;
    igj_tokens_t  tokens;

    memset(text, 'a', sizeof(text));
    igj_tokens_read(&tokens, text, IGJ_TOKEN_SIZE / 2);
    ok(!(tokens.token[0].flags & IGJ_TOKEN_CUT), "as long as words are kept");
    igj_tokens_read(&tokens, text, IGJ_TOKEN_SIZE / 2 + 1);
    ok(tokens.token[0].flags & IGJ_TOKEN_CUT, "one letter longer");
    is(tokens.token[0].letters, IGJ_TOKEN_SIZE / 2, "the others are kept");

    igj_tokens_read(&tokens, text, sizeof(text));
    is(tokens.n, 1, "one long word");
    ok(tokens.token[0].flags & IGJ_TOKEN_CUT, "is cut and says so");
    ok(tokens.token[0].len <= IGJ_TOKEN_SIZE, "to what fits");

    for (i = 0; i + 1 < sizeof(text); i += 2) {
        text[i] = ' ';
    }

    text[1] = 'b';
    igj_tokens_read(&tokens, text, sizeof(text));
    ok(tokens.n <= IGJ_TOKENS_MAX, "no more words than there is room for");

    memset(text, ' ', sizeof(text));
    (void) snprintf(text + IGJ_TOKENS_READ_MAX, 6, "maria");
    igj_tokens_read(&tokens, text, sizeof(text));
    is(tokens.n, 0, "nothing is read after the limit");

    igj_tokens_read(&tokens, "ma\0ria", 6);
    is(tokens.n, 2, "a zero byte separates");
}


/* Random bytes: for the sanitizers, and no word breaks its bounds. */
static void
test_noise(void)
{
    static const char  likely[] = "aZ9. -$@(\xF0\x9D\x90\x8C\xCC\x81";

    int           good;
    char          text[300];
    size_t        i, j, n;
    unsigned      seed;
    igj_tokens_t  tokens;

    for (good = 1, seed = 1, i = 0; i < 20000; i++) {
        n = i % sizeof(text);

        for (j = 0; j < n; j++) {
            seed = seed * 1103515245 + 12345;
            text[j] = i % 3 == 0 ? (char) (seed >> 16)
                                 : likely[(seed >> 16) % sizeof(likely)];
        }

        igj_tokens_read(&tokens, text, n);

        for (j = 0; j < tokens.n; j++) {
            good &= tokens.token[j].len <= IGJ_TOKEN_SIZE
                    && tokens.token[j].len > 0
                    && tokens.token[j].exact_len <= IGJ_TOKEN_SIZE;
        }
    }

    ok(good, "any bytes give words within bounds");
}


int
main(void)
{
    char          text[1024];
    size_t        i;
    igj_tokens_t  tokens;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igj_tokens_read(&tokens, cases[i].text, strlen(cases[i].text));
        show(&tokens, text);
        is_text(text, cases[i].words, "case %zu: %s", i, cases[i].words);
    }

    test_camel();
    test_flags();
    test_limits();
    test_noise();

    return done_testing();
}
