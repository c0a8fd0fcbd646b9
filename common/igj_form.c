/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Query strings.
 */

#include "igj_form.h"

#include <string.h>
#include <strings.h>


static const char *const  igj_form_texts[] = {
    [IGJ_FORM_OK] = "is valid",
    [IGJ_FORM_ABSENT] = "is missing",
    [IGJ_FORM_BAD_ESCAPE] = "has a % without two hexadecimal digits, or %00",
    [IGJ_FORM_LONG] = "is too long",
    [IGJ_FORM_NOT_INTEGER] = "is not an integer",
    [IGJ_FORM_RANGE] = "is out of range",
    [IGJ_FORM_NOT_BOOLEAN] = "must be true or false",
    [IGJ_FORM_TWICE] = "is there twice"
};


const char *
igj_form_error_text(igj_form_e error)
{
    return igj_form_texts[error];
}


/*
 * Finds the first parameter of the name; its value is still encoded.  The
 * query becomes what follows it.
 */
static int
igj_form_find(igj_str_t *query, const char *name, igj_str_t *value)
{
    size_t       n, name_len;
    const char  *p, *end, *part_end;

    name_len = strlen(name);
    end = query->data + query->len;

    for (p = query->data; p < end; p = part_end + 1) {
        part_end = memchr(p, '&', (size_t) (end - p));

        if (part_end == NULL) {
            part_end = end;
        }

        n = (size_t) (part_end - p);

        if (n < name_len || memcmp(p, name, name_len) != 0
            || (n > name_len && p[name_len] != '='))
        {
            continue;
        }

        value->data = (n == name_len) ? part_end : p + name_len + 1;
        value->len = (size_t) (part_end - value->data);

        query->data = part_end;
        query->len = (size_t) (end - part_end);

        return 1;
    }

    return 0;
}


static int
igj_form_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c = (char) (c | 0x20);

    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}


/* One byte of the value, decoded, or -1; *i is moved behind it. */
static int
igj_form_byte(igj_str_t value, size_t *i)
{
    int   high, low;
    char  c;

    c = value.data[(*i)++];

    if (c == '+') {
        return ' ';
    }

    if (c != '%') {
        return (unsigned char) c;
    }

    if (value.len - *i < 2) {
        return -1;
    }

    high = igj_form_hex(value.data[(*i)++]);
    low = igj_form_hex(value.data[(*i)++]);

    if (high < 0 || low < 0 || (high | low) == 0) {
        return -1;
    }

    return high << 4 | low;
}


igj_form_e
igj_form_text(igj_str_t query, const char *name, char *out, size_t size,
    size_t *len)
{
    int        c;
    size_t     i, n;
    igj_str_t  value;

    if (!igj_form_find(&query, name, &value)) {
        return IGJ_FORM_ABSENT;
    }

    for (i = 0, n = 0; i < value.len; n++) {
        c = igj_form_byte(value, &i);

        if (c < 0) {
            return IGJ_FORM_BAD_ESCAPE;
        }

        if (n + 1 >= size) {
            return IGJ_FORM_LONG;
        }

        out[n] = (char) c;
    }

    out[n] = '\0';

    if (len != NULL) {
        *len = n;
    }

    return IGJ_FORM_OK;
}


igj_form_e
igj_form_single(igj_str_t query, const char *name, char *out, size_t size,
    size_t *len)
{
    int         n;
    igj_str_t   rest, value;

    rest = query;

    for (n = 0; igj_form_find(&rest, name, &value); n++) {
        if (n > 0) {
            return IGJ_FORM_TWICE;
        }
    }

    return igj_form_text(query, name, out, size, len);
}


/* Decimal digits with an optional sign and white space around. */
static int
igj_form_decimal(const char *p, int64_t *value)
{
    int      minus;
    int64_t  v;

    p += strspn(p, " \t\r\n");
    minus = (*p == '-');

    if (*p == '-' || *p == '+') {
        p++;
    }

    if (*p < '0' || *p > '9') {
        return IGJ_ERROR;
    }

    for (v = 0; *p >= '0' && *p <= '9'; p++) {
        v = (v > (INT64_MAX - (*p - '0')) / 10) ? INT64_MAX
                                                : v * 10 + (*p - '0');
    }

    p += strspn(p, " \t\r\n");

    if (*p != '\0') {
        return IGJ_ERROR;
    }

    *value = minus ? -v : v;

    return IGJ_OK;
}


igj_form_e
igj_form_integer(igj_str_t query, const char *name, int64_t min, int64_t max,
    int64_t *value)
{
    char        text[IGJ_PARAM_VALUE_MAX];
    int64_t     v;
    igj_form_e  rc;

    rc = igj_form_text(query, name, text, sizeof(text), NULL);

    if (rc != IGJ_FORM_OK) {
        return rc;
    }

    if (igj_form_decimal(text, &v) != IGJ_OK) {
        return IGJ_FORM_NOT_INTEGER;
    }

    if (v < min || v > max) {
        return IGJ_FORM_RANGE;
    }

    *value = v;

    return IGJ_FORM_OK;
}


igj_form_e
igj_form_boolean(igj_str_t query, const char *name, int *value)
{
    static const char *const  yes[] = { "true", "1", "yes", "on", "" };
    static const char *const  no[] = { "false", "0", "no", "off" };

    char        text[IGJ_PARAM_VALUE_MAX];
    size_t      i;
    igj_form_e  rc;

    rc = igj_form_text(query, name, text, sizeof(text), NULL);

    if (rc != IGJ_FORM_OK) {
        return rc;
    }

    for (i = 0; i < sizeof(yes) / sizeof(char *); i++) {
        if (strcasecmp(text, yes[i]) == 0) {
            *value = 1;
            return IGJ_FORM_OK;
        }
    }

    for (i = 0; i < sizeof(no) / sizeof(char *); i++) {
        if (strcasecmp(text, no[i]) == 0) {
            *value = 0;
            return IGJ_FORM_OK;
        }
    }

    return IGJ_FORM_NOT_BOOLEAN;
}


igj_form_e
igj_form_page(igj_str_t query, igj_form_page_t *page, const char **bad)
{
    igj_form_e  rc;

    page->page = 1;
    page->limit = IGJ_PAGE_DEFAULT_LIMIT;

    *bad = "page";
    rc = igj_form_integer(query, *bad, 1, IGJ_PAGE_MAX_NUMBER, &page->page);

    if (rc != IGJ_FORM_OK && rc != IGJ_FORM_ABSENT) {
        return rc;
    }

    *bad = "limit";
    rc = igj_form_integer(query, *bad, 0, INT64_MAX, &page->limit);

    if (rc != IGJ_FORM_OK && rc != IGJ_FORM_ABSENT) {
        return rc;
    }

    if (page->limit > IGJ_PAGE_MAX_LIMIT) {
        page->limit = IGJ_PAGE_MAX_LIMIT;
    }

    *bad = NULL;

    return IGJ_FORM_OK;
}
