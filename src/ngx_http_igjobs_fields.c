/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* See ngx_http_igjobs_fields.h. */

#include "ngx_http_igjobs_fields.h"

#include "igj_csv.h"


/* the texts of rows.h have the places of their fields */

static const ngx_str_t  ngx_http_igjobs_field_names[] = {
    [NGX_HTTP_IGJOBS_FIELD_ID] = ngx_string("id"),
    [NGX_HTTP_IGJOBS_FIELD_USERNAME] = ngx_string("username"),
    [NGX_HTTP_IGJOBS_FIELD_FULL_NAME] = ngx_string("full_name"),
    [NGX_HTTP_IGJOBS_FIELD_GENDER] = ngx_string("gender"),
    [NGX_HTTP_IGJOBS_FIELD_CONFIDENCE] = ngx_string("confidence"),
    [NGX_HTTP_IGJOBS_FIELD_SOURCE_ACCOUNT] = ngx_string("source_account"),
    [NGX_HTTP_IGJOBS_FIELD_EVIDENCE] = ngx_string("evidence"),
    [NGX_HTTP_IGJOBS_FIELD_CREATED_AT] = ngx_string("created_at"),
    [NGX_HTTP_IGJOBS_FIELD_ORIGIN] = ngx_string("origin"),
    [NGX_HTTP_IGJOBS_FIELD_TOKEN] = ngx_string("token")
};

static const ngx_str_t  ngx_http_igjobs_field_keys[] = {
    [NGX_HTTP_IGJOBS_FIELD_ID] = ngx_string(",\"id\":"),
    [NGX_HTTP_IGJOBS_FIELD_USERNAME] = ngx_string(",\"username\":"),
    [NGX_HTTP_IGJOBS_FIELD_FULL_NAME] = ngx_string(",\"full_name\":"),
    [NGX_HTTP_IGJOBS_FIELD_GENDER] = ngx_string(",\"gender\":"),
    [NGX_HTTP_IGJOBS_FIELD_CONFIDENCE] = ngx_string(",\"confidence\":"),
    [NGX_HTTP_IGJOBS_FIELD_SOURCE_ACCOUNT] =
        ngx_string(",\"source_account\":"),
    [NGX_HTTP_IGJOBS_FIELD_EVIDENCE] = ngx_string(",\"evidence\":"),
    [NGX_HTTP_IGJOBS_FIELD_CREATED_AT] = ngx_string(",\"created_at\":"),
    [NGX_HTTP_IGJOBS_FIELD_ORIGIN] = ngx_string(",\"origin\":"),
    [NGX_HTTP_IGJOBS_FIELD_TOKEN] = ngx_string(",\"token\":")
};


static ngx_uint_t ngx_http_igjobs_field_find(const char *name, size_t len);
static void ngx_http_igjobs_field_json(ngx_http_igjobs_fields_t *fields,
    const ngx_http_igjobs_rows_t *rows, ngx_http_igjobs_field_e field,
    igj_json_t *json);
static void ngx_http_igjobs_field_csv(ngx_http_igjobs_fields_t *fields,
    const ngx_http_igjobs_rows_t *rows, ngx_http_igjobs_field_e field,
    igj_json_t *csv, int safe);
static void ngx_http_igjobs_field_created(ngx_http_igjobs_fields_t *fields,
    int64_t created);
static const ngx_str_t *ngx_http_igjobs_field_origin(
    const ngx_http_igjobs_rows_t *rows);


ngx_int_t
ngx_http_igjobs_fields(ngx_http_igjobs_fields_t *fields, const char *list)
{
    size_t      len;
    ngx_uint_t  field;

    fields->n = 0;
    fields->mask = 0;

    for ( ;; ) {
        len = strcspn(list, ",");
        field = ngx_http_igjobs_field_find(list, len);

        if (field == NGX_HTTP_IGJOBS_FIELDS || fields->mask & 1 << field) {
            return NGX_DECLINED;
        }

        fields->list[fields->n] = (ngx_http_igjobs_field_e) field;
        fields->keys[fields->n] = ngx_http_igjobs_field_keys[field];
        fields->n++;
        fields->mask |= 1 << field;
        list += len;

        if (*list++ == '\0') {
            break;
        }
    }

    /* no comma before the first */

    fields->keys[0].data++;
    fields->keys[0].len--;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_igjobs_field_find(const char *name, size_t len)
{
    ngx_uint_t        i;
    const ngx_str_t  *known;

    for (i = 0; i < NGX_HTTP_IGJOBS_FIELDS; i++) {
        known = &ngx_http_igjobs_field_names[i];

        if (known->len == len && ngx_strncmp(known->data, name, len) == 0) {
            break;
        }
    }

    return i;
}


ngx_uint_t
ngx_http_igjobs_fields_whole(const ngx_http_igjobs_fields_t *fields)
{
    return (fields->mask & (1 << NGX_HTTP_IGJOBS_FIELD_GENDER
                            | 1 << NGX_HTTP_IGJOBS_FIELD_CONFIDENCE
                            | 1 << NGX_HTTP_IGJOBS_FIELD_SOURCE_ACCOUNT
                            | 1 << NGX_HTTP_IGJOBS_FIELD_EVIDENCE
                            | 1 << NGX_HTTP_IGJOBS_FIELD_ORIGIN))
           != 0;
}


void
ngx_http_igjobs_fields_json(ngx_http_igjobs_fields_t *fields,
    const ngx_http_igjobs_rows_t *rows, igj_json_t *json)
{
    ngx_uint_t                i;
    const ngx_str_t          *key, *value;
    ngx_http_igjobs_field_e   field;

    igj_json_object_begin(json);

    for (i = 0; i < fields->n; i++) {
        key = &fields->keys[i];
        field = fields->list[i];

        igj_json_raw(json, (char *) key->data, key->len);
        json->comma = 0;

        if (field > NGX_HTTP_IGJOBS_FIELD_GENDER) {
            ngx_http_igjobs_field_json(fields, rows, field, json);
            continue;
        }

        value = &rows->value[field];
        igj_json_string(json, (char *) value->data, value->len);
    }

    igj_json_object_end(json);
}


/* what is no text, or may be unknown */

static void
ngx_http_igjobs_field_json(ngx_http_igjobs_fields_t *fields,
    const ngx_http_igjobs_rows_t *rows, ngx_http_igjobs_field_e field,
    igj_json_t *json)
{
    size_t            len;
    u_char            token[IGJ_PAGE_TOKEN_MAX];
    const ngx_str_t  *value;

    switch (field) {

    case NGX_HTTP_IGJOBS_FIELD_CREATED_AT:
        ngx_http_igjobs_field_created(fields, rows->created);
        igj_json_raw(json, fields->created_text, fields->created_json.len);
        return;

    case NGX_HTTP_IGJOBS_FIELD_ORIGIN:
        value = ngx_http_igjobs_field_origin(rows);
        igj_json_string(json, (char *) value->data, value->len);
        return;

    case NGX_HTTP_IGJOBS_FIELD_TOKEN:
        len = ngx_http_igjobs_token(fields->tokens, rows->ordinal + 1, token);
        igj_json_string(json, (char *) token, len);
        return;

    default:
        value = &rows->value[field];
    }

    if (value->len == 0) {
        igj_json_null(json);

    } else if (field == NGX_HTTP_IGJOBS_FIELD_CONFIDENCE) {
        igj_json_raw(json, (char *) value->data, value->len);

    } else {
        igj_json_string(json, (char *) value->data, value->len);
    }
}


static void
ngx_http_igjobs_field_created(ngx_http_igjobs_fields_t *fields,
    int64_t created)
{
    if (created == fields->created && fields->created_json.len != 0) {
        return;
    }

    igj_json_init(&fields->created_json, fields->created_text,
                  sizeof(fields->created_text));
    igj_json_timestamp(&fields->created_json, created);
    fields->created = created;
}


static const ngx_str_t *
ngx_http_igjobs_field_origin(const ngx_http_igjobs_rows_t *rows)
{
    static const ngx_str_t  fresh = ngx_string("fresh");
    static const ngx_str_t  reused = ngx_string("reused");

    return rows->reused ? &reused : &fresh;
}


void
ngx_http_igjobs_fields_csv(ngx_http_igjobs_fields_t *fields,
    const ngx_http_igjobs_rows_t *rows, igj_json_t *csv, int safe)
{
    ngx_uint_t  i;

    for (i = 0; i < fields->n; i++) {
        igj_json_raw(csv, ",", i > 0);
        ngx_http_igjobs_field_csv(fields, rows, fields->list[i], csv, safe);
    }

    igj_json_raw(csv, IGJ_CSV_END, sizeof(IGJ_CSV_END) - 1);
}


static void
ngx_http_igjobs_field_csv(ngx_http_igjobs_fields_t *fields,
    const ngx_http_igjobs_rows_t *rows, ngx_http_igjobs_field_e field,
    igj_json_t *csv, int safe)
{
    size_t            len;
    u_char            token[IGJ_PAGE_TOKEN_MAX];
    const ngx_str_t  *value;

    switch (field) {

    case NGX_HTTP_IGJOBS_FIELD_CREATED_AT:
        ngx_http_igjobs_field_created(fields, rows->created);

        /* without the quotes of JSON */
        igj_json_raw(csv, fields->created_text + 1,
                     fields->created_json.len - 2);
        return;

    case NGX_HTTP_IGJOBS_FIELD_ORIGIN:
        value = ngx_http_igjobs_field_origin(rows);
        igj_json_raw(csv, (char *) value->data, value->len);
        return;

    case NGX_HTTP_IGJOBS_FIELD_TOKEN:
        len = ngx_http_igjobs_token(fields->tokens, rows->ordinal + 1, token);
        igj_json_raw(csv, (char *) token, len);
        return;

    default:
        value = &rows->value[field];
        igj_csv_field(csv, (char *) value->data, value->len, safe);
    }
}


void
ngx_http_igjobs_fields_csv_names(const ngx_http_igjobs_fields_t *fields,
    igj_json_t *csv)
{
    ngx_uint_t        i;
    const ngx_str_t  *name;

    for (i = 0; i < fields->n; i++) {
        name = &ngx_http_igjobs_field_names[fields->list[i]];

        igj_json_raw(csv, ",", i > 0);
        igj_json_raw(csv, (char *) name->data, name->len);
    }

    igj_json_raw(csv, IGJ_CSV_END, sizeof(IGJ_CSV_END) - 1);
}
