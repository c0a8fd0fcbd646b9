/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Binary arrays: the bytes that Postgres reads. */

#include "igj_pg_array.h"
#include "tap.h"


static int
same(const igj_pg_array_t *a, const char *bytes, size_t len)
{
    return a->len == len && memcmp(a->data, bytes, len) == 0;
}


int
main(void)
{
    int              i;
    uint8_t          uuid[16];
    igj_pg_array_t   a;

    memset(&a, 0, sizeof(a));

    igj_pg_array_begin(&a, IGJ_PG_TEXT);
    is(igj_pg_array_end(&a), IGJ_OK, "an empty array");
    ok(same(&a, "\0\0\0\0" "\0\0\0\0" "\0\0\0\x19", 12), "has no dimension");

    igj_pg_array_begin(&a, IGJ_PG_TEXT);
    igj_pg_array_text(&a, "ab", 2);
    igj_pg_array_null(&a);
    igj_pg_array_text(&a, "", 0);
    is(igj_pg_array_end(&a), IGJ_OK, "texts and a null");
    ok(same(&a, "\0\0\0\x01" "\0\0\0\x01" "\0\0\0\x19" "\0\0\0\x03"
            "\0\0\0\x01" "\0\0\0\x02" "ab" "\xff\xff\xff\xff" "\0\0\0\0", 34),
       "each with its length");

    igj_pg_array_begin(&a, IGJ_PG_FLOAT4);
    igj_pg_array_float4(&a, 1.0f);
    is(igj_pg_array_end(&a), IGJ_OK, "a number");
    ok(same(&a, "\0\0\0\x01" "\0\0\0\0" "\0\0\x02\xbc" "\0\0\0\x01"
            "\0\0\0\x01" "\0\0\0\x04" "\x3f\x80\0\0", 28),
       "in network order");

    igj_pg_array_begin(&a, IGJ_PG_INT4);
    igj_pg_array_int4(&a, -2);
    is(igj_pg_array_end(&a), IGJ_OK, "an integer");
    ok(same(&a, "\0\0\0\x01" "\0\0\0\0" "\0\0\0\x17" "\0\0\0\x01"
            "\0\0\0\x01" "\0\0\0\x04" "\xff\xff\xff\xfe", 28), "of int4");

    memset(uuid, 0xab, sizeof(uuid));
    igj_pg_array_begin(&a, IGJ_PG_UUID);

    for (i = 0; i < 5000; i++) {
        igj_pg_array_uuid(&a, uuid);
    }

    is(igj_pg_array_end(&a), IGJ_OK, "many elements");
    is(a.len, 20 + 5000 * 20, "grow the buffer");
    is((unsigned char) a.data[14], 5000 >> 8, "and are counted");

    igj_pg_array_free(&a);
    ok(a.data == NULL, "freed");

    return done_testing();
}
