/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Growable byte strings for answers and journal lines.
 *
 * Out of memory ends the program with a message: a simulator has no better
 * answer.  A struct sim_text belongs to one thread at a time; {0} is empty.
 */

#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define SIM_BASE36_MAX   13      /* digits of a 64-bit number in base 36 */
#define SIM_DECIMAL_MAX  20      /* digits of a 64-bit number in base 10 */

struct sim_text {
    char    *data;               /* NUL follows the last byte once non-empty */
    size_t   len;
    size_t   cap;
};

/* Memory that is never NULL; the caller frees it. */
void *sim_alloc(size_t n);
void *sim_realloc(void *p, size_t n);
char *sim_strdup(const char *s);

/* Makes room for n further bytes (and a NUL) behind len. */
void sim_text_room(struct sim_text *t, size_t n);
void sim_text_add(struct sim_text *t, const char *s, size_t n);
void sim_text_puts(struct sim_text *t, const char *s);
void sim_text_printf(struct sim_text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends s as a JSON string with its quotes; NULL becomes null. */
void sim_text_json(struct sim_text *t, const char *s);

/* Appends ,"name": (without the comma behind an opening brace or bracket). */
void sim_text_key(struct sim_text *t, const char *name);

void sim_text_free(struct sim_text *t);

/* Write digits without a NUL and return the end of what was written. */
char *sim_decimal(char *p, uint64_t n);
char *sim_base16(char *p, uint64_t n);
char *sim_base36(char *p, uint64_t n);

/* Copies n bytes and returns the end of the copy. */
char *sim_copy(char *p, const char *s, size_t n);

#endif
