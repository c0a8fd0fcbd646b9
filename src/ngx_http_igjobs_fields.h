/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Which columns of a row a client wants (fields=), and a row of them. */

#ifndef _NGX_HTTP_IGJOBS_FIELDS_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_FIELDS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "igj_json.h"

#include "ngx_http_igjobs_rows.h"
#include "ngx_http_igjobs_token.h"


typedef enum {
    NGX_HTTP_IGJOBS_FIELD_ID = 0,
    NGX_HTTP_IGJOBS_FIELD_USERNAME,
    NGX_HTTP_IGJOBS_FIELD_FULL_NAME,
    NGX_HTTP_IGJOBS_FIELD_GENDER,
    NGX_HTTP_IGJOBS_FIELD_CONFIDENCE,
    NGX_HTTP_IGJOBS_FIELD_SOURCE_ACCOUNT,
    NGX_HTTP_IGJOBS_FIELD_EVIDENCE,
    NGX_HTTP_IGJOBS_FIELD_CREATED_AT,
    NGX_HTTP_IGJOBS_FIELD_ORIGIN,
    NGX_HTTP_IGJOBS_FIELD_TOKEN,
    NGX_HTTP_IGJOBS_FIELDS
} ngx_http_igjobs_field_e;


/* a row as the pages of the original have it, and as exports have it */
#define NGX_HTTP_IGJOBS_FIELDS_PAGE    "id,username,full_name,created_at"
#define NGX_HTTP_IGJOBS_FIELDS_EXPORT                                         \
    "id,username,full_name,gender,confidence,source_account,created_at"

#define NGX_HTTP_IGJOBS_FIELDS_ALL                                            \
    "id, username, full_name, gender, confidence, source_account, evidence, " \
    "created_at, origin and token"


typedef struct {
    ngx_uint_t                        n;
    ngx_http_igjobs_field_e           list[NGX_HTTP_IGJOBS_FIELDS];
    ngx_str_t                         keys[NGX_HTTP_IGJOBS_FIELDS];
    ngx_uint_t                        mask;     /* 1 << field */
    const ngx_http_igjobs_tokens_t   *tokens;   /* for FIELD_TOKEN */

    /* created_at of the row before: those of a chunk have the same */
    int64_t                           created;
    igj_json_t                        created_json;
    char                              created_text[IGJ_TIMESTAMP_LEN + 2];
} ngx_http_igjobs_fields_t;


/* NGX_DECLINED: the list names what is no field, or names one twice. */
ngx_int_t ngx_http_igjobs_fields(ngx_http_igjobs_fields_t *fields,
    const char *list);

/* Do they need more than SQL_RESULT_ROWS has? */
ngx_uint_t ngx_http_igjobs_fields_whole(
    const ngx_http_igjobs_fields_t *fields);

/* The current row as an object. */
void ngx_http_igjobs_fields_json(ngx_http_igjobs_fields_t *fields,
    const ngx_http_igjobs_rows_t *rows, igj_json_t *json);

/* The current row, or the names of the fields, as a record. */
void ngx_http_igjobs_fields_csv(ngx_http_igjobs_fields_t *fields,
    const ngx_http_igjobs_rows_t *rows, igj_json_t *csv, int safe);
void ngx_http_igjobs_fields_csv_names(const ngx_http_igjobs_fields_t *fields,
    igj_json_t *csv);


#endif /* _NGX_HTTP_IGJOBS_FIELDS_H_INCLUDED_ */
