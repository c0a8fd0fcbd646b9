/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>

#include "cli_call.h"
#include "cli_clock.h"
#include "cli_term.h"
#include "cli_url.h"


#define CLI_CALL_IN_DOUBT  "IGJ0806"
#define CLI_CALL_NO_PATH   "IGJ0201"


/* The body of a call, for a request. */
typedef struct {
    const char  *text;
    size_t       len;
    size_t       at;
} cli_call_body_t;

/* What its headers are made in. */
typedef struct {
    char  key[CLI_KEY_HEADER_MAX];
    char  base[CLI_BASE_MAX + 16];
} cli_call_headers_t;


static int cli_call_send(cli_t *cli, const cli_call_t *call,
    cli_answer_t *answer, bool *again, bool *doubt);
static int cli_call_headers(const cli_t *cli, const cli_call_t *call,
    cli_call_headers_t *h, cli_request_t *request);
static bool cli_call_doubtful(const cli_answer_t *answer);
static bool cli_call_gone(const cli_call_t *call, const cli_answer_t *answer);
static ssize_t cli_call_read(void *data, char *buf, size_t size);
static int cli_call_rewind(void *data);
static int cli_base_check(const char *base);


cli_exit_e
cli_call(cli_t *cli, const cli_call_t *call, cJSON **doc,
    cli_answer_t *answer)
{
    bool        again, doubt;
    cli_exit_e  rc;

    *doc = NULL;

    if (cli_call_send(cli, call, answer, &again, &doubt) != IGJ_OK) {
        return CLI_USAGE;
    }

    if (cli_answer_good(answer)) {
        *doc = cli_answer_document(cli, answer);
        rc = *doc == NULL ? CLI_FAILED : CLI_OK;

    } else if (again && cli_call_gone(call, answer)) {
        *doc = cJSON_CreateObject();
        rc = *doc == NULL ? CLI_FAILED : CLI_OK;

    } else {
        rc = cli_problem(cli, answer, NULL, NULL);
    }

    if (call->once && doubt) {
        cli_say("it is not known whether it was done");
    }

    cli_answer_free(answer);

    return rc;
}


/* As often as it may be and helps; again: more than once; doubt: one try may
 * have been carried out, and no later one said so. */

static int
cli_call_send(cli_t *cli, const cli_call_t *call, cli_answer_t *answer,
    bool *again, bool *doubt)
{
    cli_request_t       request;
    cli_patience_t      patience;
    cli_call_body_t     body;
    cli_call_headers_t  headers;

    memset(&patience, 0, sizeof(patience));
    memset(&request, 0, sizeof(request));
    body.text = call->body == NULL ? "{}" : call->body;
    body.len = strlen(body.text);
    request.method = call->method;
    request.path = call->path;
    request.accept = "application/json";
    request.source = cli_call_read;
    request.rewind = cli_call_rewind;
    request.source_data = &body;
    request.source_len = (int64_t) body.len;

    if (cli_call_headers(cli, call, &headers, &request) != IGJ_OK) {
        return IGJ_ERROR;
    }

    *doubt = false;

    for ( ;; ) {
        body.at = 0;
        cli_http_ask(cli->http, &request, answer);
        *doubt = !cli_answer_good(answer)
                 && (*doubt || cli_call_doubtful(answer));

        if (cli_answer_good(answer)
            || !cli_patience_wait(cli, &patience, answer))
        {
            *again = patience.tries > 0;
            return IGJ_OK;
        }

        cli_answer_free(answer);
    }
}


static int
cli_call_headers(const cli_t *cli, const cli_call_t *call,
    cli_call_headers_t *h, cli_request_t *request)
{
    if (call->async) {
        request->headers[0] = "Prefer: respond-async";
    }

    if (call->once) {
        request->headers[2] = h->key;

        if (cli_key_header(h->key) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    return cli_base_header(&cli->options, h->base, sizeof(h->base),
                           &request->headers[1]);
}


/* it may have been done, though nobody said so */

static bool
cli_call_doubtful(const cli_answer_t *answer)
{
    return answer->outcome == CLI_BROKEN
           || cli_problem_is(answer, CLI_CALL_IN_DOUBT);
}


/* what an earlier try has deleted, whose answer was lost */

static bool
cli_call_gone(const cli_call_t *call, const cli_answer_t *answer)
{
    return call->method != NULL && strcmp(call->method, "DELETE") == 0
           && answer->outcome == CLI_ANSWERED && answer->status == 404
           && !cli_problem_is(answer, CLI_CALL_NO_PATH);
}


static ssize_t
cli_call_read(void *data, char *buf, size_t size)
{
    cli_call_body_t  *body = data;

    if (size > body->len - body->at) {
        size = body->len - body->at;
    }

    memcpy(buf, body->text + body->at, size);
    body->at += size;

    return (ssize_t) size;
}


static int
cli_call_rewind(void *data)
{
    cli_call_body_t  *body = data;

    body->at = 0;

    return IGJ_OK;
}


void
cli_poll_pause(int64_t advice)
{
    cli_wait_ms(1000 * (advice < 0 ? CLI_POLL_S
                        : advice > CLI_POLL_MAX_S ? CLI_POLL_MAX_S : advice));
}


int
cli_key_header(char header[CLI_KEY_HEADER_MAX])
{
    char  key[37];

    if (cli_uuid_make(key) != IGJ_OK) {
        return IGJ_ERROR;
    }

    (void) snprintf(header, CLI_KEY_HEADER_MAX, "Idempotency-Key: \"%s\"",
                    key);

    return IGJ_OK;
}


int
cli_base_header(const cli_options_t *options, char *buf, size_t size,
    const char **header)
{
    if (options->base == NULL) {
        return IGJ_OK;
    }

    if (cli_base_check(options->base) != IGJ_OK) {
        return IGJ_ERROR;
    }

    (void) snprintf(buf, size, "X-Base-Id: %s", options->base);
    *header = buf;

    return IGJ_OK;
}


int
cli_path_base(const cli_options_t *options, char path[CLI_PATH_MAX])
{
    if (options->base == NULL) {
        return IGJ_OK;
    }

    return cli_base_check(options->base) == IGJ_OK
           ? cli_path_parameter("base_id", options->base, path) : IGJ_ERROR;
}


static int
cli_base_check(const char *base)
{
    if (strlen(base) <= CLI_BASE_MAX && strpbrk(base, "\r\n") == NULL) {
        return IGJ_OK;
    }

    cli_say("--base takes the id of a base, such as appXXXXXXXXXXXXXX");

    return IGJ_ERROR;
}
