/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>

#include "cli_ask.h"
#include "cli_json.h"
#include "cli_term.h"


#define CLI_PROBLEM_NO_PATH  "IGJ0201"     /* an older server */
#define CLI_PROBLEM_RUNNING  "IGJ0402"


static cJSON *cli_problem_document(const cli_answer_t *answer);
static cli_exit_e cli_problem_unanswered(const cli_t *cli,
    const cli_answer_t *answer);
static cli_exit_e cli_problem_foreign(const cli_t *cli,
    const cli_answer_t *answer);
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

    if (detail != NULL && strcmp(detail, error) != 0) {
        cli_note("  %s", detail);
    }

    if (code != NULL && strcmp(code, CLI_PROBLEM_RUNNING) == 0) {
        cli_note("  --partial reads what is there.");
    }

    cli_problem_elements(cJSON_GetObjectItemCaseSensitive(doc, "errors"),
                         place, data);
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


static cli_exit_e
cli_problem_exit(long status, const char *code)
{
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
