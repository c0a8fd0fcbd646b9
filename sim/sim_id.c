/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Ids; pure after sim_id_init(). */

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim_id.h"
#include "sim_world.h"

#define SIM_ID_DIGITS  7
#define SIM_ID_PREFIX  3


static const char  sim_id_alphabet[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static uint64_t  sim_id_start;


void
sim_id_init(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    sim_id_start = sim_mix((uint64_t) ts.tv_sec * 1000000000
                           + (uint64_t) ts.tv_nsec)
                   ^ sim_mix((uint64_t) getpid());
}


void
sim_id_write(char id[SIM_ID_LENGTH + 1], enum sim_id_kind kind, uint64_t number)
{
    int       i;
    uint64_t  bits;

    bits = sim_mix(number * 8 + (uint64_t) kind);

    if (kind != SIM_ID_ACTOR) {
        bits = sim_mix(bits ^ sim_id_start);
    }

    for (i = 0; i < SIM_ID_LENGTH - SIM_ID_DIGITS; i++) {
        id[i] = sim_id_alphabet[bits % 62];
        bits /= 62;
    }

    for (i = SIM_ID_LENGTH - 1; i >= SIM_ID_LENGTH - SIM_ID_DIGITS; i--) {
        id[i] = sim_id_alphabet[number % 62];
        number /= 62;
    }

    id[SIM_ID_LENGTH] = '\0';
}


/* The number in the last digits of an id; -1 if they are none. */

static int64_t
sim_id_digits(const char *id)
{
    int          i;
    uint64_t     number;
    const char  *digit;

    if (strlen(id) != SIM_ID_LENGTH) {
        return -1;
    }

    number = 0;

    for (i = SIM_ID_LENGTH - SIM_ID_DIGITS; i < SIM_ID_LENGTH; i++) {
        digit = strchr(sim_id_alphabet, id[i]);

        if (digit == NULL) {
            return -1;
        }

        number = number * 62 + (uint64_t) (digit - sim_id_alphabet);
    }

    return (int64_t) number;
}


int64_t
sim_id_number(const char *id, enum sim_id_kind kind)
{
    char     proof[SIM_ID_LENGTH + 1];
    int64_t  number;

    number = sim_id_digits(id);

    if (number < 0) {
        return -1;
    }

    sim_id_write(proof, kind, (uint64_t) number);

    return strcmp(proof, id) == 0 ? number : -1;
}


void
sim_id_prefixed(char id[SIM_ID_LENGTH + 1], const char *prefix,
    uint64_t number)
{
    sim_id_write(id, SIM_ID_PREFIXED, number);
    memcpy(id, prefix, SIM_ID_PREFIX);
}


int64_t
sim_id_prefixed_number(const char *id, const char *prefix)
{
    char     proof[SIM_ID_LENGTH + 1];
    int64_t  number;

    number = sim_id_digits(id);

    if (number < 0) {
        return -1;
    }

    sim_id_prefixed(proof, prefix, (uint64_t) number);

    return strcmp(proof, id) == 0 ? number : -1;
}
