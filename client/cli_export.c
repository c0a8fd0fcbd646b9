/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs export: all results of a job as one file.  They come as JSON Lines,
 * whatever is written: each row names the place to go on from when the
 * connection is lost, and the last line says that nothing is missing.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_ask.h"
#include "cli_clock.h"
#include "cli_json.h"
#include "cli_output.h"
#include "cli_rows.h"
#include "cli_term.h"
#include "cli_text.h"
#include "igj_jsonl.h"


#define CLI_EXPORT_TOKEN_MAX  256
#define CLI_EXPORT_DRAW_MS    250          /* between two counts shown */
#define CLI_EXPORT_FIELDS                                                     \
    "id,username,full_name,gender,confidence,source_account,created_at"


typedef struct {
    cli_t           *cli;
    cli_rows_t       rows;
    igj_jsonl_t      lines;
    char            *buf;                  /* of the unfinished line */
    char             token[CLI_EXPORT_TOKEN_MAX];
    int64_t          drawn_at;
    bool             counts;               /* how far it is may be shown */
    bool             whole;                /* the last line was read */
    bool             growing;              /* the job goes on */
    int64_t          came;                 /* rows over this connection */
    cli_patience_t   patience;
} cli_export_t;


static void cli_export_format(cli_export_t *export,
    const cli_options_t *options);
static cli_exit_e cli_export_stream(cli_export_t *export, const char *id);
static void cli_export_path(const cli_export_t *export, const char *id,
    char path[CLI_PATH_MAX]);
static int cli_export_sink(void *data, const char *bytes, size_t len);
static int cli_export_line(void *data, const char *line, size_t len);
static int cli_export_row(cli_export_t *export, cJSON *row);
static int cli_export_footer(cli_export_t *export, const cJSON *footer);
static void cli_export_draw(cli_export_t *export);


static const cli_column_t  cli_export_columns[] = {
    { "id",             "", false },
    { "username",       "", false },
    { "full_name",      "", false },
    { "gender",         "", false },
    { "confidence",     "", false },
    { "source_account", "", false },
    { "created_at",     "", false },
    { NULL,             "", false }
};


cli_exit_e
cli_export(cli_t *cli)
{
    char          id[37], count[CLI_NUMBER_MAX];
    cli_exit_e    rc, closed;
    cli_export_t  export;
    cli_output_t  output;

    memset(&export, 0, sizeof(export));
    export.cli = cli;
    export.buf = malloc(IGJ_JSONL_LINE_MAX);

    if (export.buf == NULL) {
        cli_say("no memory");
        return CLI_FAILED;
    }

    rc = CLI_USAGE;

    if (cli_job_id(cli->options.args[0], id) == IGJ_OK
        && cli_output_open(&output, cli->options.output) == IGJ_OK)
    {
        cli_export_format(&export, &cli->options);
        export.counts = output.path != NULL && cli_term_draws_errors();
        rc = cli_export_stream(&export, id);

        if (rc == CLI_OK) {
            cli_rows_end(&export.rows);
        }

        closed = cli_output_close(&output, rc == CLI_OK);
        rc = rc == CLI_OK ? closed : rc;
    }

    if (rc == CLI_OK && output.path != NULL) {
        cli_say("%s rows%s", cli_text_number(count, export.rows.count),
                export.growing ? " so far; the job goes on" : "");
    }

    free(export.buf);

    return rc;
}


static void
cli_export_format(cli_export_t *export, const cli_options_t *options)
{
    const char  *format;

    cli_rows_init(&export->rows, options, cli_export_columns);
    format = options->format != NULL ? options->format
             : options->json ? "ndjson" : "csv";

    export->rows.format = strcmp(format, "ndjson") == 0 ? CLI_ROWS_NDJSON
                          : strcmp(format, "json") == 0 ? CLI_ROWS_JSON
                                                        : CLI_ROWS_CSV;
}


static cli_exit_e
cli_export_stream(cli_export_t *export, const char *id)
{
    bool           more;
    char           path[CLI_PATH_MAX];
    cli_exit_e     rc;
    cli_answer_t   answer;
    cli_request_t  request;

    memset(&request, 0, sizeof(request));
    request.path = path;
    request.accept = "application/x-ndjson, application/json";
    request.sink = cli_export_sink;
    request.sink_data = export;

    do {
        cli_export_path(export, id, path);
        export->came = 0;
        igj_jsonl_init(&export->lines, export->buf, IGJ_JSONL_LINE_MAX,
                       cli_export_line, export);
        cli_http_ask(export->cli->http, &request, &answer);

        more = !export->whole
               && cli_patience_wait(export->cli, &export->patience, &answer);
        rc = more || export->whole ? CLI_OK : cli_problem(export->cli, &answer,
                                                          NULL, NULL);
        cli_answer_free(&answer);
    } while (more);

    return rc;
}


static void
cli_export_path(const cli_export_t *export, const char *id,
    char path[CLI_PATH_MAX])
{
    (void) snprintf(path, CLI_PATH_MAX, "/api/job-results/%s.ndjson?fields="
                    CLI_EXPORT_FIELDS ",token&footer=1%s%s%s", id,
                    export->cli->options.partial ? "&partial=true" : "",
                    export->token[0] == '\0' ? "" : "&after=", export->token);
}


static int
cli_export_sink(void *data, const char *bytes, size_t len)
{
    cli_export_t  *export = data;

    int  rc;

    rc = igj_jsonl_feed(&export->lines, bytes, len);

    if (export->lines.too_long > 0 || export->lines.skipping) {
        cli_say("a row is longer than %d bytes", IGJ_JSONL_LINE_MAX);
        return IGJ_ERROR;
    }

    return rc == 0 ? IGJ_OK : IGJ_ERROR;
}


static int
cli_export_line(void *data, const char *line, size_t len)
{
    cli_export_t  *export = data;

    int     rc;
    cJSON  *row;

    row = cJSON_ParseWithLength(line, len);
    rc = cli_json_true(row, "_end") ? cli_export_footer(export, row)
                                    : cli_export_row(export, row);
    cJSON_Delete(row);

    return rc;
}


static int
cli_export_row(cli_export_t *export, cJSON *row)
{
    const char  *token;

    token = cli_json_text(row, "token");

    if (token == NULL || strlen(token) >= CLI_EXPORT_TOKEN_MAX) {
        cli_say("the server sends what is no row");
        return -1;
    }

    strcpy(export->token, token);
    cJSON_DeleteItemFromObjectCaseSensitive(row, "token");
    cli_rows_row(&export->rows, row);
    export->came++;
    cli_patience_renew(&export->patience);
    cli_export_draw(export);

    return 0;
}


/* The last line: how many rows there were, and whether there will be more. */

static int
cli_export_footer(cli_export_t *export, const cJSON *footer)
{
    if (cli_json_integer(footer, "rows") != export->came) {
        cli_say("%lld rows came of %lld", (long long) export->came,
                (long long) cli_json_integer(footer, "rows"));
        return -1;
    }

    export->whole = true;
    export->growing = !cli_json_true(footer, "complete");

    return 0;
}


static void
cli_export_draw(cli_export_t *export)
{
    char     line[CLI_BAR_MAX], count[CLI_NUMBER_MAX];
    int64_t  now;

    if (!export->counts) {
        return;
    }

    now = cli_now_ms();

    if (now - export->drawn_at >= CLI_EXPORT_DRAW_MS) {
        export->drawn_at = now;
        (void) snprintf(line, sizeof(line), "%s rows",
                        cli_text_number(count, export->rows.count));
        cli_bar(line);
    }
}
