/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Runs that are found again by the token in their input: among which, when one
 * is absent, and what is only in doubt. */

#include "apify_peer.h"


#define LISTED(id)                                                            \
    "{\"id\":\"run" id "\",\"status\":\"RUNNING\",\"defaultDatasetId\":\"ds"  \
    id "\",\"defaultKeyValueStoreId\":\"kv" id "\"}"


static igj_find_t
find(int64_t since_ms)
{
    igj_find_t    rc;
    igj_found_t   found;
    igj_search_t  search = { "mine", NULL, since_ms };

    rc = igj_provider_find(provider, &search, &found, &err);
    run = found.runs[0];

    return rc;
}


static void
finding(void)
{
    setup(&fake_sys);
    peer_reply(200, "", "{\"data\":{\"total\":2,\"items\":[" LISTED("1") ","
               LISTED("2") "]}}");
    peer_reply(200, "", "{\"igjobs_token\":\"other\"}");
    peer_reply(200, "", "{\"igjobs_token\":\"mine\"}");
    is(find(1763780000000), IGJ_FIND_FOUND, "found by its token");
    is_text(run.id, "run2", "its id");
    is_text(run.dataset_id, "ds2", "its dataset");
    ok(peer_asked(0, "GET /v2/actors/owner~actor/runs?desc=0&offset=0&limit=500"
                  "&startedAfter=2025-11-22T02:53:20.000Z "),
       "among those since the intent, up to now");
    ok(peer_asked(2, "GET /v2/key-value-stores/kv2/records/INPUT "),
       "by the stored input");
    teardown();

    setup(&fake_sys);
    peer_reply(200, "", "{\"data\":{\"total\":9,\"items\":[" LISTED("1") "]}}");
    peer_reply(200, "", "[\"an input of somebody else\"]");
    peer_reply(200, "", "{\"data\":{\"total\":0,\"items\":[]}}");
    is(find(1763780000000),
       IGJ_FIND_ABSENT, "not among all that there are");
    ok(peer_asked(2, "GET /v2/actors/owner~actor/runs?desc=0&offset=0&limit=500"
                  "&startedAfter=2025-11-22T02:52:50.000Z"
                  "&startedBefore=2025-11-22T02:53:21.000Z "),
       "nor before, as far as clocks may differ");
    teardown();

    setup(&fake_sys);
    peer_reply(200, "", "{\"data\":{\"total\":0,\"items\":[]}}");
    peer_reply(200, "", "{\"data\":{\"total\":0,\"items\":[]}}");
    is(find(1763780000000),
       IGJ_FIND_ABSENT, "no runs at all");
    teardown();

    setup(&fake_sys);
    peer_reply(200, "", "{\"data\":{\"total\":0}}");
    is(find(1763780000000),
       IGJ_FIND_ERROR, "a list that is none proves nothing");
    is(err.class, IGJ_PROVIDER_RETRY, "and is asked again later");
    teardown();
}


static void
finding_others(void)
{
    igj_found_t   found;
    igj_search_t  other = { "mine", "former/actor", 1763780000000 };

    setup(&fake_sys);
    peer_reply(200, "", "{\"data\":{\"items\":[" LISTED("1") "," LISTED("2")
               "," LISTED("3") "]}}");
    peer_reply(200, "", "{\"igjobs_token\":\"mine\"}");
    peer_reply(200, "", "{\"igjobs_token\":\"other\"}");
    peer_reply(200, "", "{\"igjobs_token\":\"mine\"}");
    is(igj_provider_find(provider, &other, &found, &err), IGJ_FIND_FOUND,
       "a start that was delivered twice");
    is(found.n, 2, "leads to both runs");
    is_text(found.runs[0].id, "run1", "the oldest first");
    is_text(found.runs[1].id, "run3", "then the other");
    ok(peer_asked(0, "GET /v2/actors/former~actor/runs?"),
       "of the actor that the intent names");
    teardown();

    setup(&fake_sys);
    peer_reply(200, "", "{\"data\":{\"items\":[" LISTED("1") "]}}");
    peer_reply(200, "", "{\"usernames\":[\"mine\"],\"former\":\"mine\"}");
    is(find(1763780000000), IGJ_FIND_FOUND,
       "the token is found under a name that was set before");
    teardown();
}


static void
finding_in_doubt(void)
{
    int  i;

    setup(&fake_sys);
    peer_reply(200, "", "{\"data\":{\"items\":[" LISTED("1") "]}}");
    for (i = 0; i < 20; i++) {
        peer_reply(404, "", "{\"error\":{\"type\":\"record-not-found\"}}");
    }
    ok(find(1763780000000)
       != IGJ_FIND_FOUND, "a run without an input is not ours");
    ok(peer_asked(peer_count() - 1, "GET /v2/actors/owner~actor/runs?"),
       "and the search goes on");
    teardown();

    setup(&fake_sys);
    peer_reply(200, "", "{\"data\":{\"items\":[" LISTED("1") "," LISTED("2")
               "]}}");
    for (i = 0; i < 4; i++) {
        peer_reply(500, "", "");
    }
    peer_reply(200, "", "{\"igjobs_token\":\"mine\"}");
    is(find(1763780000000),
       IGJ_FIND_FOUND, "an input that cannot be read does not hide the next");
    is_text(run.id, "run2", "its id");
    teardown();

    setup(&fake_sys);
    peer_reply(200, "", "{\"data\":{\"items\":[" LISTED("1") "]}}");
    for (i = 0; i < 4; i++) {
        peer_reply(500, "", "");
    }
    is(find(1763780000000),
       IGJ_FIND_ERROR, "nor is it taken for somebody else's");
    is(err.class, IGJ_PROVIDER_RETRY, "but asked again later");
    teardown();

    setup(&fake_sys);
    peer_reply(401, "", "{\"error\":{\"type\":\"invalid-token\"}}");
    is(find(1763780000000),
       IGJ_FIND_ERROR, "a token that ended");
    is(err.class, IGJ_PROVIDER_STOP, "stops");
    teardown();
}


int
main(void)
{
    curl_global_init(CURL_GLOBAL_ALL);

    finding();
    finding_others();
    finding_in_doubt();

    curl_global_cleanup();

    return done_testing();
}
