/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>

#include "cli_estimate.h"
#include "cli_json.h"
#include "cli_term.h"
#include "cli_text.h"


static void cli_estimate_show(const cJSON *doc);
static void cli_estimate_accounts(const cJSON *accounts);
static void cli_estimate_seconds(const cJSON *seconds);
static void cli_estimate_usd(const cJSON *usd);


cli_exit_e
cli_estimate(cli_t *cli, const cli_answer_t *answer, cli_place_pt place,
    void *data)
{
    cJSON       *doc;
    const char  *refusal;

    doc = cli_answer_document(cli, answer);

    if (doc == NULL) {
        return CLI_FAILED;
    }

    refusal = cli_json_text(doc, "refusal");

    if (cli->options.json) {
        cli_json_out(doc);
    } else {
        cli_estimate_show(doc);
    }

    cli_out_flush();

    if (refusal != NULL) {
        cli_say("it would be refused: %s", refusal);
    }

    cli_problem_elements(cJSON_GetObjectItemCaseSensitive(doc, "skipped"),
                         place, data);

    cJSON_Delete(doc);

    return (refusal == NULL) ? CLI_OK : CLI_USAGE;
}


static void
cli_estimate_show(const cJSON *doc)
{
    char          number[CLI_NUMBER_MAX];
    const char   *of;
    const cJSON  *estimate;

    estimate = cJSON_GetObjectItemCaseSensitive(doc, "estimate");
    of = cli_json_text(estimate, "measured_of");

    cli_estimate_accounts(cJSON_GetObjectItemCaseSensitive(doc, "accounts"));

    cli_out_format("batches    %s, %lld at once\n",
                   cli_text_number(number,
                                   cli_json_integer(doc, "total_batches")),
                   (long long) cli_json_integer(doc, "parallelism"));
    cli_out_format("followers  %s at most\n",
                   cli_text_number(number,
                                   cli_json_integer(estimate, "followers")));

    cli_estimate_seconds(cJSON_GetObjectItemCaseSensitive(estimate,
                                                          "seconds"));
    cli_estimate_usd(cJSON_GetObjectItemCaseSensitive(estimate, "usd"));

    if (of != NULL) {
        cli_out_format("measured   %lld jobs of the ",
                       (long long) cli_json_integer(estimate,
                                                    "measured_jobs"));
        cli_out_text(CLI_PLAIN, of);
        cli_out_format("\n");
    }
}


static void
cli_estimate_accounts(const cJSON *accounts)
{
    char  accepted[CLI_NUMBER_MAX], given[CLI_NUMBER_MAX];

    cli_out_format("accounts   %s of %s given",
                   cli_text_number(accepted,
                                   cli_json_integer(accounts, "accepted")),
                   cli_text_number(given,
                                   cli_json_integer(accounts, "given")));
    cli_out_format(", %lld were there twice, %lld are not valid\n",
                   (long long) cli_json_integer(accounts, "duplicates"),
                   (long long) cli_json_integer(accounts, "invalid"));
}


static void
cli_estimate_seconds(const cJSON *seconds)
{
    const cJSON  *p50, *p90;

    p50 = cJSON_GetObjectItemCaseSensitive(seconds, "p50");
    p90 = cJSON_GetObjectItemCaseSensitive(seconds, "p90");

    if (!cJSON_IsNumber(p50) || !cJSON_IsNumber(p90)) {
        cli_out_format("time       not known\n");
        return;
    }

    cli_out_format("time       %.0f s, nine of ten at most %.0f s\n",
                   p50->valuedouble, p90->valuedouble);
}


static void
cli_estimate_usd(const cJSON *usd)
{
    const cJSON  *likely, *most;

    likely = cJSON_GetObjectItemCaseSensitive(usd, "likely");
    most = cJSON_GetObjectItemCaseSensitive(usd, "most");

    if (cJSON_IsNumber(likely)) {
        cli_out_format("cost       USD %.2f likely\n", likely->valuedouble);
    }

    if (cJSON_IsNumber(most)) {
        cli_out_format("cost       USD %.2f at most\n", most->valuedouble);
    }

    if (!cJSON_IsNumber(likely) && !cJSON_IsNumber(most)) {
        cli_out_format("cost       not known\n");
    }
}
