/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * GET /api/job-results/:job.csv, .ndjson, .json: all rows of a job, or those
 * behind a token, as they come from the stream.
 */

#include "ngx_http_igjobs_selection.h"
#include "ngx_http_igjobs_export.h"

#include "igj_csv.h"


typedef struct {
    ngx_str_t                          name;    /* ending of the path */
    const char                        *type;
    const char                        *accept;  /* what names it in Accept */
    ngx_http_igjobs_stream_render_pt   head;
    ngx_http_igjobs_stream_render_pt   row;
    ngx_http_igjobs_stream_render_pt   tail;
} ngx_http_igjobs_export_form_t;


typedef struct {
    ngx_http_igjobs_selection_t           selection;
    const ngx_http_igjobs_export_form_t  *form;
    int                                   bom;
    int                                   safe;
    int                                   footer;
} ngx_http_igjobs_export_t;


static const ngx_http_igjobs_export_form_t *ngx_http_igjobs_export_form(
    ngx_http_request_t *r);
static const ngx_http_igjobs_export_form_t *ngx_http_igjobs_export_accept(
    ngx_http_request_t *r);
static ngx_uint_t ngx_http_igjobs_export_names(ngx_table_elt_t *accept,
    const char *type);
static ngx_int_t ngx_http_igjobs_export_params(ngx_http_request_t *r,
    ngx_http_igjobs_export_t *export);
static ngx_int_t ngx_http_igjobs_export_headers(
    ngx_http_igjobs_stream_t *stream);
static void ngx_http_igjobs_export_csv_head(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_export_csv_row(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_export_nothing(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_export_ndjson_row(
    ngx_http_igjobs_stream_t *stream, igj_json_t *json);
static void ngx_http_igjobs_export_ndjson_tail(
    ngx_http_igjobs_stream_t *stream, igj_json_t *json);
static void ngx_http_igjobs_export_json_head(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_export_json_row(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_export_json_tail(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_export_footer(ngx_http_igjobs_export_t *export,
    igj_json_t *json);


static const ngx_http_igjobs_export_form_t  ngx_http_igjobs_export_csv = {
    ngx_string("csv"), "text/csv; charset=utf-8; header=present", "text/csv",
    ngx_http_igjobs_export_csv_head, ngx_http_igjobs_export_csv_row,
    ngx_http_igjobs_export_nothing
};

static const ngx_http_igjobs_export_form_t  ngx_http_igjobs_export_ndjson = {
    ngx_string("ndjson"), "application/x-ndjson", "application/x-ndjson",
    ngx_http_igjobs_export_nothing, ngx_http_igjobs_export_ndjson_row,
    ngx_http_igjobs_export_ndjson_tail
};

static const ngx_http_igjobs_export_form_t  ngx_http_igjobs_export_json = {
    ngx_string("json"), NGX_HTTP_IGJOBS_JSON, NULL,
    ngx_http_igjobs_export_json_head, ngx_http_igjobs_export_json_row,
    ngx_http_igjobs_export_json_tail
};


ngx_int_t
ngx_http_igjobs_export(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_igjobs_export_t  *export;

    export = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_export_t));
    if (export == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    export->form = ngx_http_igjobs_export_form(r);

    rc = ngx_http_igjobs_export_params(r, export);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    export->selection.stream.type = export->form->type;
    export->selection.stream.headers = ngx_http_igjobs_export_headers;
    export->selection.stream.head = export->form->head;
    export->selection.stream.row = export->form->row;
    export->selection.stream.tail = export->form->tail;

    return ngx_http_igjobs_selection_open(r, &export->selection);
}


/* by the ending of the path; without one, by Accept */

static const ngx_http_igjobs_export_form_t *
ngx_http_igjobs_export_form(ngx_http_request_t *r)
{
    ngx_str_t               ending, *job;
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);
    job = &ctx->params[0];

    ending.data = job->data + job->len;
    ending.len = r->uri.data + r->uri.len - ending.data;

    if (ending.len == 0) {
        return ngx_http_igjobs_export_accept(r);
    }

    if (ending.len == sizeof(".csv") - 1) {
        return &ngx_http_igjobs_export_csv;
    }

    return (ending.len == sizeof(".ndjson") - 1)
           ? &ngx_http_igjobs_export_ndjson : &ngx_http_igjobs_export_json;
}


ngx_uint_t
ngx_http_igjobs_export_accepted(ngx_http_request_t *r)
{
    return ngx_http_igjobs_export_accept(r) != NULL;
}


static const ngx_http_igjobs_export_form_t *
ngx_http_igjobs_export_accept(ngx_http_request_t *r)
{
    ngx_table_elt_t  *accept;

    accept = ngx_http_igjobs_find_header(r, "accept");

    if (accept == NULL
        || ngx_http_igjobs_export_names(accept, NGX_HTTP_IGJOBS_JSON))
    {
        return NULL;
    }

    if (ngx_http_igjobs_export_names(accept,
                                     ngx_http_igjobs_export_csv.accept))
    {
        return &ngx_http_igjobs_export_csv;
    }

    return ngx_http_igjobs_export_names(accept,
                                        ngx_http_igjobs_export_ndjson.accept)
           ? &ngx_http_igjobs_export_ndjson : NULL;
}


static ngx_uint_t
ngx_http_igjobs_export_names(ngx_table_elt_t *accept, const char *type)
{
    return ngx_strlcasestrn(accept->value.data,
                            accept->value.data + accept->value.len,
                            (u_char *) type, ngx_strlen(type) - 1)
           != NULL;
}


/* NGX_DECLINED: go on; else what a reply function returned. */

static ngx_int_t
ngx_http_igjobs_export_params(ngx_http_request_t *r,
    ngx_http_igjobs_export_t *export)
{
    ngx_int_t   rc;
    ngx_uint_t  i;
    igj_form_e  error;

    struct {
        const char  *name;
        int         *value;
    } switches[] = {
        { "bom", &export->bom },
        { "safe", &export->safe },
        { "footer", &export->footer }
    };

    static const char  *of_pages[] = {
        "page", "limit", "page_size", "page_token"
    };

    rc = ngx_http_igjobs_selection_params(r, &export->selection,
                                          NGX_HTTP_IGJOBS_FIELDS_EXPORT,
                                          "after");
    if (rc != NGX_DECLINED) {
        return rc;
    }

    for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        error = igj_form_boolean(ngx_http_igjobs_selection_query(r),
                                 switches[i].name, switches[i].value);

        if (error != IGJ_FORM_OK && error != IGJ_FORM_ABSENT) {
            return ngx_http_igjobs_bad_parameter(r, switches[i].name,
                       error);
        }
    }

    for (i = 0; i < sizeof(of_pages) / sizeof(of_pages[0]); i++) {
        if (ngx_http_igjobs_selection_has(r, of_pages[i])) {
            return ngx_http_igjobs_selection_bad(r,
                       IGJ_PROBLEM_INVALID_PARAMETER,
                       "An export has no pages: leave page, limit, page_size "
                       "and page_token out, or ask for JSON.");
        }
    }

    if (export->footer && export->form == &ngx_http_igjobs_export_csv) {
        return ngx_http_igjobs_selection_bad(r, IGJ_PROBLEM_INVALID_PARAMETER,
                   "CSV has no place for a footer: compare the number of "
                   "records with X-Total-Count, or ask for NDJSON.");
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_igjobs_export_headers(ngx_http_igjobs_stream_t *stream)
{
    size_t                     size;
    ngx_str_t                  value;
    ngx_http_request_t        *r;
    ngx_http_igjobs_export_t  *export;

    r = stream->request;
    export = (ngx_http_igjobs_export_t *) stream;

    size = sizeof("attachment; filename=\"job-.\"") + stream->job.len
           + export->form->name.len;

    value.data = ngx_pnalloc(r->pool, size);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "attachment; filename=\"job-%V.%V\"",
                            &stream->job, &export->form->name)
                - value.data;

    if (ngx_http_igjobs_header(r, "Content-Disposition", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_selection_headers(r, &export->selection);
}


static void
ngx_http_igjobs_export_csv_head(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    ngx_http_igjobs_export_t  *export;

    export = (ngx_http_igjobs_export_t *) stream;

    igj_json_raw(json, IGJ_CSV_BOM, export->bom ? sizeof(IGJ_CSV_BOM) - 1 : 0);
    ngx_http_igjobs_fields_csv_names(&export->selection.fields, json);
}


static void
ngx_http_igjobs_export_csv_row(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    ngx_http_igjobs_export_t  *export;

    export = (ngx_http_igjobs_export_t *) stream;

    ngx_http_igjobs_fields_csv(&export->selection.fields, &stream->rows, json,
                               export->safe);
}


static void
ngx_http_igjobs_export_nothing(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    (void) stream;
    (void) json;
}


static void
ngx_http_igjobs_export_ndjson_row(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    ngx_http_igjobs_selection_t  *selection;

    selection = (ngx_http_igjobs_selection_t *) stream;

    json->comma = 0;
    ngx_http_igjobs_fields_json(&selection->fields, &stream->rows, json);
    igj_json_raw(json, "\n", 1);
}


static void
ngx_http_igjobs_export_ndjson_tail(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    ngx_http_igjobs_export_t  *export;

    export = (ngx_http_igjobs_export_t *) stream;

    if (!export->footer) {
        return;
    }

    json->comma = 0;
    igj_json_object_begin(json);
    ngx_http_igjobs_export_footer(export, json);
    igj_json_member_integer(json, "total", export->selection.total);
    igj_json_object_end(json);
    igj_json_raw(json, "\n", 1);
}


static void
ngx_http_igjobs_export_json_head(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    ngx_http_igjobs_selection_t  *selection;

    selection = (ngx_http_igjobs_selection_t *) stream;

    igj_json_object_begin(json);
    igj_json_member_boolean(json, "success", 1);
    igj_json_key(json, "job_id");
    igj_json_string(json, (char *) stream->job.data, stream->job.len);
    igj_json_member_integer(json, "total", selection->total);
    igj_json_key(json, "profiles");
    igj_json_array_begin(json);
}


static void
ngx_http_igjobs_export_json_row(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    ngx_http_igjobs_selection_t  *selection;

    selection = (ngx_http_igjobs_selection_t *) stream;

    ngx_http_igjobs_fields_json(&selection->fields, &stream->rows, json);
}


static void
ngx_http_igjobs_export_json_tail(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    ngx_http_igjobs_export_t  *export;

    export = (ngx_http_igjobs_export_t *) stream;

    igj_json_array_end(json);

    if (export->footer) {
        ngx_http_igjobs_export_footer(export, json);
    }

    igj_json_object_end(json);
    igj_json_raw(json, "\n", 1);
}


/* That nothing is missing, and where to go on. */

static void
ngx_http_igjobs_export_footer(ngx_http_igjobs_export_t *export,
    igj_json_t *json)
{
    size_t                        len;
    u_char                        token[IGJ_PAGE_TOKEN_MAX];
    ngx_http_igjobs_selection_t  *selection;

    selection = &export->selection;

    len = ngx_http_igjobs_token(&selection->tokens, selection->stream.next,
                                token);

    igj_json_member_boolean(json, "_end", 1);
    igj_json_member_integer(json, "rows", selection->stream.sent);
    igj_json_member_boolean(json, "complete", selection->ended);
    igj_json_key(json, "token");
    igj_json_string(json, (char *) token, len);
}
