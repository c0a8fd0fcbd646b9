/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* TAP for the unit tests: ok() and done_testing(), as in Perl's Test::More. */

#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


static int  tap_run;
static int  tap_failed;


#define ok(condition, ...)                                                    \
    tap_ok((condition) ? 1 : 0, #condition, __FILE__, __LINE__, __VA_ARGS__)

/* Two numbers, both told on failure. */
#define is(got, wanted, ...)                                                  \
    tap_is((long long) (got), (long long) (wanted), __FILE__, __LINE__,       \
           __VA_ARGS__)

/* Two strings, likewise. */
#define is_text(got, wanted, ...)                                             \
    tap_is_text(got, wanted, __FILE__, __LINE__, __VA_ARGS__)


static void
tap_line(int good, const char *format, va_list args)
{
    printf("%sok %d - ", good ? "" : "not ", ++tap_run);
    vprintf(format, args);
    printf("\n");

    tap_failed += !good;
}


__attribute__((unused, format(printf, 5, 6)))
static int
tap_ok(int good, const char *what, const char *file, int line,
    const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    tap_line(good, format, args);
    va_end(args);

    if (!good) {
        printf("# %s:%d: %s\n", file, line, what);
    }

    fflush(stdout);

    return good;
}


__attribute__((unused, format(printf, 5, 6)))
static int
tap_is(long long got, long long wanted, const char *file, int line,
    const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    tap_line(got == wanted, format, args);
    va_end(args);

    if (got != wanted) {
        printf("# %s:%d: got %lld, wanted %lld\n", file, line, got, wanted);
    }

    fflush(stdout);

    return got == wanted;
}


__attribute__((unused, format(printf, 5, 6)))
static int
tap_is_text(const char *got, const char *wanted, const char *file, int line,
    const char *format, ...)
{
    va_list  args;
    int      good;

    good = got != NULL && strcmp(got, wanted) == 0;

    va_start(args, format);
    tap_line(good, format, args);
    va_end(args);

    if (!good) {
        printf("# %s:%d: got \"%s\", wanted \"%s\"\n", file, line,
               got ? got : "(null)", wanted);
    }

    fflush(stdout);

    return good;
}


static int
done_testing(void)
{
    printf("1..%d\n", tap_run);

    return tap_failed != 0;
}

#endif /* TAP_H */
