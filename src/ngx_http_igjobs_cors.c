/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Requests of web pages of other origins (CORS), for paths under /api/, and
 * the answer to OPTIONS.  The origin of the request is echoed, never "*";
 * an origin that is not on the list gets the plain answer.
 */

#include "ngx_http_igjobs.h"


static ngx_table_elt_t *ngx_http_igjobs_origin(ngx_http_request_t *r);
static ngx_int_t ngx_http_igjobs_preflight(ngx_http_request_t *r,
    ngx_str_t *headers);
static ngx_int_t ngx_http_igjobs_asked(ngx_http_request_t *r,
    ngx_str_t *headers);


/* what pages of other origins may use, in the order of the answer */

static ngx_str_t  ngx_http_igjobs_cors_headers[] = {
    ngx_string("Content-Type"),
    ngx_string("X-API-Key"),
    ngx_string("X-Base-Id"),
    ngx_string("Last-Event-ID"),
    ngx_string("Prefer"),
    ngx_string("If-None-Match"),
    ngx_string("Idempotency-Key"),
    ngx_null_string
};

/* room for all of them, with commas */
#define NGX_HTTP_IGJOBS_CORS_ASKED    128

#define NGX_HTTP_IGJOBS_CORS_METHODS  "GET, POST, DELETE"

/* what they may read beside the few headers that any page may */
#define NGX_HTTP_IGJOBS_CORS_EXPOSED                                          \
    "ETag, Location, Retry-After, Preference-Applied, Igjobs-Fallback, "      \
    "Idempotent-Replayed, Link, X-Total-Count, Content-Disposition"


/* the Origin header if it is allowed here, else NULL */

static ngx_table_elt_t *
ngx_http_igjobs_origin(ngx_http_request_t *r)
{
    ngx_str_t                   *origin;
    ngx_uint_t                   i;
    ngx_table_elt_t             *h;
    ngx_http_igjobs_loc_conf_t  *lcf;

    if (r->uri.len < 5 || ngx_strncmp(r->uri.data, "/api/", 5) != 0) {
        return NULL;
    }

    h = ngx_http_igjobs_find_header(r, "origin");
    if (h == NULL || h->value.len == 0) {
        return NULL;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_igjobs_module);

    if (lcf->cors_origins == NULL) {
        return h;
    }

    origin = lcf->cors_origins->elts;

    for (i = 0; i < lcf->cors_origins->nelts; i++) {

        if ((origin[i].len == 1 && origin[i].data[0] == '*')
            || (origin[i].len == h->value.len
                && ngx_strncasecmp(origin[i].data, h->value.data,
                                   origin[i].len)
                   == 0))
        {
            return h;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_igjobs_cors(ngx_http_request_t *r)
{
    ngx_table_elt_t  *origin;

    origin = ngx_http_igjobs_origin(r);

    if (origin == NULL) {
        return NGX_OK;
    }

    if (ngx_http_igjobs_header(r, "Access-Control-Allow-Origin",
                               &origin->value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_igjobs_header_text(r, "Access-Control-Expose-Headers",
                                    NGX_HTTP_IGJOBS_CORS_EXPOSED)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_header_text(r, "Vary", "Origin");
}


ngx_int_t
ngx_http_igjobs_allow(ngx_http_request_t *r, ngx_uint_t allowed)
{
    u_char     *p;
    ngx_str_t   value;

    value.data = ngx_pnalloc(r->pool, sizeof("GET, HEAD, POST, PUT, DELETE, "
                                             "OPTIONS"));
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    p = value.data;

    if (allowed & NGX_HTTP_GET) {
        p = ngx_sprintf(p, "GET, HEAD, ");
    }

    if (allowed & NGX_HTTP_POST) {
        p = ngx_sprintf(p, "POST, ");
    }

    if (allowed & NGX_HTTP_PUT) {
        p = ngx_sprintf(p, "PUT, ");
    }

    if (allowed & NGX_HTTP_DELETE) {
        p = ngx_sprintf(p, "DELETE, ");
    }

    p = ngx_sprintf(p, "OPTIONS");
    value.len = p - value.data;

    return ngx_http_igjobs_header(r, "Allow", &value);
}


/* the headers of ngx_http_igjobs_cors() are there already */

ngx_int_t
ngx_http_igjobs_options(ngx_http_request_t *r, ngx_uint_t allowed)
{
    ngx_str_t  headers, body;

    if (ngx_http_igjobs_allow(r, allowed) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_igjobs_origin(r) != NULL) {

        if (ngx_http_igjobs_asked(r, &headers) != NGX_OK
            || ngx_http_igjobs_preflight(r, &headers) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_str_null(&body);

    return ngx_http_igjobs_reply(r, NGX_HTTP_OK, "text/html", &body);
}


static ngx_int_t
ngx_http_igjobs_preflight(ngx_http_request_t *r, ngx_str_t *headers)
{
    ngx_table_elt_t  *method;

    method = ngx_http_igjobs_find_header(r, "access-control-request-method");

    if (method == NULL
        || (ngx_strcmp(method->value.data, "GET") != 0
            && ngx_strcmp(method->value.data, "POST") != 0
            && ngx_strcmp(method->value.data, "DELETE") != 0))
    {
        return NGX_OK;
    }

    if (headers->len > 0
        && ngx_http_igjobs_header(r, "Access-Control-Allow-Headers", headers)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_header_text(r, "Access-Control-Allow-Methods",
                                       NGX_HTTP_IGJOBS_CORS_METHODS);
}


/* those of the list that the request asks for */

static ngx_int_t
ngx_http_igjobs_asked(ngx_http_request_t *r, ngx_str_t *headers)
{
    u_char           *p, *last, *name, *end, *out;
    ngx_str_t        *known;
    ngx_table_elt_t  *h;

    headers->len = 0;
    headers->data = ngx_pnalloc(r->pool, NGX_HTTP_IGJOBS_CORS_ASKED);

    if (headers->data == NULL) {
        return NGX_ERROR;
    }

    h = ngx_http_igjobs_find_header(r, "access-control-request-headers");

    if (h == NULL) {
        return NGX_OK;
    }

    out = headers->data;
    last = h->value.data + h->value.len;

    for (known = ngx_http_igjobs_cors_headers; known->len; known++) {

        for (p = h->value.data; p < last; p = end + 1) {

            while (p < last && *p == ' ') {
                p++;
            }

            name = p;
            end = ngx_strlchr(p, last, ',');
            end = end ? end : last;
            p = end;

            while (p > name && p[-1] == ' ') {
                p--;
            }

            if ((size_t) (p - name) == known->len
                && ngx_strncasecmp(name, known->data, known->len) == 0)
            {
                out = ngx_sprintf(out, "%s%V",
                                  (out > headers->data) ? ", " : "", known);
                break;
            }
        }
    }

    headers->len = out - headers->data;

    return NGX_OK;
}
