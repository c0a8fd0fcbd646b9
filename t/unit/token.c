/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Page tokens: made, read, refused. */

#include "igj_token.h"
#include "tap.h"


#define KEY    "0123456789abcdef0123456789abcdef"
#define SCOPE  "results\ndefault\njob"


static igj_str_t
view(const char *text)
{
    igj_str_t  str = { text, strlen(text) };

    return str;
}


static const char *
make(const char *key, const char *scope, const char *position)
{
    static char  out[IGJ_PAGE_TOKEN_MAX + 1];

    out[igj_token_make(view(key), view(scope), view(position), out)] = '\0';

    return out;
}


static const char *
position(const char *key, const char *scope, const char *token)
{
    static char  out[IGJ_PAGE_TOKEN_POSITION_MAX + 1];

    return (igj_token_position(view(key), view(scope), view(token), out)
            == IGJ_OK)
           ? out : "refused";
}


static void
test_make(void)
{
    /* what igjobs.token() makes of the same */
    is_text(make(KEY, SCOPE, "1000"), "nVbbXNXtmFxNbi0SqJsQizEwMDA",
            "as in SQL");
    is_text(make(KEY, SCOPE, "012345678901234567890123456789012"), "",
            "too long a position");
}


static void
test_read(void)
{
    char         token[IGJ_PAGE_TOKEN_MAX + 2];
    size_t       i, n, wrong;
    const char  *positions[] = { "0", "12", "123", "500000",
                                 "01234567890123456789012345678901" };

    for (i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
        strcpy(token, make(KEY, SCOPE, positions[i]));
        is_text(position(KEY, SCOPE, token), positions[i], "%s",
                positions[i]);
    }

    is_text(position("0", SCOPE, token), "refused", "another key");
    is_text(position(KEY, "results", token), "refused", "another scope");

    n = strlen(token);
    wrong = 0;

    for (i = 0; i < n; i++) {
        token[i] = (char) (token[i] == 'x' ? 'y' : 'x');
        wrong += strcmp(position(KEY, SCOPE, token), "refused") == 0;
        strcpy(token, make(KEY, SCOPE, positions[4]));
    }

    ok(wrong == n, "each character counts");
}


static void
test_refused(void)
{
    size_t       i;
    const char  *tokens[] = {
        "", "x", "====", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA==",
        "\xff\xff\xff\xff", " AAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    };

    for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        is_text(position(KEY, SCOPE, tokens[i]), "refused", "%s",
                tokens[i]);
    }
}


int
main(void)
{
    test_make();
    test_read();
    test_refused();

    return done_testing();
}
