/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* A client of Airtable before a scripted peer, with a pace that the test
 * sets. */

#ifndef AIRTABLE_PEER_H
#define AIRTABLE_PEER_H

#include "igj_airtable.h"
#include "peer.h"
#include "tap.h"

#include <curl/curl.h>


#define SECRET  "patSeCrEt.abc"
#define BASE    "appBase1"
#define REFUSED(type)                                                         \
    "{\"error\":{\"type\":\"" type "\",\"message\":"                          \
    "\"Field \\\"position\\\" cannot accept it\"}}"

#define ROWS_MAX  32


static igj_http_t            *http;
static igj_airtable_t        *client;
static igj_airtable_error_t   err;
static igj_airtable_done_t    done[ROWS_MAX];
static _Atomic int            stop;
static char                   base_url[64];


/* What the pace answers, and what it was told. */
static struct {
    igj_airtable_answer_t   answer;
    int64_t                 wait_ms;
    int64_t                 good_ms;
    int64_t                 late_ms;       /* the clock goes on by so much */
    int                     late_turns;    /* in so many turns */
    int                     turns;
    int64_t                 max_ms;        /* that was asked for last */
    int64_t                 frozen_ms;
    char                    base[32];
} paced;


static void
paced_turn(void *data, const char *base, int64_t max_ms,
    igj_airtable_turn_t *turn)
{
    (void) data;

    turn->answer = paced.answer;
    turn->wait_ms = paced.wait_ms;
    turn->good_ms = paced.good_ms;
    snprintf(paced.base, sizeof(paced.base), "%s", base);

    paced.max_ms = max_ms;

    if (paced.turns++ < paced.late_turns) {
        fake.now += paced.late_ms;
    }
}


static void
paced_freeze(void *data, const char *base, int64_t ms)
{
    (void) data;
    (void) base;

    paced.frozen_ms = ms;
}


static void
setup(void)
{
    static const igj_airtable_pace_t  pace = { paced_turn, paced_freeze, NULL };
    igj_airtable_conf_t               conf;

    peer_open();
    snprintf(base_url, sizeof(base_url), "http://127.0.0.1:%d", peer.port);
    memset(&fake, 0, sizeof(fake));
    memset(&paced, 0, sizeof(paced));
    memset(done, 0x55, sizeof(done));
    atomic_store(&stop, 0);

    conf.token = SECRET;
    conf.base_url = base_url;

    http = igj_http_create(&fake_sys);
    client = igj_airtable_create(&conf, http, &stop, &pace, &err);
}


static void
teardown(void)
{
    igj_airtable_destroy(client);
    igj_http_destroy(http);
    peer_close();
}


/* The body of the n-th request. */
__attribute__((unused))
static const char *
sent(int n)
{
    const char  *end;

    end = strstr(peer_request(n), "\r\n\r\n");

    return end ? end + 4 : "";
}


/* The record that row number n has in answers. */
__attribute__((unused))
static const char *
record(int n)
{
    static char  text[16];

    snprintf(text, sizeof(text), "rec%d", n);

    return text;
}


/* The answer that rows from to to are written. */
__attribute__((unused))
static void
reply_rows(int from, int to)
{
    char  body[2048];
    int   i, n;

    n = sprintf(body, "{\"records\":[");

    for (i = from; i <= to; i++) {
        n += sprintf(body + n, "%s{\"id\":\"rec%d\",\"fields\":{\"id\":"
                     "\"%d\"}}", i > from ? "," : "", i, i);
    }

    sprintf(body + n, "]}");
    peer_reply(200, "", body);
}


/* Rows 1 to n, with these numbers as id. */
__attribute__((unused))
static igj_airtable_class_t
upsert(int n)
{
    igj_airtable_row_t  rows[ROWS_MAX] = { 0 };
    char                ids[ROWS_MAX][8];
    int                 i;

    for (i = 0; i < n; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%d", i + 1);
        rows[i].id = ids[i];
        rows[i].position = i + 1;
    }

    return igj_airtable_upsert(client, BASE, "T", rows, n, done, &err);
}

#endif /* AIRTABLE_PEER_H */
