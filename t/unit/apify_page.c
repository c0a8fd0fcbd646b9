/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Pages of a dataset: what is taken for a whole page, what is asked again, how
 * the cursor moves, and that nothing of a refused try remains. */

#include "apify_peer.h"
#include "igj_jsonl.h"


#define JSONL     "Content-Type: application/jsonl; charset=utf-8\r\n"
#define TOTAL(n)  JSONL "X-Apify-Pagination-Total: " n "\r\n"
#define A         "{\"username\":\"a\",\"id\":\"1\"}\n"
#define B         "{\"username\":\"b\",\"id\":\"2\"}\n"
#define C         "{\"username\":\"c\",\"id\":\"3\"}\n"
#define ABC       "begin a b c "


static igj_page_t  page;
static char        seen[4096];     /* all callbacks, in order */
static int         refuse;


static int
note(const char *word)
{
    size_t  used;

    used = strlen(seen);
    snprintf(seen + used, sizeof(seen) - used, "%s ", word);

    return refuse ? -1 : 0;
}


static int
on_begin(void *data)
{
    (void) data;
    seen[0] = '\0';
    (void) note("begin");
    return 0;
}


static int
on_profile(void *data, const igj_profile_t *p)
{
    (void) data;
    return note(p->username);
}


static int
on_account_error(void *data, const igj_account_error_t *e)
{
    char  text[128];

    (void) data;
    snprintf(text, sizeof(text), "%s=%s", e->account,
             igj_account_fault_name(e->fault));
    return note(text);
}


static const igj_page_sink_t  sink = {
    on_begin, on_profile, on_account_error, NULL
};


static void
setup_read(const igj_http_sys_t *sys)
{
    setup(sys);
    run.state = IGJ_RUN_SUCCEEDED;
    seen[0] = '\0';
    refuse = 0;
}


static igj_provider_class_t
read_page(int64_t offset, int limit)
{
    return igj_provider_read_page(provider, &run, offset, limit, &sink, &page,
                                  &err);
}


static void
whole_pages(void)
{
    setup_read(&fake_sys);
    conf.fields = NULL;
    peer_reply(200, TOTAL("5"), A B C);
    peer_reply(200, TOTAL("5"), A B);
    is(read_page(0, 3), IGJ_PROVIDER_OK, "a full page");
    is_text(seen, ABC, "its items");
    is(page.items, 3, "counted");
    is(page.profiles, 3, "as profiles");
    is(page.next_offset, 3, "the cursor after it");
    is(page.total, 5, "the dataset's length");
    ok(!page.end, "not the end");
    ok(peer_asked(0, "GET /v2/datasets/ds1/items?format=jsonl&offset=0"
                  "&limit=3 HTTP"), "as JSON Lines");

    is(read_page(3, 3), IGJ_PROVIDER_OK, "the last page");
    is(page.next_offset, 5, "the cursor after it");
    ok(page.end, "the end");
    ok(strstr(peer_request(1), "offset=3&limit=3 ") != NULL, "from the cursor");
    teardown();

    setup_read(&fake_sys);
    peer_reply(200, TOTAL("0"), "");
    is(read_page(0, 0), IGJ_PROVIDER_OK, "an empty dataset");
    ok(page.end && page.items == 0 && page.next_offset == 0, "ends at once");
    ok(strstr(peer_request(0), "limit=2500 ") != NULL, "default page size");
    teardown();

    setup_read(&fake_sys);
    run.state = IGJ_RUN_RUNNING;
    peer_reply(200, TOTAL("2"), A B);
    peer_reply(200, TOTAL("2"), "");
    peer_reply(200, TOTAL("3"), C);
    is(read_page(0, 99999), IGJ_PROVIDER_OK, "while the run works");
    ok(!page.end, "there is no end");
    ok(strstr(peer_request(0), "limit=5000 ") != NULL, "largest page size");
    is(read_page(2, 0), IGJ_PROVIDER_OK, "nothing new");
    ok(!page.end && page.items == 0, "is no end");
    run.state = IGJ_RUN_FAILED;
    is(read_page(2, 0), IGJ_PROVIDER_OK, "what a failed run left");
    ok(page.end && page.items == 1, "is read to its end");
    teardown();

    setup_read(&fake_sys);
    igj_provider_destroy(provider);
    conf.fields = "username,id,error";
    provider = igj_provider_create("apify", &conf, http, &stop, &err);
    igj_run_init(&run, "run1", "");
    peer_reply(200, TOTAL("1"), A);
    is(read_page(0, 7), IGJ_PROVIDER_OK, "a dataset id that is not known");
    ok(peer_asked(0, "GET /v2/actor-runs/run1/dataset/items?format=jsonl"
                  "&offset=0&limit=7&fields=username,id,error HTTP"),
       "is gone round by the run's");
    teardown();

    setup_read(&fake_sys);
    peer_gzip(TOTAL("3"), A B C, strlen(A B C), 0);
    is(read_page(0, 0), IGJ_PROVIDER_OK, "gzip");
    is_text(seen, ABC, "is decoded");
    teardown();
}


static void
mixed_items(void)
{
    setup_read(&fake_sys);
    peer_reply(200, TOTAL("9"), A
               "{\"username\":\"gone\",\"error\":\"not_found\"}\n"
               "{\"username\":null}\n"
               "{\"username\":\"x\",\"full_name\":\"\\u0000\"}\n"
               "{\"username\":\"y\",\"full_name\":\"\\ud800\"}\n"
               "{\"username\":\"z\",\"full_name\":\"\xFF\"}\n"
               "<html>\n" A B);
    is(read_page(0, 0), IGJ_PROVIDER_OK, "a page of all sorts");
    is_text(seen, "begin a gone=not_found y a b ", "what is good is handed on");
    is(page.items, 9, "the cursor counts all");
    is(page.malformed, 4, "malformed");
    is(page.account_errors, 1, "errors of accounts");
    is(page.profiles, 4, "profiles, repeats included");
    ok(page.end, "and it is the end");
    teardown();
}


static void
long_line(void)
{
    char    *text;
    size_t   len;

    setup_read(&fake_sys);
    text = malloc(IGJ_JSONL_LINE_MAX + 256);
    len = (size_t) sprintf(text, A "{\"username\":\"huge\",\"biography\":\"");
    memset(text + len, 'x', IGJ_JSONL_LINE_MAX);
    (void) sprintf(text + len + IGJ_JSONL_LINE_MAX, "\"}\n" B);
    peer_reply(200, TOTAL("3"), text);
    free(text);

    is(read_page(0, 0), IGJ_PROVIDER_OK, "a line that is too long");
    is_text(seen, "begin a b ", "costs itself alone");
    is(page.malformed, 1, "is counted");
    is(page.next_offset, 3, "and passed by");
    teardown();
}


/* Each of these comes first; the whole page is the second answer. */
static void
cut_pages(void)
{
    static const struct {
        const char    *name;
        const char    *bytes;
        peer_after_t   after;
    } rows[] = {
        { "cut in a line, length known",
          "HTTP/1.1 200 X\r\n" TOTAL("3") "Content-Length: 99\r\n\r\n" A
          "{\"userna", PEER_CLOSE },
        { "cut in a line, length not known",
          "HTTP/1.1 200 X\r\n" TOTAL("3") "Connection: close\r\n\r\n" A
          "{\"userna", PEER_CLOSE },
        { "cut between lines",
          "HTTP/1.1 200 X\r\n" TOTAL("3") "Connection: close\r\n\r\n" A B,
          PEER_CLOSE },
        { "cut before the last line end, in a line that parses",
          "HTTP/1.1 200 X\r\n" TOTAL("3") "Connection: close\r\n\r\n" A
          "{\"username\":\"b\"}", PEER_CLOSE },
        { "cut in a character",
          "HTTP/1.1 200 X\r\n" TOTAL("3") "Connection: close\r\n\r\n" A
          "{\"username\":\"\xC3", PEER_CLOSE },
        { "cut before the first item",
          "HTTP/1.1 200 X\r\n" TOTAL("3") "Connection: close\r\n\r\n",
          PEER_CLOSE },
        { "chunks without their end",
          "HTTP/1.1 200 X\r\n" TOTAL("3") "Transfer-Encoding: chunked\r\n\r\n"
          "1c\r\n" A "\r\n", PEER_CLOSE },
        { "reset", "HTTP/1.1 200 X\r\n" TOTAL("3") "\r\n" A, PEER_RESET },
        { "HTML with a good status",
          "HTTP/1.1 200 X\r\nContent-Type: text/html\r\nContent-Length: 7\r\n"
          "\r\n<html>\n", PEER_KEEP },
        { "an array instead of lines",
          "HTTP/1.1 200 X\r\n" TOTAL("3") "Connection: close\r\n\r\n"
          "[{\"username\":\"a\"},{\"username\":\"b\"}]\n", PEER_CLOSE },
        { "more than was asked for",
          "HTTP/1.1 200 X\r\n" TOTAL("9") "Connection: close\r\n\r\n"
          A B C A B C, PEER_CLOSE },
        { "gzip that is none",
          "HTTP/1.1 200 X\r\n" TOTAL("3") "Content-Encoding: gzip\r\n"
          "Content-Length: 3\r\n\r\nabc", PEER_CLOSE },
        { "502 in HTML",
          "HTTP/1.1 502 X\r\nContent-Length: 7\r\n\r\n<html>\n", PEER_KEEP },
    };

    size_t  i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup_read(&fake_sys);
        peer_text(rows[i].bytes, rows[i].after);
        peer_reply(200, TOTAL("3"), A B C);

        is(read_page(0, 4), i == 10 ? IGJ_PROVIDER_RETRY : IGJ_PROVIDER_OK,
           "%s", rows[i].name);

        if (i == 10) {
            is(page.next_offset, 0, "%s: the cursor stays", rows[i].name);

        } else {
            is_text(seen, ABC, "%s: only the second answer counts",
                    rows[i].name);
            is(page.items, 3, "%s: counted once", rows[i].name);
        }

        teardown();
    }
}


static void
cut_compressed(void)
{
    static const char  text[] = A B C;

    size_t  cut;
    int     bad;

    bad = 0;

    for (cut = 1; cut < 40; cut += 3) {
        setup_read(&fake_sys);
        peer_gzip(TOTAL("3"), text, sizeof(text) - 1, cut);
        peer_reply(200, TOTAL("3"), text);

        if (read_page(0, 0) != IGJ_PROVIDER_OK || strcmp(seen, ABC) != 0) {
            bad++;
        }

        teardown();
    }

    is(bad, 0, "gzip cut anywhere, with the right framing");
}


static void
always_cut(void)
{
    int  i;

    setup_read(&fake_sys);
    for (i = 0; i < 9; i++) {
        peer_reply(200, TOTAL("3"), A B);
    }
    is(read_page(0, 0), IGJ_PROVIDER_RETRY, "cut every time");
    is(peer_count(), 1 + IGJ_PROVIDER_RETRIES, "after as many tries as set");
    is_text(err.message, "read: the page has fewer items than the dataset",
            "is told");
    is(page.next_offset, 0, "the cursor stays");
    is(run.total_seen, 0, "nothing is learnt from it");
    teardown();
}


static void
headers_that_lie(void)
{
    setup_read(&fake_sys);
    peer_reply(200, TOTAL("3") "X-Apify-Pagination-Count: 1\r\n"
               "X-Apify-Pagination-Limit: 999999999999\r\n", A B C);
    is(read_page(0, 0), IGJ_PROVIDER_OK, "a wrong count");
    ok(page.items == 3 && page.end, "is not looked at");
    teardown();

    setup_read(&fake_sys);
    peer_reply(200, TOTAL("3"), A B "{\"username\":\"c\"}");
    is(read_page(0, 0), IGJ_PROVIDER_OK, "no line end after the last item");
    is_text(seen, ABC, "is no loss where the length is known");
    teardown();

    setup_read(&fake_sys);
    peer_reply(200, JSONL, A B);
    peer_reply(200, JSONL, C);
    is(read_page(0, 2), IGJ_PROVIDER_OK, "no length at all");
    ok(!page.end, "a full page may not be the last");
    is(read_page(2, 2), IGJ_PROVIDER_OK, "the next");
    ok(page.end, "a short one is");
    teardown();

    setup_read(&fake_sys);
    peer_reply(200, JSONL, A "{\"username\":\"b\"}");
    peer_reply(200, JSONL, A B);
    is(read_page(0, 0), IGJ_PROVIDER_OK, "no length and no line end");
    is(peer_count(), 2, "is asked again");
    teardown();
}


static void
looking_ahead(void)
{
    setup_read(&fake_sys);
    run.state = IGJ_RUN_RUNNING;
    peer_reply(200, TOTAL("2"), "");
    peer_reply(200, TOTAL("2"), A B);
    is(read_page(99, 1), IGJ_PROVIDER_OK, "an item far ahead of a working run");
    is(peer_count(), 1, "is not there");
    ok(page.items == 0 && page.total == 2 && !page.end, "and that is all");
    is(run.total_seen, 2, "it says nothing of the dataset's length");
    run.state = IGJ_RUN_SUCCEEDED;
    is(read_page(0, 0), IGJ_PROVIDER_OK, "the run has ended");
    ok(page.end, "and so do its items");
    teardown();
}


static void
older_copies(void)
{
    int  i;

    setup_read(&fake_sys);
    peer_reply(200, TOTAL("4"), A B);
    peer_reply(200, TOTAL("3"), C);
    peer_reply(200, TOTAL("3"), "");
    peer_reply(200, TOTAL("4"), A);
    is(read_page(0, 2), IGJ_PROVIDER_OK, "four items");
    is(read_page(2, 2), IGJ_PROVIDER_OK, "an older copy has three");
    is(page.next_offset, 3, "the cursor moves by what came");
    ok(!page.end, "and that is not the end");
    is(read_page(3, 2), IGJ_PROVIDER_OK, "it says that there is no more");
    is(peer_count(), 4, "which is not believed");
    ok(page.end && page.next_offset == 4, "until all have come");
    teardown();

    setup_read(&fake_sys);
    run.total_seen = 4;
    for (i = 0; i < 9; i++) {
        peer_reply(200, TOTAL("3"), "");
    }
    is(read_page(3, 2), IGJ_PROVIDER_RETRY, "an older copy for ever");
    is_text(err.message, "read: an older copy of the dataset answered",
            "is told");
    teardown();

    setup_read(&fake_sys);
    peer_reply(200, TOTAL("2"), "");
    peer_reply(200, TOTAL("3"), "");
    is(read_page(3, 2), IGJ_PROVIDER_OK, "a length below the cursor");
    is(peer_count(), 2, "is not believed either");
    ok(page.end && page.next_offset == 3, "and one that equals it is the end");
    teardown();

    setup_read(&fake_sys);
    peer_reply(200, TOTAL("1"), A B);
    is(read_page(0, 0), IGJ_PROVIDER_OK, "more items than the length says");
    ok(page.items == 2 && page.total == 2 && page.end, "all count");
    teardown();
}


static void
refusals(void)
{
    int  i;

    setup_read(&fake_sys);
    refuse = 1;
    peer_reply(200, TOTAL("2"), A B);
    is(read_page(0, 0), IGJ_PROVIDER_RETRY, "the caller's buffer is full");
    is(peer_count(), 1, "which asking again would not mend");
    teardown();

    setup_read(&fake_sys);
    for (i = 0; i < 20; i++) {
        peer_reply(404, "", "{\"error\":{\"type\":\"record-not-found\"}}");
    }
    is(read_page(0, 0), IGJ_PROVIDER_GIVE_UP, "a dataset that is gone");
    is(err.http_status, 404, "its status");
    teardown();

    setup_read(&fake_sys);
    peer_reply(429, "Retry-After: 30\r\n", "");
    is(read_page(0, 0), IGJ_PROVIDER_PARK, "429");
    is(err.retry_after_ms, 30000, "for so long");
    teardown();

    setup_read(&fake_sys);
    igj_run_init(&run, "a/b", "../x");
    is(read_page(0, 0), IGJ_PROVIDER_GIVE_UP, "ids that are none");
    is(peer_count(), 0, "go into no URL");
    teardown();

    setup_read(NULL);
    peer.flag = &stop;
    peer_text("HTTP/1.1 200 X\r\n" TOTAL("3") "\r\n" A, PEER_HANG);
    is(read_page(0, 0), IGJ_PROVIDER_CANCELED, "stopped in the middle");
    is(page.next_offset, 0, "the cursor stays");
    teardown();
}


int
main(void)
{
    curl_global_init(CURL_GLOBAL_ALL);

    whole_pages();
    mixed_items();
    long_line();
    cut_pages();
    cut_compressed();
    always_cut();
    headers_that_lie();
    looking_ahead();
    older_copies();
    refusals();

    curl_global_cleanup();

    return done_testing();
}
