/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The Airtable client: what it sends, what each answer means, rows that are
 * refused, and turns.  Listings and tables are airtable_read.c. */

#include "airtable_peer.h"


static void
upsert_request(void)
{
    igj_airtable_row_t  rows[2] = {
        { NULL, "11", "nasa", "NASA \"x\"", 1, "2025-10-14", "pending" },
        { "recB", "12", NULL, NULL, 0, NULL, "followed" },
    };

    setup();
    peer_reply(200, "", "{\"records\":[{\"id\":\"recA\",\"fields\":{\"id\":"
               "\"11\"}},{\"id\":\"recB\",\"fields\":{}}],"
               "\"createdRecords\":[\"recA\"],\"updatedRecords\":[\"recB\"]}");

    is(igj_airtable_upsert(client, BASE, "Daily Table", rows, 2, done, &err),
       IGJ_AIRTABLE_OK, "upsert");
    ok(peer_asked(0, "PATCH /v0/" BASE "/Daily%20Table HTTP/1.1\r\n"),
       "method and path");
    is_text(sent(0), "{\"performUpsert\":{\"fieldsToMergeOn\":[\"id\"]},"
            "\"records\":[{\"fields\":{\"id\":\"11\",\"username\":\"nasa\","
            "\"full_name\":\"NASA \\\"x\\\"\",\"position\":1,"
            "\"campaign_date\":\"2025-10-14\","
            "\"progress_status\":\"pending\"}},"
            "{\"id\":\"recB\",\"fields\":{\"id\":\"12\","
            "\"progress_status\":\"followed\"}}],\"typecast\":true}",
            "rows, merged on id or named by record");
    ok(strstr(peer_request(0), "Authorization: Bearer " SECRET "\r\n") != NULL,
       "the token is a header");
    ok(strstr(strstr(peer_request(0), SECRET) + 1, SECRET) == NULL,
       "and nothing else");
    is_text(done[0].record_id, "recA", "record of the first");
    ok(done[0].created, "which is new");
    is_text(done[1].record_id, "recB", "record of the second");
    ok(!done[1].created, "which was there");
    is(paced.turns, 1, "one turn");
    is(paced.max_ms, IGJ_AIRTABLE_WAIT_MS, "that must come soon");
    is_text(paced.base, BASE, "of the base");
    teardown();
}


static void
answers(void)
{
    static const struct {
        const char            *name;
        int                    status;
        const char            *body;
        igj_airtable_class_t   class;
        const char            *type;
        int                    asked;
        int64_t                frozen;     /* 0: nothing said to the pace */
    } rows[] = {
        { "bad request", 400, "{\"error\":{\"type\":\"INVALID_REQUEST_BODY\","
          "\"message\":\"m\"}}", IGJ_AIRTABLE_REFUSED, "INVALID_REQUEST_BODY",
          1, 0 },
        { "no token", 401, "{\"error\":{\"type\":"
          "\"AUTHENTICATION_REQUIRED\"}}", IGJ_AIRTABLE_DENIED,
          "AUTHENTICATION_REQUIRED", 1, 0 },
        { "no permission", 403, "{\"error\":{\"type\":"
          "\"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND\",\"message\":\"m\"}}",
          IGJ_AIRTABLE_DENIED, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", 1,
          0 },
        { "payment", 402, "", IGJ_AIRTABLE_DENIED, "", 1, 0 },
        { "no such table", 404, "{\"error\":\"NOT_FOUND\"}",
          IGJ_AIRTABLE_REFUSED, "NOT_FOUND", 1, 0 },
        { "unknown field", 422, "{\"error\":{\"type\":\"UNKNOWN_FIELD_NAME\","
          "\"message\":\"Unknown field name: \\\"position\\\"\"}}",
          IGJ_AIRTABLE_REFUSED, "UNKNOWN_FIELD_NAME", 1, 0 },
        { "429", 429, "{\"errors\":[{\"error\":\"RATE_LIMIT_REACHED\","
          "\"message\":\"m\"}]}", IGJ_AIRTABLE_PARK, "RATE_LIMIT_REACHED", 1,
          30000 },
        { "429 of another shape", 429, "{\"error\":{\"type\":"
          "\"TOO_MANY_REQUESTS\"}}", IGJ_AIRTABLE_PARK, "TOO_MANY_REQUESTS",
          1, 30000 },
        { "429 without a body", 429, "", IGJ_AIRTABLE_PARK, "", 1, 30000 },
        { "billing", 429, "{\"errors\":[{\"error\":"
          "\"PUBLIC_API_BILLING_LIMIT_EXCEEDED\",\"message\":\"m\"}]}",
          IGJ_AIRTABLE_DENIED, "PUBLIC_API_BILLING_LIMIT_EXCEEDED", 1,
          -1 },
        { "302", 302, "", IGJ_AIRTABLE_DENIED, "", 1, 0 },
        { "500", 500, "{\"error\":{\"type\":\"SERVER_ERROR\"}}",
          IGJ_AIRTABLE_RETRY, "SERVER_ERROR", 4, 0 },
        { "502 in HTML", 502, "<html>502</html>", IGJ_AIRTABLE_RETRY, "", 4,
          0 },
        { "503", 503, "{\"error\":\"SERVICE_UNAVAILABLE\"}",
          IGJ_AIRTABLE_RETRY, "SERVICE_UNAVAILABLE", 4, 0 },
        { "words that are no type", 403, "{\"error\":\"Not yours\"}",
          IGJ_AIRTABLE_DENIED, "", 1, 0 },
        { "not JSON", 200, "<html>", IGJ_AIRTABLE_RETRY, "", 4, 0 },
        { "no records", 200, "{}", IGJ_AIRTABLE_RETRY, "", 4, 0 },
        { "two documents", 200, "{\"records\":[]}{}", IGJ_AIRTABLE_RETRY, "",
          4, 0 },
    };

    size_t  i;
    int     n;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup();

        for (n = 0; n < 4; n++) {
            peer_reply(rows[i].status, "", rows[i].body);
        }

        is_text(igj_airtable_class_name(upsert(2)),
                igj_airtable_class_name(rows[i].class), "%s", rows[i].name);
        is(err.class, rows[i].class, "%s: class", rows[i].name);
        is_text(err.type, rows[i].type, "%s: type", rows[i].name);
        is(err.http_status, rows[i].status, "%s: status", rows[i].name);
        is(peer_count(), rows[i].asked, "%s: asked", rows[i].name);
        is(paced.turns, rows[i].asked, "%s: each in its turn", rows[i].name);
        is(paced.frozen_ms, rows[i].frozen, "%s: silence", rows[i].name);
        is(err.billing, rows[i].frozen < 0, "%s: billing", rows[i].name);
        is_text(done[0].record_id, "", "%s: not written", rows[i].name);
        teardown();
    }
}


static void
repeats(void)
{
    setup();
    peer_text("", PEER_CLOSE);
    peer_reply(502, "", "<html>");
    peer_text("HTTP/1.1 200 X\r\nContent-Length: 900\r\n\r\n{\"rec",
              PEER_CLOSE);
    reply_rows(1, 2);
    is(upsert(2), IGJ_AIRTABLE_OK, "answer lost, 502, cut: then written");
    is(paced.turns, 4, "each in its turn");
    is(fake.slept, 500 + 1000 + 2000, "after waits");
    teardown();

    setup();
    peer_reply(429, "Retry-After: 90\r\n", "");
    is(upsert(1), IGJ_AIRTABLE_PARK, "429 for longer");
    is(err.delay_ms, 90000, "is told");
    is(paced.frozen_ms, 90000, "to all");
    is(fake.slept, 0, "and not slept through");
    teardown();

    setup();
    peer_reply(429, "Retry-After: 99999999999\r\n", "");
    is(upsert(1), IGJ_AIRTABLE_PARK, "429 for years");
    is(paced.frozen_ms, IGJ_AIRTABLE_SILENCE_MS, "means an hour");
    teardown();

    setup();
    peer_reply(503, "Retry-After: 60\r\n", "");
    is(upsert(1), IGJ_AIRTABLE_RETRY, "503 for a minute");
    is(err.delay_ms, 60000, "is told");
    is(peer_count(), 1, "and not tried again now");
    teardown();

    setup();
    fake.stop_at = &stop;
    fake.stop_ms = 100;
    peer_reply(503, "", "");
    is(upsert(1), IGJ_AIRTABLE_CANCELED, "stopped between tries");
    is(peer_count(), 1, "nothing more is sent");
    teardown();

    setup();
    peer_reply(200, "", "{\"records\":[{\"id\":\"recA\",\"fields\":"
               "{\"id\":\"other\"}}]}");
    is(upsert(1), IGJ_AIRTABLE_RETRY, "an answer of other rows");
    is_text(done[0].record_id, "", "is not taken");
    teardown();
}


static void
turns(void)
{
    setup();
    paced.wait_ms = 750;
    reply_rows(1, 1);
    is(upsert(1), IGJ_AIRTABLE_OK, "a turn that is to come");
    is(fake.slept, 750, "is waited for");
    teardown();

    setup();
    paced.answer = IGJ_AIRTABLE_TURN_WAIT;
    paced.wait_ms = 3000;
    is(upsert(1), IGJ_AIRTABLE_PARK, "no turn soon");
    ok(err.delay_ms >= 4000 && err.delay_ms <= 5000, "comes back spread");
    is(peer_count(), 0, "nothing was sent");
    is(paced.frozen_ms, 0, "nobody is silenced by that");
    teardown();

    setup();
    paced.answer = IGJ_AIRTABLE_TURN_USED_UP;
    is(upsert(1), IGJ_AIRTABLE_DENIED, "the month is used up");
    ok(err.billing, "which is billing");
    is_text(err.message, "upsert " BASE "/T: the month's API calls of this "
            "base are used up", "and says so");
    is(peer_count(), 0, "nothing was sent");
    teardown();

    setup();
    paced.answer = IGJ_AIRTABLE_TURN_TAKEN;
    is(upsert(1), IGJ_AIRTABLE_DENIED, "the base is another tenant's");
    is(paced.turns, 1, "which is asked once");
    is(peer_count(), 0, "nothing was sent");
    teardown();

    setup();
    paced.answer = IGJ_AIRTABLE_TURN_FAILED;
    is(upsert(1), IGJ_AIRTABLE_RETRY, "a pace that is broken is a failure");
    is(peer_count(), 0, "nothing was sent");
    teardown();

    setup();
    paced.answer = IGJ_AIRTABLE_TURN_GONE;
    is(upsert(1), IGJ_AIRTABLE_CANCELED, "no pace any more");
    teardown();

    setup();
    fake.stop_at = &stop;
    fake.stop_ms = 100;
    paced.wait_ms = 750;
    is(upsert(1), IGJ_AIRTABLE_CANCELED, "stopped while it waits");
    is(peer_count(), 0, "nothing was sent");
    teardown();

    setup();
    paced.good_ms = 150;
    paced.late_ms = 200;
    paced.late_turns = 1;
    reply_rows(1, 1);
    is(upsert(1), IGJ_AIRTABLE_OK, "a turn that came too late");
    is(paced.turns, 2, "is not used");
    teardown();

    setup();
    paced.good_ms = 150;
    paced.late_ms = 200;
    paced.late_turns = 100;
    reply_rows(1, 1);
    is(upsert(1), IGJ_AIRTABLE_OK, "where all come late");
    is(paced.turns, IGJ_AIRTABLE_STALE_MAX, "one is used");
    teardown();
}


static void
one_of_ten(void)
{
    int  i;

    /* 13 rows, number 7 refused: 1-10, 1-5, 6-10, 6-7, 6, 7, 8-10, 11-13 */
    setup();
    peer_reply(422, "", REFUSED("INVALID_VALUE_FOR_COLUMN"));
    reply_rows(1, 5);
    peer_reply(422, "", REFUSED("INVALID_VALUE_FOR_COLUMN"));
    peer_reply(422, "", REFUSED("INVALID_VALUE_FOR_COLUMN"));
    reply_rows(6, 6);
    peer_reply(422, "", REFUSED("INVALID_VALUE_FOR_COLUMN"));
    reply_rows(8, 10);
    reply_rows(11, 13);

    is(upsert(13), IGJ_AIRTABLE_OK, "one row is refused");
    is(peer_count(), 8, "it was looked for by halves");

    for (i = 0; i < 13; i++) {
        is_text(done[i].record_id, i == 6 ? "" : record(i + 1),
                "row %d %s", i + 1, i == 6 ? "is not written" : "is written");
    }

    is_text(done[6].problem, "upsert " BASE "/T: HTTP 422 "
            "INVALID_VALUE_FOR_COLUMN: Field \"position\" cannot accept it",
            "and says why");
    teardown();

    setup();
    peer_reply(413, "", "{\"error\":\"REQUEST_TOO_LARGE\"}");
    reply_rows(1, 1);
    reply_rows(2, 2);
    is(upsert(2), IGJ_AIRTABLE_OK, "413 is split too");
    teardown();

    setup();
    peer_reply(422, "", REFUSED("INVALID_VALUE_FOR_COLUMN"));
    reply_rows(1, 1);
    peer_reply(429, "", "");
    is(upsert(2), IGJ_AIRTABLE_PARK, "a 429 in the middle");
    is_text(done[0].record_id, record(1), "what is written is known");
    is_text(done[1].record_id, "", "the rest is to be sent again");
    is_text(done[1].problem, "", "and not refused");
    teardown();

    setup();
    for (i = 0; i < 40; i++) {
        peer_reply(422, "", REFUSED("INVALID_VALUE_FOR_COLUMN"));
    }
    is(upsert(20), IGJ_AIRTABLE_REFUSED, "all rows refused");
    is(peer_count(), 19, "the first ten show it");
    ok(done[9].problem[0] != '\0' && done[10].problem[0] == '\0',
       "the others were not asked for");
    teardown();
}


static void
lost_records(void)
{
    igj_airtable_row_t  row = { .record_id = "recOld", .id = "1",
                                .progress_status = "pending" };

    setup();
    peer_reply(422, "", REFUSED("ROW_DOES_NOT_EXIST"));
    reply_rows(1, 1);
    is(igj_airtable_upsert(client, BASE, "T", &row, 1, done, &err),
       IGJ_AIRTABLE_OK, "upsert of a record that is gone");
    ok(strstr(sent(1), "recOld") == NULL, "merges on id then");
    is_text(done[0].record_id, record(1), "and has a new record");
    teardown();

    setup();
    peer_reply(404, "", "{\"error\":\"NOT_FOUND\"}");
    peer_reply(404, "", "{\"error\":\"NOT_FOUND\"}");
    is(igj_airtable_upsert(client, BASE, "T", &row, 1, done, &err),
       IGJ_AIRTABLE_REFUSED, "a table that is gone");
    teardown();

    setup();
    row.id = NULL;
    peer_reply(404, "", "{\"error\":\"NOT_FOUND\"}");
    is(igj_airtable_update(client, BASE, "T", &row, 1, done, &err),
       IGJ_AIRTABLE_OK, "update of a record that is gone");
    is_text(sent(0), "{\"records\":[{\"id\":\"recOld\",\"fields\":"
            "{\"progress_status\":\"pending\"}}],\"typecast\":true}",
            "as it was sent");
    ok(done[0].missing && done[0].problem[0] != '\0', "says that it is gone");
    teardown();

    setup();
    row.record_id = "../recOld";
    is(igj_airtable_update(client, BASE, "T", &row, 1, done, &err),
       IGJ_AIRTABLE_REFUSED, "not the id of a record");
    is(peer_count(), 0, "is not sent");
    teardown();
}


static void
deleting(void)
{
    const char  *ids[] = { "recA", "recB", "recC" };

    setup();
    peer_reply(200, "", "{\"records\":[{\"id\":\"recA\",\"deleted\":true},"
               "{\"id\":\"recB\",\"deleted\":true}]}");
    is(igj_airtable_delete(client, BASE, "T", ids, 2, done, &err),
       IGJ_AIRTABLE_OK, "delete");
    ok(peer_asked(0, "DELETE /v0/" BASE "/T?records%5B%5D=recA"
                  "&records%5B%5D=recB HTTP/1.1\r\n"), "as it was sent");
    is_text(done[1].record_id, "recB", "done");
    teardown();

    setup();
    peer_reply(422, "", REFUSED("ROW_DOES_NOT_EXIST"));
    peer_reply(200, "", "{\"records\":[{\"id\":\"recA\",\"deleted\":true}]}");
    peer_reply(422, "", REFUSED("ROW_DOES_NOT_EXIST"));
    peer_reply(404, "", "{\"error\":\"NOT_FOUND\"}");
    peer_reply(200, "", "{\"records\":[{\"id\":\"recC\",\"deleted\":true}]}");
    is(igj_airtable_delete(client, BASE, "T", ids, 3, done, &err),
       IGJ_AIRTABLE_OK, "one of them is gone");
    ok(!done[0].missing && done[1].missing && !done[2].missing, "that one");
    is_text(done[1].record_id, "recB", "which is done, too");
    teardown();

    setup();
    peer_reply(403, "", "");
    is(igj_airtable_delete(client, BASE, "T", ids, 3, done, &err),
       IGJ_AIRTABLE_DENIED, "delete without permission");
    is_text(done[0].record_id, "", "is not done");
    teardown();
}


static void
configuration(void)
{
    static const struct {
        const char  *token;
        const char  *url;
        bool         good;
    } rows[] = {
        { SECRET, "https://api.airtable.com", true },
        { SECRET, "http://127.0.0.1:9/airtable/v0", true },
        { NULL, "https://api.airtable.com", false },
        { "", "https://api.airtable.com", false },
        { "pat a", "https://api.airtable.com", false },
        { SECRET, "ftp://api.airtable.com", false },
        { SECRET, "https://user@api.airtable.com", false },
        { SECRET, "https://", false },
    };

    igj_airtable_conf_t   conf;
    igj_airtable_t       *a;
    size_t                i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        conf.token = rows[i].token;
        conf.base_url = rows[i].url;
        a = igj_airtable_create(&conf, NULL, NULL, NULL, &err);
        ok((a != NULL) == rows[i].good, "%s %s",
           rows[i].url, rows[i].good ? "works" : "cannot work");
        igj_airtable_destroy(a);
    }

    ok(igj_airtable_base_valid("appAb_1"), "a base");
    ok(!igj_airtable_base_valid("app") && !igj_airtable_base_valid("xpp1")
       && !igj_airtable_base_valid("app/1"), "no bases");

    setup();
    is(igj_airtable_upsert(client, "app/../x", "T", NULL, 0, done, &err),
       IGJ_AIRTABLE_REFUSED, "a base that is a path");
    is(igj_airtable_upsert(client, BASE, "..", NULL, 0, done, &err),
       IGJ_AIRTABLE_REFUSED, "a table that is a path");
    peer_reply(403, "", "{\"error\":{\"type\":\"NOT_AUTHORIZED\",\"message\":"
               "\"not \\u0007" SECRET "\"}}");
    is(upsert(1), IGJ_AIRTABLE_DENIED, "an error that quotes the token");
    is_text(err.message, "upsert " BASE "/T: HTTP 403 NOT_AUTHORIZED: not  "
            "*************", "is told without it");
    teardown();
}


int
main(void)
{
    curl_global_init(CURL_GLOBAL_ALL);

    upsert_request();
    answers();
    repeats();
    turns();
    one_of_ten();
    lost_records();
    deleting();
    configuration();

    curl_global_cleanup();

    return done_testing();
}
