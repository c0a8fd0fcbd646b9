/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The table of problems and the error document. */

#include "igj_problem.h"
#include "tap.h"


static char        buf[4096];
static igj_json_t  json;


static const char *
written(const igj_problem_doc_t *doc)
{
    igj_json_init(&json, buf, sizeof(buf) - 1);
    igj_problem_write(&json, doc);
    buf[json.len] = '\0';

    return buf;
}


static int
row_is_good(const igj_problem_row_t *row)
{
    return strlen(row->code) == 7 && strncmp(row->code, "IGJ", 3) == 0
           && strspn(row->code + 3, "0123456789") == 4
           && row->status >= 400 && row->status <= 599
           && (strstr(row->slug, "://") != NULL
               || strspn(row->slug, "abcdefghijklmnopqrstuvwxyz0123456789-")
                  == strlen(row->slug))
           && row->title[0] != '\0'
           && row->advice[strlen(row->advice) - 1] == '.';
}


static void
test_table(void)
{
    int                       good, unique;
    unsigned                  i, k;
    const igj_problem_row_t  *row, *other;

    good = 1;
    unique = 1;

    for (i = IGJ_PROBLEM_NONE + 1; i < IGJ_PROBLEM_COUNT; i++) {
        row = igj_problem((igj_problem_e) i);

        if (!row_is_good(row)) {
            printf("# %s\n", row->code);
            good = 0;
        }

        for (k = IGJ_PROBLEM_NONE + 1; k < i; k++) {
            other = igj_problem((igj_problem_e) k);

            if (strcmp(row->code, other->code) == 0
                || strcmp(row->slug, other->slug) == 0)
            {
                printf("# %s and %s\n", row->code, other->code);
                unique = 0;
            }
        }

        good &= (igj_problem_find(row->slug, strlen(row->slug))
                 == (igj_problem_e) i);
    }

    ok(good, "codes, statuses, slugs and texts have their form");
    ok(unique, "no code and no slug stands there twice");
    is(igj_problem_find("no-such", 7), IGJ_PROBLEM_NONE, "an unknown slug");
}


static void
two_errors(igj_json_t *out, const void *data)
{
    igj_problem_pointer(out, "#/accounts/3", data);
    igj_problem_pointer(out, "#/accounts/5", "and \"this\"");
}


static void
test_document(void)
{
    igj_problem_doc_t  doc;

    memset(&doc, 0, sizeof(doc));
    doc.problem = IGJ_PROBLEM_ACCOUNTS_NOT_A_LIST;

    is_text(written(&doc),
            "{\"success\":false,\"error\":\"Accounts must be a non-empty "
            "list\",\"type\":\"/api/problems/accounts-not-a-list\","
            "\"title\":\"Accounts must be a non-empty list\",\"status\":400,"
            "\"detail\":\"Send an array of 1 to 500000 user names.\","
            "\"code\":\"IGJ0302\"}", "the least that is said");

    doc.problem = IGJ_PROBLEM_JOB_NOT_FOUND;
    doc.error = "Job 42 not found";
    doc.detail = "It was erased.";
    doc.instance = "/api/job-status/42";
    doc.error_message = 1;
    doc.errors = two_errors;
    doc.data = "wrong";

    is_text(written(&doc),
            "{\"success\":false,\"error\":\"Job 42 not found\","
            "\"error_message\":\"Job 42 not found\","
            "\"type\":\"/api/problems/job-not-found\","
            "\"title\":\"Job not found\",\"status\":404,"
            "\"detail\":\"It was erased.\","
            "\"instance\":\"/api/job-status/42\",\"code\":\"IGJ0401\","
            "\"errors\":[{\"pointer\":\"#/accounts/3\",\"detail\":\"wrong\"},"
            "{\"pointer\":\"#/accounts/5\","
            "\"detail\":\"and \\\"this\\\"\"}]}", "all that can be said");

    memset(&doc, 0, sizeof(doc));
    doc.problem = IGJ_PROBLEM_OVERLOADED;

    ok(strstr(written(&doc),
              "\"type\":\"https://iana.org/assignments/http-problem-types"
              "#temporary-reduced-capacity\"") != NULL,
       "a registered type stands as it is");
}


int
main(void)
{
    test_table();
    test_document();

    return done_testing();
}
