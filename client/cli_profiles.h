/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The profiles of a file, one after the other as JSON objects: lines of CSV
 * with a line of titles, JSON Lines, or the elements of the first array of a
 * JSON document.  One is in memory at a time; one can go back to a mark.
 */

#ifndef CLI_PROFILES_H
#define CLI_PROFILES_H

#include <stdio.h>

#include "cli.h"


#define CLI_PROFILE_MAX    65536           /* bytes of one */
#define CLI_PROFILES_KEPT  3               /* columns that are read */


typedef enum {
    CLI_PROFILES_CSV = 0,
    CLI_PROFILES_NDJSON,
    CLI_PROFILES_JSON
} cli_profiles_e;


/* A place in the file. */
typedef struct {
    off_t           offset;
    uint64_t        line;                  /* from 1 */
    bool            begun;                 /* the array, or the titles */
    bool            ended;                 /* the array */
} cli_profiles_at_t;


typedef struct {
    FILE               *file;
    const char         *from;              /* its name, for messages */
    cli_profiles_e      format;
    cli_profiles_at_t   at;
    cli_profiles_at_t   mark;
    int                 column[CLI_PROFILES_KEPT];   /* of CSV, from 0 */
    int                 columns;

    size_t              len;               /* of the one in text */
    char                raw[CLI_PROFILE_MAX];
    char                text[2 * CLI_PROFILE_MAX];
} cli_profiles_t;


/* path "-": standard input.  format NULL: by the name's end, else by the first
 * character.  IGJ_ERROR: said. */
int cli_profiles_open(cli_profiles_t *p, const char *path,
    const char *format);
void cli_profiles_close(cli_profiles_t *p);

/* 1: the next one is in text; 0: there are no more; IGJ_ERROR: said. */
int cli_profiles_next(cli_profiles_t *p);

void cli_profiles_mark(cli_profiles_t *p);

/* Back to the mark. */
int cli_profiles_back(cli_profiles_t *p);


#endif /* CLI_PROFILES_H */
