/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Names of turns. */

#include "igj_turns.h"
#include "tap.h"


#define JOB  "01234567-89ab-7def-8123-456789abcdef"


static int
parse(igj_turn_t *turn, const char *member)
{
    return igj_turn_parse(turn, "scrape_followers", "small", member,
                          strlen(member));
}


int
main(void)
{
    size_t       i;
    char         member[IGJ_TURN_MAX], queue[IGJ_QUEUE_MAX];
    igj_turn_t   turn;

    static const char *const  bad[] = {
        "", "/", "a/b/0", JOB "/0", "/" JOB "/0", "acme/" JOB, "acme/" JOB "/",
        "acme/" JOB "/-1", "acme/" JOB "/x", "acme/" JOB "/1234567890",
        "acme/" JOB "x/0", "ac/me/" JOB "/0", "ac:me/" JOB "/0",
        "acme/01234567-89ab-7def-8123-456789abcdeg/0"
    };

    is(parse(&turn, "acme/" JOB "/7"), IGJ_OK, "a turn");
    is_text(turn.tenant, "acme", "tenant");
    is_text(turn.job, JOB, "job");
    is(turn.slot, 7, "slot");
    is_text(turn.kind, "scrape_followers", "kind");
    is_text(turn.class_name, "small", "class");

    is(igj_turn_member(&turn, member), strlen("acme/" JOB "/7"), "length");
    is_text(member, "acme/" JOB "/7", "and back");

    (void) igj_turn_queue(turn.kind, turn.class_name, queue);
    is_text(queue, "scrape_followers:small", "queue");

    is(parse(&turn, "a-b_c.d/" JOB "/0"), IGJ_OK, "a tenant of any letters");
    is(parse(&turn, "a/" JOB "/999999999"), IGJ_OK, "the largest slot");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is(parse(&turn, bad[i]), IGJ_ERROR, "no turn: \"%s\"", bad[i]);
    }

    return done_testing();
}
