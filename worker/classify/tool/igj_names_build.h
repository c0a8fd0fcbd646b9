/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The table while it is being built.  This program runs at build time, once
 * and alone: it never frees and ends at the first error.
 */

#ifndef IGJ_NAMES_BUILD_H
#define IGJ_NAMES_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "igj_names_format.h"


typedef struct {
    char      key[IGJ_NAMES_KEY_MAX + 1];
    uint8_t   len;
    uint8_t   common;
    int8_t    odds;
    int8_t    lean;
    uint16_t  kinds;
    uint64_t  set;               /* sources: female low half, male high */
    double    female;            /* people */
    double    male;
} igj_build_entry_t;


typedef struct {
    igj_build_entry_t  *entries;
    size_t              n;
    size_t              size;
    uint32_t           *index;   /* entry number + 1, 0: empty */
    size_t              nindex;  /* a power of two */
} igj_build_t;


/* A line of a CSV file, cut at the commas in place. */
typedef struct {
    const char  *path;
    unsigned     line;
    unsigned     headed;         /* the header has been seen */
    unsigned     n;
    char        *field[8];
} igj_csv_row_t;


typedef struct {
    const char  *header;
    unsigned     nfields;
    void       (*row)(igj_build_t *build, igj_csv_row_t *row);
} igj_csv_format_t;


void igj_build_init(igj_build_t *build);

/* The entry of a key, made when it is not there; *made says so. */
igj_build_entry_t *igj_build_entry(igj_build_t *build, const char *key,
    size_t len, int *made);
igj_build_entry_t *igj_build_find(const igj_build_t *build, const char *key,
    size_t len);

void igj_build_write(const igj_build_t *build, const char *path);

/* Reads a file whose rows have exactly the columns of the format. */
void igj_csv_read(igj_build_t *build, const char *path,
    const igj_csv_format_t *format);

/* Ends the program: "FILE:LINE: message". */
_Noreturn void igj_csv_fail(const igj_csv_row_t *row, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void igj_build_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Checks a key: lower-case UTF-8 of a fitting length. */
void igj_csv_check_key(const igj_csv_row_t *row, const char *key);

/* The bit of a source code such as "us" in a culture set. */
unsigned igj_culture_bit(const igj_csv_row_t *row, const char *code);

extern const igj_csv_format_t  igj_given_csv;
extern const igj_csv_format_t  igj_regional_csv;
extern const igj_csv_format_t  igj_words_csv;

/* Adds what the endings of the given names say about names not listed. */
void igj_learn_endings(igj_build_t *build);

/* Adds the given names by their sound.  Right after the names are read. */
void igj_learn_sounds(igj_build_t *build);


#endif /* IGJ_NAMES_BUILD_H */
