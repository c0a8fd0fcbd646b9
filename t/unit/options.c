/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The options in the body of a submission: what goes on to Postgres, exactly
 * as it was written, and what is refused with which pointer; in any order of
 * members, however the body is cut.
 */

#include "igj_submit.h"
#include "tap.h"

#include <stdlib.h>


#define A  "\"accounts\":[\"a\"]"

#define NELTS(array)  (sizeof(array) / sizeof(array[0]))


static igj_submit_t  submit;


typedef struct {
    const char  *body;
    const char  *options;          /* as they are written; "{}": none */
} good_t;

static const good_t  good_bodies[] = {
    { "{" A "}", "{}" },

    { "{" A ",\"target_count\":1}", "{\"target_count\":1}" },
    { "{\"target_count\":9007199254740992," A "}",
      "{\"target_count\":9007199254740992}" },
    { "{" A ",\"target_count\":1e3}", "{\"target_count\":1000}" },
    { "{" A ",\"target_count\":20.0}", "{\"target_count\":20}" },
    { "{" A ",\"target_count\":null}", "{}" },

    { "{" A ",\"stop_when\":{\"half_width\":0.01}}",
      "{\"half_width\":0.010000000}" },
    { "{\"stop_when\":{\"half_width\":1e-9}," A "}",
      "{\"half_width\":0.000000001}" },
    { "{" A ",\"stop_when\":{\"half_width\":0.4999999989999}}",
      "{\"half_width\":0.499999998}" },
    { "{" A ",\"stop_when\":{\"half_width\":null}}", "{}" },
    { "{" A ",\"stop_when\":{}}", "{}" },
    { "{" A ",\"stop_when\":null,\"target_count\":3}",
      "{\"target_count\":3}" },
    { "{\"stop_when\":{\"half_width\":0.1},\"x\":{\"half_width\":7},"
      "\"half_width\":8," A "}", "{\"half_width\":0.100000000}" },

    { "{" A ",\"max_cost_usd\":0.000001}", "{\"max_cost_usd\":0.000001}" },
    { "{" A ",\"max_cost_usd\":4.35}", "{\"max_cost_usd\":4.350000}" },
    { "{" A ",\"max_cost_usd\":1234567.123456}",
      "{\"max_cost_usd\":1234567.123456}" },
    { "{" A ",\"max_cost_usd\":12345e-3}", "{\"max_cost_usd\":12.345000}" },
    { "{" A ",\"max_cost_usd\":10000000.000000000}",
      "{\"max_cost_usd\":10000000.000000}" },
    { "{" A ",\"max_cost_usd\":7}", "{\"max_cost_usd\":7.000000}" },

    { "{" A ",\"max_seconds\":1}", "{\"max_seconds\":1}" },
    { "{" A ",\"max_seconds\":2592000}", "{\"max_seconds\":2592000}" },
    { "{" A ",\"max_age\":0}", "{\"max_age\":0}" },
    { "{" A ",\"max_age\":7776000}", "{\"max_age\":7776000}" },
    { "{" A ",\"max_failed_ratio\":0}", "{\"max_failed_ratio\":0.000000}" },
    { "{" A ",\"max_failed_ratio\":0.1}", "{\"max_failed_ratio\":0.100000}" },
    { "{" A ",\"max_failed_ratio\":1}", "{\"max_failed_ratio\":1.000000}" },
    { "{" A ",\"parallelism\":1}", "{\"parallelism\":1}" },
    { "{" A ",\"parallelism\":10000}", "{\"parallelism\":10000}" },

    { "{" A ",\"random_seed\":\"x \\\"1\\\"\"}",
      "{\"random_seed\":\"x \\\"1\\\"\"}" },
    { "{" A ",\"random_seed\":null}", "{}" },
    { "{" A ",\"callback_url\":\"https://a.example/x?y=z@1\"}",
      "{\"callback_url\":\"https://a.example/x?y=z@1\"}" },
    { "{" A ",\"callback_url\":\"HTTP://[::1]:80\"}",
      "{\"callback_url\":\"HTTP://[::1]:80\"}" },
    { "{" A ",\"callback_url\":\"http:\\/\\/\\u0061/\"}",
      "{\"callback_url\":\"http://a/\"}" },
    { "{" A ",\"callback_url\":null}", "{}" },

    { "{\"callback_url\":\"http://a\",\"parallelism\":2,"
      "\"max_failed_ratio\":0.5,\"max_age\":60,\"max_seconds\":5,"
      "\"max_cost_usd\":1.5,\"stop_when\":{\"half_width\":0.02},"
      "\"dry_run\":false," A ",\"target_count\":9}",
      "{\"target_count\":9,\"max_cost_usd\":1.500000,\"max_seconds\":5,"
      "\"max_age\":60,\"max_failed_ratio\":0.500000,\"parallelism\":2,"
      "\"half_width\":0.020000000,\"callback_url\":\"http://a\"}" }
};


typedef struct {
    const char  *member;           /* of the body */
    const char  *pointer;
    const char  *text;             /* somewhere in the detail */
} bad_t;

static const bad_t  bad_members[] = {
    { "\"target_count\":0", "#/target_count", "target_count is 0; send a" },
    { "\"target_count\":-1", "#/target_count", "is -1" },
    { "\"target_count\":1.5", "#/target_count", "whole number" },
    { "\"target_count\":9007199254740993", "#/target_count", "is 900" },
    { "\"target_count\":1e99", "#/target_count", "is 1e99" },
    { "\"target_count\":\"5\"", "#/target_count", "is \"5\"" },
    { "\"target_count\":true", "#/target_count", "is true" },

    { "\"stop_when\":5", "#/stop_when", "stop_when is 5; send an object" },
    { "\"stop_when\":[]", "#/stop_when", "is an array" },
    { "\"stop_when\":{\"halfwidth\":0.1}", "#/stop_when/halfwidth",
      "Nothing of this name is known" },
    { "\"stop_when\":{\"half_width\":0.1,\"x\":null}", "#/stop_when/x",
      "half_width" },
    { "\"stop_when\":{\"x\":{\"half_width\":0.1}}", "#/stop_when/x",
      "half_width" },
    { "\"stop_when\":{\"half_width\":0}", "#/stop_when/half_width",
      "stop_when/half_width is 0; send a number above 0" },
    { "\"stop_when\":{\"half_width\":0.5}", "#/stop_when/half_width",
      "below 0.5" },
    { "\"stop_when\":{\"half_width\":1e-10}", "#/stop_when/half_width",
      "is 1e-10" },
    { "\"stop_when\":{\"half_width\":-0.1}", "#/stop_when/half_width",
      "is -0.1" },
    { "\"stop_when\":{\"half_width\":[0.1]}", "#/stop_when/half_width",
      "is an array" },
    { "\"stop_when\":{\"half_width\":{}}", "#/stop_when/half_width",
      "is an object" },

    { "\"max_cost_usd\":0", "#/max_cost_usd", "above 0" },
    { "\"max_cost_usd\":0.0000001", "#/max_cost_usd", "6 decimals" },
    { "\"max_cost_usd\":1.0000001", "#/max_cost_usd", "6 decimals" },
    { "\"max_cost_usd\":10000000.000001", "#/max_cost_usd", "10000000" },
    { "\"max_cost_usd\":-5", "#/max_cost_usd", "is -5" },
    { "\"max_cost_usd\":\"1\"", "#/max_cost_usd", "is \"1\"" },
    { "\"max_seconds\":0", "#/max_seconds", "is 0" },
    { "\"max_seconds\":2592001", "#/max_seconds", "2592000" },
    { "\"max_seconds\":0.5", "#/max_seconds", "whole" },
    { "\"max_age\":-0", "#/max_age", "is -0" },
    { "\"max_age\":7776001", "#/max_age", "7776000" },
    { "\"max_age\":7776000.5", "#/max_age", "whole" },
    { "\"max_failed_ratio\":1.0000001", "#/max_failed_ratio", "0 to 1" },
    { "\"max_failed_ratio\":2", "#/max_failed_ratio", "0 to 1" },
    { "\"max_failed_ratio\":-0.1", "#/max_failed_ratio", "0 to 1" },
    { "\"parallelism\":0", "#/parallelism", "is 0" },
    { "\"parallelism\":10001", "#/parallelism", "10000" },
    { "\"parallelism\":2.5", "#/parallelism", "whole" },
    { "\"dry_run\":1", "#/dry_run", "true or false" },
    { "\"dry_run\":\"yes\"", "#/dry_run", "is \"yes\"" },

    { "\"random_seed\":7", "#/random_seed", "is 7" },
    { "\"random_seed\":\"\"", "#/random_seed", "1 to 64" },
    { "\"random_seed\":\"1234567890123456789012345678901234567890123456789"
      "0123456789012345\"", "#/random_seed", "1 to 64" },
    { "\"random_seed\":\"a\\u0007\"", "#/random_seed", "printable" },
    { "\"random_seed\":\"\xc3\xa4\"", "#/random_seed", "printable" },
    { "\"callback_url\":5", "#/callback_url", "is 5" },
    { "\"callback_url\":\"\"", "#/callback_url", "begins with https://" },
    { "\"callback_url\":\"ftp://a\"", "#/callback_url", "is \"ftp://a\"" },
    { "\"callback_url\":\"https://\"", "#/callback_url", "https" },
    { "\"callback_url\":\"https:///x\"", "#/callback_url", "https" },
    { "\"callback_url\":\"http://:80/\"", "#/callback_url", "https" },
    { "\"callback_url\":\"https://u:p@a/\"", "#/callback_url", "password" },
    { "\"callback_url\":\"https://u@a\"", "#/callback_url", "user name" },
    { "\"callback_url\":\"https://a/#x\"", "#/callback_url", "fragment" },
    { "\"callback_url\":\"https://a/ b\"", "#/callback_url", "ASCII" },
    { "\"callback_url\":\"https://a/\\u0000\"", "#/callback_url", "ASCII" },
    { "\"callback_url\":\"https://a/\xc3\xa4\"", "#/callback_url", "ASCII" },
    { "\"callback_url\":\"https://a\\\\b/\"", "#/callback_url", "ASCII" }
};


/* Reads the body in slices of at most `slice` bytes, each a copy. */
static int
read_slices(const char *body, size_t slice)
{
    int      rc;
    char    *copy;
    size_t   i, n, len;

    igj_submit_init(&submit, &igj_mem_system, 42);
    rc = IGJ_OK;
    len = strlen(body);

    for (i = 0; i < len && rc == IGJ_OK; i += n) {
        n = (len - i < slice) ? len - i : slice;
        copy = malloc(n);
        memcpy(copy, body + i, n);
        rc = igj_submit_feed(&submit, copy, n);
        free(copy);
    }

    rc = (rc == IGJ_OK) ? igj_submit_finish(&submit) : rc;
    igj_submit_free(&submit);

    return rc;
}


static const char *
written(void)
{
    static char  buf[IGJ_OPTIONS_JSON_MAX + 3];

    igj_json_t  json;

    igj_json_init(&json, buf, sizeof(buf) - 1);
    igj_json_object_begin(&json);
    igj_options_members(&json, &submit.options);
    igj_json_object_end(&json);
    buf[json.len] = '\0';

    return buf;
}


static void
test_good(size_t slice)
{
    size_t         i, good;
    const good_t  *c;

    for (i = 0, good = 0; i < NELTS(good_bodies); i++) {
        c = &good_bodies[i];

        if (read_slices(c->body, slice) == IGJ_OK
            && strcmp(written(), c->options) == 0
            && igj_options_any(&submit.options)
               == (strcmp(c->options, "{}") != 0))
        {
            good++;
            continue;
        }

        printf("# slices of %zu: %s: %s %s\n", slice, c->body, written(),
               submit.detail);
    }

    is(good, NELTS(good_bodies), "what is right, slices of %zu", slice);
}


static void
test_bad(size_t slice)
{
    char          body[512];
    size_t        i, k, good;
    const bad_t  *c;

    for (i = 0, good = 0; i < NELTS(bad_members); i++) {
        c = &bad_members[i];

        for (k = 0; k < 2; k++) {
            (void) snprintf(body, sizeof(body),
                            k ? "{%s," A "}" : "{" A ",%s}", c->member);

            if (read_slices(body, slice) == IGJ_ERROR
                && submit.problem == IGJ_PROBLEM_BAD_OPTION
                && strcmp(submit.pointer, c->pointer) == 0
                && strstr(submit.detail, c->text) != NULL)
            {
                good++;
                continue;
            }

            printf("# slices of %zu: %s: %d %s %s\n", slice, body,
                   (int) submit.problem, submit.pointer, submit.detail);
        }
    }

    is(good, 2 * NELTS(bad_members), "what is wrong, slices of %zu", slice);
}


static void
test_twice(void)
{
    is(read_slices("{" A ",\"stop_when\":{\"half_width\":0.1,"
                   "\"half_width\":0.2}}", 4096), IGJ_ERROR,
       "a limit that is there twice");
    is(submit.problem, IGJ_PROBLEM_DUPLICATE_MEMBER, "is refused");
    is_text(submit.pointer, "#/stop_when/half_width", "with its place");

    is(read_slices("{" A ",\"max_age\":1,\"max_age\":2}", 4096), IGJ_ERROR,
       "also in the body itself");
    is(submit.problem, IGJ_PROBLEM_DUPLICATE_MEMBER, "likewise");
}


static void
test_url_length(void)
{
    int     n;
    char    body[IGJ_CALLBACK_URL_MAX + 128];
    char    expected[IGJ_OPTIONS_JSON_MAX + 3];
    size_t  slice;

    for (slice = 1; slice <= 4096; slice *= 64) {
        n = snprintf(body, sizeof(body), "{" A ",\"callback_url\":"
                     "\"https://%0*d/\"}", IGJ_CALLBACK_URL_MAX - 9, 7);
        (void) snprintf(expected, sizeof(expected),
                        "{\"callback_url\":\"https://%0*d/\"}",
                        IGJ_CALLBACK_URL_MAX - 9, 7);

        is(read_slices(body, slice), IGJ_OK, "2000 characters, in %zu", slice);
        is_text(written(), expected, "are kept");

        memcpy(body + n - 2, "/\"}", 4);
        is(read_slices(body, slice), IGJ_ERROR, "one more is refused");
        is_text(submit.pointer, "#/callback_url", "with its place");
    }
}


static void
test_dry_run(void)
{
    is(read_slices("{" A "}", 4096), IGJ_OK, "by default");
    ok(!submit.dry_run, "it is meant");
    is(read_slices("{" A ",\"dry_run\":true}", 4096), IGJ_OK, "dry_run");
    ok(submit.dry_run, "is read");
}


int
main(void)
{
    static const size_t  slices[] = { 1, 3, 4096 };

    size_t  i;

    for (i = 0; i < NELTS(slices); i++) {
        test_good(slices[i]);
        test_bad(slices[i]);
    }

    test_twice();
    test_url_length();
    test_dry_run();

    return done_testing();
}
