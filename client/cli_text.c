/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "cli_text.h"
#include "igj_utf8.h"


uint32_t
cli_text_char(const char *text, size_t len, unsigned *n)
{
    unsigned              i, bad;
    uint32_t              c;
    const unsigned char  *p;

    p = (const unsigned char *) text;
    *n = igj_utf8_char(text, len, &bad);

    if (*n == 0) {
        *n = bad;
        return CLI_TEXT_REPLACEMENT;
    }

    if (*n == 1) {
        return p[0];
    }

    c = p[0] & (0x7Fu >> *n);

    for (i = 1; i < *n; i++) {
        c = c << 6 | (p[i] & 0x3F);
    }

    return c;
}


bool
cli_text_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0)
           || c == 0x061C || c == 0x200E || c == 0x200F
           || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069)
           || c == 0xFEFF;
}


size_t
cli_text_clean(char *out, size_t size, const char *text, size_t len)
{
    size_t       at, written;
    unsigned     n, put;
    uint32_t     c;
    const char  *from;

    written = 0;

    for (at = 0; at < len; at += n) {
        c = cli_text_char(text + at, len - at, &n);

        if (c == CLI_TEXT_REPLACEMENT || cli_text_control(c)) {
            from = IGJ_UTF8_REPLACEMENT;
            put = sizeof(IGJ_UTF8_REPLACEMENT) - 1;
        } else {
            from = text + at;
            put = n;
        }

        if (size - written <= put) {
            break;
        }

        memcpy(out + written, from, put);
        written += put;
    }

    out[written] = '\0';

    return written;
}


/* Of one character; what the C library does not know takes one column. */

static int
cli_text_columns(uint32_t c)
{
    int  width;

    width = wcwidth((wchar_t) c);

    return width < 0 ? 1 : width;
}


int
cli_text_width(const char *text)
{
    int       columns;
    size_t    len;
    unsigned  n;

    columns = 0;
    len = strlen(text);

    for ( /* void */ ; len > 0; text += n, len -= n) {
        columns += cli_text_columns(cli_text_char(text, len, &n));
    }

    return columns;
}


size_t
cli_text_fit(const char *text, int columns)
{
    size_t    at, len;
    unsigned  n;

    len = strlen(text);

    for (at = 0; at < len; at += n) {
        columns -= cli_text_columns(cli_text_char(text + at, len - at, &n));

        if (columns < 0) {
            break;
        }
    }

    return at;
}


const char *
cli_text_number(char out[CLI_NUMBER_MAX], int64_t number)
{
    int    i, n, at;
    char   digits[CLI_NUMBER_MAX];

    n = snprintf(digits, sizeof(digits), "%lld", (long long) number);
    at = 0;

    for (i = 0; i < n; i++) {
        out[at++] = digits[i];

        if (digits[i] != '-' && i + 1 < n && (n - i - 1) % 3 == 0) {
            out[at++] = ',';
        }
    }

    out[at] = '\0';

    return out;
}
