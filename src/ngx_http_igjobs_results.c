/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * GET /api/job-results/:job: a page of profiles, by its number (page=, limit=)
 * as in the original, or by a token (page_size=, page_token=).
 *
 * The job's row says whether it may be read and how many rows there are; a page
 * is a range of ordinals, which costs the same at any depth.
 */

#include "ngx_http_igjobs_selection.h"
#include "ngx_http_igjobs_export.h"


#define NGX_HTTP_IGJOBS_LINK_SIZE  1024     /* of one, with its query string */


typedef struct {
    ngx_http_igjobs_selection_t  selection;
    int64_t                      first;     /* ordinal of the page's */
    unsigned                     by_token:1;
    igj_form_page_t              page;      /* by_token: limit only */
} ngx_http_igjobs_results_t;


static ngx_int_t ngx_http_igjobs_results_params(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results);
static ngx_int_t ngx_http_igjobs_results_by_number(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results);
static ngx_int_t ngx_http_igjobs_results_by_token(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results);
static ngx_int_t ngx_http_igjobs_results_ready(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);
static void ngx_http_igjobs_results_range(ngx_http_igjobs_results_t *results);
static ngx_uint_t ngx_http_igjobs_results_known(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);
static ngx_int_t ngx_http_igjobs_results_headers(
    ngx_http_igjobs_stream_t *stream);
static ngx_int_t ngx_http_igjobs_results_etag(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection);
static ngx_int_t ngx_http_igjobs_results_links(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results);
static u_char *ngx_http_igjobs_results_link(
    ngx_http_igjobs_results_t *results, u_char *p, const char *rel,
    int64_t place);
static void ngx_http_igjobs_results_head(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_results_row(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_results_tail(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);


ngx_int_t
ngx_http_igjobs_results(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_igjobs_results_t  *results;

    if (ngx_http_igjobs_export_accepted(r)) {
        return ngx_http_igjobs_export(r);
    }

    results = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_results_t));
    if (results == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_igjobs_results_params(r, results);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    results->selection.ready = ngx_http_igjobs_results_ready;
    results->selection.stream.headers = ngx_http_igjobs_results_headers;
    results->selection.stream.head = ngx_http_igjobs_results_head;
    results->selection.stream.row = ngx_http_igjobs_results_row;
    results->selection.stream.tail = ngx_http_igjobs_results_tail;

    return ngx_http_igjobs_selection_open(r, &results->selection);
}


/* NGX_DECLINED: go on; else what a reply function returned. */

static ngx_int_t
ngx_http_igjobs_results_params(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results)
{
    ngx_int_t    rc;
    ngx_uint_t   by_number;

    rc = ngx_http_igjobs_selection_params(r, &results->selection,
                                          NGX_HTTP_IGJOBS_FIELDS_PAGE,
                                          "page_token");
    if (rc != NGX_DECLINED) {
        return rc;
    }

    by_number = ngx_http_igjobs_selection_has(r, "page")
                || ngx_http_igjobs_selection_has(r, "limit");

    results->by_token = ngx_http_igjobs_selection_has(r, "page_size")
                        || ngx_http_igjobs_selection_has(r, "page_token");

    if (by_number && results->by_token) {
        return ngx_http_igjobs_selection_bad(r, IGJ_PROBLEM_INVALID_PARAMETER,
                   "Send either page and limit or page_size and page_token.");
    }

    if (results->selection.stream.filter) {
        if (by_number) {
            return ngx_http_igjobs_problem(r, IGJ_PROBLEM_FILTER_NEEDS_TOKEN);
        }

        results->by_token = 1;
    }

    return results->by_token ? ngx_http_igjobs_results_by_token(r, results)
                             : ngx_http_igjobs_results_by_number(r, results);
}


static ngx_int_t
ngx_http_igjobs_results_by_number(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results)
{
    char           detail[160];
    igj_form_e     error;
    const char    *bad;
    igj_problem_e  problem;

    error = igj_form_page(ngx_http_igjobs_selection_query(r), &results->page,
                          &bad);

    if (error == IGJ_FORM_OK) {
        return NGX_DECLINED;
    }

    problem = bad[0] == 'p' ? IGJ_PROBLEM_BAD_PAGE : IGJ_PROBLEM_BAD_LIMIT;

    *ngx_snprintf((u_char *) detail, sizeof(detail) - 1, "%s %s. %s", bad,
                  igj_form_error_text(error), igj_problem(problem)->advice)
        = '\0';

    return ngx_http_igjobs_selection_bad(r, problem, detail);
}


static ngx_int_t
ngx_http_igjobs_results_by_token(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results)
{
    char         text[2];
    int64_t     *limit;
    igj_str_t    query;
    igj_form_e   error;

    query = ngx_http_igjobs_selection_query(r);
    limit = &results->page.limit;

    error = igj_form_text(query, "page_size", text, sizeof(text), NULL);

    if (error != IGJ_FORM_OK || text[0] != '\0') {
        error = igj_form_integer(query, "page_size", 0, INT64_MAX, limit);
    }

    if (error != IGJ_FORM_OK && error != IGJ_FORM_ABSENT) {
        return ngx_http_igjobs_bad_parameter(r, "page_size", error);
    }

    if (*limit == 0) {
        *limit = IGJ_PAGE_DEFAULT_LIMIT;
    }

    *limit = ngx_min(*limit, IGJ_PAGE_MAX_LIMIT);

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_igjobs_results_ready(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection)
{
    ngx_http_igjobs_results_t  *results;

    results = (ngx_http_igjobs_results_t *) selection;

    ngx_http_igjobs_results_range(results);

    if (!ngx_http_igjobs_results_known(r, selection)) {
        return NGX_DECLINED;
    }

    selection->stream.request = r;

    if (ngx_http_igjobs_results_headers(&selection->stream) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_send_header(r, NGX_HTTP_NOT_MODIFIED, "", -1);
}


static void
ngx_http_igjobs_results_range(ngx_http_igjobs_results_t *results)
{
    int64_t                    rows;
    ngx_http_igjobs_stream_t  *stream;

    stream = &results->selection.stream;
    rows = results->page.limit;

    if (!results->by_token) {
        stream->first = (results->page.page - 1) * rows;
    }

    results->first = stream->first;

    if (stream->filter) {
        stream->limit = rows;
        rows = IGJ_FILTER_ROWS;
    }

    stream->end = ngx_min(stream->first + rows, results->selection.total);
}


/*
 * Has the client this page?  nginx's own filter would find out when the rows
 * have been read.
 */

static ngx_uint_t
ngx_http_igjobs_results_known(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection)
{
    u_char            tag[NGX_INT64_LEN + sizeof("\"\"")];
    ngx_table_elt_t  *known;

    known = r->headers_in.if_none_match;

    if (known == NULL || !selection->ended) {
        return 0;
    }

    *ngx_snprintf(tag, sizeof(tag) - 1, "\"%V\"", &selection->version) = '\0';

    return ngx_strnstr(known->value.data, (char *) tag, known->value.len)
           != NULL;
}


static ngx_int_t
ngx_http_igjobs_results_headers(ngx_http_igjobs_stream_t *stream)
{
    ngx_http_request_t         *r;
    ngx_http_igjobs_results_t  *results;

    r = stream->request;
    results = (ngx_http_igjobs_results_t *) stream;

    if (ngx_http_igjobs_selection_headers(r, &results->selection) != NGX_OK
        || ngx_http_igjobs_results_links(r, results) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_results_etag(r, &results->selection);
}


/* A page of a job that has ended is the same until the version changes. */

static ngx_int_t
ngx_http_igjobs_results_etag(ngx_http_request_t *r,
    ngx_http_igjobs_selection_t *selection)
{
    ngx_str_t         value;
    ngx_table_elt_t  *etag;

    if (!selection->ended) {
        return NGX_OK;
    }

    value.data = ngx_pnalloc(r->pool, selection->version.len + 2);
    etag = ngx_list_push(&r->headers_out.headers);

    if (value.data == NULL || etag == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "\"%V\"", &selection->version)
                - value.data;

    etag->hash = 1;
    ngx_str_set(&etag->key, "ETag");
    etag->value = value;
    r->headers_out.etag = etag;

    return NGX_OK;
}


static ngx_int_t
ngx_http_igjobs_results_links(ngx_http_request_t *r,
    ngx_http_igjobs_results_t *results)
{
    int64_t                    first, size, total, last, unit;
    u_char                    *p;
    ngx_str_t                  value;
    ngx_http_igjobs_stream_t  *stream;

    stream = &results->selection.stream;
    total = results->selection.total;
    size = results->page.limit;

    if (size == 0) {
        return NGX_OK;
    }

    value.data = ngx_pnalloc(r->pool, 4 * NGX_HTTP_IGJOBS_LINK_SIZE);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    /* the place of a page: the ordinal of its first row, or its number */

    unit = results->by_token ? 1 : size;
    first = results->first;
    last = first % size;
    last += (total > last) ? (total - last - 1) / size * size : 0;

    p = ngx_http_igjobs_results_link(results, value.data, "first", 0);

    if (first > 0 && !stream->filter) {
        p = ngx_http_igjobs_results_link(results, p, "prev",
                                         ngx_max(first - size, 0) / unit);
    }

    if (stream->end < total && !stream->filter) {
        p = ngx_http_igjobs_results_link(results, p, "next",
                                         stream->end / unit);
    }

    if (!stream->filter) {
        p = ngx_http_igjobs_results_link(results, p, "last", last / unit);
    }

    value.len = p - value.data;

    return ngx_http_igjobs_header(r, "Link", &value);
}


/* What the client gave is checked and needs no escaping. */

static u_char *
ngx_http_igjobs_results_link(ngx_http_igjobs_results_t *results, u_char *p,
    const char *rel, int64_t place)
{
    size_t                        len;
    u_char                       *last, token[IGJ_PAGE_TOKEN_MAX];
    ngx_uint_t                    i;
    ngx_http_igjobs_pg_param_t   *part;
    ngx_http_igjobs_selection_t  *selection;

    static const char  *filters[] = {
        "gender", "source_account", "min_confidence"
    };

    selection = &results->selection;
    last = p + NGX_HTTP_IGJOBS_LINK_SIZE;

    p = ngx_slprintf(p, last, "%s</api/job-results/%V?%s=%L",
                     ngx_strcmp(rel, "first") == 0 ? "" : ", ",
                     &selection->stream.job,
                     results->by_token ? "page_size" : "limit",
                     results->page.limit);

    if (!results->by_token) {
        p = ngx_slprintf(p, last, "&page=%L", place + 1);

    } else if (place > 0) {
        len = ngx_http_igjobs_token(&selection->tokens, place, token);
        p = ngx_slprintf(p, last, "&page_token=%*s", len, token);
    }

    if (selection->partial) {
        p = ngx_slprintf(p, last, "&partial=true");
    }

    if (selection->field_list[0] != '\0') {
        p = ngx_slprintf(p, last, "&fields=%s", selection->field_list);
    }

    for (i = 0; i < NGX_HTTP_IGJOBS_STREAM_FILTER; i++) {
        part = &selection->filter[i];

        if (part->data) {
            p = ngx_slprintf(p, last, "&%s=%*s", filters[i], part->len,
                             part->data);
        }
    }

    return ngx_slprintf(p, last, ">; rel=\"%s\"", rel);
}


static void
ngx_http_igjobs_results_head(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    ngx_http_igjobs_results_t  *results;

    results = (ngx_http_igjobs_results_t *) stream;

    igj_json_object_begin(json);
    igj_json_member_boolean(json, "success", 1);
    igj_json_key(json, "job_id");
    igj_json_string(json, (char *) stream->job.data, stream->job.len);

    if (results->by_token) {
        igj_json_member_integer(json, "page_size", results->page.limit);

    } else {
        igj_json_member_integer(json, "page", results->page.page);
        igj_json_member_integer(json, "limit", results->page.limit);
    }

    igj_json_member_integer(json, "total", results->selection.total);
    igj_json_key(json, "profiles");
    igj_json_array_begin(json);
}


static void
ngx_http_igjobs_results_row(ngx_http_igjobs_stream_t *stream, igj_json_t *json)
{
    ngx_http_igjobs_results_t  *results;

    results = (ngx_http_igjobs_results_t *) stream;

    ngx_http_igjobs_fields_json(&results->selection.fields, &stream->rows,
                                json);
}


/* Behind the present end more rows may come, until the job has ended. */

static void
ngx_http_igjobs_results_tail(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json)
{
    size_t                        len;
    u_char                        token[IGJ_PAGE_TOKEN_MAX];
    ngx_uint_t                    more;
    ngx_http_igjobs_results_t    *results;
    ngx_http_igjobs_selection_t  *selection;

    results = (ngx_http_igjobs_results_t *) stream;
    selection = &results->selection;

    igj_json_array_end(json);

    if (results->by_token) {
        more = stream->next < selection->total;
        len = 0;

        if (more || !selection->ended) {
            len = ngx_http_igjobs_token(&selection->tokens, stream->next,
                                        token);
        }

        igj_json_member_boolean(json, "more", more);
        igj_json_key(json, "next_page_token");
        igj_json_string(json, (char *) token, len);
    }

    igj_json_object_end(json);
    igj_json_raw(json, "\n", 1);
}
