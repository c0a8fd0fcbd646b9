/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Incremental JSON scanner, for people: where a value stands and what an error
 * means.
 */

#include "igj_scan.h"

#include <string.h>


static const char *const  igj_scan_texts[] = {
    [IGJ_SCAN_OK] = "no error",
    [IGJ_SCAN_STOPPED] = "reading was stopped",
    [IGJ_SCAN_EMPTY] = "there is no JSON value",
    [IGJ_SCAN_UNFINISHED] = "the JSON document ends too early",
    [IGJ_SCAN_BYTE_ORDER_MARK] = "a byte order mark is not allowed",
    [IGJ_SCAN_WANT_VALUE] = "expected a JSON value",
    [IGJ_SCAN_WANT_VALUE_OR_END] = "expected a JSON value or \"]\"",
    [IGJ_SCAN_WANT_KEY] = "expected a field name in double quotes",
    [IGJ_SCAN_WANT_KEY_OR_END] =
        "expected a field name in double quotes or \"}\"",
    [IGJ_SCAN_WANT_COLON] = "expected \":\" after the field name",
    [IGJ_SCAN_WANT_COMMA_OR_BRACKET] = "expected \",\" or \"]\"",
    [IGJ_SCAN_WANT_COMMA_OR_BRACE] = "expected \",\" or \"}\"",
    [IGJ_SCAN_TRAILING] = "nothing may follow the JSON document",
    [IGJ_SCAN_BAD_LITERAL] =
        "without quotes there may only be true, false or null",
    [IGJ_SCAN_BAD_NUMBER] = "this is not a JSON number",
    [IGJ_SCAN_LONG_NUMBER] = "a number may have 128 characters at most",
    [IGJ_SCAN_CONTROL] = "control characters in a string must be escaped",
    [IGJ_SCAN_BAD_ESCAPE] =
        "a backslash must be followed by one of \" \\ / b f n r t u",
    [IGJ_SCAN_BAD_HEX] = "\\u must be followed by four hexadecimal digits",
    [IGJ_SCAN_BAD_UTF8] = "this byte is not valid UTF-8",
    [IGJ_SCAN_TOO_DEEP] = "arrays and objects are nested too deeply",
    [IGJ_SCAN_DUPLICATE] = "this field appears a second time",
    [IGJ_SCAN_TOO_MANY_MEMBERS] = "the object has more than 64 fields"
};

_Static_assert(IGJ_JSON_MAX_NUMBER == 128 && IGJ_JSON_MAX_MEMBERS == 64,
               "these limits are spelt out in texts");


const char *
igj_scan_error_text(igj_scan_error_e error)
{
    return igj_scan_texts[error];
}


/* A byte of a key in a URI fragment that holds a JSON Pointer. */
static size_t
igj_scan_pointer_byte(unsigned char c, char out[3])
{
    static const char  hex[] = "0123456789ABCDEF";
    static const char  plain[] = "-._!$&'()*+,;=:@?";

    if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
        || (c != '\0' && strchr(plain, c) != NULL))
    {
        out[0] = (char) c;
        return 1;
    }

    if (c == '~' || c == '/') {
        out[0] = '~';
        out[1] = (c == '~') ? '0' : '1';
        return 2;
    }

    out[0] = '%';
    out[1] = hex[c >> 4];
    out[2] = hex[c & 15];

    return 3;
}


static size_t
igj_scan_pointer_index(uint32_t index, char out[10])
{
    char    digits[10];
    size_t  i, n;

    n = 0;

    do {
        digits[n++] = (char) ('0' + index % 10);
        index /= 10;
    } while (index != 0);

    for (i = 0; i < n; i++) {
        out[i] = digits[n - 1 - i];
    }

    return n;
}


size_t
igj_scan_pointer(const igj_scan_t *scan, char *buf, size_t size)
{
    char                     part[10];
    size_t                   len, n;
    unsigned                 level, i, parts;
    const igj_scan_frame_t  *frame;

    if (size < 2) {
        return 0;
    }

    len = 0;
    buf[len++] = '#';

    for (level = 0; level < scan->depth; level++) {
        frame = &scan->frame[level];
        parts = frame->is_array ? 1 : frame->key_len;

        if (parts == IGJ_SCAN_NO_KEY) {
            break;
        }

        if (len + 1 < size) {
            buf[len++] = '/';
        }

        for (i = 0; i < parts; i++) {
            n = frame->is_array
                ? igj_scan_pointer_index(frame->index, part)
                : igj_scan_pointer_byte((unsigned char) frame->key[i], part);

            if (len + n >= size) {
                buf[len] = '\0';
                return len;
            }

            memcpy(buf + len, part, n);
            len += n;
        }
    }

    buf[len] = '\0';

    return len;
}
