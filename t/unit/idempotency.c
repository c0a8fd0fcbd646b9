/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The Idempotency-Key header: what is a key, and what is none. */

#include "igj_idempotency.h"
#include "tap.h"

#include <stdlib.h>


typedef struct {
    const char  *value;
    const char  *key;              /* NULL: none */
} header_t;

static const header_t  headers[] = {
    { "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"",
      "8e03978e-40d5-43e8-bc93-6894a57f9324" },
    { "8e03978e-40d5-43e8-bc93-6894a57f9324",
      "8e03978e-40d5-43e8-bc93-6894a57f9324" },
    { "a", "a" },
    { "\"a\"", "a" },
    { " \t a \t", "a" },
    { "\t\"a\" ", "a" },
    { "!#$%&'()*+-./0:;<=>?@A[\\]^_`a{|}~",
      "!#$%&'()*+-./0:;<=>?@A[\\]^_`a{|}~" },
    { "\"!#$%&'()*+,-./:;<=>?@[]^_`{|}~\"",
      "!#$%&'()*+,-./:;<=>?@[]^_`{|}~" },
    { "\"a\\\"b\\\\c\"", "a\"b\\c" },
    { "\"\\\"\"", "\"" },

    { "", NULL },
    { " ", NULL },
    { "\"\"", NULL },
    { "\"", NULL },
    { "\"a", NULL },
    { "a\"", NULL },
    { "a\"b", NULL },
    { "\"a\\\"", NULL },
    { "\"a\\b\"", NULL },
    { "\"a\\", NULL },
    { "\"a\"b", NULL },
    { "\"a\";p=1", NULL },
    { "\"a\", \"b\"", NULL },
    { "\"a\",\"b\"", NULL },
    { "a,b", NULL },
    { "a, b", NULL },
    { "a b", NULL },
    { "\"a b\"", NULL },
    { "a\tb", NULL },
    { "a\x7f", NULL },
    { "a\x01", NULL },
    { "\xc3\xa4", NULL },
    { "\"\xc3\xa4\"", NULL }
};


/* The value stands in memory of its own that ends where it does. */
static int
read_key(igj_idempotency_key_t *key, const char *text, size_t len)
{
    int         rc;
    char       *copy;
    igj_str_t   value;

    copy = malloc(len ? len : 1);
    memcpy(copy, text, len);

    value.data = copy;
    value.len = len;
    rc = igj_idempotency_key(key, value);
    free(copy);

    return rc;
}


static int
as_wanted(const header_t *header)
{
    int                    rc;
    igj_idempotency_key_t  key;

    rc = read_key(&key, header->value, strlen(header->value));

    if (header->key == NULL) {
        return rc == IGJ_ERROR;
    }

    return rc == IGJ_OK && key.len == strlen(header->key)
           && strcmp(key.text, header->key) == 0;
}


static void
lengths(void)
{
    char                   text[IGJ_IDEMPOTENCY_KEY_MAX + 3];
    igj_idempotency_key_t  key;

    memset(text, 'k', sizeof(text));
    is(read_key(&key, text, IGJ_IDEMPOTENCY_KEY_MAX), IGJ_OK, "the longest");
    is(key.len, IGJ_IDEMPOTENCY_KEY_MAX, "is whole");
    is(read_key(&key, text, IGJ_IDEMPOTENCY_KEY_MAX + 1), IGJ_ERROR,
       "a longer one");

    text[0] = text[IGJ_IDEMPOTENCY_KEY_MAX + 1] = '"';
    is(read_key(&key, text, IGJ_IDEMPOTENCY_KEY_MAX + 2), IGJ_OK,
       "the longest in quotes");
    text[IGJ_IDEMPOTENCY_KEY_MAX + 1] = 'k';
    text[IGJ_IDEMPOTENCY_KEY_MAX + 2] = '"';
    is(read_key(&key, text, IGJ_IDEMPOTENCY_KEY_MAX + 3), IGJ_ERROR,
       "a longer one in quotes");
}


int
main(void)
{
    size_t  i, good;

    for (i = 0, good = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (as_wanted(&headers[i])) {
            good++;

        } else {
            printf("# %s\n", headers[i].value);
        }
    }

    is(good, i, "values of Idempotency-Key");
    lengths();

    return done_testing();
}
