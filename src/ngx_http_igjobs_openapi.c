/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * GET /api/openapi.json: the description of the API; GET /api/docs: a page that
 * shows it.  Both are files of docs/ that the build puts into the module's
 * read-only data.  They need neither tenant nor backend.
 */

#include "ngx_http_igjobs.h"

#include <ngx_md5.h>

#include "ngx_http_igjobs_docs_hashes.h"


/* a file, found through the include paths, between two symbols */

#define ngx_http_igjobs_embed(name, file)                                     \
    __asm__(                                                                  \
        ".section .rodata\n"                                                  \
        ".global ngx_http_igjobs_" #name "\n"                                 \
        ".hidden ngx_http_igjobs_" #name "\n"                                 \
        "ngx_http_igjobs_" #name ":\n"                                        \
        ".incbin \"" file "\"\n"                                              \
        ".global ngx_http_igjobs_" #name "_end\n"                             \
        ".hidden ngx_http_igjobs_" #name "_end\n"                             \
        "ngx_http_igjobs_" #name "_end:\n"                                    \
        ".byte 0\n"                                                           \
        ".previous\n"                                                         \
    );                                                                        \
    extern u_char  ngx_http_igjobs_##name[]                                   \
        __attribute__((visibility("hidden")));                                \
    extern u_char  ngx_http_igjobs_##name##_end[]                             \
        __attribute__((visibility("hidden")))

ngx_http_igjobs_embed(openapi_json, "openapi.json");
ngx_http_igjobs_embed(openapi_html, "openapi.html");


/* nothing but the page's own script and style, and the description */

#define NGX_HTTP_IGJOBS_DOCS_POLICY                                           \
    "default-src 'none'; script-src " NGX_HTTP_IGJOBS_DOCS_SCRIPT "; "        \
    "style-src " NGX_HTTP_IGJOBS_DOCS_STYLE "; connect-src 'self'; "          \
    "img-src data:; base-uri 'none'; form-action 'none'; "                    \
    "frame-ancestors 'none'"


/* the tag is made of the content when it is first asked for */

typedef struct {
    u_char        *data;
    u_char        *end;
    const char    *type;
    u_char         etag[sizeof("\"0123456789abcdef\"") - 1];
} ngx_http_igjobs_file_t;


static ngx_int_t ngx_http_igjobs_file(ngx_http_request_t *r,
    ngx_http_igjobs_file_t *file);
static ngx_int_t ngx_http_igjobs_file_etag(ngx_http_request_t *r,
    ngx_http_igjobs_file_t *file);


static ngx_http_igjobs_file_t  ngx_http_igjobs_openapi_file = {
    ngx_http_igjobs_openapi_json, ngx_http_igjobs_openapi_json_end,
    "application/json", ""
};

static ngx_http_igjobs_file_t  ngx_http_igjobs_docs_file = {
    ngx_http_igjobs_openapi_html, ngx_http_igjobs_openapi_html_end,
    "text/html", ""
};


ngx_int_t
ngx_http_igjobs_openapi(ngx_http_request_t *r)
{
    return ngx_http_igjobs_file(r, &ngx_http_igjobs_openapi_file);
}


ngx_int_t
ngx_http_igjobs_docs(ngx_http_request_t *r)
{
    ngx_str_set(&r->headers_out.charset, "utf-8");

    if (ngx_http_igjobs_header_text(r, "Content-Security-Policy",
                                    NGX_HTTP_IGJOBS_DOCS_POLICY)
        != NGX_OK
        || ngx_http_igjobs_header_text(r, "X-Content-Type-Options", "nosniff")
           != NGX_OK
        || ngx_http_igjobs_header_text(r, "Referrer-Policy", "no-referrer")
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_igjobs_file(r, &ngx_http_igjobs_docs_file);
}


/* kept by anybody, but asked about before use: an upgrade shows at once */

static ngx_int_t
ngx_http_igjobs_file(ngx_http_request_t *r, ngx_http_igjobs_file_t *file)
{
    ngx_str_t  body;

    if (ngx_http_igjobs_file_etag(r, file) != NGX_OK
        || ngx_http_igjobs_header_text(r, "Cache-Control", "no-cache")
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.data = file->data;
    body.len = file->end - file->data;

    return ngx_http_igjobs_reply(r, NGX_HTTP_OK, file->type, &body);
}


/* nginx answers If-None-Match with this by itself */

static ngx_int_t
ngx_http_igjobs_file_etag(ngx_http_request_t *r, ngx_http_igjobs_file_t *file)
{
    u_char            hash[16];
    ngx_md5_t         md5;
    ngx_table_elt_t  *etag;

    if (file->etag[0] == '\0') {
        ngx_md5_init(&md5);
        ngx_md5_update(&md5, file->data, file->end - file->data);
        ngx_md5_final(hash, &md5);

        *ngx_hex_dump(file->etag + 1, hash, 8) = '"';
        file->etag[0] = '"';
    }

    etag = ngx_list_push(&r->headers_out.headers);
    if (etag == NULL) {
        return NGX_ERROR;
    }

    etag->hash = 1;
    ngx_str_set(&etag->key, "ETag");
    etag->value.data = file->etag;
    etag->value.len = sizeof(file->etag);
    r->headers_out.etag = etag;

    return NGX_OK;
}
