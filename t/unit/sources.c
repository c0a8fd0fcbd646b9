/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Accounts of a run: outcomes, and who needs another run. */

#include <stdlib.h>

#include "igj_sources.h"
#include "tap.h"


static igj_sources_t  s;


/* The final words as text; freed by the next call. */
static const char *
final_words(int64_t max_count, bool only_done, int *given_up)
{
    static char  *text;

    cJSON  *json;

    free(text);
    json = igj_sources_final(&s, max_count, only_done, given_up);
    text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);

    return text;
}


static const char *
missing(int64_t max_count, int *n)
{
    static char  *text;

    bool  failed;

    free(text);
    text = igj_sources_missing(&s, max_count, n, &failed);

    return text ? text : "";
}


static void
test_named(void)
{
    int     n, given_up;
    cJSON  *partial;

    is(igj_sources_init(&s, "anna\nbob\ncarl\ndora\nemil", NULL), IGJ_OK,
       "five accounts");
    is(s.n, 5, "are counted");

    is_text(igj_sources_profile(&s, "Anna"), "anna", "found in any case");
    ok(igj_sources_profile(&s, "zoe") == NULL, "a stranger is nobody's");
    (void) igj_sources_profile(&s, "bob");
    (void) igj_sources_profile(&s, "bob");
    igj_sources_fault(&s, "carl", IGJ_SOURCE_NOT_FOUND);
    igj_sources_fault(&s, "bob", IGJ_SOURCE_BLOCKED);

    partial = igj_sources_partial(&s);
    ok(partial != NULL && cJSON_GetArraySize(partial) == 2,
       "two have shown profiles");
    cJSON_Delete(partial);
    ok(igj_sources_partial(&s) == NULL, "which is told once");
    ok(!igj_sources_barren(&s), "not barren");

    is_text(missing(5, &n), "bob\ndora\nemil",
            "the one at work and the silent ones are missing");
    is(n, 3, "three");
    is_text(missing(2, &n), "dora\nemil", "a full one is not");
    is_text(final_words(5, true, &given_up),
            "{\"anna\":\"ok\",\"carl\":\"not_found\"}", "who is done");

    is_text(final_words(5, false, &given_up),
            "{\"anna\":\"ok\",\"bob\":\"ok\",\"carl\":\"not_found\","
            "\"dora\":\"empty\",\"emil\":\"empty\"}", "all, after success");
    is(given_up, 0, "none given up");

    igj_sources_give_up(&s, 5, IGJ_SOURCE_REJECTED);
    is_text(final_words(5, false, &given_up),
            "{\"anna\":\"ok\",\"bob\":\"rejected\",\"carl\":\"not_found\","
            "\"dora\":\"rejected\",\"emil\":\"rejected\"}", "given up");
    is(given_up, 3, "giving up costs those that are not done");
    igj_sources_free(&s);
}


static void
test_resumed(void)
{
    int     n, given_up;
    cJSON  *known;

    known = cJSON_Parse("{\"anna\":\"partial\",\"bob\":\"private\"}");
    is(igj_sources_init(&s, "anna\nbob\ncarl", known), IGJ_OK,
       "known from former pages");
    cJSON_Delete(known);

    is_text(missing(5, &n), "carl", "only the silent one is missing");
    is_text(final_words(5, false, &given_up),
            "{\"anna\":\"ok\",\"bob\":\"private\",\"carl\":\"empty\"}",
            "and the words stay");
    igj_sources_free(&s);
}


static void
test_unnamed(void)
{
    int  n, given_up;

    is(igj_sources_init(&s, "anna\nbob", NULL), IGJ_OK, "items say no source");
    ok(igj_sources_profile(&s, "") == NULL, "a profile of nobody");
    is_text(missing(5, &n), "anna\nbob", "ended early: all are missing");
    is_text(final_words(5, false, &given_up),
            "{\"anna\":\"ok\",\"bob\":\"ok\"}", "ended well: all are there");
    is_text(final_words(5, true, &given_up), "{}", "none is known to be done");
    igj_sources_free(&s);

    is(igj_sources_init(&s, "anna\nbob", NULL), IGJ_OK, "only faults");
    igj_sources_fault(&s, "", IGJ_SOURCE_BLOCKED);
    igj_sources_fault(&s, "", IGJ_SOURCE_BLOCKED);
    ok(igj_sources_barren(&s), "barren");
    is_text(final_words(5, false, &given_up),
            "{\"anna\":\"blocked\",\"bob\":\"blocked\"}", "all blocked");
    is(given_up, 2, "both count");
    igj_sources_fault(&s, "", IGJ_SOURCE_EMPTY);
    is_text(final_words(5, false, &given_up),
            "{\"anna\":\"empty\",\"bob\":\"empty\"}", "the milder word wins");
    igj_sources_free(&s);

    is(igj_sources_init(&s, "anna", NULL), IGJ_OK, "one account");
    is_text(igj_sources_profile(&s, ""), "anna", "needs no name");
    igj_sources_free(&s);
}


/* Words that say more of ok: only where all items of a run went by, and name
 * their account. */
static void
test_counted(void)
{
    int          given_up;
    const char  *source;

    is(igj_sources_init(&s, "anna\nbob\ncarl", NULL), IGJ_OK, "three");
    s.counted = true;
    (void) igj_sources_profile(&s, "anna");
    (void) igj_sources_profile(&s, "anna");
    (void) igj_sources_profile(&s, "bob");
    igj_sources_fault(&s, "carl", IGJ_SOURCE_PRIVATE);
    is_text(final_words(2, false, &given_up),
            "{\"anna\":\"full\",\"bob\":\"whole\",\"carl\":\"private\"}",
            "as many as were asked for, and all that there are");
    s.counted = false;
    is_text(final_words(2, false, &given_up),
            "{\"anna\":\"ok\",\"bob\":\"ok\",\"carl\":\"private\"}",
            "not known of a run that was taken over");
    igj_sources_free(&s);

    is(igj_sources_init(&s, "anna\nbob", NULL), IGJ_OK, "no names");
    s.counted = true;
    (void) igj_sources_profile(&s, "");
    is_text(final_words(2, false, &given_up),
            "{\"anna\":\"ok\",\"bob\":\"ok\"}", "not known either");
    igj_sources_free(&s);

    is(igj_sources_init(&s, "anna\nbob", NULL), IGJ_OK, "a larger dataset");
    ok(igj_sources_takes(&s, "ANNA", 1, &source), "an account of ours");
    is_text(source, "anna", "in its own spelling");
    ok(!igj_sources_takes(&s, "anna", 1, &source), "has enough");
    ok(igj_sources_takes(&s, "anna", 0, &source), "without a limit it goes on");
    ok(!igj_sources_takes(&s, "zoe", 1, &source), "another account");
    ok(igj_sources_takes(&s, "", 1, &source) && source == NULL,
       "one without a name is taken");
    is(s.counts[0], 2, "what is taken is counted");
    igj_sources_free(&s);
}


int
main(void)
{
    test_named();
    test_resumed();
    test_unnamed();
    test_counted();

    return done_testing();
}
