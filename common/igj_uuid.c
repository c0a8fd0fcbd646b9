/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * UUID version 7.  The counter lies in the 12 bits behind the version and the
 * 14 behind the variant.
 */

#include "igj_uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>


#define IGJ_UUID_COUNTER_BITS  26
#define IGJ_UUID_COUNTER_MAX   ((1u << IGJ_UUID_COUNTER_BITS) - 1)

/* It starts in the lower half, so that a millisecond holds 33 million ids. */
#define IGJ_UUID_COUNTER_SEED  (IGJ_UUID_COUNTER_MAX >> 1)


int
igj_random_system(void *data, void *buf, size_t len)
{
    char     *p;
    ssize_t   n;

    (void) data;

    for (p = buf; len != 0; p += n, len -= (size_t) n) {
        n = getrandom(p, len, 0);

        if (n < 0) {
            if (errno != EINTR) {
                return IGJ_ERROR;
            }

            n = 0;
        }
    }

    return IGJ_OK;
}


void
igj_uuid_gen_init(igj_uuid_gen_t *gen, igj_random_pt random, void *data)
{
    memset(gen, 0, sizeof(igj_uuid_gen_t));

    gen->random = (random != NULL) ? random : igj_random_system;
    gen->data = data;
}


/* Moves the generator to the next id: a later time or a higher counter. */
static void
igj_uuid_advance(igj_uuid_gen_t *gen, uint64_t msec, uint32_t seed)
{
    if (msec > gen->msec) {
        gen->msec = msec;
        gen->counter = seed & IGJ_UUID_COUNTER_SEED;
        return;
    }

    if (gen->counter < IGJ_UUID_COUNTER_MAX) {
        gen->counter++;
        return;
    }

    gen->msec++;
    gen->counter = seed & IGJ_UUID_COUNTER_SEED;
}


int
igj_uuid_make(igj_uuid_gen_t *gen, uint64_t msec, igj_uuid_t *uuid)
{
    int        i;
    uint8_t   *b;
    uint32_t   seed, counter;

    struct {
        uint32_t  seed;
        uint8_t   tail[6];
    } chance;

    if (gen->random(gen->data, &chance, sizeof(chance)) != IGJ_OK) {
        return IGJ_ERROR;
    }

    memcpy(&seed, &chance.seed, sizeof(seed));
    igj_uuid_advance(gen, msec, seed);

    b = uuid->bytes;
    counter = gen->counter;

    for (i = 0; i < 6; i++) {
        b[i] = (uint8_t) (gen->msec >> (40 - 8 * i));
    }

    b[6] = (uint8_t) (0x70 | (counter >> 22));
    b[7] = (uint8_t) (counter >> 14);
    b[8] = (uint8_t) (0x80 | ((counter >> 8) & 0x3F));
    b[9] = (uint8_t) counter;

    memcpy(b + 10, chance.tail, sizeof(chance.tail));

    return IGJ_OK;
}


uint64_t
igj_uuid_msec(const igj_uuid_t *uuid)
{
    int       i;
    uint64_t  msec;

    msec = 0;

    for (i = 0; i < 6; i++) {
        msec = msec << 8 | uuid->bytes[i];
    }

    return msec;
}


/* Where hyphens stand in the text. */
static int
igj_uuid_hyphen(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}


static int
igj_uuid_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c = (char) (c | 0x20);

    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}


int
igj_uuid_parse(const char *text, size_t len, igj_uuid_t *uuid)
{
    int        high, low;
    size_t     i;
    uint8_t   *b;

    if (len != IGJ_UUID_TEXT_LEN) {
        return IGJ_ERROR;
    }

    b = uuid->bytes;

    for (i = 0; i < IGJ_UUID_TEXT_LEN; i += 2) {

        if (igj_uuid_hyphen(i)) {
            if (text[i] != '-') {
                return IGJ_ERROR;
            }

            i++;
        }

        high = igj_uuid_digit(text[i]);
        low = igj_uuid_digit(text[i + 1]);

        if (high < 0 || low < 0) {
            return IGJ_ERROR;
        }

        *b++ = (uint8_t) (high << 4 | low);
    }

    return IGJ_OK;
}


void
igj_uuid_print(const igj_uuid_t *uuid, char out[IGJ_UUID_TEXT_LEN])
{
    static const char  hex[] = "0123456789abcdef";

    size_t          i;
    const uint8_t  *b;

    b = uuid->bytes;

    for (i = 0; i < IGJ_UUID_TEXT_LEN; i += 2) {

        if (igj_uuid_hyphen(i)) {
            out[i++] = '-';
        }

        out[i] = hex[*b >> 4];
        out[i + 1] = hex[*b & 15];
        b++;
    }
}
