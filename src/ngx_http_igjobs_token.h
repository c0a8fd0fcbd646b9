/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Tokens of results: a token stands for the place behind a row, and is bound
 * to tenant, job and filter.  Their key is the database's; an nginx worker
 * learns it with the first job that it looks up for results.
 */

#ifndef _NGX_HTTP_IGJOBS_TOKEN_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_TOKEN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "igj_token.h"


typedef struct {
    u_char      data[IGJ_PAGE_TOKEN_KEY_MAX];
    size_t      len;                    /* 0: not known yet */
} ngx_http_igjobs_token_key_t;


/* What the tokens of one list share. */
typedef struct {
    const ngx_http_igjobs_token_key_t  *key;
    u_char                              scope[IGJ_PAGE_TOKEN_SCOPE_MAX];
    size_t                              len;
} ngx_http_igjobs_tokens_t;


ngx_int_t ngx_http_igjobs_token_key(ngx_http_igjobs_token_key_t *key,
    ngx_str_t *value);

/* Writes the token of the row's place; returns its length. */
size_t ngx_http_igjobs_token(const ngx_http_igjobs_tokens_t *tokens,
    int64_t ordinal, u_char *out);

/* The ordinal that a token stands for; NGX_ERROR: it belongs to no such list */
int64_t ngx_http_igjobs_token_ordinal(const ngx_http_igjobs_tokens_t *tokens,
    const ngx_str_t *token);


#endif /* _NGX_HTTP_IGJOBS_TOKEN_H_INCLUDED_ */
