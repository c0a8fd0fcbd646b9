/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The tables of a base, and the outreach table as it is made. */

#include "igj_airtable_private.h"

#include <stdio.h>


/* Fields of an outreach table; choices and options are JSON. */
typedef struct {
    const char  *name;
    const char  *type;
    const char  *options;      /* NULL: none */
} igj_airtable_field_t;


/* unfollow is what igjobs sets, unfollowed a word that people have used */
static const igj_airtable_field_t  igj_airtable_fields[] = {
    { IGJ_AIRTABLE_KEY, "singleLineText", NULL },
    { "username", "singleLineText", NULL },
    { "full_name", "singleLineText", NULL },
    { "platform", "singleSelect", "{\"choices\":[{\"name\":\"instagram\"},"
      "{\"name\":\"tiktok\"},{\"name\":\"threads\"},{\"name\":\"x\"}]}" },
    { "position", "number", "{\"precision\":0}" },
    { "campaign_date", "date", "{\"dateFormat\":{\"name\":\"iso\"}}" },
    { IGJ_AIRTABLE_STATUS, "singleSelect",
      "{\"choices\":[{\"name\":\"pending\"},{\"name\":\"followed\"},"
      "{\"name\":\"unfollow\"},{\"name\":\"unfollowed\"},"
      "{\"name\":\"completed\"}]}" },
};


static igj_airtable_class_t
igj_airtable_tables_url(igj_airtable_t *a, const igj_airtable_place_t *place,
    igj_airtable_url_t *url, igj_airtable_error_t *err)
{
    igj_airtable_error_init(err);

    if (!igj_airtable_base_valid(place->base)) {
        return igj_airtable_fail(a, place, err, IGJ_AIRTABLE_REFUSED,
                                 "not the id of a base");
    }

    igj_airtable_url_begin(a, url);
    igj_airtable_url_part(url, "meta");
    igj_airtable_url_part(url, "bases");
    igj_airtable_url_part(url, place->base);
    igj_airtable_url_part(url, "tables");

    return IGJ_AIRTABLE_OK;
}


igj_airtable_class_t
igj_airtable_schema(igj_airtable_t *a, const char *base, cJSON **tables,
    igj_airtable_error_t *err)
{
    igj_airtable_class_t  class;
    igj_airtable_place_t  place = { "schema", base, NULL };
    igj_airtable_call_t   call = { 0 };
    igj_airtable_url_t    url;

    *tables = NULL;

    class = igj_airtable_tables_url(a, &place, &url, err);

    if (class != IGJ_AIRTABLE_OK) {
        return class;
    }

    call.place = &place;
    call.url = &url;
    call.wanted = "tables";
    call.max_bytes = IGJ_AIRTABLE_SCHEMA_BYTES;

    class = igj_airtable_call(a, &call, err);

    if (class == IGJ_AIRTABLE_OK) {
        *tables = cJSON_DetachItemFromObjectCaseSensitive(call.answer,
                                                          "tables");
    }

    cJSON_Delete(call.answer);

    return class;
}


/* NULL: no memory. */

static cJSON *
igj_airtable_table_body(const char *name)
{
    cJSON   *body, *fields, *field;
    size_t   i;

    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "name", name);
    fields = cJSON_AddArrayToObject(body, "fields");

    for (i = 0;
         i < sizeof(igj_airtable_fields) / sizeof(igj_airtable_fields[0]);
         i++)
    {
        field = cJSON_CreateObject();
        cJSON_AddStringToObject(field, "name", igj_airtable_fields[i].name);
        cJSON_AddStringToObject(field, "type", igj_airtable_fields[i].type);

        if (igj_airtable_fields[i].options != NULL) {
            cJSON_AddRawToObject(field, "options",
                                 igj_airtable_fields[i].options);
        }

        if (!cJSON_AddItemToArray(fields, field)) {
            cJSON_Delete(field);
            cJSON_Delete(body);
            return NULL;
        }
    }

    return body;
}


igj_airtable_class_t
igj_airtable_create_table(igj_airtable_t *a, const char *base,
    const char *name, char table_id[IGJ_AIRTABLE_ID_MAX],
    igj_airtable_error_t *err)
{
    igj_airtable_class_t  class;
    igj_airtable_place_t  place = { "create table", base, name };
    igj_airtable_call_t   call = { 0 };
    igj_airtable_url_t    url;
    const char           *id;
    cJSON                *body;

    table_id[0] = '\0';

    class = igj_airtable_tables_url(a, &place, &url, err);

    if (class != IGJ_AIRTABLE_OK) {
        return class;
    }

    body = igj_airtable_table_body(name);

    if (body == NULL) {
        return igj_airtable_fail(a, &place, err, IGJ_AIRTABLE_RETRY,
                                 "out of memory");
    }

    call.place = &place;
    call.url = &url;
    call.body = body;
    call.once = true;

    class = igj_airtable_call(a, &call, err);
    id = igj_airtable_string(call.answer, "id");

    if (class == IGJ_AIRTABLE_OK && id == NULL) {
        class = igj_airtable_fail(a, &place, err, IGJ_AIRTABLE_RETRY,
                                  "the answer is no table");
    }

    if (class == IGJ_AIRTABLE_OK) {
        snprintf(table_id, IGJ_AIRTABLE_ID_MAX, "%s", id);
    }

    cJSON_Delete(call.answer);
    cJSON_Delete(body);

    return class;
}
