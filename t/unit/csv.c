/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* CSV: fields as they are, in quotes, made safe. */

#include "igj_csv.h"
#include "tap.h"


static const char *
field(const char *text, int safe)
{
    static char  out[64];

    igj_json_t  csv;

    igj_json_init(&csv, out, sizeof(out) - 1);
    igj_csv_field(&csv, text, strlen(text), safe);
    out[csv.len] = '\0';

    return out;
}


static void
test_quotes(void)
{
    is_text(field("", 0), "", "nothing");
    is_text(field("Ana Mar\xc3\xad" "a", 0), "Ana Mar\xc3\xad" "a", "a text");
    is_text(field(" a ", 0), " a ", "with spaces");
    is_text(field("a,b", 0), "\"a,b\"", "a comma");
    is_text(field("a\nb", 0), "\"a\nb\"", "a line feed");
    is_text(field("a\rb", 0), "\"a\rb\"", "a carriage return");
    is_text(field("\"", 0), "\"\"\"\"", "a quote");
    is_text(field("\"a\" b \"\"", 0), "\"\"\"a\"\" b \"\"\"\"\"", "quotes");
}


static void
test_safe(void)
{
    is_text(field("=1+1", 0), "=1+1", "a formula");
    is_text(field("=1+1", 1), "'=1+1", "safe");
    is_text(field("+1", 1), "'+1", "plus");
    is_text(field("-1", 1), "'-1", "minus");
    is_text(field("@a", 1), "'@a", "at");
    is_text(field("\ta", 1), "'\ta", "tab");
    is_text(field("\ra", 1), "\"'\ra\"", "carriage return");
    is_text(field("=\"a\"", 1), "\"'=\"\"a\"\"\"", "with quotes");
    is_text(field("a=b", 1), "a=b", "no formula");
    is_text(field("", 1), "", "nothing");
}


static void
test_overflow(void)
{
    char        out[4];
    igj_json_t  csv;

    igj_json_init(&csv, out, sizeof(out));
    igj_csv_field(&csv, "a,\"b", 4, 0);
    ok(igj_json_overflow(&csv), "too long");
    ok(csv.len == 7, "its length is known");
}


int
main(void)
{
    test_quotes();
    test_safe();
    test_overflow();

    return done_testing();
}
