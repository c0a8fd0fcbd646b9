/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The Apify client but for reading pages (apify_page.c) and finding runs
 * (apify_find.c): starting a run, following and ending it, and what each error
 * means. */

#include "apify_peer.h"


#define RUN(status)                                                           \
    "{\"data\":{\"id\":\"run1\",\"status\":\"" status "\","                   \
    "\"defaultDatasetId\":\"ds1\",\"usageTotalUsd\":null}}"


/* What a budget allows the next start. */
static igj_start_t  limits;


static igj_provider_class_t
start(int n, int64_t timeout_ms)
{
    static const char *const  accounts[] = { "nasa", "esa" };
    igj_start_t               s = limits;

    s.accounts = accounts;
    s.n = n;
    s.max_count = 50;
    s.token = "token-1";
    s.timeout_ms = timeout_ms;

    return igj_provider_start(provider, &s, &run, &err);
}


static void
start_request(void)
{
    const char  *request;

    setup(&fake_sys);
    igj_provider_destroy(provider);
    conf.memory_mb = 1024;
    conf.run_timeout_s = 600;
    conf.cap_items = true;
    conf.max_charge_usd = 1.5;
    conf.max_count_field = "resultsLimit";
    conf.extra_input = "{\"dataToScrape\":\"followers\",\"resultsLimit\":9}";
    provider = igj_provider_create("apify", &conf, http, &stop, &err);

    peer_reply(201, "Location: https://x/v2/acts/a/runs/other\r\n",
               RUN("READY"));

    is(start(2, 0), IGJ_PROVIDER_OK, "started");
    is_text(run.id, "run1", "run id");
    is_text(run.dataset_id, "ds1", "dataset id");
    is(run.state, IGJ_RUN_RUNNING, "READY is not final");
    ok(run.cost_usd < 0, "no cost known yet");

    request = peer_request(0);
    ok(peer_asked(0, "POST /v2/actors/owner~actor/runs?waitForFinish=0"
               "&memory=1024&timeout=600&maxItems=100"
               "&maxTotalChargeUsd=1.500000 HTTP/1.1\r\n"), "path and caps");
    is_text(strstr(request, "\r\n\r\n") + 4, "{\"dataToScrape\":\"followers\","
            "\"usernames\":[\"nasa\",\"esa\"],\"resultsLimit\":50,"
            "\"igjobs_token\":\"token-1\"}", "input, extra input and token");
    ok(strstr(request, "Authorization: Bearer " SECRET "\r\n") != NULL,
       "the secret is a header");
    ok(strstr(strstr(request, SECRET) + 1, SECRET) == NULL, "and nothing else");

    limits = (igj_start_t) { .max_items = 30, .max_charge_usd = 0.012345,
                             .memory_mb = 256, .run_timeout_s = 60 };
    peer_reply(201, "", RUN("READY"));
    is(start(2, 0), IGJ_PROVIDER_OK, "started under a budget");
    ok(peer_asked(1, "POST /v2/actors/owner~actor/runs?waitForFinish=0"
               "&memory=256&timeout=60&maxItems=30"
               "&maxTotalChargeUsd=0.012345 HTTP/1.1\r\n"), "its limits");
    limits = (igj_start_t) { .max_charge_usd = 2 };
    peer_reply(201, "", RUN("READY"));
    is(start(2, 0), IGJ_PROVIDER_OK, "started under a larger one");
    ok(peer_asked(2, "POST /v2/actors/owner~actor/runs?waitForFinish=0"
               "&memory=1024&timeout=600&maxItems=100"
               "&maxTotalChargeUsd=1.500000 HTTP/1.1\r\n"),
       "the stricter limit counts");
    limits = (igj_start_t) { 0 };

    teardown();
}


/* What one answer to the start call means, and that it is not repeated. */
static void
start_answers(void)
{
    static const struct {
        const char            *name;
        int                    status;
        const char            *body;
        int                    accounts;
        igj_provider_class_t   class;
    } rows[] = {
        { "too many runs", 402, "{\"error\":{\"type\":"
          "\"concurrent-runs-limit-exceeded\",\"message\":\"m\"}}", 2,
          IGJ_PROVIDER_PARK },
        { "too much memory", 402, "{\"error\":{\"type\":"
          "\"actor-memory-limit-exceeded\",\"message\":\"m\"}}", 2,
          IGJ_PROVIDER_PARK },
        { "no credits", 402, "{\"error\":{\"type\":"
          "\"not-enough-usage-to-run-paid-actor\",\"message\":\"m\"}}", 2,
          IGJ_PROVIDER_STOP },
        { "402 without a type", 402, "", 2, IGJ_PROVIDER_STOP },
        { "bad token", 401, "{\"error\":{\"type\":"
          "\"user-or-token-not-found\",\"message\":\"m\"}}", 2,
          IGJ_PROVIDER_STOP },
        { "no permission", 403, "", 2, IGJ_PROVIDER_STOP },
        { "no such actor", 404, "{\"error\":{\"type\":\"actor-not-found\","
          "\"message\":\"m\"}}", 2, IGJ_PROVIDER_STOP },
        { "input refused", 400, "{\"error\":{\"type\":\"invalid-input\","
          "\"message\":\"m\"}}", 2, IGJ_PROVIDER_SPLIT },
        { "input of one account refused", 400, "{\"error\":{\"type\":"
          "\"invalid-input\",\"message\":\"m\"}}", 1, IGJ_PROVIDER_SPLIT },
        { "input too large", 413, "", 2, IGJ_PROVIDER_SPLIT },
        { "another 400", 400, "{\"error\":{\"type\":\"invalid-request\","
          "\"message\":\"m\"}}", 2, IGJ_PROVIDER_GIVE_UP },
        { "500 in an envelope", 500, "{\"error\":{\"type\":"
          "\"internal-server-error\",\"message\":\"m\"}}", 2,
          IGJ_PROVIDER_UNKNOWN },
        { "502 in HTML", 502, "<html>502</html>", 2, IGJ_PROVIDER_UNKNOWN },
        { "503", 503, "", 2, IGJ_PROVIDER_UNKNOWN },
        { "408", 408, "", 2, IGJ_PROVIDER_UNKNOWN },
        { "302", 302, "", 2, IGJ_PROVIDER_UNKNOWN },
        { "201 without a run", 201, "{\"data\":{}}", 2, IGJ_PROVIDER_UNKNOWN },
        { "201 of nonsense", 201, "<html>", 2, IGJ_PROVIDER_UNKNOWN },
        { "200 with a run", 200, RUN("RUNNING"), 2, IGJ_PROVIDER_OK },
    };

    size_t  i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup(&fake_sys);
        peer_reply(rows[i].status, "", rows[i].body);
        peer_reply(201, "", RUN("READY"));

        is_text(igj_provider_class_name(start(rows[i].accounts, 0)),
                igj_provider_class_name(rows[i].class), "start: %s",
                rows[i].name);
        is(err.class, rows[i].class, "%s: class", rows[i].name);
        is(err.http_status, rows[i].class == IGJ_PROVIDER_OK
                            ? 0 : rows[i].status, "%s: status", rows[i].name);
        is(peer_count(), 1, "%s: asked once", rows[i].name);

        teardown();
    }
}


static void
start_lost_answers(void)
{
    static const struct {
        const char            *name;
        const char            *bytes;
        peer_after_t           after;
        igj_provider_class_t   class;
    } rows[] = {
        { "cut body, Location",
          "HTTP/1.1 201 X\r\nLocation: https://api/v2/actor-runs/run1?x=y\r\n"
          "Content-Length: 900\r\n\r\n{\"data\":{\"id\":\"ru", PEER_CLOSE,
          IGJ_PROVIDER_OK },
        { "cut body that looks whole, Location",
          "HTTP/1.1 201 X\r\nLocation: /v2/acts/a/runs/run1\r\n\r\n{\"data\":{",
          PEER_CLOSE, IGJ_PROVIDER_OK },
        { "body that stalls, Location",
          "HTTP/1.1 201 X\r\nLocation: /v2/acts/a/runs/run1\r\n"
          "Content-Length: 900\r\n\r\n{", PEER_HANG, IGJ_PROVIDER_OK },
        { "cut body", "HTTP/1.1 201 X\r\nContent-Length: 900\r\n\r\n{",
          PEER_CLOSE, IGJ_PROVIDER_UNKNOWN },
        { "cut body, senseless Location",
          "HTTP/1.1 201 X\r\nLocation: /v2/a b\r\n\r\n{", PEER_CLOSE,
          IGJ_PROVIDER_UNKNOWN },
        { "answer lost", "", PEER_CLOSE, IGJ_PROVIDER_UNKNOWN },
        { "connection reset", "", PEER_RESET, IGJ_PROVIDER_UNKNOWN },
        { "no answer in time", "", PEER_HANG, IGJ_PROVIDER_UNKNOWN },
        { "cut refusal",
          "HTTP/1.1 401 X\r\nContent-Length: 900\r\n\r\n{\"er", PEER_CLOSE,
          IGJ_PROVIDER_STOP },
    };

    size_t  i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup(&fake_sys);
        peer_text(rows[i].bytes, rows[i].after);
        peer_reply(201, "", RUN("READY"));

        is_text(igj_provider_class_name(start(2, rows[i].after == PEER_HANG
                                              ? 400 : 0)),
                igj_provider_class_name(rows[i].class), "start: %s",
                rows[i].name);
        is_text(run.id, rows[i].class == IGJ_PROVIDER_OK ? "run1" : "",
                "%s: run id", rows[i].name);
        is(peer_count(), 1, "%s: sent once", rows[i].name);

        teardown();
    }
}


static void
start_repeats(void)
{
    int  i;

    setup(&fake_sys);
    peer_reply(429, "", "{\"error\":{\"type\":\"rate-limit-exceeded\"}}");
    peer_reply(429, "Retry-After: 1\r\n", "");
    peer_reply(201, "", RUN("READY"));
    is(start(2, 0), IGJ_PROVIDER_OK, "429 twice, then started");
    is(peer_count(), 3, "by the third call");
    is(fake.slept, 500 + 1000, "after the waits asked for");
    teardown();

    setup(&fake_sys);
    peer_reply(429, "Retry-After: 60\r\n", "");
    is(start(2, 0), IGJ_PROVIDER_PARK, "429 for a minute");
    is(err.retry_after_ms, 60000, "is told");
    is(fake.slept, 0, "not slept through");
    teardown();

    setup(&fake_sys);
    for (i = 0; i < 10; i++) {
        peer_reply(429, "", "");
    }
    is(start(2, 2000), IGJ_PROVIDER_PARK, "429 for ever");
    ok(fake.slept < 2000 - 500, "does not use the time-out up");
    teardown();

    setup(&fake_sys);
    fake.stop_at = &stop;
    fake.stop_ms = 100;
    peer_reply(429, "", "");
    is(start(2, 0), IGJ_PROVIDER_PARK, "stopped between tries");
    is(peer_count(), 1, "nothing more is sent");
    teardown();

    setup(&fake_sys);
    atomic_store(&stop, 1);
    is(start(2, 0), IGJ_PROVIDER_CANCELED, "stopped before");
    is(peer_count(), 0, "nothing is sent");
    teardown();

    setup(&fake_sys);
    peer.flag = &stop;
    peer_reply(201, "", RUN("READY"));
    is(start(2, 0), IGJ_PROVIDER_OK, "stopped while it is under way");
    is_text(run.id, "run1", "the run is known all the same");
    teardown();

    setup(&fake_sys);
    igj_http_destroy(http);
    peer_close();
    http = igj_http_create(&fake_sys);
    igj_provider_destroy(provider);
    provider = igj_provider_create("apify", &conf, http, &stop, &err);
    is(start(2, 0), IGJ_PROVIDER_RETRY, "nobody there");
    is(fake.slept, 500 + 1000 + 2000, "tried again");
    igj_provider_destroy(provider);
    igj_http_destroy(http);
}


static void
messages(void)
{
    setup(&fake_sys);
    peer_reply(400, "", "{\"error\":{\"type\":\"invalid-input\",\"message\":"
               "\"bad \\u0007\xC3( token " SECRET " given\"}}");
    is(start(1, 0), IGJ_PROVIDER_SPLIT, "an error that quotes the secret");
    is_text(err.message, "start: HTTP 400 invalid-input: bad  \xEF\xBF\xBD( "
            "token **************** given", "is told without it, cleaned");
    is_text(err.type, "invalid-input", "type");
    teardown();
}


static void
wait_states(void)
{
    static const struct {
        const char       *body;
        igj_run_state_t   state;
    } rows[] = {
        { RUN("SUCCEEDED"), IGJ_RUN_SUCCEEDED },
        { RUN("FAILED"), IGJ_RUN_FAILED },
        { RUN("TIMED-OUT"), IGJ_RUN_TIMED_OUT },
        { RUN("ABORTED"), IGJ_RUN_ABORTED },
    };

    size_t  i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup(&fake_sys);
        peer_reply(200, "", RUN("READY"));
        peer_reply(200, "", RUN("RUNNING"));
        peer_reply(200, "", RUN("SOMETHING-NEW"));
        peer_reply(200, "", RUN("TIMING-OUT"));
        peer_reply(200, "", rows[i].body);

        is(igj_provider_wait(provider, &run, 60000, &err), IGJ_PROVIDER_OK,
           "waited");
        is(run.state, rows[i].state, "for %s", igj_run_state_name(run.state));
        is(peer_count(), 5, "through all that is not final");
        is(fake.slept, 4000, "no more than once a second");
        ok(peer_asked(0, "GET /v2/actor-runs/run1?waitForFinish=2 "),
           "by long polls");
        teardown();
    }
}


static void
wait_ends(void)
{
    setup(&fake_sys);
    peer_reply(200, "", RUN("RUNNING"));
    is(igj_provider_wait(provider, &run, 0, &err), IGJ_PROVIDER_OK,
       "no time to wait");
    ok(!igj_run_final(&run) && peer_count() == 1
       && strstr(peer_request(0), "waitForFinish=0 ") != NULL, "is one look");
    teardown();

    setup(&fake_sys);
    peer_reply(200, "", RUN("RUNNING"));
    peer_reply(200, "", RUN("RUNNING"));
    peer_reply(200, "", RUN("RUNNING"));
    peer_reply(200, "", RUN("RUNNING"));
    is(igj_provider_wait(provider, &run, 2500, &err), IGJ_PROVIDER_OK,
       "the time is up");
    is(fake.slept, 2500, "no sooner and no later");
    ok(!igj_run_final(&run), "the run goes on");
    teardown();

    setup(NULL);
    peer.flag = &stop;
    peer_text("", PEER_HANG);
    is(igj_provider_wait(provider, &run, 600000, &err), IGJ_PROVIDER_CANCELED,
       "stopped in a silent long poll");
    teardown();

    setup(&fake_sys);
    fake.stop_at = &stop;
    fake.stop_ms = 300;
    peer_reply(200, "", RUN("RUNNING"));
    is(igj_provider_wait(provider, &run, 60000, &err), IGJ_PROVIDER_CANCELED,
       "stopped between polls");
    teardown();
}


static void
wait_faults(void)
{
    int  i;

    setup(&fake_sys);
    peer_reply(404, "", "{\"error\":{\"type\":\"record-not-found\"}}");
    peer_reply(404, "", "{\"error\":{\"type\":\"record-not-found\"}}");
    peer_reply(200, "", RUN("SUCCEEDED"));
    is(igj_provider_wait(provider, &run, 60000, &err), IGJ_PROVIDER_OK,
       "404 right after the start");
    is(run.state, IGJ_RUN_SUCCEEDED, "passes");
    is(fake.slept, 500, "in 250 ms each");
    teardown();

    setup(&fake_sys);
    for (i = 0; i < 20; i++) {
        peer_reply(404, "", "{\"error\":{\"type\":\"record-not-found\"}}");
    }
    is(igj_provider_wait(provider, &run, 60000, &err), IGJ_PROVIDER_OK,
       "404 for good");
    is(run.state, IGJ_RUN_LOST, "the run is lost");
    ok(igj_run_final(&run), "which is final");
    is(fake.slept, 3000, "after 3 s");
    teardown();

    setup(&fake_sys);
    for (i = 0; i < 20; i++) {
        peer_reply(404, "", "<html>not here</html>");
    }
    is(igj_provider_wait(provider, &run, 60000, &err), IGJ_PROVIDER_GIVE_UP,
       "a 404 that is not the API's");
    ok(!igj_run_final(&run), "says nothing of the run");
    teardown();

    setup(&fake_sys);
    peer_reply(502, "", "<html>");
    peer_text("HTTP/1.1 200 OK\r\n\r\n{\"data\":{\"id\":\"run1\",\"sta",
              PEER_CLOSE);
    peer_reply(200, "", "{\"data\":{}} trailing");
    peer_reply(200, "", RUN("SUCCEEDED"));
    is(igj_provider_wait(provider, &run, 60000, &err), IGJ_PROVIDER_OK,
       "502, a cut document, trailing bytes");
    is(run.state, IGJ_RUN_SUCCEEDED, "are asked again");
    teardown();

    setup(&fake_sys);
    for (i = 0; i < 10; i++) {
        peer_reply(500, "", "{\"error\":{\"type\":\"internal-server-error\"}}");
    }
    is(igj_provider_wait(provider, &run, 60000, &err), IGJ_PROVIDER_RETRY,
       "500 for ever");
    is(peer_count(), 1 + IGJ_PROVIDER_RETRIES, "after as many tries as set");
    teardown();

    setup(&fake_sys);
    peer_reply(401, "", "{\"error\":{\"type\":\"invalid-token\"}}");
    is(igj_provider_wait(provider, &run, 60000, &err), IGJ_PROVIDER_STOP,
       "a token that ended");
    teardown();

    setup(&fake_sys);
    peer_reply(302, "Location: http://127.0.0.1:1/\r\n", "");
    is(igj_provider_wait(provider, &run, 60000, &err), IGJ_PROVIDER_STOP,
       "a redirect");
    teardown();

    setup(&fake_sys);
    igj_run_init(&run, "../users/me", "");
    is(igj_provider_wait(provider, &run, 60000, &err), IGJ_PROVIDER_GIVE_UP,
       "a run id that is none");
    is(peer_count(), 0, "goes into no URL");
    teardown();
}


static void
ending(void)
{
    setup(&fake_sys);
    atomic_store(&stop, 1);
    peer_reply(503, "", "");
    peer_reply(200, "", RUN("ABORTING"));
    is(igj_provider_abort(provider, &run, &err), IGJ_PROVIDER_OK,
       "aborted by a lane that was stopped");
    ok(peer_asked(1, "POST /v2/actor-runs/run1/abort "), "by its own path");
    ok(!igj_run_final(&run), "ABORTING is not final");
    teardown();

    setup(&fake_sys);
    atomic_store(&stop, 1);
    peer_reply(200, "", "{\"data\":{\"id\":\"run1\",\"status\":\"ABORTED\","
               "\"usageTotalUsd\":0.25}}");
    peer_reply(200, "", "{\"data\":{\"id\":\"run1\",\"status\":\"ABORTED\","
               "\"usageTotalUsd\":null}}");
    is(igj_provider_cost(provider, &run, &err), IGJ_PROVIDER_OK,
       "cost, likewise");
    ok(run.cost_usd > 0.249 && run.cost_usd < 0.251, "is read");
    is(run.state, IGJ_RUN_ABORTED, "with the state");
    is(igj_provider_cost(provider, &run, &err), IGJ_PROVIDER_OK, "again");
    ok(run.cost_usd > 0.249, "null does not forget it");
    teardown();
}


static void
configuration(void)
{
    static const struct {
        const char  *key;
        const char  *actor;
        const char  *url;
        const char  *prefix;
        const char  *extra;
        const char  *kind;
    } bad[] = {
        { NULL, "a~b", "http://h", "acts", NULL, "apify" },
        { "k\r\nX: y", "a~b", "http://h", "acts", NULL, "apify" },
        { "k", "", "http://h", "acts", NULL, "apify" },
        { "k", "a?b", "http://h", "acts", NULL, "apify" },
        { "k", "a~b", "ftp://h", "acts", NULL, "apify" },
        { "k", "a~b", "https://", "acts", NULL, "apify" },
        { "k", "a~b", "https://h/?token=k", "acts", NULL, "apify" },
        { "k", "a~b", "https://u:p@h/", "acts", NULL, "apify" },
        { "k", "a~b", "http://h", "acts/x", NULL, "apify" },
        { "k", "a~b", "http://h", "acts", "[1]", "apify" },
        { "k", "a~b", "http://h", "acts", "{\"a\":1} x", "apify" },
        { "k", "a~b", "http://h", "acts", NULL, "other" },
    };

    igj_http_t  *h;
    size_t       i;

    h = igj_http_create(&fake_sys);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        igj_provider_conf_defaults(&conf);
        conf.api_key = bad[i].key;
        conf.actor = bad[i].actor;
        conf.base_url = bad[i].url;
        conf.path_prefix = bad[i].prefix;
        conf.extra_input = bad[i].extra;

        ok(igj_provider_create(bad[i].kind, &conf, h, NULL, &err) == NULL
           && err.class == IGJ_PROVIDER_STOP && err.message[0] != '\0',
           "bad configuration %zu: %s", i, err.message);
    }

    igj_http_destroy(h);

    setup(&fake_sys);
    igj_provider_destroy(provider);
    snprintf(base, sizeof(base), "http://127.0.0.1:%d/proxy/v2//", peer.port);
    conf.path_prefix = "acts";
    provider = igj_provider_create("apify", &conf, http, &stop, &err);
    peer_reply(201, "", RUN("READY"));
    is(start(2, 0), IGJ_PROVIDER_OK, "a base URL with a path");
    ok(peer_asked(0, "POST /proxy/v2/acts/owner~actor/runs?"),
       "is taken as it is");
    teardown();
}


static void
checking(void)
{
    char    text[2048];
    FILE   *out;
    int     rc;

    setup(&fake_sys);
    peer_reply(200, "", "{\"data\":{\"username\":\"me\",\"id\":\"u1\"}}");
    peer_reply(200, "", "{\"data\":{\"id\":\"a1\",\"name\":\"actor\"}}");
    memset(text, 0, sizeof(text));
    out = fmemopen(text, sizeof(text) - 1, "w");
    rc = igj_provider_check("apify", &conf, out);
    fclose(out);
    is(rc, 0, "credentials and actor work");
    ok(strstr(text, "username=me") && strstr(text, "name=actor"),
       "and are told");
    ok(peer_asked(1, "GET /v2/actors/owner~actor "), "nothing is started");
    teardown();

    setup(&fake_sys);
    peer_reply(401, "", "{\"error\":{\"type\":\"user-or-token-not-found\","
               "\"message\":\"no user for " SECRET "\"}}");
    memset(text, 0, sizeof(text));
    out = fmemopen(text, sizeof(text) - 1, "w");
    rc = igj_provider_check("apify", &conf, out);
    fclose(out);
    is(rc, 1, "a bad token");
    ok(strstr(text, "user-or-token-not-found") != NULL, "is told");
    ok(strstr(text, SECRET) == NULL, "but not shown");
    teardown();
}


int
main(void)
{
    curl_global_init(CURL_GLOBAL_ALL);

    start_request();
    start_answers();
    start_lost_answers();
    start_repeats();
    messages();
    wait_states();
    wait_ends();
    wait_faults();
    ending();
    configuration();
    checking();

    curl_global_cleanup();

    return done_testing();
}
