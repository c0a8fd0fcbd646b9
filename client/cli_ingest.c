/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs ingest.  The file is read as it is sent, in requests of as many
 * profiles as one may have.  Each carries a key, so that what may pass is tried
 * again and nothing comes twice; a large one is waited for.
 */

#include <stdio.h>
#include <string.h>

#include "cli_call.h"
#include "cli_json.h"
#include "cli_profiles.h"
#include "cli_show.h"
#include "cli_term.h"
#include "cli_watch.h"
#include "igj_limits.h"


#define CLI_INGEST_HEAD  "{\"profiles\":["
#define CLI_INGEST_TAIL  "]}"


typedef struct {
    int64_t  raw;
    int64_t  added;
    int64_t  skipped;
    int64_t  invalid;
} cli_ingest_sums_t;


typedef struct {
    cli_profiles_t     profiles;
    cli_ingest_sums_t  sums;
    int64_t            given;              /* by requests that are done */

    /* of the request at work */
    int64_t            sent;               /* profiles */
    bool               more;               /* one is in profiles.text, which is
                                            * still to be sent */
    bool               ended;              /* the tail was sent */
    const char        *piece;
    size_t             piece_len;
    size_t             at;
    char               comma[1];
} cli_ingest_t;


static cli_exit_e cli_ingest_all(cli_t *cli, cli_ingest_t *in);
static cli_exit_e cli_ingest_request(cli_t *cli, cli_ingest_t *in);
static int cli_ingest_rewind(void *data);
static ssize_t cli_ingest_read(void *data, char *buf, size_t size);
static int cli_ingest_piece(cli_ingest_t *in);
static cli_exit_e cli_ingest_taken(cli_t *cli, cli_ingest_t *in,
    const cli_answer_t *answer);
static cli_exit_e cli_ingest_wait(cli_t *cli, cJSON **doc);


cli_exit_e
cli_ingest(cli_t *cli)
{
    cli_exit_e           rc;
    static cli_ingest_t  in;               /* too large for a stack */

    if (cli_profiles_open(&in.profiles, cli->options.args[0],
                          cli->options.format)
        != IGJ_OK)
    {
        return CLI_USAGE;
    }

    rc = cli_ingest_all(cli, &in);
    cli_profiles_close(&in.profiles);

    if (in.given > 0 && !cli->options.no_wait) {
        cli_note("%lld profiles: %lld new, %lld known before%s",
                 (long long) in.given, (long long) in.sums.added,
                 (long long) in.sums.skipped,
                 in.sums.invalid > 0 ? ", some faulty ones left out" : "");
    }

    return rc;
}


/* Requests until the file has ended. */

static cli_exit_e
cli_ingest_all(cli_t *cli, cli_ingest_t *in)
{
    int         next;
    cli_exit_e  rc;

    for ( ;; ) {
        cli_profiles_mark(&in->profiles);
        next = cli_profiles_next(&in->profiles);

        if (next != 1) {
            if (next == 0 && in->given == 0) {
                cli_say("%s: no profiles in it", in->profiles.from);
                return CLI_USAGE;
            }

            return next == 0 ? CLI_OK : CLI_USAGE;
        }

        if (cli_ingest_rewind(in) != IGJ_OK) {
            return CLI_FAILED;
        }

        rc = cli_ingest_request(cli, in);

        if (rc != CLI_OK) {
            return rc;
        }

        in->given += in->sent;
    }
}


static cli_exit_e
cli_ingest_request(cli_t *cli, cli_ingest_t *in)
{
    char            key[CLI_KEY_HEADER_MAX], base[CLI_BASE_MAX + 16];
    cli_exit_e      rc;
    cli_answer_t    answer;
    cli_request_t   request;
    cli_patience_t  patience;

    memset(&patience, 0, sizeof(patience));
    memset(&request, 0, sizeof(request));
    request.path = "/api/ingest";
    request.accept = "application/json";
    request.headers[0] = key;
    request.source = cli_ingest_read;
    request.rewind = cli_ingest_rewind;
    request.source_data = in;
    request.source_len = -1;

    if (cli_key_header(key) != IGJ_OK
        || cli_base_header(&cli->options, base, sizeof(base),
                           &request.headers[1])
           != IGJ_OK)
    {
        return CLI_USAGE;
    }

    for ( ;; ) {
        cli_http_ask(cli->http, &request, &answer);

        if (cli_answer_good(&answer)
            || !cli_patience_wait(cli, &patience, &answer))
        {
            break;
        }

        cli_answer_free(&answer);

        if (cli_ingest_rewind(in) != IGJ_OK) {
            return CLI_FAILED;
        }
    }

    rc = cli_answer_good(&answer) ? cli_ingest_taken(cli, in, &answer)
         : answer.outcome == CLI_STOPPED ? CLI_USAGE   /* the file; said */
         : cli_problem(cli, &answer, NULL, NULL);
    cli_answer_free(&answer);

    return rc;
}


/* To the beginning of the request. */

static int
cli_ingest_rewind(void *data)
{
    cli_ingest_t  *in = data;

    in->sent = 0;
    in->more = false;
    in->ended = false;
    in->piece = CLI_INGEST_HEAD;
    in->piece_len = sizeof(CLI_INGEST_HEAD) - 1;
    in->at = 0;

    return cli_profiles_back(&in->profiles);
}


static ssize_t
cli_ingest_read(void *data, char *buf, size_t size)
{
    cli_ingest_t  *in = data;

    size_t  n, len;

    for (len = 0; len < size; len += n) {
        if (in->at == in->piece_len) {
            if (in->ended) {
                break;
            }

            if (cli_ingest_piece(in) != IGJ_OK) {
                return -1;
            }
        }

        n = in->piece_len - in->at;
        n = n < size - len ? n : size - len;
        memcpy(buf + len, in->piece + in->at, n);
        in->at += n;
    }

    return (ssize_t) len;
}


/* A comma, a profile, or the end. */

static int
cli_ingest_piece(cli_ingest_t *in)
{
    int  next;

    in->at = 0;

    if (in->more) {
        in->more = false;
        in->piece = in->profiles.text;
        in->piece_len = in->profiles.len;
        return IGJ_OK;
    }

    next = in->sent == IGJ_MAX_PROFILES
           ? 0 : cli_profiles_next(&in->profiles);

    if (next == IGJ_ERROR) {
        return IGJ_ERROR;
    }

    if (next == 0) {
        in->ended = true;
        in->piece = CLI_INGEST_TAIL;
        in->piece_len = sizeof(CLI_INGEST_TAIL) - 1;
        return IGJ_OK;
    }

    in->more = true;
    in->piece = ",";
    in->piece_len = in->sent++ > 0;

    return IGJ_OK;
}


/* The server has it: at once, or as an ingestion that goes on. */

static cli_exit_e
cli_ingest_taken(cli_t *cli, cli_ingest_t *in, const cli_answer_t *answer)
{
    cJSON       *doc;
    cli_exit_e   rc;

    doc = cli_answer_document(cli, answer);

    if (doc == NULL) {
        return CLI_FAILED;
    }

    rc = CLI_OK;

    if (answer->status == 202 && !cli->options.no_wait) {
        rc = cli_ingest_wait(cli, &doc);
    }

    if (rc == CLI_OK || rc == CLI_JOB_FAILED) {
        in->sums.raw += cli_json_integer(doc, "inserted_raw");
        in->sums.added += cli_json_integer(doc, "added_to_global");
        in->sums.skipped += cli_json_integer(doc, "skipped_existing");
        in->sums.invalid += cli_json_integer(doc, "invalid");
        cli_show_members(cli, doc);
        cli_out_flush();
    }

    cJSON_Delete(doc);

    return rc;
}


/* Until all of it was taken in; *doc is replaced. */

static cli_exit_e
cli_ingest_wait(cli_t *cli, cJSON **doc)
{
    char             id[37], path[CLI_PATH_MAX];
    cli_exit_e       rc;
    const char      *text;
    cli_answer_t     answer;
    cli_patience_t   patience;

    memset(&patience, 0, sizeof(patience));
    patience.watching = true;
    text = cli_json_text(*doc, "batch_id");

    if (cli_uuid(text == NULL ? "" : text, "ingestion", id) != IGJ_OK) {
        return CLI_FAILED;
    }

    (void) snprintf(path, sizeof(path), "/api/ingest/%s", id);

    for ( ;; ) {
        rc = cli_watch_operation(cli, id);

        if (rc != CLI_OK) {
            return rc;
        }

        cJSON_Delete(*doc);
        *doc = NULL;
        rc = cli_get_patiently(cli, path, &patience, doc, &answer);
        text = cli_json_text(*doc, "status");

        if (rc != CLI_OK || text == NULL) {
            return rc == CLI_OK ? CLI_FAILED : rc;
        }

        if (strcmp(text, "completed") == 0) {
            return CLI_OK;
        }

        if (strcmp(text, "failed") == 0) {
            cli_say("some of the profiles could not be taken in");
            return CLI_JOB_FAILED;
        }

        cli_poll_pause(answer.retry_after);   /* it was begun again since */
    }
}
