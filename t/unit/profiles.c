/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* A page of profiles: distinct, in byte order, classified, filtered. */

#include <stdlib.h>

#include "igj_profiles.h"
#include "tap.h"


static igj_profiles_t     page;
static igj_name_table_t   names;


static void
put(const char *id, const char *username, const char *full_name)
{
    igj_page_sink_t  sink;
    igj_profile_t    profile;

    memset(&profile, 0, sizeof(profile));
    profile.id = id;
    profile.username = username;
    profile.full_name = full_name;
    profile.source_account = "anna";

    sink = igj_profiles_sink(&page);
    is(sink.profile(sink.data, &profile), 0, "taken: %.20s", id);
}


/* The kept ids of the page with blanks between. */
static const char *
digest(const char *target, bool keep_unknown, igj_batch_page_t *out)
{
    static char  text[256];

    int                    i;
    igj_sources_t          sources;
    igj_profiles_filter_t  filter;

    memset(out, 0, sizeof(igj_batch_page_t));
    memset(&filter, 0, sizeof(igj_profiles_filter_t));
    filter.names = &names;
    filter.target_gender = target;
    filter.keep_unknown = keep_unknown;
    text[0] = '\0';

    if (igj_sources_init(&sources, "anna", NULL) != IGJ_OK
        || igj_profiles_digest(&page, &sources, &filter, out) != IGJ_OK)
    {
        return "no memory";
    }

    for (i = 0; i < out->nrows; i++) {
        strcat(text, out->rows[i].profile_id);
        strcat(text, " ");
    }

    igj_sources_free(&sources);

    return text;
}


static void
fill(void)
{
    igj_page_sink_t  sink;

    sink = igj_profiles_sink(&page);
    is(sink.begin(sink.data), 0, "a new page");

    put("30", "mary_smith", "Mary Smith");
    put("4", "xq77", "");
    put("100", "john.miller", "John Miller");
    put("30", "mary_smith", "Mary Smith");
}


int
main(void)
{
    char               *name;
    igj_batch_page_t    out;

    ok(igj_names_builtin(&names) == NULL, "the names");

    fill();
    is_text(digest("any", true, &out), "100 30 4 ", "any: all, in byte order");
    is(out.seen, 3, "distinct");
    is(out.female, 1, "a woman");
    is(out.male, 1, "a man");
    is(out.unknown, 1, "one unknown");
    ok(out.nrows > 0 && out.rows[0].confidence > 0.5f
       && out.rows[0].evidence != NULL, "with confidence and evidence");

    fill();
    is_text(digest("male", true, &out), "100 4 ", "male: and unknown");
    is(out.seen, 3, "the filter changes no count");
    fill();
    is_text(digest("male", false, &out), "100 ", "male without unknown");
    fill();
    is_text(digest("female", true, &out), "30 4 ", "female");

    is(igj_profiles_sink(&page).begin(&page), 0, "an empty page");
    is_text(digest("any", true, &out), "", "stays empty");

    name = malloc(1001);

    if (name != NULL) {
        memset(name, 'i', 1000);
        name[1000] = '\0';
        is(igj_profiles_sink(&page).begin(&page), 0, "long texts");
        put(name, "long_id", "x");
        memset(name, 0xc3, 1000);
        put("1", "long_name", name);
        free(name);
        is_text(digest("any", true, &out), "1 ", "a long id is left out");
        ok(out.nrows == 1
           && strlen(out.rows[0].full_name) <= IGJ_PROFILE_NAME_MAX,
           "a long name is cut");
    }

    igj_profiles_free(&page);

    return done_testing();
}
