/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A submission that was read to its end: is it right as a whole, and what is
 * answered to one that is not.
 */

#include "igj_submit_inner.h"

#include <stdio.h>
#include <string.h>


/* The problem stands; without a detail its advice will do. */
int
igj_submit_refuse(igj_submit_t *submit, igj_problem_e problem)
{
    submit->problem = problem;
    return IGJ_ERROR;
}


/*
 * The body is JSON without "accounts": the original says so of null and of
 * arrays, too.
 */
int
igj_submit_no_accounts(igj_submit_t *submit)
{
    switch (submit->body_type) {

    case IGJ_SCAN_OBJECT_END:
    case IGJ_SCAN_ARRAY_END:
    case IGJ_SCAN_NULL:
        return igj_submit_refuse(submit, IGJ_PROBLEM_ACCOUNTS_MISSING);

    default:
        return igj_submit_refuse(submit, IGJ_PROBLEM_NOT_AN_OBJECT);
    }
}


int
igj_submit_judge_accounts(igj_submit_t *submit)
{
    const igj_submit_fault_t  *fault;

    fault = &submit->judged[submit->platform].faults[0];

    if (submit->given == 0) {
        (void) snprintf(submit->pointer, sizeof(submit->pointer), "#/accounts");
        return igj_submit_refuse(submit, IGJ_PROBLEM_ACCOUNTS_NOT_A_LIST);
    }

    if (submit->invalid == 0) {
        return IGJ_OK;
    }

    if (submit->invalid == submit->given) {
        return igj_submit_refuse(submit, IGJ_PROBLEM_NO_VALID_ACCOUNT);
    }

    if (submit->skip_invalid || submit->dry_run) {
        return IGJ_OK;
    }

    (void) snprintf(submit->detail, sizeof(submit->detail),
                    "%u of %u accounts are not valid; the first is element %u, "
                    "counted from 0: it %s. Correct them, or send "
                    "\"skip_invalid\": true to leave them out.",
                    submit->invalid, submit->given, fault->index,
                    igj_username_error_text(submit->platform, fault->reason));

    return igj_submit_refuse(submit, IGJ_PROBLEM_INVALID_ACCOUNTS);
}


/* floor(total / accounts), at least 1. */
int
igj_submit_judge_total(igj_submit_t *submit)
{
    int64_t   each;
    uint32_t  n;

    submit->per_account = IGJ_DEFAULT_PER_ACCOUNT;

    if (!submit->has_total) {
        return IGJ_OK;
    }

    n = submit->accounts.count;
    each = submit->total / n;

    if (each >= 1 && each <= IGJ_MAX_PER_ACCOUNT) {
        submit->per_account = (uint32_t) each;
        return IGJ_OK;
    }

    (void) snprintf(submit->pointer, sizeof(submit->pointer),
                    "#/totalScrapeCount");

    if (each < 1) {
        (void) snprintf(submit->detail, sizeof(submit->detail),
                        "totalScrapeCount is the number of followers over all "
                        "accounts; send at least %u for %u accounts.", n, n);
        return igj_submit_refuse(submit, IGJ_PROBLEM_TOTAL_TOO_SMALL);
    }

    (void) snprintf(submit->detail, sizeof(submit->detail),
                    "An account is scraped up to %d followers; send at most "
                    "%lld for %u accounts.", IGJ_MAX_PER_ACCOUNT,
                    (long long) IGJ_MAX_PER_ACCOUNT * n, n);

    return igj_submit_refuse(submit, IGJ_PROBLEM_TOTAL_TOO_LARGE);
}


void
igj_submit_problem(const igj_submit_t *submit, igj_problem_doc_t *doc)
{
    memset(doc, 0, sizeof(igj_problem_doc_t));

    doc->problem = submit->problem;
    doc->detail = (submit->detail[0] != '\0') ? submit->detail : NULL;

    if (submit->invalid != 0 || submit->pointer[0] != '\0') {
        doc->errors = igj_submit_errors;
        doc->data = submit;
    }
}


void
igj_submit_errors(igj_json_t *json, const void *data)
{
    char                       pointer[32], detail[160];
    uint32_t                   i;
    const igj_submit_t        *submit;
    const igj_submit_fault_t  *fault;

    submit = data;

    if (submit->pointer[0] != '\0') {
        igj_problem_pointer(json, submit->pointer,
                            (submit->detail[0] != '\0')
                            ? submit->detail
                            : igj_problem(submit->problem)->advice);
        return;
    }

    for (i = 0; i < submit->invalid && i < IGJ_MAX_ERROR_POINTERS; i++) {
        fault = &submit->judged[submit->platform].faults[i];

        (void) snprintf(pointer, sizeof(pointer), "#/accounts/%u",
                        fault->index);
        (void) snprintf(detail, sizeof(detail), "The account %s.",
                        igj_username_error_text(submit->platform,
                                                fault->reason));

        igj_problem_pointer(json, pointer, detail);
    }
}
