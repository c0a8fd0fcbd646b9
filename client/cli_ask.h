/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Asking the server until it answers: which failures are tried again, when,
 * and for how long; what every command says about the answers that are none.
 */

#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <cjson/cJSON.h>

#include "cli_http.h"


/* How long nothing has worked; initially all zero. */
typedef struct {
    int64_t  since;                /* ms, 0: not failing */
    int      tries;
    bool     watching;             /* the server has told of the job before */
} cli_patience_t;


/*
 * After a failure that may pass: says it, waits as the server advises (or
 * longer each time), and returns true; false when --patience is used up or the
 * failure stays.
 */
bool cli_patience_wait(const cli_t *cli, cli_patience_t *patience,
    const cli_answer_t *answer);

/* Something has worked. */
void cli_patience_renew(cli_patience_t *patience);

/* Whether the answer is a 2xx. */
bool cli_answer_good(const cli_answer_t *answer);


/*
 * GETs a path until it is answered.  CLI_OK: *doc is the document, freed by
 * the caller; otherwise what went wrong was said.
 */
cli_exit_e cli_get(cli_t *cli, const char *path, cJSON **doc);

/* The same with a patience of the caller; answer is filled, without body. */
cli_exit_e cli_get_patiently(cli_t *cli, const char *path,
    cli_patience_t *patience, cJSON **doc, cli_answer_t *answer);

/* The document in the answer, NULL if it is none, which was said. */
cJSON *cli_answer_document(const cli_t *cli, const cli_answer_t *answer);


/* Names the place of an element of the request for people: "names.txt:17". */
typedef const char *(*cli_place_pt)(void *data, const char *pointer);

/* Says what the answer means that is not a 2xx; returns the exit status. */
cli_exit_e cli_problem(const cli_t *cli, const cli_answer_t *answer,
    cli_place_pt place, void *data);

/* Says which elements of the request are faulty, and how. */
void cli_problem_elements(const cJSON *errors, cli_place_pt place, void *data);

/* Whether the answer is the server's problem with this code. */
bool cli_problem_is(const cli_answer_t *answer, const char *code);


/* IGJ_ERROR when it is no job's id, which was said. */
int cli_job_id(const char *text, char id[37]);

/* The same of something else. */
int cli_uuid(const char *text, const char *what, char id[37]);

/* "igjobs watch <id>", with --url where it was given; returns buf. */
#define CLI_COMMAND_MAX  (CLI_URL_MAX + 128)
const char *cli_command_line(const cli_t *cli, const char *command,
    const char *id, char buf[CLI_COMMAND_MAX]);

/* One that nobody else has; IGJ_ERROR was said. */
int cli_uuid_make(char id[37]);


#endif /* CLI_ASK_H */
