/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* See igj_csv.h. */

#include "igj_csv.h"

#include <string.h>


static int
igj_csv_needs_quotes(const char *text, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (text[i] == ',' || text[i] == '"' || text[i] == '\r'
            || text[i] == '\n')
        {
            return 1;
        }
    }

    return 0;
}


static int
igj_csv_is_formula(const char *text, size_t len)
{
    return len > 0 && text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
}


void
igj_csv_field(igj_json_t *csv, const char *text, size_t len, int safe)
{
    size_t       n;
    const char  *quote, *end;

    safe = safe && igj_csv_is_formula(text, len);

    if (!igj_csv_needs_quotes(text, len)) {
        igj_json_raw(csv, "'", safe ? 1 : 0);
        igj_json_raw(csv, text, len);
        return;
    }

    igj_json_raw(csv, "\"'", safe ? 2 : 1);

    for (end = text + len; text < end; text += n) {
        quote = memchr(text, '"', (size_t) (end - text));
        n = (size_t) ((quote ? quote + 1 : end) - text);
        igj_json_raw(csv, text, n);
        igj_json_raw(csv, "\"", quote ? 1 : 0);
    }

    igj_json_raw(csv, "\"", 1);
}
