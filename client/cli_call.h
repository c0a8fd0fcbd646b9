/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Calls with a small body: sent again until they are answered.
 */

#ifndef CLI_CALL_H
#define CLI_CALL_H

#include <cjson/cJSON.h>

#include "cli_ask.h"
#include "igj_json.h"


#define CLI_CALL_BODY_MAX  16384


typedef struct {
    const char  *method;           /* NULL: POST */
    const char  *path;
    const char  *body;             /* JSON; NULL: {} */
    bool         once;             /* must not be done twice: has a key */
    bool         async;            /* the 202 is wanted, not the end */
} cli_call_t;


/*
 * Until it is answered.  CLI_OK: *doc is the document, freed by the caller,
 * and answer is filled, without body; else what went wrong was said.
 */
cli_exit_e cli_call(cli_t *cli, const cli_call_t *call, cJSON **doc,
    cli_answer_t *answer);

/* Waits as the server advises, or for a while. */
void cli_poll_pause(int64_t advice);


/* An Idempotency-Key that no other request has; IGJ_ERROR was said. */
#define CLI_KEY_HEADER_MAX  64
int cli_key_header(char header[CLI_KEY_HEADER_MAX]);

/* The header of --base; NULL: none, or it is too long, which was said with
 * IGJ_ERROR. */
int cli_base_header(const cli_options_t *options, char *buf, size_t size,
    const char **header);

/* Adds the same to the path of a GET; IGJ_ERROR was said. */
int cli_path_base(const cli_options_t *options, char path[CLI_PATH_MAX]);


#endif /* CLI_CALL_H */
