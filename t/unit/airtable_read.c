/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The Airtable client: listings, which may have to begin again, and tables. */

#include "airtable_peer.h"


static struct {
    int    begun;
    int    pages;
    int    refuse_at;        /* this record, from 1 */
    int    n;
    char   ids[64];
} seen;


static int
on_begin(void *data)
{
    (void) data;

    seen.begun++;
    seen.n = 0;
    seen.ids[0] = '\0';

    return 0;
}


static int
on_record(void *data, const char *record_id, const cJSON *fields)
{
    const cJSON  *id;

    (void) data;

    if (++seen.n == seen.refuse_at) {
        return -1;
    }

    id = cJSON_GetObjectItemCaseSensitive(fields, "id");
    strcat(seen.ids, record_id);
    strcat(seen.ids, cJSON_IsString(id) ? id->valuestring : "-");
    strcat(seen.ids, " ");

    return 0;
}


static int
on_page(void *data)
{
    (void) data;

    seen.pages++;

    return 0;
}


static igj_airtable_class_t
list(const char *table)
{
    static const char *const          fields[] = { "id", "progress_status",
                                                   NULL };
    static const igj_airtable_sink_t  sink = { on_begin, on_record, on_page,
                                               NULL };

    return igj_airtable_list(client, BASE, table, fields, &sink, &err);
}


static void
start(void)
{
    setup();
    memset(&seen, 0, sizeof(seen));
}


#define PAGE1  "{\"records\":[{\"id\":\"recA\",\"createdTime\":\"x\","        \
               "\"fields\":{\"id\":\"1\"}},{\"id\":\"recB\",\"fields\":{}}]," \
               "\"offset\":\"itr1/rec B\"}"
#define PAGE2  "{\"records\":[{\"id\":\"recC\",\"fields\":{\"id\":\"3\"}}]}"
#define EXPIRED                                                               \
    "{\"error\":{\"type\":\"LIST_RECORDS_ITERATOR_NOT_AVAILABLE\"}}"


static void
listing(void)
{
    start();
    peer_reply(200, "", PAGE1);
    peer_reply(200, "", PAGE2);
    is(list("Tafel ü"), IGJ_AIRTABLE_OK, "two pages");
    ok(peer_asked(0, "GET /v0/" BASE "/Tafel%20%C3%BC?pageSize=100"
                  "&fields%5B%5D=id&fields%5B%5D=progress_status "),
       "the first one");
    ok(peer_asked(1, "GET /v0/" BASE "/Tafel%20%C3%BC?pageSize=100"
                  "&fields%5B%5D=id&fields%5B%5D=progress_status"
                  "&offset=itr1%2Frec%20B "), "the second one");
    is_text(seen.ids, "recA1 recB- recC3 ", "all records");
    is(seen.begun, 1, "begun once");
    is(seen.pages, 2, "pages told");
    is(paced.turns, 2, "each page in its turn");
    is(paced.max_ms, IGJ_AIRTABLE_GO_ON_MS, "the second one waits longer");
    teardown();

    start();
    peer_reply(200, "", PAGE1);
    peer_reply(422, "", EXPIRED);
    peer_reply(200, "", PAGE1);
    peer_reply(200, "", PAGE2);
    is(list("T"), IGJ_AIRTABLE_OK, "forgotten in the middle");
    is(seen.begun, 2, "begun again");
    is_text(seen.ids, "recA1 recB- recC3 ", "all records");
    teardown();

    start();
    peer_reply(200, "", PAGE1);
    peer_text("HTTP/1.1 200 X\r\nContent-Length: 900\r\n\r\n{\"records\":[{",
              PEER_CLOSE);
    peer_reply(200, "", "{\"records\":[{\"id\":\"re");
    peer_reply(200, "", PAGE2);
    is(list("T"), IGJ_AIRTABLE_OK, "a page that was cut");
    is(seen.begun, 1, "only that page is asked for again");
    is_text(seen.ids, "recA1 recB- recC3 ", "all records");
    teardown();
}


static void
listing_ends(void)
{
    int  i;

    start();
    for (i = 0; i < 10; i++) {
        peer_reply(422, "", EXPIRED);
    }
    is(list("T"), IGJ_AIRTABLE_RETRY, "forgotten again and again");
    is(seen.begun, 1 + IGJ_AIRTABLE_RESTARTS, "given up");
    teardown();

    start();
    peer_reply(200, "", PAGE1);
    peer_reply(200, "", PAGE1);
    is(list("T"), IGJ_AIRTABLE_RETRY, "a page that leads to itself");
    teardown();

    start();
    peer_reply(200, "", "{\"records\":[{\"fields\":{}}]}");
    is(list("T"), IGJ_AIRTABLE_RETRY, "a record without an id");
    teardown();

    start();
    seen.refuse_at = 2;
    peer_reply(200, "", PAGE1);
    is(list("T"), IGJ_AIRTABLE_CANCELED, "the reader has enough");
    is(peer_count(), 1, "nothing more is asked");
    teardown();

    start();
    peer_reply(404, "", "{\"error\":\"NOT_FOUND\"}");
    is(list("T"), IGJ_AIRTABLE_REFUSED, "no such table");
    is_text(err.message, "list " BASE "/T: HTTP 404 NOT_FOUND", "is named");
    teardown();
}


static void
tables(void)
{
    cJSON  *list;
    char    id[IGJ_AIRTABLE_ID_MAX];
    char   *text;

    start();
    peer_reply(200, "", "{\"tables\":[{\"id\":\"tbl1\",\"name\":\"A\"}]}");
    is(igj_airtable_schema(client, BASE, &list, &err), IGJ_AIRTABLE_OK,
       "schema");
    ok(peer_asked(0, "GET /v0/meta/bases/" BASE "/tables "), "as asked");
    text = cJSON_PrintUnformatted(list);
    is_text(text, "[{\"id\":\"tbl1\",\"name\":\"A\"}]", "its tables");
    cJSON_free(text);
    cJSON_Delete(list);
    teardown();

    start();
    peer_reply(403, "", "");
    is(igj_airtable_schema(client, BASE, &list, &err), IGJ_AIRTABLE_DENIED,
       "schema of a base of others");
    ok(list == NULL, "no tables");
    teardown();

    start();
    peer_reply(200, "", "{\"id\":\"tbl7\",\"name\":\"N\"}");
    is(igj_airtable_create_table(client, BASE, "N", id, &err),
       IGJ_AIRTABLE_OK, "create table");
    ok(peer_asked(0, "POST /v0/meta/bases/" BASE "/tables "), "as asked");
    ok(strstr(sent(0), "{\"name\":\"N\",\"fields\":[{\"name\":\"id\","
              "\"type\":\"singleLineText\"},{\"name\":\"username\"")
       == sent(0), "id is its primary field");
    ok(strstr(sent(0), "{\"name\":\"progress_status\",\"type\":"
              "\"singleSelect\",\"options\":{\"choices\":[{\"name\":"
              "\"pending\"},{\"name\":\"followed\"},{\"name\":\"unfollow\"},"
              "{\"name\":\"unfollowed\"},{\"name\":\"completed\"}]}}")
       != NULL, "with all choices");
    is_text(id, "tbl7", "its id");
    teardown();

    start();
    peer_text("", PEER_CLOSE);
    peer_reply(422, "", REFUSED("DUPLICATE_TABLE_NAME"));
    is(igj_airtable_create_table(client, BASE, "N", id, &err),
       IGJ_AIRTABLE_RETRY, "create table, answer lost");
    is(peer_count(), 1, "is not repeated blindly");
    teardown();
}


int
main(void)
{
    curl_global_init(CURL_GLOBAL_ALL);

    listing();
    listing_ends();
    tables();

    curl_global_cleanup();

    return done_testing();
}
