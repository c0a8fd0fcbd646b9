/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Whole parts and decimals of JSON numbers, exact at any size. */

#include "igj_number.h"
#include "tap.h"


typedef struct {
    const char  *text;
    int64_t      whole;
    int          fraction;
} case_t;


static const case_t  cases[] = {
    { "0", 0, 0 }, { "-0", 0, 0 }, { "7", 7, 0 }, { "-7", -7, 0 },
    { "150", 150, 0 }, { "150.0", 150, 0 }, { "150.000e0", 150, 0 },
    { "1500.7", 1500, 1 }, { "-1500.7", -1500, 1 }, { "0.5", 0, 1 },
    { "-0.5", 0, 1 }, { "1e3", 1000, 0 }, { "1E+3", 1000, 0 },
    { "1.5e1", 15, 0 }, { "1.55e1", 15, 1 }, { "15e-1", 1, 1 },
    { "1500e-2", 15, 0 }, { "1e-400", 0, 1 }, { "0e400", 0, 0 },
    { "0.000e999999999999999999", 0, 0 },
    { "0.00001e5", 1, 0 }, { "123456789.987654321e4", 1234567899876, 1 },
    { "9007199254740993", 9007199254740993LL, 0 },
    { "9223372036854775807", INT64_MAX, 0 },
    { "9223372036854775808", INT64_MAX, 0 },
    { "-9223372036854775807", -INT64_MAX, 0 },
    { "-9223372036854775808", INT64_MIN, 0 },
    { "-9223372036854775809", INT64_MIN, 0 },
    { "1e18", 1000000000000000000LL, 0 }, { "1e19", INT64_MAX, 0 },
    { "1e999999999999", INT64_MAX, 0 }, { "-1e400", INT64_MIN, 0 },
    { "99999999999999999999.5", INT64_MAX, 1 }
};

static const case_t  scaled[] = {
    { "0.25", 250000, 0 }, { "4.35", 4350000, 0 }, { "1", 1000000, 0 },
    { "0.000001", 1, 0 }, { "0.0000001", 0, 1 }, { "1e-6", 1, 0 },
    { "1.0000019", 1000001, 1 }, { "12345e-3", 12345000, 0 },
    { "0.29", 290000, 0 }, { "-0.5", -500000, 0 }, { "0e9", 0, 0 },
    { "9223372036854.775807", INT64_MAX, 0 }, { "1e300", INT64_MAX, 0 }
};

static const char *const  faulty[] = {
    "", "-", "+1", "01", "1.", ".1", "1e", "1e+", "1 ", " 1", "0x1", "1,5",
    "NaN", "--1", "1.e1", "1e1.0"
};


static igj_str_t
view(const char *text)
{
    igj_str_t  str = { text, strlen(text) };

    return str;
}


int
main(void)
{
    int      fraction;
    size_t   i, good;
    int64_t  whole;

    for (i = 0, good = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        if (igj_number_whole(view(cases[i].text), &whole, &fraction) == IGJ_OK
            && whole == cases[i].whole && fraction == cases[i].fraction)
        {
            good++;
            continue;
        }

        printf("# %s: %lld %d\n", cases[i].text, (long long) whole, fraction);
    }

    is(good, i, "whole parts");

    for (i = 0, good = 0; i < sizeof(scaled) / sizeof(scaled[0]); i++) {

        if (igj_number_scaled(view(scaled[i].text), 6, &whole, &fraction)
            == IGJ_OK
            && whole == scaled[i].whole && fraction == scaled[i].fraction)
        {
            good++;
            continue;
        }

        printf("# %s: %lld %d\n", scaled[i].text, (long long) whole,
               fraction);
    }

    is(good, i, "millionths");

    for (i = 0, good = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
        good += (igj_number_whole(view(faulty[i]), &whole, &fraction)
                 == IGJ_ERROR);
    }

    is(good, i, "other texts are refused");

    return done_testing();
}
