/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Ids: form, order, clocks that stand still or step back, reading. */

#include "igj_uuid.h"
#include "tap.h"


typedef struct {
    int       fail;
    uint8_t   fill;                /* every byte */
    unsigned  calls;
} chance_t;


static int
fill_random(void *data, void *buf, size_t len)
{
    chance_t  *chance = data;

    chance->calls++;
    memset(buf, chance->fill, len);

    return chance->fail ? IGJ_ERROR : IGJ_OK;
}


static const char *
print(const igj_uuid_t *uuid)
{
    static char  text[IGJ_UUID_TEXT_LEN + 1];

    igj_uuid_print(uuid, text);
    text[IGJ_UUID_TEXT_LEN] = '\0';

    return text;
}


static void
test_form(void)
{
    chance_t        chance = { 0, 0x00, 0 };
    igj_uuid_t      uuid;
    igj_uuid_gen_t  gen;

    igj_uuid_gen_init(&gen, fill_random, &chance);

    is(igj_uuid_make(&gen, 0x0123456789ABULL, &uuid), IGJ_OK, "made");
    is_text(print(&uuid), "01234567-89ab-7000-8000-000000000000",
            "time, version, variant");
    is(igj_uuid_msec(&uuid), 0x0123456789ABLL, "the time can be read");

    is(igj_uuid_make(&gen, 0x0123456789ABULL, &uuid), IGJ_OK, "and again");
    is_text(print(&uuid), "01234567-89ab-7000-8001-000000000000",
            "the same millisecond counts on");

    chance.fill = 0xFF;
    is(igj_uuid_make(&gen, 0x0123456789ACULL, &uuid), IGJ_OK, "next");
    is_text(print(&uuid), "01234567-89ac-77ff-bfff-ffffffffffff",
            "the counter starts in its lower half");

    chance.fail = 1;
    is(igj_uuid_make(&gen, 0x0123456789ADULL, &uuid), IGJ_ERROR,
       "without chance there is no id");
}


static int
rises(igj_uuid_gen_t *gen, uint64_t msec, igj_uuid_t *last)
{
    igj_uuid_t  uuid;

    if (igj_uuid_make(gen, msec, &uuid) != IGJ_OK
        || memcmp(uuid.bytes, last->bytes, sizeof(uuid.bytes)) <= 0
        || (uuid.bytes[6] & 0xF0) != 0x70 || (uuid.bytes[8] & 0xC0) != 0x80)
    {
        return 0;
    }

    *last = uuid;

    return 1;
}


static void
test_order(void)
{
    int             good;
    unsigned        i;
    uint64_t        msec;
    igj_uuid_t      last;
    igj_uuid_gen_t  gen;

    igj_uuid_gen_init(&gen, NULL, NULL);
    memset(&last, 0, sizeof(last));
    msec = 1700000000000ULL;

    for (i = 0, good = 1; i < 20000; i++) {
        good &= rises(&gen, msec + i / 100, &last);
    }

    ok(good, "ids rise, many in a millisecond");

    for (i = 0, good = 1; i < 5000; i++) {
        good &= rises(&gen, msec - i, &last);
    }

    ok(good, "and when the clock steps back");
}


static void
test_counter_end(void)
{
    int             good;
    unsigned        i;
    chance_t        chance = { 0, 0xFF, 0 };
    igj_uuid_t      last;
    igj_uuid_gen_t  gen;

    igj_uuid_gen_init(&gen, fill_random, &chance);
    memset(&last, 0, sizeof(last));

    (void) rises(&gen, 1000, &last);
    gen.counter = (1u << 26) - 3;

    for (i = 0, good = 1; i < 10; i++) {
        good &= rises(&gen, 1000, &last);
    }

    ok(good, "ids rise past the end of the counter");
    is(igj_uuid_msec(&last), 1001, "into the next millisecond");
}


static void
test_parse(void)
{
    static const char *const  faulty[] = {
        "", "01234567-89ab-7def-8123-456789abcde",
        "01234567-89ab-7def-8123-456789abcdef0",
        "01234567089ab-7def-8123-456789abcdef",
        "01234567-89ab-7def-8123-456789abcdeg",
        "01234567-89ab-7def-8123x456789abcdef",
        "0123456-789ab-7def-8123-456789abcdef",
        "{1234567-89ab-7def-8123-456789abcde}",
        "0123456789ab7def8123456789abcdef----",
        "01234567-89ab-7def-8123-456789abcd f"
    };

    size_t      i, good;
    igj_uuid_t  uuid, all;
    const char *text = "01234567-89AB-7Def-8123-456789abcdef";

    is(igj_uuid_parse(text, 36, &uuid), IGJ_OK, "any case is read");
    is_text(print(&uuid), "01234567-89ab-7def-8123-456789abcdef",
            "lower case is written");
    is(igj_uuid_parse("00000000-0000-0000-0000-000000000000", 36, &all),
       IGJ_OK, "any version is read");

    for (i = 0, good = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
        good += (igj_uuid_parse(faulty[i], strlen(faulty[i]), &uuid)
                 == IGJ_ERROR);
    }

    is(good, i, "other texts are refused");
}


int
main(void)
{
    test_form();
    test_order();
    test_counter_end();
    test_parse();

    return done_testing();
}
