/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The body of a submission, made while it is sent: its length is known before,
 * from a first reading of the accounts, and no more than one of them is in
 * memory.
 */

#ifndef CLI_BODY_H
#define CLI_BODY_H

#include <sys/types.h>

#include "cli_names.h"
#include "igj_json.h"
#include "igj_limits.h"


#define CLI_BODY_HEAD_MAX  (IGJ_CALLBACK_URL_MAX + 2048)


typedef struct {
    cli_names_t  names;
    int64_t      len;                      /* of the whole */
    uint64_t     count;                    /* accounts given */

    /* Private. */
    char         head[CLI_BODY_HEAD_MAX];
    uint64_t     next;                     /* account to be written */
    bool         ended;
    size_t       at;                       /* of piece, what is not sent yet */
    size_t       piece_len;
    char         piece[igj_json_string_max(CLI_LINE_MAX) + 4];
    char         place[CLI_ERROR_MAX];     /* see cli_body_place() */
} cli_body_t;


/* IGJ_ERROR: said. */
int cli_body_open(cli_body_t *body, const cli_options_t *options);
void cli_body_close(cli_body_t *body);

/* The members that limit a job, as far as there are options for them. */
void cli_body_limits(igj_json_t *json, const cli_options_t *options);

/* A member, unless its value is NULL. */
void cli_body_text(igj_json_t *json, const char *key, const char *value);

/* For a request: cli_source_pt, cli_rewind_pt, cli_place_pt. */
ssize_t cli_body_read(void *data, char *buf, size_t size);
int cli_body_rewind(void *data);
const char *cli_body_place(void *data, const char *pointer);


#endif /* CLI_BODY_H */
