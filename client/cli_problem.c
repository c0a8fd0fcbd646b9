/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>

#include "cli_ask.h"
#include "cli_json.h"
#include "cli_term.h"


#define CLI_PROBLEM_NO_PATH  "IGJ0201"     /* an older server */
#define CLI_PROBLEM_RUNNING  "IGJ0402"
#define CLI_PROBLEM_OFTEN    "IGJ0705"     /* in this hour */


/* What became of an operation: it has failed, neither the request nor the
 * server. */
static const char  *cli_problem_ends[] = {
    "IGJ1120", "IGJ1202", "IGJ1406", NULL
};

/* What some problems tell further. */
static const char  *cli_problem_further[] = {
    "message", "step_failed", "campaign_id", "existing_job", "failed_tables",
    NULL
};


static cJSON *cli_problem_document(const cli_answer_t *answer);
static cli_exit_e cli_problem_unanswered(const cli_t *cli,
    const cli_answer_t *answer);
static cli_exit_e cli_problem_foreign(const cli_t *cli,
    const cli_answer_t *answer);
static void cli_problem_advice(const cli_answer_t *answer, const char *code);
static bool cli_problem_repeats(const cJSON *doc, const char *detail);
static void cli_problem_members(const cJSON *doc);
static void cli_problem_inner(const char *name, const cJSON *value);
static cli_exit_e cli_problem_exit(long status, const char *code);


cli_exit_e
cli_problem(const cli_t *cli, const cli_answer_t *answer, cli_place_pt place,
    void *data)
{
    cJSON       *doc;
    cli_exit_e   rc;
    const char  *code, *error, *detail;

    if (answer->outcome != CLI_ANSWERED) {
        return cli_problem_unanswered(cli, answer);
    }

    doc = cli_problem_document(answer);
    error = cli_json_text(doc, "error");

    if (error == NULL) {
        cJSON_Delete(doc);
        return cli_problem_foreign(cli, answer);
    }

    code = cli_json_text(doc, "code");
    detail = cli_json_text(doc, "detail");

    cli_say("%s (%ld%s%s)", error, answer->status, code == NULL ? "" : " ",
            code == NULL ? "" : code);

    if (detail != NULL && strcmp(detail, error) != 0
        && !cli_problem_repeats(doc, detail))
    {
        cli_note("  %s", detail);
    }

    cli_problem_advice(answer, code);
    cli_problem_elements(cJSON_GetObjectItemCaseSensitive(doc, "errors"),
                         place, data);
    cli_problem_members(doc);
    rc = cli_problem_exit(answer->status, code);
    cJSON_Delete(doc);

    return rc;
}


bool
cli_problem_is(const cli_answer_t *answer, const char *code)
{
    bool         is;
    cJSON       *doc;
    const char  *text;

    doc = cli_problem_document(answer);
    text = cli_json_text(doc, "code");
    is = text != NULL && strcmp(text, code) == 0;
    cJSON_Delete(doc);

    return is;
}


static cJSON *
cli_problem_document(const cli_answer_t *answer)
{
    return answer->body == NULL ? NULL
                                : cJSON_ParseWithLength(answer->body,
                                                        answer->len);
}


static cli_exit_e
cli_problem_unanswered(const cli_t *cli, const cli_answer_t *answer)
{
    cli_say("%s: %s", cli_http_url(cli->http), answer->error);

    return CLI_FAILED;
}


/* What stands between us and igjobs has answered, or another server. */

static cli_exit_e
cli_problem_foreign(const cli_t *cli, const cli_answer_t *answer)
{
    const char  *what;

    switch (answer->status / 100) {
    case 2:
        what = "ends its answers too early";
        break;

    case 3:
        what = "leads to another address; use that with --url";
        break;

    case 5:
        what = "is not able to answer";
        break;

    default:
        what = answer->status == 401 || answer->status == 403
               || answer->status == 407
               ? "asks for credentials; see -H and IGJOBS_HEADER"
               : "does not answer as igjobs does";
        break;
    }

    cli_say("%s %s (%ld)", cli_http_url(cli->http), what, answer->status);

    return CLI_FAILED;
}


/* What of the command helps, where the server knows of requests only. */

static void
cli_problem_advice(const cli_answer_t *answer, const char *code)
{
    if (code != NULL && strcmp(code, CLI_PROBLEM_OFTEN) == 0) {
        cli_note("  There may be another one in %lld min.",
                 (long long) (answer->retry_after + 59) / 60);
    }

    if (code != NULL && strcmp(code, CLI_PROBLEM_RUNNING) == 0) {
        cli_note("  --partial reads what is there.");
    }
}


/* Whether the only faulty element says the same. */

static bool
cli_problem_repeats(const cJSON *doc, const char *detail)
{
    const char   *text;
    const cJSON  *errors;

    errors = cJSON_GetObjectItemCaseSensitive(doc, "errors");
    text = cli_json_text(cJSON_GetArrayItem(errors, 0), "detail");

    return cJSON_GetArraySize(errors) == 1 && text != NULL
           && strcmp(text, detail) == 0;
}


static void
cli_problem_members(const cJSON *doc)
{
    char          buf[64];
    size_t        i;
    const char   *name, *text;
    const cJSON  *value;

    for (i = 0; cli_problem_further[i] != NULL; i++) {
        name = cli_problem_further[i];
        value = cJSON_GetObjectItemCaseSensitive(doc, name);
        text = cli_json_show(value, buf, sizeof(buf));

        if (text[0] != '\0') {
            cli_note("  %s: %s", name, text);
        }

        cli_problem_inner(name, value);
    }
}


/* "failed_tables: one", "existing_job.platform: instagram" */

static void
cli_problem_inner(const char *name, const cJSON *value)
{
    char          buf[64];
    const char   *text;
    const cJSON  *inner;

    cJSON_ArrayForEach(inner, value) {
        text = cli_json_show(inner, buf, sizeof(buf));

        if (text[0] != '\0') {
            cli_note("  %s%s%s: %s", name, cJSON_IsObject(value) ? "." : "",
                     cJSON_IsObject(value) ? inner->string : "", text);
        }
    }
}


static cli_exit_e
cli_problem_exit(long status, const char *code)
{
    size_t  i;

    for (i = 0; code != NULL && cli_problem_ends[i] != NULL; i++) {
        if (strcmp(code, cli_problem_ends[i]) == 0) {
            return CLI_JOB_FAILED;
        }
    }

    switch (status) {
    case 404:
        return code != NULL && strcmp(code, CLI_PROBLEM_NO_PATH) == 0
               ? CLI_FAILED : CLI_NOT_FOUND;

    case 401:
    case 403:
    case 405:
    case 407:
    case 408:
    case 429:
        return CLI_FAILED;

    default:
        return status < 500 ? CLI_USAGE : CLI_FAILED;
    }
}


void
cli_problem_elements(const cJSON *errors, cli_place_pt place, void *data)
{
    const char   *pointer, *detail, *where;
    const cJSON  *one;

    cJSON_ArrayForEach(one, errors) {
        pointer = cli_json_text(one, "pointer");
        detail = cli_json_text(one, "detail");
        pointer = pointer == NULL ? "" : pointer;
        where = place == NULL ? NULL : place(data, pointer);

        cli_note("  %s%s%s%s %s", pointer, where == NULL ? "" : " (",
                 where == NULL ? "" : where, where == NULL ? ":" : "):",
                 detail == NULL ? "" : detail);
    }
}
