/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * JSON numbers as text.  The grammar is one table: state by kind of character.
 */

#include "igj_number.h"


enum {
    IGJ_C_ZERO = 0,
    IGJ_C_DIGIT,
    IGJ_C_MINUS,
    IGJ_C_PLUS,
    IGJ_C_POINT,
    IGJ_C_E,
    IGJ_C_OTHER,
    IGJ_C_COUNT
};


/* Exponents beyond this are as good as it. */
#define IGJ_EXPONENT_MAX  1000000

/* No whole part is taken further: the size of INT64_MIN. */
#define IGJ_NUMBER_HELD   ((uint64_t) INT64_MAX + 1)


static const uint8_t  igj_number_next[IGJ_NUMBER_END][IGJ_C_COUNT] = {

#define Z  IGJ_NUMBER_ZERO
#define I  IGJ_NUMBER_INTEGER
#define M  IGJ_NUMBER_MINUS
#define P  IGJ_NUMBER_POINT
#define F  IGJ_NUMBER_FRACTION
#define E  IGJ_NUMBER_E
#define S  IGJ_NUMBER_E_SIGN
#define X  IGJ_NUMBER_EXPONENT
#define o  IGJ_NUMBER_END
#define B  IGJ_NUMBER_BAD

                               /*  0  1-9 -  +  .  e  other */
    [IGJ_NUMBER_START]    =     {  Z, I, M, B, B, B, B },
    [IGJ_NUMBER_MINUS]    =     {  Z, I, B, B, B, B, B },
    [IGJ_NUMBER_ZERO]     =     {  B, B, B, B, P, E, o },
    [IGJ_NUMBER_INTEGER]  =     {  I, I, B, B, P, E, o },
    [IGJ_NUMBER_POINT]    =     {  F, F, B, B, B, B, B },
    [IGJ_NUMBER_FRACTION] =     {  F, F, B, B, B, E, o },
    [IGJ_NUMBER_E]        =     {  X, X, S, S, B, B, B },
    [IGJ_NUMBER_E_SIGN]   =     {  X, X, B, B, B, B, B },
    [IGJ_NUMBER_EXPONENT] =     {  X, X, B, B, B, B, o }

#undef Z
#undef I
#undef M
#undef P
#undef F
#undef E
#undef S
#undef X
#undef o
#undef B
};


static unsigned
igj_number_class(unsigned char c)
{
    switch (c) {

    case '0':
        return IGJ_C_ZERO;

    case '-':
        return IGJ_C_MINUS;

    case '+':
        return IGJ_C_PLUS;

    case '.':
        return IGJ_C_POINT;

    case 'e':
    case 'E':
        return IGJ_C_E;

    default:
        return (c >= '1' && c <= '9') ? IGJ_C_DIGIT : IGJ_C_OTHER;
    }
}


igj_number_e
igj_number_step(igj_number_e state, unsigned char c)
{
    return (igj_number_e) igj_number_next[state][igj_number_class(c)];
}


int
igj_number_complete(igj_number_e state)
{
    return state == IGJ_NUMBER_ZERO || state == IGJ_NUMBER_INTEGER
           || state == IGJ_NUMBER_FRACTION || state == IGJ_NUMBER_EXPONENT;
}


/*
 * Checks the text; finds where the digits before the exponent end, how many of
 * them stand before the point, and the exponent.
 */
static int
igj_number_parts(igj_str_t text, size_t *mantissa, int64_t *before,
    int64_t *exponent)
{
    int            minus;
    size_t         i;
    unsigned char  c;
    igj_number_e   state;

    *mantissa = text.len;
    *before = 0;
    *exponent = 0;
    minus = 0;
    state = IGJ_NUMBER_START;

    for (i = 0; i < text.len; i++) {
        c = (unsigned char) text.data[i];
        state = igj_number_step(state, c);

        if (state >= IGJ_NUMBER_END) {
            return IGJ_ERROR;
        }

        if (state == IGJ_NUMBER_ZERO || state == IGJ_NUMBER_INTEGER) {
            (*before)++;

        } else if (state == IGJ_NUMBER_E) {
            *mantissa = i;

        } else if (state == IGJ_NUMBER_E_SIGN) {
            minus = (c == '-');

        } else if (state == IGJ_NUMBER_EXPONENT
                   && *exponent < IGJ_EXPONENT_MAX)
        {
            *exponent = *exponent * 10 + (c - '0');
        }
    }

    if (minus) {
        *exponent = -*exponent;
    }

    return igj_number_complete(state) ? IGJ_OK : IGJ_ERROR;
}


static uint64_t
igj_number_append(uint64_t value, unsigned digit)
{
    if (value > (IGJ_NUMBER_HELD - digit) / 10) {
        return IGJ_NUMBER_HELD;
    }

    return value * 10 + digit;
}


int
igj_number_whole(igj_str_t text, int64_t *whole, int *fraction)
{
    return igj_number_scaled(text, 0, whole, fraction);
}


int
igj_number_scaled(igj_str_t text, unsigned scale, int64_t *whole,
    int *fraction)
{
    size_t    i, mantissa;
    int64_t   before, exponent, place, places;
    uint64_t  value;
    unsigned  digit;

    if (igj_number_parts(text, &mantissa, &before, &exponent) != IGJ_OK) {
        return IGJ_ERROR;
    }

    /* digits before the point, which is shifted */

    places = before + exponent + (int64_t) scale;

    place = 0;
    value = 0;
    *fraction = 0;

    for (i = 0; i < mantissa; i++) {
        if (text.data[i] == '-' || text.data[i] == '.') {
            continue;
        }

        digit = (unsigned) (text.data[i] - '0');

        if (place++ < places) {
            value = igj_number_append(value, digit);

        } else if (digit != 0) {
            *fraction = 1;
        }
    }

    while (place++ < places && value != 0 && value < IGJ_NUMBER_HELD) {
        value = igj_number_append(value, 0);
    }

    if (text.data[0] == '-') {
        *whole = (value < IGJ_NUMBER_HELD) ? -(int64_t) value : INT64_MIN;

    } else {
        *whole = (value < IGJ_NUMBER_HELD) ? (int64_t) value : INT64_MAX;
    }

    return IGJ_OK;
}
