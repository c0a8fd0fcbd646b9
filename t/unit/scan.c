/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The JSON scanner: events, errors, limits, and that none of them depends on
 * where the slices are cut.  Each slice is a copy of its own, so that a
 * sanitizer sees a step beside it.
 */

#include "igj_scan.h"
#include "tap.h"

#include <cjson/cJSON.h>
#include <stdlib.h>


#define LOG_MAX    65536
#define TEXT_SIZE  160              /* IGJ_JSON_MAX_NUMBER and a little more */


typedef struct {
    igj_scan_t        scan;
    char              text[TEXT_SIZE];
    unsigned          flags;        /* of all events */
    unsigned          stop_after;   /* events, 0: never */
    unsigned          events;
    igj_scan_error_e  error;
    size_t            len;
    char              log[LOG_MAX];
} reader_t;


static const char *const  type_names[] = {
    "{", "}", "[", "]", "key", "string", "number", "true", "false", "null"
};


/* One line an event: pointer, type, flags, whole length, text. */
static int
on_event(void *data, const igj_scan_t *scan, const igj_scan_event_t *event)
{
    char       pointer[200];
    reader_t  *r = data;

    (void) igj_scan_pointer(scan, pointer, sizeof(pointer));

    r->flags |= event->flags;

    if (event->text.len > event->total || r->len > LOG_MAX - 600) {
        abort();
    }

    r->len += (size_t) snprintf(r->log + r->len, LOG_MAX - r->len,
                                "%s %s", pointer, type_names[event->type]);

    if (event->type == IGJ_SCAN_KEY || event->type == IGJ_SCAN_STRING
        || event->type == IGJ_SCAN_NUMBER)
    {
        r->len += (size_t) snprintf(r->log + r->len, LOG_MAX - r->len,
                                    " %u %zu ", event->flags, event->total);
        memcpy(r->log + r->len, event->text.data, event->text.len);
        r->len += event->text.len;
    }

    r->log[r->len++] = '\n';
    r->log[r->len] = '\0';

    return (++r->events == r->stop_after) ? IGJ_ERROR : IGJ_OK;
}


static void
reader_init(reader_t *r, unsigned depth)
{
    r->flags = 0;
    r->events = 0;
    r->stop_after = 0;
    r->len = 0;
    r->log[0] = '\0';

    igj_scan_init(&r->scan, r->text, sizeof(r->text), depth, on_event, r);
}


static void
reader_feed(reader_t *r, const char *text, size_t len)
{
    char  *copy;

    copy = malloc(len + 1);
    memcpy(copy, text, len);
    r->error = igj_scan_feed(&r->scan, copy, len);
    free(copy);
}


/* Reads in slices that end at a, b and the end. */
static void
read_cut(reader_t *r, const char *text, size_t len, size_t a, size_t b)
{
    reader_init(r, IGJ_JSON_MAX_DEPTH);
    reader_feed(r, text, a);
    reader_feed(r, text + a, b - a);
    reader_feed(r, text + b, len - b);
    r->error = igj_scan_finish(&r->scan);
}


static void
read_bytes(reader_t *r, const char *text, size_t len)
{
    size_t  i;

    reader_init(r, IGJ_JSON_MAX_DEPTH);

    for (i = 0; i < len; i++) {
        reader_feed(r, text + i, 1);
    }

    r->error = igj_scan_finish(&r->scan);
}


static void
read_whole(reader_t *r, const char *text, size_t len)
{
    read_cut(r, text, len, len, len);
}


static int
same(const reader_t *a, const reader_t *b)
{
    return a->error == b->error && a->scan.offset == b->scan.offset
           && a->len == b->len && memcmp(a->log, b->log, a->len) == 0;
}


static reader_t  whole, cut;


static const char *const  valid[] = {
    "{}", "[]", " [ ] ", "{ }", "null", "true", "false", "0", "-0", "12",
    "\"\"", "\"a\"", " \t\r\n1 \n", "1e5", "1E+05", "-1.5e-10", "0.5", "0e0",
    "[1,2,3]", "[[],[[]],{}]", "[0,-0,1.0,1e1,-1E-1]", "[null,true,false]",
    "{\"a\":1}", "{\"a\":1,\"b\":[1,{\"a\":2,\"a\":3}]}", "{\"\":\"\"}",
    "{\"a\\u0062\":1,\"a\":2}", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
    "[\"\\u00e9\\u20AC\\uD83D\\uDE00\"]", "[\"\\ud800\"]", "[\"\\udc00x\"]",
    "[\"\\ud800\\ud800\\udc00\"]", "[\"\\ud800\\n\",\"\\uD800\\u0041\"]",
    "[\"\\u0000\",\"a\\u0000b\"]", "[\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"]",
    "[\"\x7F\"]", "[\"\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\"]",
    "[[[[[[[[]]]]]]]]", "[123456789012345678901234567890]",
    "{\"accounts\":[\"some.name\",\"other_name\"],\"count\":150,\"g\":\"any\"}",
    "[\"abcdefgh\",\"abcdefghijklmnop\",\"abcdefg\\\"hijklmnopqrstuvwx\"]",
    "[-0.000000000000000000000000000000000000000000000000000000000000000001]",
    "{\"a/b~c\":[{\"d e\xC3\xA9\":[0,{\"x\":null}]}]}"
};


typedef struct {
    const char        *text;
    igj_scan_error_e   error;
    unsigned           offset;
} faulty_t;

static const faulty_t  faulty[] = {
    { "", IGJ_SCAN_EMPTY, 0 },
    { "  ", IGJ_SCAN_EMPTY, 2 },
    { "\xEF\xBB\xBF{}", IGJ_SCAN_BYTE_ORDER_MARK, 0 },
    { "{", IGJ_SCAN_UNFINISHED, 1 },
    { "[1", IGJ_SCAN_UNFINISHED, 2 },
    { "\"abc", IGJ_SCAN_UNFINISHED, 4 },
    { "[\"a\\", IGJ_SCAN_UNFINISHED, 4 },
    { "\"\\ud83d\\u", IGJ_SCAN_UNFINISHED, 9 },
    { "-", IGJ_SCAN_UNFINISHED, 1 },
    { "1.", IGJ_SCAN_UNFINISHED, 2 },
    { "1e+", IGJ_SCAN_UNFINISHED, 3 },
    { "tru", IGJ_SCAN_UNFINISHED, 3 },
    { "[1,]", IGJ_SCAN_WANT_VALUE, 3 },
    { "[,1]", IGJ_SCAN_WANT_VALUE_OR_END, 1 },
    { "[1,,2]", IGJ_SCAN_WANT_VALUE, 3 },
    { "[1 2]", IGJ_SCAN_WANT_COMMA_OR_BRACKET, 3 },
    { "[1}", IGJ_SCAN_WANT_COMMA_OR_BRACKET, 2 },
    { "[\"a\" \"b\"]", IGJ_SCAN_WANT_COMMA_OR_BRACKET, 5 },
    { "{\"a\":1,}", IGJ_SCAN_WANT_KEY, 7 },
    { "{,}", IGJ_SCAN_WANT_KEY_OR_END, 1 },
    { "{a:1}", IGJ_SCAN_WANT_KEY_OR_END, 1 },
    { "{'a':1}", IGJ_SCAN_WANT_KEY_OR_END, 1 },
    { "{1:1}", IGJ_SCAN_WANT_KEY_OR_END, 1 },
    { "{\"a\" 1}", IGJ_SCAN_WANT_COLON, 5 },
    { "{\"a\"}", IGJ_SCAN_WANT_COLON, 4 },
    { "{\"a\":}", IGJ_SCAN_WANT_VALUE, 5 },
    { "{\"a\":1 \"b\":2}", IGJ_SCAN_WANT_COMMA_OR_BRACE, 7 },
    { "{\"a\":1]", IGJ_SCAN_WANT_COMMA_OR_BRACE, 6 },
    { "]", IGJ_SCAN_WANT_VALUE, 0 },
    { "}", IGJ_SCAN_WANT_VALUE, 0 },
    { "[}", IGJ_SCAN_WANT_VALUE_OR_END, 1 },
    { "{]", IGJ_SCAN_WANT_KEY_OR_END, 1 },
    { "1 2", IGJ_SCAN_TRAILING, 2 },
    { "{} x", IGJ_SCAN_TRAILING, 3 },
    { "[]]", IGJ_SCAN_TRAILING, 2 },
    { "{},", IGJ_SCAN_TRAILING, 2 },
    { "[] //", IGJ_SCAN_TRAILING, 3 },
    { "truE", IGJ_SCAN_BAD_LITERAL, 3 },
    { "[nul]", IGJ_SCAN_BAD_LITERAL, 4 },
    { "[nan]", IGJ_SCAN_BAD_LITERAL, 2 },
    { "[NaN]", IGJ_SCAN_WANT_VALUE_OR_END, 1 },
    { "[Infinity]", IGJ_SCAN_WANT_VALUE_OR_END, 1 },
    { "[True]", IGJ_SCAN_WANT_VALUE_OR_END, 1 },
    { "[truefalse]", IGJ_SCAN_WANT_COMMA_OR_BRACKET, 5 },
    { "[01]", IGJ_SCAN_BAD_NUMBER, 2 },
    { "[-01]", IGJ_SCAN_BAD_NUMBER, 3 },
    { "[+1]", IGJ_SCAN_WANT_VALUE_OR_END, 1 },
    { "[.5]", IGJ_SCAN_WANT_VALUE_OR_END, 1 },
    { "[1.]", IGJ_SCAN_BAD_NUMBER, 3 },
    { "[1.e1]", IGJ_SCAN_BAD_NUMBER, 3 },
    { "[1e]", IGJ_SCAN_BAD_NUMBER, 3 },
    { "[1e+]", IGJ_SCAN_BAD_NUMBER, 4 },
    { "[1.2.3]", IGJ_SCAN_BAD_NUMBER, 4 },
    { "[1e1.5]", IGJ_SCAN_BAD_NUMBER, 4 },
    { "[--1]", IGJ_SCAN_BAD_NUMBER, 2 },
    { "[-]", IGJ_SCAN_BAD_NUMBER, 2 },
    { "[1-2]", IGJ_SCAN_BAD_NUMBER, 2 },
    { "[0x10]", IGJ_SCAN_WANT_COMMA_OR_BRACKET, 2 },
    { "[1_000]", IGJ_SCAN_WANT_COMMA_OR_BRACKET, 2 },
    { "[\"a\nb\"]", IGJ_SCAN_CONTROL, 3 },
    { "[\"\t\"]", IGJ_SCAN_CONTROL, 2 },
    { "[\"abcdefgh\x1F\"]", IGJ_SCAN_CONTROL, 10 },
    { "[\"\\x41\"]", IGJ_SCAN_BAD_ESCAPE, 3 },
    { "[\"\\'\"]", IGJ_SCAN_BAD_ESCAPE, 3 },
    { "[\"\\ud800\\x\"]", IGJ_SCAN_BAD_ESCAPE, 9 },
    { "[\"\\u12G4\"]", IGJ_SCAN_BAD_HEX, 6 },
    { "[\"\\u12\"]", IGJ_SCAN_BAD_HEX, 6 },
    { "[\"\x80\"]", IGJ_SCAN_BAD_UTF8, 2 },
    { "[\"\xC0\xAF\"]", IGJ_SCAN_BAD_UTF8, 2 },
    { "[\"\xC3\"]", IGJ_SCAN_BAD_UTF8, 3 },
    { "[\"\xE0\x80\x80\"]", IGJ_SCAN_BAD_UTF8, 3 },
    { "[\"\xED\xA0\x80\"]", IGJ_SCAN_BAD_UTF8, 3 },
    { "[\"\xE2\x82\\u0041\"]", IGJ_SCAN_BAD_UTF8, 4 },
    { "[\"\xF0\x8F\xBF\xBF\"]", IGJ_SCAN_BAD_UTF8, 3 },
    { "[\"\xF4\x90\x80\x80\"]", IGJ_SCAN_BAD_UTF8, 3 },
    { "[\"\xF5\"]", IGJ_SCAN_BAD_UTF8, 2 },
    { "[\"\xFF\"]", IGJ_SCAN_BAD_UTF8, 2 },
    { "[\xC3\xA9]", IGJ_SCAN_WANT_VALUE_OR_END, 1 },
    { "[1\xC2\xA0]", IGJ_SCAN_WANT_COMMA_OR_BRACKET, 2 },
    { "[\f1]", IGJ_SCAN_WANT_VALUE_OR_END, 1 },
    { "[[[[[[[[[", IGJ_SCAN_TOO_DEEP, 8 },
    { "{\"a\":[[[[[[[{}]]]]]]]}", IGJ_SCAN_TOO_DEEP, 12 },
    { "{\"a\":1,\"a\":2}", IGJ_SCAN_DUPLICATE, 10 },
    { "{\"a\":1,\"b\":2,\"\\u0061\":2}", IGJ_SCAN_DUPLICATE, 21 }
};

#define NELTS(array)  (sizeof(array) / sizeof(array[0]))


static void
test_valid(void)
{
    size_t  i, good;

    for (i = 0, good = 0; i < NELTS(valid); i++) {
        read_whole(&whole, valid[i], strlen(valid[i]));
        good += (whole.error == IGJ_SCAN_OK
                 && whole.scan.offset == strlen(valid[i]));

        if (whole.error != IGJ_SCAN_OK) {
            printf("# %s: %s\n", valid[i], igj_scan_error_text(whole.error));
        }
    }

    is(good, NELTS(valid), "valid documents are accepted");
}


static void
test_faulty(void)
{
    size_t  i, good;

    for (i = 0, good = 0; i < NELTS(faulty); i++) {
        read_whole(&whole, faulty[i].text, strlen(faulty[i].text));

        if (whole.error == faulty[i].error
            && whole.scan.offset == faulty[i].offset)
        {
            good++;
            continue;
        }

        printf("# %s: %s at %u\n", faulty[i].text,
               igj_scan_error_text(whole.error), (unsigned) whole.scan.offset);
    }

    is(good, NELTS(faulty), "faulty documents are refused at the right place");

    read_whole(&whole, "[\0]", 3);
    ok(whole.error == IGJ_SCAN_WANT_VALUE_OR_END, "a zero byte is no value");

    read_whole(&whole, "[\"\0\"]", 5);
    ok(whole.error == IGJ_SCAN_CONTROL, "nor may it stand in a string");
}


/* Every way to cut a document in two, in three and in single bytes. */
static int
cuts_agree(const char *text)
{
    size_t  len, a, b;

    len = strlen(text);
    read_whole(&whole, text, len);
    read_bytes(&cut, text, len);

    if (!same(&whole, &cut)) {
        printf("# byte by byte: %s\n", text);
        return 0;
    }

    for (a = 0; a <= len; a++) {
        for (b = a; b <= len; b += (len > 64) ? len : 1) {
            read_cut(&cut, text, len, a, b);

            if (!same(&whole, &cut)) {
                printf("# cut at %zu and %zu: %s\n%s---\n%s", a, b, text,
                       whole.log, cut.log);
                return 0;
            }
        }
    }

    return 1;
}


static void
test_cuts(void)
{
    size_t  i, good;

    for (i = 0, good = 0; i < NELTS(valid); i++) {
        good += (size_t) cuts_agree(valid[i]);
    }

    is(good, NELTS(valid), "valid documents: any cut, the same events");

    for (i = 0, good = 0; i < NELTS(faulty); i++) {
        good += (size_t) cuts_agree(faulty[i].text);
    }

    is(good, NELTS(faulty), "faulty documents: any cut, the same error");
}


static const char *
events(const char *text)
{
    read_whole(&whole, text, strlen(text));

    return whole.log;
}


static void
test_events(void)
{
    is_text(events("{\"a\":[1,\"b\",{}],\"c\":true}"),
            "# {\n"
            "#/a key 0 1 a\n"
            "#/a [\n"
            "#/a/0 number 0 1 1\n"
            "#/a/1 string 0 1 b\n"
            "#/a/2 {\n"
            "#/a/2 }\n"
            "#/a ]\n"
            "#/c key 0 1 c\n"
            "#/c true\n"
            "# }\n", "events and paths");

    is_text(events("[-1.5e3,10,0.0,false,null]"),
            "# [\n"
            "#/0 number 8 6 -1.5e3\n"
            "#/1 number 0 2 10\n"
            "#/2 number 8 3 0.0\n"
            "#/3 false\n"
            "#/4 null\n"
            "# ]\n", "whole numbers and others");
}


static void
test_texts(void)
{
    is_text(events("\"\\u00e9\\u20ac\\ud83d\\ude00\\\"\\\\\\/\""),
            "# string 0 12 \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"\\/\n",
            "escapes become UTF-8");

    is_text(events("\"\\ud800x\\udc00\\ud800\""),
            "# string 4 10 \xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD\n",
            "half surrogate pairs are flagged and replaced");

    is_text(events("\"\\ud800\\ud83d\\ude00\""),
            "# string 4 7 \xEF\xBF\xBD\xF0\x9F\x98\x80\n",
            "a pair after a lone half is a pair");

    (void) events("\"a\\u0000b\"");
    is(whole.flags, IGJ_SCAN_NUL, "a NUL is flagged");
    ok(memcmp(whole.log, "# string 2 3 a\0b\n", 17) == 0, "and kept");

    is_text(events("{\"a/b~c\":{\"d e\xC3\xA9\":1}}"),
            "# {\n"
            "#/a~1b~0c key 0 5 a/b~c\n"
            "#/a~1b~0c {\n"
            "#/a~1b~0c/d%20e%C3%A9 key 0 5 d e\xC3\xA9\n"
            "#/a~1b~0c/d%20e%C3%A9 number 0 1 1\n"
            "#/a~1b~0c }\n"
            "# }\n", "pointers are escaped");
}


/* A document with `n` times `unit` between `head` and `tail`. */
static char *
repeat(const char *head, const char *unit, size_t n, const char *tail)
{
    char    *text, *p;
    size_t   i;

    text = malloc(strlen(head) + n * strlen(unit) + strlen(tail) + 1);
    p = stpcpy(text, head);

    for (i = 0; i < n; i++) {
        p = stpcpy(p, unit);
    }

    (void) stpcpy(p, tail);

    return text;
}


static void
check_repeat(const char *head, const char *unit, size_t n, const char *tail,
    igj_scan_error_e wanted, const char *what)
{
    char  *text;

    text = repeat(head, unit, n, tail);
    read_whole(&whole, text, strlen(text));
    is(whole.error, wanted, "%s", what);
    ok(cuts_agree(text), "%s: any cut", what);
    free(text);
}


static void
check_members(unsigned n, igj_scan_error_e wanted)
{
    char      text[2048];
    size_t    len;
    unsigned  i;

    len = (size_t) snprintf(text, sizeof(text), "{");

    for (i = 0; i < n; i++) {
        len += (size_t) snprintf(text + len, sizeof(text) - len,
                                 "%s\"m%u\":%u", i ? "," : "", i, i);
    }

    len += (size_t) snprintf(text + len, sizeof(text) - len, "}");

    read_whole(&whole, text, len);
    is(whole.error, wanted, "%u members", n);
}


static void
test_limits(void)
{
    check_repeat("[", "1", IGJ_JSON_MAX_NUMBER, "]", IGJ_SCAN_OK,
                 "a number of 128 digits");
    check_repeat("[", "1", IGJ_JSON_MAX_NUMBER + 1, "]", IGJ_SCAN_LONG_NUMBER,
                 "a number of 129 digits");

    check_repeat("[\"", "x", TEXT_SIZE, "\"]", IGJ_SCAN_OK,
                 "a text as long as the buffer");
    is(whole.flags, 0, "is whole");

    check_repeat("[\"", "x", TEXT_SIZE + 1, "\",1]", IGJ_SCAN_OK,
                 "a longer text");
    is(whole.flags, IGJ_SCAN_CUT, "is cut");

    check_repeat("{\"", "\\n", TEXT_SIZE + 50, "\":1}", IGJ_SCAN_OK,
                 "a longer key of escapes");
    is(whole.flags, IGJ_SCAN_CUT, "is cut");

    check_members(IGJ_JSON_MAX_MEMBERS, IGJ_SCAN_OK);
    check_members(IGJ_JSON_MAX_MEMBERS + 1, IGJ_SCAN_TOO_MANY_MEMBERS);

    reader_init(&whole, 1);
    reader_feed(&whole, "[[", 2);
    is(whole.error, IGJ_SCAN_TOO_DEEP, "the depth is the caller's");

    reader_init(&whole, IGJ_SCAN_MAX_DEPTH);
    reader_feed(&whole, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 32);
    is(whole.error, IGJ_SCAN_OK, "up to 32");
    reader_feed(&whole, "[", 1);
    is(whole.error, IGJ_SCAN_TOO_DEEP, "and no further");
}


static void
test_stop(void)
{
    reader_init(&whole, 8);
    whole.stop_after = 2;
    reader_feed(&whole, "[1,2,3]", 7);
    is(whole.error, IGJ_SCAN_STOPPED, "the handler stops the scanner");
    is(whole.events, 2, "and is not called again");
    reader_feed(&whole, "]", 1);
    is(whole.error, IGJ_SCAN_STOPPED, "errors are final");
    is(igj_scan_finish(&whole.scan), IGJ_SCAN_STOPPED, "at the end, too");
    is(whole.events, 2, "without an event");
}


static void
test_pointer_sizes(void)
{
    char    small[16];
    size_t  size, len;
    int     good;

    reader_init(&whole, 8);
    reader_feed(&whole, "{\"a b\":[0,1,2", 13);

    for (size = 2, good = 1; size <= sizeof(small); size++) {
        len = igj_scan_pointer(&whole.scan, small, size);
        good &= (len < size && strlen(small) == len
                 && strncmp(small, "#/a%20b/2", len) == 0);
    }

    ok(good, "pointers are cut to the buffer, by whole units");
    is_text(small, "#/a%20b/2", "and whole in a large one");
}


static uint32_t
chance(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;

    return *state;
}


/* Changes a few bytes: JSON's own characters more often than others. */
static void
mutate(char *text, size_t len, uint32_t *state)
{
    static const char  bytes[] = "{}[]\",:\\u0dD8e.-+ tfn\x80\xC3\xED\xF0\x01";

    unsigned  n;

    for (n = chance(state) % 4; n != 0 && len != 0; n--) {
        text[chance(state) % len] = (chance(state) % 4)
                                    ? bytes[chance(state) % (sizeof(bytes) - 1)]
                                    : (char) chance(state);
    }
}


/* What is accepted here must be accepted by a laxer parser. */
static int
cjson_agrees(const char *text, size_t len)
{
    cJSON  *json;

    if (whole.error != IGJ_SCAN_OK
        || (whole.flags & (IGJ_SCAN_NUL|IGJ_SCAN_SURROGATE)))
    {
        return 1;
    }

    json = cJSON_ParseWithLength(text, len);

    if (json == NULL) {
        printf("# refused by cJSON: %.*s\n", (int) len, text);
        return 0;
    }

    cJSON_Delete(json);

    return 1;
}


static void
test_mutations(void)
{
    char      text[400];
    size_t    len, a, b;
    unsigned  i, good, accepted;
    uint32_t  state = 20250101;

    good = 0;
    accepted = 0;

    for (i = 0; i < 40000; i++) {
        len = strlen(valid[i % NELTS(valid)]);
        memcpy(text, valid[i % NELTS(valid)], len);
        mutate(text, len, &state);

        a = chance(&state) % (len + 1);
        b = a + chance(&state) % (len + 1 - a);

        read_whole(&whole, text, len);
        read_cut(&cut, text, len, a, b);
        accepted += (whole.error == IGJ_SCAN_OK);
        good += (same(&whole, &cut) && cjson_agrees(text, len));
    }

    is(good, 40000, "mutations: any cut, the same; nothing too much accepted");
    ok(accepted > 1000 && accepted < 39000, "of both kinds: %u accepted",
       accepted);
}


int
main(void)
{
    test_valid();
    test_faulty();
    test_events();
    test_texts();
    test_cuts();
    test_limits();
    test_stop();
    test_pointer_sizes();
    test_mutations();

    return done_testing();
}
