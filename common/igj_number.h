/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * JSON numbers as text: their grammar, a character at a time, and their whole
 * part without a detour over floating point.
 */

#ifndef IGJ_NUMBER_H
#define IGJ_NUMBER_H

#include "igj_base.h"


typedef enum {
    IGJ_NUMBER_START = 0,
    IGJ_NUMBER_MINUS,
    IGJ_NUMBER_ZERO,               /* a leading zero stands alone */
    IGJ_NUMBER_INTEGER,
    IGJ_NUMBER_POINT,
    IGJ_NUMBER_FRACTION,
    IGJ_NUMBER_E,
    IGJ_NUMBER_E_SIGN,
    IGJ_NUMBER_EXPONENT,
    IGJ_NUMBER_END,                /* the character is not the number's */
    IGJ_NUMBER_BAD
} igj_number_e;


/* The state after one more character; state is START to EXPONENT. */
igj_number_e igj_number_step(igj_number_e state, unsigned char c);

/* Whether the number may end in this state. */
int igj_number_complete(igj_number_e state);

/*
 * The whole part, exact: *whole is the value cut towards zero, held at
 * INT64_MAX or INT64_MIN when it is beyond; *fraction says whether something
 * was cut off.  Returns IGJ_ERROR if text is not a JSON number.
 */
IGJ_MUST_CHECK int igj_number_whole(igj_str_t text, int64_t *whole,
    int *fraction);

/*
 * The same of the value times 10 to the power of scale: "0.25" with a scale of
 * 6 is 250000.
 */
IGJ_MUST_CHECK int igj_number_scaled(igj_str_t text, unsigned scale,
    int64_t *whole, int *fraction);


#endif /* IGJ_NUMBER_H */
