/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Growable byte strings, JSON quoting, digits.  Any thread; no globals. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_text.h"


static void *
sim_memory(void *p)
{
    if (p == NULL) {
        (void) fputs("igjobs-sim: out of memory\n", stderr);
        abort();
    }

    return p;
}


void *
sim_alloc(size_t n)
{
    return sim_memory(calloc(1, n > 0 ? n : 1));
}


void *
sim_realloc(void *p, size_t n)
{
    return sim_memory(realloc(p, n > 0 ? n : 1));
}


char *
sim_strdup(const char *s)
{
    return s == NULL ? NULL : sim_memory(strdup(s));
}


void
sim_text_room(struct sim_text *t, size_t n)
{
    size_t  cap;

    if (t->data != NULL && t->cap - t->len > n) {
        return;
    }

    cap = t->cap > 0 ? t->cap : 128;

    while (cap - t->len <= n) {
        cap *= 2;
    }

    t->data = sim_realloc(t->data, cap);
    t->cap = cap;
}


void
sim_text_add(struct sim_text *t, const char *s, size_t n)
{
    sim_text_room(t, n);

    if (n > 0) {
        memcpy(t->data + t->len, s, n);
    }

    t->len += n;
    t->data[t->len] = '\0';
}


void
sim_text_puts(struct sim_text *t, const char *s)
{
    sim_text_add(t, s, strlen(s));
}


void
sim_text_printf(struct sim_text *t, const char *format, ...)
{
    int      n;
    va_list  args;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);

    if (n < 0) {
        return;
    }

    sim_text_room(t, (size_t) n);

    va_start(args, format);
    (void) vsnprintf(t->data + t->len, (size_t) n + 1, format, args);
    va_end(args);

    t->len += (size_t) n;
}


void
sim_text_json(struct sim_text *t, const char *s)
{
    unsigned char  c;

    if (s == NULL) {
        sim_text_puts(t, "null");
        return;
    }

    sim_text_puts(t, "\"");

    for ( /* void */ ; *s != '\0'; s++) {
        c = (unsigned char) *s;

        if (c == '"' || c == '\\') {
            sim_text_printf(t, "\\%c", c);

        } else if (c < 0x20 || c == 0x7f) {
            sim_text_printf(t, "\\u%04x", c);

        } else {
            sim_text_add(t, s, 1);
        }
    }

    sim_text_puts(t, "\"");
}


void
sim_text_key(struct sim_text *t, const char *name)
{
    char  last;

    last = t->len > 0 ? t->data[t->len - 1] : '{';

    sim_text_printf(t, last == '{' || last == '[' ? "\"%s\":" : ",\"%s\":",
                    name);
}


void
sim_text_free(struct sim_text *t)
{
    free(t->data);
    memset(t, 0, sizeof(struct sim_text));
}


static char *
sim_digits(char *p, uint64_t n, unsigned base)
{
    static const char  digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

    size_t  i, len;
    char    reversed[SIM_DECIMAL_MAX];

    len = 0;

    do {
        reversed[len++] = digits[n % base];
        n /= base;
    } while (n > 0);

    for (i = 0; i < len; i++) {
        p[i] = reversed[len - 1 - i];
    }

    return p + len;
}


char *
sim_decimal(char *p, uint64_t n)
{
    return sim_digits(p, n, 10);
}


char *
sim_base16(char *p, uint64_t n)
{
    return sim_digits(p, n, 16);
}


char *
sim_base36(char *p, uint64_t n)
{
    return sim_digits(p, n, 36);
}


char *
sim_copy(char *p, const char *s, size_t n)
{
    memcpy(p, s, n);
    return p + n;
}
