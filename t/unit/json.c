/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The JSON writer: text, numbers, times, and what happens at the end of it. */

#include "igj_json.h"
#include "igj_scan.h"
#include "igj_utf8.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>


static char        buf[8192];
static igj_json_t  json;


static void
begin(void)
{
    igj_json_init(&json, buf, sizeof(buf) - 1);
}


static const char *
end(void)
{
    buf[json.len] = '\0';

    return buf;
}


static void
write_everything(igj_json_t *out)
{
    igj_uuid_t  uuid = { { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0x7d, 0xef,
                           0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef } };

    igj_json_object_begin(out);
    igj_json_member_boolean(out, "success", 1);
    igj_json_member_text(out, "text", "a\"b\\c\n\x01\xC3\xA9");
    igj_json_member_text(out, "none", NULL);
    igj_json_member_string(out, "string", igj_str("a\0b"));
    igj_json_member_integer(out, "n", -42);

    igj_json_key(out, "list");
    igj_json_array_begin(out);
    igj_json_array_begin(out);
    igj_json_array_end(out);
    igj_json_object_begin(out);
    igj_json_object_end(out);
    igj_json_double(out, 0.1);
    igj_json_float(out, 0.06f);
    igj_json_null(out);
    igj_json_boolean(out, 0);
    igj_json_uuid(out, &uuid);
    igj_json_timestamp(out, 0);
    igj_json_raw_value(out, "{\"raw\":1}", 9);
    igj_json_array_end(out);

    igj_json_object_end(out);
    igj_json_raw(out, "\n", 1);
}


static const char  everything[] =
    "{\"success\":true,\"text\":\"a\\\"b\\\\c\\n\\u0001\xC3\xA9\","
    "\"none\":null,\"string\":\"a\\u0000b\",\"n\":-42,\"list\":[[],{},0.1,"
    "0.06,null,false,\"01234567-89ab-7def-8123-456789abcdef\","
    "\"2000-01-01T00:00:00.000000+00:00\",{\"raw\":1}]}\n";


static void
test_everything(void)
{
    begin();
    write_everything(&json);
    is_text(end(), everything, "commas and values");
}


/* Whatever the size: no byte beside it, and the size needed is told. */
static void
test_sizes(void)
{
    char        *small;
    size_t       size, need, good;
    igj_json_t   out;

    need = sizeof(everything) - 1;

    for (size = 0, good = 0; size <= need; size++) {
        small = malloc(size + 1);
        igj_json_init(&out, small, size);
        write_everything(&out);

        good += (out.len == need
                 && igj_json_overflow(&out) == (size < need)
                 && (size < need || memcmp(small, everything, need) == 0));
        free(small);
    }

    is(good, need + 1, "any size of the buffer");

    igj_json_init(&out, NULL, 0);
    write_everything(&out);
    is(out.len, need, "none tells the size needed");
}


static void
test_rows(void)
{
    int         rows;
    char        small[16];
    igj_json_t  out, saved;

    igj_json_init(&out, small, sizeof(small));
    igj_json_array_begin(&out);

    for (rows = 0; /* void */ ; rows++) {
        saved = out;
        igj_json_text(&out, "row");

        if (igj_json_overflow(&out)) {
            out = saved;
            break;
        }
    }

    is(rows, 2, "rows that fit");
    ok(out.len == 12 && memcmp(small, "[\"row\",\"row\"", 12) == 0,
       "the one that did not is taken back");
}


static const char *
of_integer(int64_t value)
{
    begin();
    igj_json_integer(&json, value);

    return end();
}


static const char *
of_double(double value)
{
    begin();
    igj_json_double(&json, value);

    return end();
}


static const char *
of_float(float value)
{
    begin();
    igj_json_float(&json, value);

    return end();
}


static uint64_t
chance(void)
{
    static uint64_t  state = 88172645463325252ULL;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return state;
}


static void
test_numbers(void)
{
    float     f;
    double    d;
    uint32_t  f_bits;
    uint64_t  d_bits;
    unsigned  i, good;

    is_text(of_integer(0), "0", "zero");
    is_text(of_integer(INT64_MAX), "9223372036854775807", "the greatest");
    is_text(of_integer(INT64_MIN), "-9223372036854775808", "the least");
    is_text(of_integer(9007199254740993LL), "9007199254740993", "past 2^53");

    is_text(of_double(50), "50", "a whole double");
    is_text(of_double(33.33), "33.33", "a short double");
    is_text(of_double(1.0 / 3), "0.3333333333333333", "a long double");
    is_text(of_double(1e300), "1e+300", "a great double");
    is_text(of_double(-0.0), "-0", "minus zero");
    is_text(of_double(NAN), "null", "no number");
    is_text(of_double(-INFINITY), "null", "infinity");
    is_text(of_float(0.1f), "0.1", "a short float");
    is_text(of_float(16777216.0f), "16777216", "a whole float");
    is_text(of_float(INFINITY), "null", "an infinite float");

    for (i = 0, good = 0; i < 20000; i++) {
        d_bits = chance();
        f_bits = (uint32_t) chance();
        memcpy(&d, &d_bits, sizeof(d));
        memcpy(&f, &f_bits, sizeof(f));

        good += (!isfinite(d) || strtod(of_double(d), NULL) == d);
        good += (!isfinite(f) || strtof(of_float(f), NULL) == f);
    }

    is(good, 40000, "numbers read back as they were");
}


static const char *
of_time(int64_t usec)
{
    begin();
    igj_json_timestamp(&json, usec);

    return end();
}


/* What the C library says of the same moment. */
static int
time_agrees(int64_t usec)
{
    char       text[64];
    int64_t    seconds, rest;
    size_t     n;
    time_t     t;
    struct tm  tm;

    seconds = usec / 1000000;
    rest = usec % 1000000;

    if (rest < 0) {
        rest += 1000000;
        seconds--;
    }

    t = (time_t) (seconds + IGJ_TIMESTAMP_EPOCH_USEC / 1000000);
    (void) gmtime_r(&t, &tm);

    n = (size_t) snprintf(text, sizeof(text), "\"%04d", tm.tm_year + 1900);
    n += strftime(text + n, sizeof(text) - n, "-%m-%dT%H:%M:%S", &tm);
    (void) snprintf(text + n, sizeof(text) - n, ".%06d+00:00\"", (int) rest);

    return strcmp(of_time(usec), text) == 0;
}


static void
test_times(void)
{
    const int64_t  first = -63082281600000000LL;    /* year 1 */
    const int64_t  last = 252455616000000000LL;     /* year 10000 */

    unsigned  i, good;

    is_text(of_time(813747911123456LL),
            "\"2025-10-14T09:05:11.123456+00:00\"", "a time");
    is_text(of_time(-1), "\"1999-12-31T23:59:59.999999+00:00\"", "before 2000");
    is_text(of_time(5097600000000LL), "\"2000-02-29T00:00:00.000000+00:00\"",
            "a leap day");
    is_text(of_time(first), "\"0001-01-01T00:00:00.000000+00:00\"", "year 1");
    is_text(of_time(last - 1), "\"9999-12-31T23:59:59.999999+00:00\"",
            "the end of year 9999");
    is_text(of_time(first - 1), "null", "before it");
    is_text(of_time(last), "null", "after it");
    is_text(of_time(INT64_MAX), "null", "infinity");
    is_text(of_time(INT64_MIN), "null", "minus infinity");

    for (i = 0, good = 0; i < 20000; i++) {
        good += (unsigned) time_agrees(first + (int64_t) (chance()
                                       % (uint64_t) (last - first)));
    }

    is(good, 20000, "times agree with the C library");
}


/* What the scanner read back. */
typedef struct {
    char    text[1024];
    size_t  len;
} back_t;


static int
on_event(void *data, const igj_scan_t *scan, const igj_scan_event_t *event)
{
    back_t  *back = data;

    (void) scan;

    memcpy(back->text, event->text.data, event->text.len);
    back->len = event->text.len;

    return IGJ_OK;
}


static int
reads_back(const char *text, size_t len)
{
    char        buffer[1024], wanted[1024];
    size_t      n;
    back_t      back;
    igj_scan_t  scan;

    begin();
    igj_json_string(&json, text, len);
    igj_scan_init(&scan, buffer, sizeof(buffer), 1, on_event, &back);

    n = igj_utf8_repair(wanted, sizeof(wanted), text, len);

    return json.len <= igj_json_string_max(len)
           && igj_scan_feed(&scan, buf, json.len) == IGJ_SCAN_OK
           && igj_scan_finish(&scan) == IGJ_SCAN_OK
           && back.len == n && memcmp(back.text, wanted, n) == 0;
}


static void
test_strings(void)
{
    char      text[256];
    size_t    k, len;
    unsigned  i, good;

    for (i = 0, good = 0; i < 20000; i++) {
        len = chance() % sizeof(text);

        for (k = 0; k < len; k++) {
            text[k] = (char) ((chance() % 4) ? 'a' + chance() % 26 : chance());
        }

        good += (unsigned) reads_back(text, len);
    }

    is(good, 20000, "any bytes read back, repaired");

    begin();
    igj_json_text(&json, "\x1F\x7F</script>\b\f\r\t\xFFx");
    is_text(end(), "\"\\u001f\x7F</script>\\b\\f\\r\\t\xEF\xBF\xBDx\"",
            "escapes");
}


int
main(void)
{
    test_everything();
    test_sizes();
    test_rows();
    test_numbers();
    test_times();
    test_strings();

    return done_testing();
}
