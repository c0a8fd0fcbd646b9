/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * JSON writer.  Everything goes through igj_json_raw(), which counts always
 * and writes only as long as all has fitted.
 */

#include "igj_json.h"
#include "igj_utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define IGJ_USEC_PER_DAY  86400000000LL

/* Days from 1 March 0000 to 1 January 2000 in the Gregorian calendar. */
#define IGJ_DAYS_TO_2000  730425

/* Years 0001 to 9999, in days from 2000. */
#define IGJ_DAYS_MIN      (-730119)
#define IGJ_DAYS_MAX      2921939


void
igj_json_init(igj_json_t *json, char *buf, size_t size)
{
    json->buf = buf;
    json->size = size;
    json->len = 0;
    json->comma = 0;
}


int
igj_json_overflow(const igj_json_t *json)
{
    return json->len > json->size;
}


void
igj_json_raw(igj_json_t *json, const char *text, size_t len)
{
    if (json->len + len <= json->size) {
        memcpy(json->buf + json->len, text, len);
    }

    json->len += len;
}


static inline void
igj_json_byte(igj_json_t *json, char c)
{
    if (json->len < json->size) {
        json->buf[json->len] = c;
    }

    json->len++;
}


/* Before each value and key. */
static inline void
igj_json_separate(igj_json_t *json)
{
    if (json->comma) {
        igj_json_byte(json, ',');
    }

    json->comma = 1;
}


void
igj_json_object_begin(igj_json_t *json)
{
    igj_json_separate(json);
    igj_json_byte(json, '{');
    json->comma = 0;
}


void
igj_json_object_end(igj_json_t *json)
{
    igj_json_byte(json, '}');
    json->comma = 1;
}


void
igj_json_array_begin(igj_json_t *json)
{
    igj_json_separate(json);
    igj_json_byte(json, '[');
    json->comma = 0;
}


void
igj_json_array_end(igj_json_t *json)
{
    igj_json_byte(json, ']');
    json->comma = 1;
}


void
igj_json_raw_value(igj_json_t *json, const char *text, size_t len)
{
    igj_json_separate(json);
    igj_json_raw(json, text, len);
}


void
igj_json_key(igj_json_t *json, const char *key)
{
    igj_json_separate(json);
    igj_json_byte(json, '"');
    igj_json_raw(json, key, strlen(key));
    igj_json_raw(json, "\":", 2);
    json->comma = 0;
}


/* A quote, a backslash or a control character. */
static void
igj_json_escape(igj_json_t *json, unsigned char c)
{
    static const char  hex[] = "0123456789abcdef";
    static const char  from[] = "\"\\\b\f\n\r\t";
    static const char  to[] = "\"\\bfnrt";
    static const char  prefix[4] = { '\\', 'u', '0', '0' };

    char         text[6];
    const char  *found;

    found = memchr(from, c, sizeof(from) - 1);

    if (found != NULL) {
        text[0] = '\\';
        text[1] = to[found - from];
        igj_json_raw(json, text, 2);
        return;
    }

    memcpy(text, prefix, sizeof(prefix));
    text[4] = hex[c >> 4];
    text[5] = hex[c & 15];
    igj_json_raw(json, text, 6);
}


/* The first character of text, which is not plain; returns its length. */
static size_t
igj_json_special(igj_json_t *json, const char *text, size_t len)
{
    unsigned       n, bad;
    unsigned char  c;

    c = (unsigned char) *text;

    if (c < 0x80) {
        igj_json_escape(json, c);
        return 1;
    }

    n = igj_utf8_char(text, len, &bad);

    if (n != 0) {
        igj_json_raw(json, text, n);
        return n;
    }

    igj_json_raw(json, IGJ_UTF8_REPLACEMENT, sizeof(IGJ_UTF8_REPLACEMENT) - 1);

    return bad;
}


void
igj_json_string(igj_json_t *json, const char *text, size_t len)
{
    size_t  i, n;

    igj_json_separate(json);
    igj_json_byte(json, '"');

    for (i = 0; i < len; /* void */ ) {
        n = igj_utf8_plain(text + i, len - i);

        if (n != 0) {
            igj_json_raw(json, text + i, n);
            i += n;

        } else {
            i += igj_json_special(json, text + i, len - i);
        }
    }

    igj_json_byte(json, '"');
}


void
igj_json_text(igj_json_t *json, const char *text)
{
    if (text == NULL) {
        igj_json_null(json);
        return;
    }

    igj_json_string(json, text, strlen(text));
}


void
igj_json_integer(igj_json_t *json, int64_t value)
{
    char      text[20];
    size_t    i;
    uint64_t  rest;

    i = sizeof(text);
    rest = (value < 0) ? 0 - (uint64_t) value : (uint64_t) value;

    do {
        text[--i] = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);

    if (value < 0) {
        text[--i] = '-';
    }

    igj_json_raw_value(json, text + i, sizeof(text) - i);
}


void
igj_json_boolean(igj_json_t *json, int value)
{
    igj_json_raw_value(json, value ? "true" : "false", value ? 4 : 5);
}


void
igj_json_null(igj_json_t *json)
{
    igj_json_raw_value(json, "null", 4);
}


/* A program around us may have set a locale with another decimal point. */
static void
igj_json_number(igj_json_t *json, char *text, int len)
{
    char  *comma;

    comma = memchr(text, ',', (size_t) len);

    if (comma != NULL) {
        *comma = '.';
    }

    igj_json_raw_value(json, text, (size_t) len);
}


void
igj_json_double(igj_json_t *json, double value)
{
    int   n, digits;
    char  text[32];

    if (!isfinite(value)) {
        igj_json_null(json);
        return;
    }

    for (digits = 15; ; digits++) {
        n = snprintf(text, sizeof(text), "%.*g", digits, value);

        if (digits == 17 || strtod(text, NULL) == value) {
            break;
        }
    }

    igj_json_number(json, text, n);
}


void
igj_json_float(igj_json_t *json, float value)
{
    int   n, digits;
    char  text[32];

    if (!isfinite(value)) {
        igj_json_null(json);
        return;
    }

    for (digits = 6; ; digits++) {
        n = snprintf(text, sizeof(text), "%.*g", digits, (double) value);

        if (digits == 9 || strtof(text, NULL) == value) {
            break;
        }
    }

    igj_json_number(json, text, n);
}


static char *
igj_timestamp_digits(char *out, unsigned value, unsigned digits, char after)
{
    unsigned  i;

    for (i = digits; i != 0; i--) {
        out[i - 1] = (char) ('0' + value % 10);
        value /= 10;
    }

    out[digits] = after;

    return out + digits + 1;
}


/*
 * days counts from 1 March 0000, so that the leap day is the last of a year of
 * five-month groups of 153 days.
 */
static char *
igj_timestamp_date(char *out, unsigned days)
{
    unsigned  era, of_era, year, of_year, month, day;

    era = days / 146097;
    of_era = days % 146097;
    year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * year + year / 4 - year / 100);
    month = (5 * of_year + 2) / 153;
    day = of_year - (153 * month + 2) / 5 + 1;
    month = (month < 10) ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);

    out = igj_timestamp_digits(out, year, 4, '-');
    out = igj_timestamp_digits(out, month, 2, '-');

    return igj_timestamp_digits(out, day, 2, 'T');
}


size_t
igj_timestamp_print(int64_t usec, char out[IGJ_TIMESTAMP_LEN])
{
    static const char  zone[5] = { '0', '0', ':', '0', '0' };

    char      *p;
    int64_t    days, rest;
    unsigned   seconds;

    days = usec / IGJ_USEC_PER_DAY;
    rest = usec % IGJ_USEC_PER_DAY;

    if (rest < 0) {
        rest += IGJ_USEC_PER_DAY;
        days--;
    }

    if (days < IGJ_DAYS_MIN || days > IGJ_DAYS_MAX) {
        return 0;
    }

    seconds = (unsigned) (rest / 1000000);

    p = igj_timestamp_date(out, (unsigned) (days + IGJ_DAYS_TO_2000));
    p = igj_timestamp_digits(p, seconds / 3600, 2, ':');
    p = igj_timestamp_digits(p, seconds / 60 % 60, 2, ':');
    p = igj_timestamp_digits(p, seconds % 60, 2, '.');
    p = igj_timestamp_digits(p, (unsigned) (rest % 1000000), 6, '+');
    memcpy(p, zone, sizeof(zone));

    return IGJ_TIMESTAMP_LEN;
}


void
igj_json_timestamp(igj_json_t *json, int64_t usec)
{
    char  text[IGJ_TIMESTAMP_LEN + 2];

    if (igj_timestamp_print(usec, text + 1) == 0) {
        igj_json_null(json);
        return;
    }

    text[0] = '"';
    text[IGJ_TIMESTAMP_LEN + 1] = '"';
    igj_json_raw_value(json, text, sizeof(text));
}


void
igj_json_uuid(igj_json_t *json, const igj_uuid_t *uuid)
{
    char  text[IGJ_UUID_TEXT_LEN + 2];

    text[0] = '"';
    igj_uuid_print(uuid, text + 1);
    text[IGJ_UUID_TEXT_LEN + 1] = '"';
    igj_json_raw_value(json, text, sizeof(text));
}


void
igj_json_member_text(igj_json_t *json, const char *key, const char *text)
{
    igj_json_key(json, key);
    igj_json_text(json, text);
}


void
igj_json_member_string(igj_json_t *json, const char *key, igj_str_t text)
{
    igj_json_key(json, key);
    igj_json_string(json, text.data, text.len);
}


void
igj_json_member_integer(igj_json_t *json, const char *key, int64_t value)
{
    igj_json_key(json, key);
    igj_json_integer(json, value);
}


void
igj_json_member_boolean(igj_json_t *json, const char *key, int value)
{
    igj_json_key(json, key);
    igj_json_boolean(json, value);
}
