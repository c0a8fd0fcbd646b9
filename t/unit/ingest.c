/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The body of POST /api/ingest: which lines are kept of good bodies, the answer
 * to bad ones, limits, memory, and that slices do not matter.
 */

#include "igj_ingest.h"
#include "tap.h"

#include <stdlib.h>


static igj_ingest_t  ingest;


/* Every allocation is counted; one of them may fail. */
typedef struct {
    size_t    held;
    unsigned  calls;
    unsigned  fail_at;
} counter_t;

static counter_t  counter;


static void *
counted_alloc(void *data, size_t size)
{
    counter_t  *c = data;

    if (++c->calls == c->fail_at) {
        return NULL;
    }

    c->held += size;

    return calloc(1, size);
}


static void
counted_free(void *data, void *ptr, size_t size)
{
    counter_t  *c = data;

    c->held -= size;
    free(ptr);
}


static const igj_mem_t  counted = { counted_alloc, counted_free, &counter };


static void
begin(void)
{
    memset(&counter, 0, sizeof(counter));
    igj_ingest_init(&ingest, &counted);
}


/* Each slice is a copy, so that nothing can be read behind it or later. */
static int
feed(const char *data, size_t len)
{
    int    rc;
    char  *copy;

    copy = malloc(len + 1);
    memcpy(copy, data, len);
    rc = igj_ingest_feed(&ingest, copy, len);
    free(copy);

    return rc;
}


static int
feed_text(const char *text)
{
    return feed(text, strlen(text));
}


static int
read_body(const char *body)
{
    begin();

    return (feed_text(body) == IGJ_OK) ? igj_ingest_finish(&ingest)
                                       : IGJ_ERROR;
}


/* All lines, read `step` bytes at a time; "|" for LF, "," for TAB. */
static const char *
lines(size_t step)
{
    static char  buf[4096];

    size_t             n, len, i;
    igj_spool_place_t  place = { NULL, 0 };

    for (len = 0; len + step < sizeof(buf); len += n) {
        n = igj_spool_read(&ingest.lines, &place, buf + len, step);

        if (n == 0) {
            break;
        }
    }

    for (i = 0; i < len; i++) {
        buf[i] = (buf[i] == '\t') ? ',' : (buf[i] == '\n') ? '|' : buf[i];
    }

    buf[len] = '\0';

    return buf;
}


static const char *
answer(void)
{
    static char  buf[8192];

    igj_json_t         json;
    igj_problem_doc_t  doc;

    igj_ingest_problem(&ingest, &doc);
    igj_json_init(&json, buf, sizeof(buf) - 1);
    igj_problem_write(&json, &doc);
    buf[json.len] = '\0';

    return buf;
}


typedef struct {
    const char  *body;
    const char  *lines;
    unsigned     given;
    unsigned     invalid;
    const char  *base_id;
} good_t;


static const good_t  good_bodies[] = {
    { "{\"profiles\":[]}", "", 0, 0, "" },
    { " {\"profiles\" : [ ] } ", "", 0, 0, "" },
    { "{\"profiles\":[{\"id\":\"1\",\"username\":\"a\"}]}", "1,a,|", 1, 0, "" },
    { "{\"profiles\":[{\"id\":\"1\",\"username\":\"a\",\"full_name\":\"A B\"},"
      "{\"full_name\":\"C\",\"username\":\"b\",\"id\":\"2\"}]}",
      "1,a,A B|2,b,C|", 2, 0, "" },

    /* any scalar is text; null is none */
    { "{\"profiles\":[{\"id\":12345678901234567890,\"username\":\"a\"},"
      "{\"id\":1.50,\"username\":7,\"full_name\":8},"
      "{\"id\":true,\"username\":false,\"full_name\":true},"
      "{\"id\":null,\"username\":\"a\"},{\"id\":\"1\",\"username\":null},"
      "{\"id\":\"2\",\"username\":\"b\",\"full_name\":null}]}",
      "12345678901234567890,a,|1.50,7,8|true,false,true|2,b,|", 6, 0, "" },

    /* what lacks a key is left out */
    { "{\"profiles\":[{\"id\":\"1\"},{\"username\":\"a\"},{},"
      "{\"ID\":\"1\",\"username\":\"a\"},{\"id\":\"\",\"username\":\"a\"},"
      "{\"id\":\"1\",\"username\":\"  \"},null,1,\"id\",true,"
      "[\"id\",{\"id\":\"1\",\"username\":\"a\"}]]}",
      "", 11, 0, "" },

    /* and what cannot be one, counted */
    { "{\"profiles\":[{\"id\":{},\"username\":\"a\"},"
      "{\"id\":[1],\"username\":\"a\"},"
      "{\"id\":\"1\",\"username\":\"a\\u0000b\"},"
      "{\"id\":\"1\",\"username\":\"a\\nb\"},"
      "{\"id\":\"\\t\",\"username\":\"a\"},"
      "{\"id\":\"\\ud800\",\"username\":\"a\"},"
      "{\"id\":{\"id\":\"1\"},\"username\":[\"a\"]}]}",
      "", 7, 7, "" },

    /* a name is made to fit */
    { "{\"profiles\":[{\"id\":\" 1 \",\"username\":\" a\","
      "\"full_name\":\"A\\u0000B\\tC\\nD\\u007f\"},"
      "{\"id\":\"2\",\"username\":\"b\",\"full_name\":{\"full_name\":\"x\"}},"
      "{\"id\":\"3\",\"username\":\"c\",\"full_name\":\"\\ud800\"}]}",
      "1,a,A B C D |2,b,|3,c,\xef\xbf\xbd|", 3, 0, "" },

    /* members that nobody asked for, at any depth */
    { "{\"x\":[{\"id\":\"9\",\"username\":\"z\"}],\"y\":{\"profiles\":"
      "[{\"id\":\"9\",\"username\":\"z\"}]},\"profiles\":[{\"id\":\"1\","
      "\"more\":{\"id\":\"9\",\"username\":[{\"username\":\"z\"}]},"
      "\"username\":\"a\",\"list\":[\"id\",\"8\"],\"deep\":"
      "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}]}",
      "1,a,|", 1, 0, "" },

    /* the last of two counts, as in the original */
    { "{\"profiles\":[{\"id\":\"1\",\"username\":\"a\",\"id\":\"2\"},"
      "{\"id\":\"1\",\"username\":\"a\",\"id\":null}]}", "2,a,|", 2, 0, "" },

    { "{\"base_id\":\"appX\",\"profiles\":[]}", "", 0, 0, "appX" },
    { "{\"profiles\":[],\"base_id\":null}", "", 0, 0, "" },
    { "{\"profiles\":[],\"base_id\":7}", "", 0, 0, "7" },
    { "{\"profiles\":[],\"base_id\":[\"appX\"]}", "", 0, 0, "[]" },
    { "{\"profiles\":[],\"base_id\":\"a\\u0000\xc3\xa4\"}", "", 0, 0, "a???" }
};


typedef struct {
    const char  *body;
    const char  *code;
    const char  *text;             /* somewhere in the answer */
} bad_t;


static const bad_t  bad_bodies[] = {
    { "{}", "IGJ1301", "Missing \\\"profiles\\\" field in request body" },
    { "[]", "IGJ1301", "Missing \\\"profiles\\\" field in request body" },
    { "null", "IGJ1301", "Missing \\\"profiles\\\" field in request body" },
    { "{\"Profiles\":[]}", "IGJ1301", "Missing" },
    { "7", "IGJ0104", "object" },
    { "\"profiles\"", "IGJ0104", "object" },
    { "{\"profiles\":null}", "IGJ1302", "\"Profiles must be a list\"" },
    { "{\"profiles\":{}}", "IGJ1302", "\"pointer\":\"#/profiles\"" },
    { "{\"profiles\":\"x\"}", "IGJ1302", "Profiles must be a list" },
    { "{\"profiles\":1}", "IGJ1302", "Profiles must be a list" },
    { "", "IGJ0102", "empty" },
    { "{\"profiles\":[{\"id\":1]}", "IGJ0101", "#/profiles/0/id" },
    { "{\"profiles\":[", "IGJ0101", "ends" },
    { "{\"profiles\":[],\"profiles\":[]}", "IGJ0106", "#/profiles" }
};


static void
test_bodies(void)
{
    size_t  i;

    for (i = 0; i < sizeof(good_bodies) / sizeof(good_t); i++) {
        const good_t  *g = &good_bodies[i];

        is(read_body(g->body), IGJ_OK, "good: %s", g->body);
        is_text(lines(1000), g->lines, "its lines");
        is(ingest.given, g->given, "elements");
        is(ingest.invalid, g->invalid, "of no use");
        is_text(ingest.base_id, g->base_id, "base_id");
        igj_ingest_free(&ingest);
        is(counter.held, 0, "all memory is given back");
    }

    for (i = 0; i < sizeof(bad_bodies) / sizeof(bad_t); i++) {
        const bad_t  *b = &bad_bodies[i];

        is(read_body(b->body), IGJ_ERROR, "bad: %s", b->body);
        ok(strstr(answer(), b->code) != NULL, "%s in %s", b->code, answer());
        ok(strstr(answer(), b->text) != NULL, "%s", b->text);
        igj_ingest_free(&ingest);
    }
}


/* Every body cut in two at every byte, and byte by byte. */
static void
test_slices(void)
{
    int     same;
    char    whole[8192];
    size_t  i, k, len;

    for (i = 0; i < sizeof(good_bodies) / sizeof(good_t); i++) {
        const good_t  *g = &good_bodies[i];

        len = strlen(g->body);
        same = 1;

        for (k = 0; k <= len; k++) {
            begin();
            same &= feed(g->body, k) == IGJ_OK
                    && feed(g->body + k, len - k) == IGJ_OK
                    && igj_ingest_finish(&ingest) == IGJ_OK
                    && strcmp(lines(1 + k % 7), g->lines) == 0
                    && strcmp(ingest.base_id, g->base_id) == 0
                    && ingest.invalid == g->invalid;
            igj_ingest_free(&ingest);
        }

        begin();

        for (k = 0; k < len; k++) {
            same &= feed(g->body + k, 1) == IGJ_OK;
        }

        same &= igj_ingest_finish(&ingest) == IGJ_OK
                && strcmp(lines(1000), g->lines) == 0;
        igj_ingest_free(&ingest);

        ok(same, "slices: %s", g->body);
    }

    for (i = 0; i < sizeof(bad_bodies) / sizeof(bad_t); i++) {
        const bad_t  *b = &bad_bodies[i];

        (void) read_body(b->body);
        (void) snprintf(whole, sizeof(whole), "%s", answer());
        igj_ingest_free(&ingest);

        len = strlen(b->body);
        same = 1;

        for (k = 0; k <= len; k++) {
            begin();
            same &= (feed(b->body, k) != IGJ_OK
                     || feed(b->body + k, len - k) != IGJ_OK
                     || igj_ingest_finish(&ingest) != IGJ_OK)
                    && strcmp(answer(), whole) == 0;
            igj_ingest_free(&ingest);
        }

        ok(same, "slices: %s", b->body);
    }
}


/* A value of n characters in a body of one profile. */
static const char *
lines_of(const char *member, const char *character, size_t n)
{
    int     rc;
    size_t  i;

    begin();
    rc = feed_text("{\"profiles\":[{\"id\":\"1\",\"username\":\"a\",\"");
    rc |= feed_text(member);
    rc |= feed_text("\":\"");

    for (i = 0; i < n; i++) {
        rc |= feed_text(character);
    }

    rc |= feed_text("\"}]}");
    rc |= igj_ingest_finish(&ingest);
    is(rc, IGJ_OK, "%zu of %s as %s", n, character, member);

    return lines(4000);
}


static void
test_lengths(void)
{
    const char  *text;

    ok(strlen(lines_of("id", "1", 128)) == 128 + 4, "the longest id");
    igj_ingest_free(&ingest);
    is_text(lines_of("id", "1", 129), "", "a longer one");
    is(ingest.invalid, 1, "is left out");
    igj_ingest_free(&ingest);

    ok(strlen(lines_of("username", "a", 128)) == 128 + 4,
       "the longest username");
    igj_ingest_free(&ingest);
    is_text(lines_of("username", "a", 100000), "", "a longer one");
    igj_ingest_free(&ingest);

    is(strlen(lines_of("full_name", "a", 512)), 512 + 5, "a full name");
    igj_ingest_free(&ingest);
    is(strlen(lines_of("full_name", "a", 513)), 512 + 5, "a longer one is cut");
    igj_ingest_free(&ingest);
    text = lines_of("full_name", "\xe2\x82\xac", 100000);
    is(strlen(text), 510 + 5, "between two characters");
    ok(strcmp(text + strlen(text) - 4, "\xe2\x82\xac|") == 0, "a whole one");
    igj_ingest_free(&ingest);

    is_text(lines_of("biography", "x", 1000000), "1,a,|", "another member");
    is(counter.held, IGJ_SPOOL_SEGMENT, "costs no memory");
    igj_ingest_free(&ingest);
}


static void
begin_many(unsigned n, int *rc)
{
    char      text[128];
    unsigned  i;

    begin();
    *rc = feed_text("{\"profiles\":[");

    for (i = 0; i < n && *rc == IGJ_OK; i++) {
        (void) snprintf(text, sizeof(text),
                        "%s{\"id\":%u,\"username\":\"user.%u\","
                        "\"full_name\":\"User Number %u\"}",
                        (i > 0) ? "," : "", i, i, i);
        *rc = feed_text(text);
    }
}


static void
test_many(void)
{
    int                rc;
    char               piece[70000];
    size_t             n, total, sizes;
    unsigned           i, found;
    igj_spool_place_t  place = { NULL, 0 };

    begin_many(1000, &rc);
    rc |= feed_text("]}");
    rc |= igj_ingest_finish(&ingest);
    is(rc, IGJ_OK, "1,000 profiles");
    is(igj_ingest_units(&ingest), 1, "are one unit");
    igj_ingest_free(&ingest);

    begin_many(1001, &rc);
    rc |= feed_text("]}");
    rc |= igj_ingest_finish(&ingest);
    is(rc, IGJ_OK, "one more");
    is(igj_ingest_units(&ingest), 2, "are two");
    igj_ingest_free(&ingest);

    begin_many(IGJ_MAX_PROFILES, &rc);
    rc |= feed_text("]}");
    rc |= igj_ingest_finish(&ingest);
    is(rc, IGJ_OK, "the most");
    is(igj_ingest_units(&ingest), 500, "units");
    is(ingest.kept, IGJ_MAX_PROFILES, "all kept");
    ok(counter.held < 24 * 1024 * 1024, "in %zu KiB", counter.held / 1024);

    for (total = 0, found = 0;
         (n = igj_spool_read(&ingest.lines, &place, piece, sizeof(piece)));
         total += n)
    {
        for (i = 0; i < n; i++) {
            found += piece[i] == '\n';
        }
    }

    for (i = 0, sizes = 0; i < 500; i++) {
        sizes += ingest.unit_size[i];
    }

    is(found, IGJ_MAX_PROFILES, "lines that are read");
    is(total, ingest.lines.size, "whole");
    is(sizes, total, "the units are all of it");
    igj_ingest_free(&ingest);
    is(counter.held, 0, "all memory is given back");

    begin_many(IGJ_MAX_PROFILES + 1, &rc);
    is(rc, IGJ_ERROR, "one too many");
    ok(strstr(answer(), "IGJ1303") != NULL, "is refused");
    igj_ingest_free(&ingest);
}


static void
test_no_memory(void)
{
    int       rc;
    unsigned  n;

    for (n = 1; n <= 3; n++) {
        begin();
        counter.fail_at = n;
        rc = feed_text("{\"profiles\":[");

        while (rc == IGJ_OK) {
            rc = feed_text("{\"id\":1,\"username\":\"some.user\"},");
        }

        ok(strstr(answer(), "IGJ0702") != NULL, "no memory at piece %u", n);
        igj_ingest_free(&ingest);
        is(counter.held, 0, "and none is lost");
    }
}


int
main(void)
{
    test_bodies();
    test_slices();
    test_lengths();
    test_many();
    test_no_memory();

    return done_testing();
}
