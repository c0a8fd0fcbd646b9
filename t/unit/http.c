/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The transport: what each fault on the wire becomes, what is sent, which
 * calls are made again and after which waits. */

#include "peer.h"
#include "tap.h"

#include <curl/curl.h>


#define SECRET  "sEcReT-token-123"


static igj_http_t           *http;
static igj_http_response_t   resp;
static char                  url[128];
static _Atomic int           stop;
static char                  sunk[8192];
static int                   begun, refuse_sink, verify_fails;


static void
setup(const igj_http_sys_t *sys)
{
    peer_open();
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/path", peer.port);
    memset(&fake, 0, sizeof(fake));
    atomic_store(&stop, 0);
    sunk[0] = '\0';
    begun = refuse_sink = verify_fails = 0;
    http = igj_http_create(sys);
}


static void
teardown(void)
{
    igj_http_destroy(http);
    peer_close();
}


static int
on_begin(void *data)
{
    (void) data;
    begun++;
    sunk[0] = '\0';
    return 0;
}


static int
on_sink(void *data, const char *bytes, size_t len)
{
    size_t  used;

    (void) data;

    used = strlen(sunk);
    snprintf(sunk + used, sizeof(sunk) - used, "%.*s", (int) len, bytes);

    return refuse_sink ? -1 : 0;
}


static int
on_verify(void *data, igj_http_t *h, const igj_http_response_t *r)
{
    (void) data;
    (void) h;
    (void) r;

    return verify_fails-- > 0 ? -1 : 0;
}


static igj_http_result_t
once(igj_http_request_t req)
{
    req.url = req.url ? req.url : url;
    req.bearer = SECRET;

    return igj_http_once(http, &req, &resp);
}


static igj_http_result_t
call(igj_http_request_t req)
{
    req.url = req.url ? req.url : url;
    req.bearer = SECRET;
    req.begin = on_begin;

    return igj_http_call(http, &req, &resp);
}


#define ONCE(...)  once((igj_http_request_t) { __VA_ARGS__ })
#define CALL(...)  call((igj_http_request_t) { __VA_ARGS__ })


static void
what_is_sent(void)
{
    const char  *request;

    setup(NULL);
    peer_reply(200, "X-Thing: 42\r\nX-Text: 42x\r\n", "{\"a\":1}");
    peer_reply(201, "", "");

    is(ONCE(.kind = IGJ_HTTP_QUICK), IGJ_HTTP_OK, "a plain GET");
    is(resp.status, 200, "its status");
    is_text(resp.body, "{\"a\":1}", "its body");
    is(igj_http_header_int(http, "x-thing"), 42, "a number in a header");
    is(igj_http_header_int(http, "X-Text"), -1, "no number");
    is_text(igj_http_header(http, "X-Text"), "42x", "but text");
    ok(igj_http_header(http, "X-None") == NULL, "no header");
    ok(resp.retry_after_ms == -1, "no Retry-After");

    request = peer_request(0);
    ok(peer_asked(0, "GET /path HTTP/1.1\r\n"), "request line");
    ok(strstr(request, "\r\nAuthorization: Bearer " SECRET "\r\n") != NULL,
       "the secret is in its header");
    ok(strstr(request, "\r\nAccept-Encoding: identity\r\n") != NULL,
       "nothing compressed over plain HTTP");
    is_text(igj_http_encodings("https://api.apify.com"), "gzip, br",
            "over TLS encodings: no zstd");

    is(ONCE(.body = "{}", .body_len = 2), IGJ_HTTP_OK, "a POST");
    is(resp.status, 201, "its status");
    is_text(resp.body, "", "an empty body is a text");

    request = peer_request(1);
    ok(peer_asked(1, "POST /path "), "a body makes it a POST");
    ok(strstr(request, "\r\nContent-Type: application/json\r\n") != NULL,
       "of JSON");
    ok(strcasestr(request, "\r\nExpect:") == NULL, "without Expect");
    is(peer.nconnections, 1, "on the same connection");

    teardown();
}


static void
broken_answers(void)
{
    static const struct {
        const char          *name;
        const char          *bytes;
        peer_after_t         after;
        igj_http_result_t    result;
        long                 status;
    } rows[] = {
        { "body shorter than Content-Length",
          "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", PEER_CLOSE,
          IGJ_HTTP_BROKEN, 200 },
        { "chunked body without its last chunk",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
          PEER_CLOSE, IGJ_HTTP_BROKEN, 200 },
        { "cut inside a chunk",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
          PEER_CLOSE, IGJ_HTTP_BROKEN, 200 },
        { "bad chunk size",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
          PEER_CLOSE, IGJ_HTTP_BROKEN, 200 },
        { "closed before a byte", "", PEER_CLOSE, IGJ_HTTP_BROKEN, 0 },
        { "reset before a byte", "", PEER_RESET, IGJ_HTTP_BROKEN, 0 },
        { "reset in the body",
          "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", PEER_RESET,
          IGJ_HTTP_BROKEN, 200 },
        { "no answer", "", PEER_HANG, IGJ_HTTP_TIMEOUT, 0 },
        { "silence in the headers", "HTTP/1.1 200 OK\r\nA: b", PEER_HANG,
          IGJ_HTTP_TIMEOUT, 200 },
        { "silence in the body",
          "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", PEER_HANG,
          IGJ_HTTP_TIMEOUT, 200 },
        { "no HTTP", "hello there\r\n", PEER_CLOSE, IGJ_HTTP_PERMANENT, 0 },
        { "encoding nobody knows",
          "HTTP/1.1 200 OK\r\nContent-Encoding: tar\r\nContent-Length: 3\r\n"
          "\r\nabc", PEER_CLOSE, IGJ_HTTP_BAD_ENCODING, 200 },
        { "plain bytes called gzip",
          "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n"
          "\r\nabc", PEER_CLOSE, IGJ_HTTP_BAD_ENCODING, 200 },
        { "a redirect is not followed",
          "HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\n"
          "Content-Length: 0\r\n\r\n", PEER_CLOSE, IGJ_HTTP_OK, 302 },
    };

    size_t  i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup(NULL);
        peer_text(rows[i].bytes, rows[i].after);

        is(ONCE(.timeout_ms = rows[i].after == PEER_HANG ? 300 : 0),
           rows[i].result, "%s", rows[i].name);
        is(resp.status, rows[i].status, "%s: status", rows[i].name);
        ok(resp.sent, "%s: the peer may have the request", rows[i].name);
        ok(resp.message[0] != '\0' && strstr(resp.message, SECRET) == NULL,
           "%s: said without the secret", rows[i].name);

        teardown();
    }
}


static void
nothing_sent(void)
{
    char  tls[128];

    setup(NULL);
    igj_http_destroy(http);
    peer_close();
    http = igj_http_create(NULL);

    is(ONCE(.kind = IGJ_HTTP_EFFECT), IGJ_HTTP_UNREACHABLE,
       "nobody listens");
    ok(!resp.sent, "nothing was sent");

    is(ONCE(.url = "ftp://127.0.0.1/"), IGJ_HTTP_PERMANENT, "not our protocol");
    ok(!resp.sent, "nothing was sent");
    is(ONCE(.url = "file:///etc/passwd"), IGJ_HTTP_PERMANENT, "no files");
    is(ONCE(.url = "nonsense://"), IGJ_HTTP_PERMANENT, "no URL");
    igj_http_destroy(http);

    /* a ClientHello is no HTTP request: the peer hangs up on it */
    setup(NULL);
    snprintf(tls, sizeof(tls), "https://127.0.0.1:%d/", peer.port);
    is(ONCE(.url = tls, .timeout_ms = 500), IGJ_HTTP_TIMEOUT,
       "a silent peer where TLS was wanted");
    ok(!resp.sent, "nothing was sent");
    teardown();
}


static void
caps(void)
{
    char  *zeros, *header;

    setup(NULL);
    zeros = calloc(1, 4 << 20);
    peer_gzip("", zeros, 4 << 20, 0);
    peer_gzip("", zeros, 4 << 20, 0);
    free(zeros);

    is(ONCE(.max_bytes = 1 << 20), IGJ_HTTP_TOO_BIG,
       "a small gzip that becomes large");
    is(ONCE(.max_bytes = 1 << 20, .sink = on_sink), IGJ_HTTP_TOO_BIG,
       "the same, streamed");
    teardown();

    setup(NULL);
    header = malloc(400100);
    memset(header, 'x', 400000);
    memcpy(header, "X: ", 3);
    memcpy(header + 400000, "\r\n", 3);
    peer_reply(200, header, "{}");
    free(header);

    ok(ONCE(.body = NULL) != IGJ_HTTP_OK, "a header of 400 kB");
    teardown();
}


static void
streaming(void)
{
    setup(NULL);
    peer_reply(200, "", "one\ntwo\n");
    peer_reply(404, "", "{\"error\":{}}");
    peer_reply(200, "", "three\n");

    is(ONCE(.sink = on_sink), IGJ_HTTP_OK, "streamed");
    is_text(sunk, "one\ntwo\n", "to the sink");
    is_text(resp.body, "", "not to the body");

    sunk[0] = '\0';
    is(ONCE(.sink = on_sink), IGJ_HTTP_OK, "an error instead");
    is_text(sunk, "", "does not reach the sink");
    is_text(resp.body, "{\"error\":{}}", "but the body");

    refuse_sink = 1;
    is(ONCE(.sink = on_sink), IGJ_HTTP_SINK, "the sink refuses");
    teardown();

    setup(NULL);
    peer_gzip("", "hello hello hello hello", 23, 0);
    is(ONCE(.sink = on_sink), IGJ_HTTP_OK, "gzip");
    is_text(sunk, "hello hello hello hello", "is decoded");
    teardown();
}


static void
retries(void)
{
    setup(&fake_sys);
    peer_text("HTTP/1.1 503 X\r\nContent-Length: 4\r\nConnection: close\r\n"
              "\r\nbusy", PEER_CLOSE);
    peer_text("", PEER_CLOSE);
    peer_reply(429, "", "");
    peer_reply(200, "", "{}");

    is(CALL(.retries = 3), IGJ_HTTP_OK, "three faults, then an answer");
    is(resp.status, 200, "is the answer");
    is(resp.tries, 4, "of the fourth try");
    is(begun, 4, "each announced");
    is(fake.slept, 500 + 1000 + 2000, "waits double from 500 ms");
    teardown();

    setup(&fake_sys);
    peer_reply(500, "", "one");
    peer_reply(500, "", "two");
    is(CALL(.retries = 1), IGJ_HTTP_OK, "faults to the end");
    is(resp.status, 500, "come out");
    is_text(resp.body, "two", "with the last body");
    is(peer_count(), 2, "after as many tries as allowed");
    teardown();

    setup(&fake_sys);
    peer_reply(404, "", "");
    peer_reply(404, "", "");
    is(CALL(.retries = 3), IGJ_HTTP_OK, "a final status");
    is(peer_count(), 1, "is not asked twice");
    teardown();

    setup(&fake_sys);
    peer_reply(429, "Retry-After: 3\r\n", "");
    peer_reply(429, "Retry-After: 60\r\n", "");
    is(CALL(.retries = 3), IGJ_HTTP_OK, "Retry-After");
    is(fake.slept, 3000, "of 3 s is waited for");
    is(resp.retry_after_ms, 60000, "of 60 s is the caller's");
    is(peer_count(), 2, "who gets it at once");
    teardown();

    setup(&fake_sys);
    peer_reply(503, "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n", "");
    is(CALL(.retries = 3), IGJ_HTTP_OK, "Retry-After as a date");
    ok(resp.retry_after_ms > 1000000000, "is understood");
    teardown();

    setup(&fake_sys);
    verify_fails = 1;
    peer_reply(200, "", "half");
    peer_reply(200, "", "whole");
    is(CALL(.retries = 3, .sink = on_sink, .verify = on_verify), IGJ_HTTP_OK,
       "an answer that the caller refuses is asked again");
    is_text(sunk, "whole", "and forgotten");
    teardown();

    setup(&fake_sys);
    peer_reply(200, "Content-Encoding: gzip\r\n", "plain");
    peer_reply(200, "", "plain");
    is(CALL(.retries = 0), IGJ_HTTP_OK, "a bad encoding");
    ok(strstr(peer_request(1), "Accept-Encoding: identity\r\n") != NULL
       && strstr(peer_request(1), "gzip") == NULL, "is asked for without any");
    is(fake.slept, 0, "at once");
    teardown();

    setup(&fake_sys);
    peer_reply(200, "Content-Encoding: gzip\r\n", "plain");
    peer_reply(200, "Content-Encoding: gzip\r\n", "plain");
    peer_reply(200, "Content-Encoding: gzip\r\n", "plain");
    ok(CALL(.retries = 3) != IGJ_HTTP_BAD_ENCODING && peer_count() == 2,
       "but once");
    teardown();
}


static void
wait_bounds(void)
{
    int  i;

    http = igj_http_create(&fake_sys);
    resp.retry_after_ms = -1;

    for (i = 0; i < 40; i++) {
        if (igj_http_wait_ms(http, &resp, i) > IGJ_HTTP_SLEEP_MAX_MS) {
            break;
        }
    }

    is(i, 40, "no wait of ours is above the bound");
    is(igj_http_wait_ms(http, &resp, 39), IGJ_HTTP_SLEEP_MAX_MS,
       "nor overflows");

    resp.retry_after_ms = 0;
    is(igj_http_wait_ms(http, &resp, 0), IGJ_HTTP_RETRY_BASE_MS,
       "Retry-After: 0 is no leave to hammer");
    resp.retry_after_ms = 90000;
    is(igj_http_wait_ms(http, &resp, 0), 90000, "a long one is kept to");

    igj_http_destroy(http);
}


static void
stopping(void)
{
    setup(NULL);
    peer.flag = &stop;
    peer_text("", PEER_HANG);
    is(ONCE(.kind = IGJ_HTTP_LONG_POLL, .timeout_ms = 600000, .stop = &stop),
       IGJ_HTTP_STOPPED, "a silent long poll ends with the flag");
    teardown();

    setup(NULL);
    peer.flag = &stop;
    peer_text("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", PEER_HANG);
    is(CALL(.stop = &stop, .sink = on_sink, .retries = 3), IGJ_HTTP_STOPPED,
       "so does a body that stalls");
    is(peer_count(), 1, "and it is not asked again");
    teardown();

    setup(&fake_sys);
    fake.stop_at = &stop;
    fake.stop_ms = 700;
    peer_reply(503, "", "");
    peer_reply(503, "", "");
    peer_reply(503, "", "");
    is(CALL(.stop = &stop, .retries = 3), IGJ_HTTP_STOPPED,
       "so does a wait between tries");
    ok(fake.slept >= 700 && fake.slept <= 700 + IGJ_HTTP_TICK_MS,
       "within a tick");
    is(peer_count(), 2, "after two tries");
    teardown();

    setup(NULL);
    atomic_store(&stop, 1);
    is(ONCE(.stop = &stop), IGJ_HTTP_STOPPED, "a flag that is set already");
    teardown();
}


/* libcurl sends again by itself when a kept connection turns out dead. */
static void
effects_once(void)
{
    setup(NULL);
    peer_reply(200, "", "{}");
    peer_text("", PEER_CLOSE);
    peer_reply(200, "", "{}");
    is(ONCE(.kind = IGJ_HTTP_QUICK), IGJ_HTTP_OK, "a kept connection");
    is(ONCE(.kind = IGJ_HTTP_QUICK, .body = "x", .body_len = 1), IGJ_HTTP_OK,
       "that dies under a call which may be repeated");
    is(peer_count(), 3, "is replaced unasked");
    teardown();

    setup(NULL);
    peer_reply(200, "", "{}");
    peer_text("", PEER_CLOSE);
    peer_reply(200, "", "{}");
    is(ONCE(.kind = IGJ_HTTP_QUICK), IGJ_HTTP_OK, "a kept connection");
    is(ONCE(.kind = IGJ_HTTP_EFFECT, .body = "x", .body_len = 1),
       IGJ_HTTP_BROKEN, "is not used by a call that must not be");
    is(peer_count(), 2, "which is sent once");
    ok(resp.sent, "and says so");
    teardown();

    setup(NULL);
    peer_text("", PEER_HANG);
    is(ONCE(.kind = IGJ_HTTP_EFFECT, .timeout_ms = 300), IGJ_HTTP_TIMEOUT,
       "a call that must not be made twice is given up");
    teardown();
    ok(atomic_load(&peer.was_reset), "by a reset: the kernel sends no more");
}


int
main(void)
{
    curl_global_init(CURL_GLOBAL_ALL);

    what_is_sent();
    broken_answers();
    nothing_sent();
    caps();
    streaming();
    retries();
    wait_bounds();
    stopping();
    effects_once();

    curl_global_cleanup();

    return done_testing();
}
