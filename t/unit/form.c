/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Query strings: decoding, numbers, switches, pages. */

#include "igj_form.h"
#include "tap.h"


static igj_str_t
view(const char *text)
{
    igj_str_t  str = { text, strlen(text) };

    return str;
}


static const char *
text_of(const char *query, const char *name)
{
    static char  out[16];

    igj_form_e  rc;

    rc = igj_form_text(view(query), name, out, sizeof(out), NULL);

    return (rc == IGJ_FORM_OK) ? out : igj_form_error_text(rc);
}


static void
test_text(void)
{
    is_text(text_of("a=1&b=2", "b"), "2", "found");
    is_text(text_of("a=1&b=2", "c"), "is missing", "not found");
    is_text(text_of("", "a"), "is missing", "in nothing");
    is_text(text_of("aa=1&a=2", "a"), "2", "the whole name counts");
    is_text(text_of("a=1&a=2", "a"), "1", "the first counts");
    is_text(text_of("a", "a"), "", "no value");
    is_text(text_of("b&a=&c", "a"), "", "an empty value");
    is_text(text_of("&&a=x", "a"), "x", "empty parameters");
    is_text(text_of("a=x=y", "a"), "x=y", "a second equals sign");
    is_text(text_of("a=%41%7a+%2B", "a"), "Az +", "decoded");
    is_text(text_of("a=%C3%A9", "a"), "\xC3\xA9", "bytes of UTF-8");
    is_text(text_of("a=%4", "a"), igj_form_error_text(IGJ_FORM_BAD_ESCAPE),
            "an escape cut short");
    is_text(text_of("a=%4&b=1", "a"),
            igj_form_error_text(IGJ_FORM_BAD_ESCAPE), "by another parameter");
    is_text(text_of("a=%zz", "a"), igj_form_error_text(IGJ_FORM_BAD_ESCAPE),
            "no hex digits");
    is_text(text_of("a=%00", "a"), igj_form_error_text(IGJ_FORM_BAD_ESCAPE),
            "a zero byte");
    is_text(text_of("a=123456789012345", "a"), "123456789012345", "fits");
    is_text(text_of("a=1234567890123456", "a"), "is too long", "does not");
}


static void
test_single(void)
{
    char    out[16];
    size_t  len;

    is(igj_form_single(view("a=1&b=2"), "a", out, sizeof(out), &len),
       IGJ_FORM_OK, "once");
    is_text(out, "1", "its value");
    is(igj_form_single(view("b=2&aa=1"), "a", out, sizeof(out), &len),
       IGJ_FORM_ABSENT, "not at all");
    is(igj_form_single(view("a=1&b=2&a=1"), "a", out, sizeof(out), &len),
       IGJ_FORM_TWICE, "twice");
    is(igj_form_single(view("a&a"), "a", out, sizeof(out), &len),
       IGJ_FORM_TWICE, "twice without a value");
    is(igj_form_single(view("a=%4&a=1"), "a", out, sizeof(out), &len),
       IGJ_FORM_TWICE, "twice, the first of them bad");
}


typedef struct {
    const char  *query;
    igj_form_e   error;
    int64_t      value;
} integer_t;

static const integer_t  integers[] = {
    { "n=0", IGJ_FORM_OK, 0 },
    { "n=42", IGJ_FORM_OK, 42 },
    { "n=007", IGJ_FORM_OK, 7 },
    { "n=%2B5", IGJ_FORM_OK, 5 },
    { "n=+5+", IGJ_FORM_OK, 5 },
    { "n=%205%0A", IGJ_FORM_OK, 5 },
    { "n=-5", IGJ_FORM_OK, -5 },
    { "n=1000", IGJ_FORM_OK, 1000 },
    { "n=1001", IGJ_FORM_RANGE, 0 },
    { "n=-11", IGJ_FORM_RANGE, 0 },
    { "n=99999999999999999999", IGJ_FORM_RANGE, 0 },
    { "n=-99999999999999999999", IGJ_FORM_RANGE, 0 },
    { "n=", IGJ_FORM_NOT_INTEGER, 0 },
    { "n", IGJ_FORM_NOT_INTEGER, 0 },
    { "n=1.5", IGJ_FORM_NOT_INTEGER, 0 },
    { "n=1e3", IGJ_FORM_NOT_INTEGER, 0 },
    { "n=abc", IGJ_FORM_NOT_INTEGER, 0 },
    { "n=0x10", IGJ_FORM_NOT_INTEGER, 0 },
    { "n=--1", IGJ_FORM_NOT_INTEGER, 0 },
    { "n=1%202", IGJ_FORM_NOT_INTEGER, 0 },
    { "n=%", IGJ_FORM_BAD_ESCAPE, 0 },
    { "m=1", IGJ_FORM_ABSENT, 0 }
};


static void
test_integer(void)
{
    size_t      i, good;
    int64_t     value;
    igj_form_e  rc;

    for (i = 0, good = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        value = 77;
        rc = igj_form_integer(view(integers[i].query), "n", -10, 1000, &value);

        if (rc == integers[i].error
            && value == (rc == IGJ_FORM_OK ? integers[i].value : 77))
        {
            good++;
            continue;
        }

        printf("# %s: %s, %lld\n", integers[i].query, igj_form_error_text(rc),
               (long long) value);
    }

    is(good, i, "integers");
}


static void
test_boolean(void)
{
    static const char *const  yes[] = { "p", "p=", "p=1", "p=true", "p=TRUE",
                                        "p=Yes", "p=on" };
    static const char *const  no[] = { "p=0", "p=false", "p=No", "p=off" };

    int     value;
    size_t  i, good;

    for (i = 0, good = 0; i < 7; i++) {
        value = 0;
        good += (igj_form_boolean(view(yes[i]), "p", &value) == IGJ_FORM_OK
                 && value == 1);
    }

    for (i = 0; i < 4; i++) {
        value = 1;
        good += (igj_form_boolean(view(no[i]), "p", &value) == IGJ_FORM_OK
                 && value == 0);
    }

    is(good, 11, "switches");
    is(igj_form_boolean(view("p=2"), "p", &value), IGJ_FORM_NOT_BOOLEAN,
       "nothing else");
    is(igj_form_boolean(view("q"), "p", &value), IGJ_FORM_ABSENT, "absent");
}


typedef struct {
    const char  *query;
    int64_t      page;
    int64_t      limit;
    const char  *bad;
} page_t;

static const page_t  pages[] = {
    { "", 1, 1000, NULL },
    { "page=3&limit=50", 3, 50, NULL },
    { "limit=5000", 1, 5000, NULL },
    { "limit=5001", 1, 5000, NULL },
    { "limit=99999999999999999999999", 1, 5000, NULL },
    { "limit=0", 1, 0, NULL },
    { "page=1000000000", 1000000000, 1000, NULL },
    { "page=1000000001", 0, 0, "page" },
    { "page=0", 0, 0, "page" },
    { "page=-1", 0, 0, "page" },
    { "page=x", 0, 0, "page" },
    { "page=&limit=1", 0, 0, "page" },
    { "limit=-1", 0, 0, "limit" },
    { "limit=ten", 0, 0, "limit" },
    { "limit=1.0", 0, 0, "limit" },
    { "page=1&limit=%2", 0, 0, "limit" }
};


static void
test_page(void)
{
    size_t           i, good;
    igj_form_e       rc;
    const char      *bad;
    igj_form_page_t  page;

    for (i = 0, good = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        rc = igj_form_page(view(pages[i].query), &page, &bad);

        if (pages[i].bad != NULL
            ? (rc != IGJ_FORM_OK && strcmp(bad, pages[i].bad) == 0)
            : (rc == IGJ_FORM_OK && bad == NULL && page.page == pages[i].page
               && page.limit == pages[i].limit))
        {
            good++;
            continue;
        }

        printf("# %s: %s\n", pages[i].query, igj_form_error_text(rc));
    }

    is(good, i, "pages");
}


int
main(void)
{
    test_text();
    test_single();
    test_integer();
    test_boolean();
    test_page();

    return done_testing();
}
