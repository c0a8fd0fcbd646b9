/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Not a test of its own: collects one run from a provider the way a lane does
 * and prints what it got, for t/provider/sim.t.
 *
 *   apify_drive BASE_URL ACTOR ACCOUNT,ACCOUNT,... MAX_COUNT PAGE_SIZE START_MS
 */

#include "igj_provider.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#define ACCOUNTS_MAX  1000
#define TRIES         5


typedef struct {
    char    *text;            /* lines of the page in work */
    size_t   len;
    size_t   size;
} page_buffer_t;


static int64_t                skipped;
static igj_provider_t        *provider;
static igj_provider_error_t   err;
static igj_run_t              run;
static page_buffer_t          buffer;


/* Waits are a tenth of what they would be, and the clock does not tell. */
static int64_t
quick_now(void *data)
{
    struct timespec  ts;

    (void) data;
    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + skipped;
}


static void
quick_sleep(void *data, int64_t ms)
{
    struct timespec  ts = { 0, ms * 100000 };

    (void) data;
    nanosleep(&ts, NULL);
    skipped += ms - ms / 10;
}


static uint32_t
quick_random(void *data)
{
    (void) data;

    return 0;
}


static int
page_begin(void *data)
{
    (void) data;
    buffer.len = 0;

    return 0;
}


static int
page_add(const char *a, const char *b, const char *c)
{
    size_t  need;

    need = strlen(a) + strlen(b) + strlen(c) + 4;

    if (buffer.len + need > buffer.size) {
        buffer.size = 2 * (buffer.size + need);
        buffer.text = realloc(buffer.text, buffer.size);

        if (buffer.text == NULL) {
            return -1;
        }
    }

    buffer.len += (size_t) snprintf(buffer.text + buffer.len, need,
                                    "%s %s %s\n", a, b, c);

    return 0;
}


static int
page_profile(void *data, const igj_profile_t *p)
{
    (void) data;

    return page_add("profile", p->id, p->source_account[0] ? p->source_account
                                                           : "-");
}


static int
page_error(void *data, const igj_account_error_t *e)
{
    (void) data;

    return page_add("account_error", e->account[0] ? e->account : "-",
                    igj_account_fault_name(e->fault));
}


static int
start(char *list, int max_count, int64_t timeout_ms)
{
    const char            *accounts[ACCOUNTS_MAX];
    igj_found_t            found;
    igj_search_t           search;
    igj_provider_class_t   class;
    igj_start_t            s;
    char                   token[IGJ_PROVIDER_TOKEN_MAX], *account;
    int64_t                now;
    int                    n;

    n = 0;

    for (account = strtok(list, ","); account && n < ACCOUNTS_MAX;
         account = strtok(NULL, ","))
    {
        accounts[n++] = account;
    }

    now = (int64_t) time(NULL) * 1000;
    snprintf(token, sizeof(token), "drive-%lld-%d", (long long) now,
             (int) getpid());
    s = (igj_start_t) { .accounts = accounts, .n = n, .max_count = max_count,
                        .token = token, .timeout_ms = timeout_ms };

    class = igj_provider_start(provider, &s, &run, &err);
    printf("start %s %s\n", igj_provider_class_name(class), err.message);

    if (class != IGJ_PROVIDER_UNKNOWN) {
        return class == IGJ_PROVIDER_OK ? 0 : -1;
    }

    search = (igj_search_t) { token, NULL, now };

    switch (igj_provider_find(provider, &search, &found, &err)) {

    case IGJ_FIND_FOUND:
        run = found.runs[0];
        printf("find found\n");
        return 0;

    case IGJ_FIND_ABSENT:
        printf("find absent\n");
        return -1;

    default:
        printf("find %s\n", err.message);
        return -1;
    }
}


static int
wait_for_end(void)
{
    int  try;

    for (try = 0; try < TRIES; try++) {
        if (igj_provider_wait(provider, &run, 60000, &err) == IGJ_PROVIDER_OK) {
            return 0;
        }

        printf("wait %s %s\n", igj_provider_class_name(err.class), err.message);
    }

    return -1;
}


static int
read_all(int limit)
{
    igj_page_sink_t  sink = { page_begin, page_profile, page_error, NULL };
    igj_page_t       page;
    int64_t          offset;
    int              malformed, pages, try;

    offset = 0;
    malformed = pages = try = 0;

    do {
        if (igj_provider_read_page(provider, &run, offset, limit, &sink, &page,
                                   &err) != IGJ_PROVIDER_OK)
        {
            printf("read %s %s\n", igj_provider_class_name(err.class),
                   err.message);

            if (++try == TRIES) {
                return -1;
            }

            continue;
        }

        if (buffer.len > 0) {
            (void) fwrite(buffer.text, 1, buffer.len, stdout);
        }

        offset = page.next_offset;
        malformed += page.malformed;
        pages++;

    } while (!page.end);

    printf("end %s items=%lld malformed=%d pages=%d\n",
           igj_run_state_name(run.state), (long long) offset, malformed, pages);

    return 0;
}


static int
number(const char *text)
{
    return (int) strtol(text, NULL, 10);
}


static int
drive(char **argv)
{
    static const igj_http_sys_t  sys = {
        quick_now, quick_sleep, quick_random, NULL
    };

    igj_provider_conf_t   conf;
    igj_http_t           *http;
    int                   rc;

    igj_provider_conf_defaults(&conf);
    conf.base_url = argv[1];
    conf.actor = argv[2];
    conf.api_key = "driver";
    conf.long_poll_s = 2;

    http = igj_http_create(&sys);
    provider = igj_provider_create("apify", &conf, http, NULL, &err);
    if (provider == NULL) {
        printf("create %s\n", err.message);
        igj_http_destroy(http);
        return 1;
    }

    rc = (start(argv[3], number(argv[4]), number(argv[6])) == 0
          && wait_for_end() == 0 && read_all(number(argv[5])) == 0) ? 0 : 1;

    igj_provider_destroy(provider);
    igj_http_destroy(http);
    free(buffer.text);

    return rc;
}


int
main(int argc, char **argv)
{
    int  rc;

    if (argc != 7) {
        printf("1..0 # SKIP used by t/provider/sim.t\n");
        return 0;
    }

    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_ALL);
    rc = drive(argv);
    curl_global_cleanup();

    return rc;
}
