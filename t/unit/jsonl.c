/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The incremental line splitter: wherever the bytes are cut, the lines are the
 * same. */

#include "igj_jsonl.h"
#include "tap.h"

#include <string.h>


typedef struct {
    char   text[1024];
    int    refuse_at;
    int    n;
} seen_t;


static int
on_line(void *data, const char *line, size_t len)
{
    seen_t  *s = data;
    size_t   used;

    s->n++;

    if (s->n == s->refuse_at) {
        return -1;
    }

    used = strlen(s->text);
    snprintf(s->text + used, sizeof(s->text) - used, "[%.*s]", (int) len,
             line);

    return 0;
}


static void
cuts(void)
{
    static const char  stream[] =
        "{\"a\":1}\n\n  \t\n{\"b\":2}\r\n{\"long\":\"0123456789abcdef\"}\n{}\n";

    igj_jsonl_t  j;
    seen_t       s;
    char         buf[16];
    size_t       i, k, len;
    int          bad;

    bad = 0;
    len = sizeof(stream) - 1;

    for (i = 0; i <= len; i++) {
        for (k = i; k <= len; k++) {
            memset(&s, 0, sizeof(s));
            igj_jsonl_init(&j, buf, sizeof(buf), on_line, &s);

            if (igj_jsonl_feed(&j, stream, i) != 0
                || igj_jsonl_feed(&j, stream + i, k - i) != 0
                || igj_jsonl_feed(&j, stream + k, len - k) != 0
                || !igj_jsonl_ended(&j)
                || strcmp(s.text, "[{\"a\":1}][{\"b\":2}][{}]") != 0
                || j.lines != 4 || j.too_long != 1 || j.bytes != len)
            {
                bad++;
            }
        }
    }

    ok(bad == 0, "any two cuts: same lines, long one skipped and counted");
}


static void
ends(void)
{
    igj_jsonl_t  j;
    seen_t       s;
    char         buf[16];

    memset(&s, 0, sizeof(s));
    igj_jsonl_init(&j, buf, sizeof(buf), on_line, &s);
    ok(igj_jsonl_ended(&j), "nothing at all has ended");

    ok(igj_jsonl_feed(&j, "{\"a\":1}\n{\"b\"", 12) == 0, "fed");
    ok(!igj_jsonl_ended(&j) && j.lines == 1, "inside a line");
    ok(igj_jsonl_flush(&j) == 0 && j.lines == 2
       && strcmp(s.text, "[{\"a\":1}][{\"b\"]") == 0,
       "the unfinished line is handed out on demand");
    ok(igj_jsonl_ended(&j) && igj_jsonl_flush(&j) == 0 && j.lines == 2,
       "but once");

    ok(igj_jsonl_feed(&j, "0123456789abcdef", 16) == 0 && j.too_long == 0,
       "a line as long as the buffer");
    ok(igj_jsonl_feed(&j, "0", 1) == 0 && !igj_jsonl_ended(&j),
       "one byte more");
    ok(igj_jsonl_flush(&j) == 0 && j.too_long == 1 && j.lines == 3,
       "is too long even without an end");
}


static void
refusal(void)
{
    igj_jsonl_t  j;
    seen_t       s;
    char         buf[16];

    memset(&s, 0, sizeof(s));
    s.refuse_at = 2;
    igj_jsonl_init(&j, buf, sizeof(buf), on_line, &s);

    ok(igj_jsonl_feed(&j, "1\n2\n3\n", 6) == -1 && s.n == 2,
       "a refused line ends the stream");
}


int
main(void)
{
    cuts();
    ends();
    refusal();

    return done_testing();
}
