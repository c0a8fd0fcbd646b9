/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* See ngx_http_igjobs_token.h. */

#include "ngx_http_igjobs_token.h"


static igj_str_t ngx_http_igjobs_token_str(const void *data, size_t len);


ngx_int_t
ngx_http_igjobs_token_key(ngx_http_igjobs_token_key_t *key, ngx_str_t *value)
{
    if (value->len == 0 || value->len > sizeof(key->data)) {
        return NGX_ERROR;
    }

    ngx_memcpy(key->data, value->data, value->len);
    key->len = value->len;

    return NGX_OK;
}


size_t
ngx_http_igjobs_token(const ngx_http_igjobs_tokens_t *tokens, int64_t ordinal,
    u_char *out)
{
    u_char  position[NGX_INT64_LEN];
    size_t  len;

    len = ngx_sprintf(position, "%L", ordinal) - position;

    return igj_token_make(
               ngx_http_igjobs_token_str(tokens->key->data, tokens->key->len),
               ngx_http_igjobs_token_str(tokens->scope, tokens->len),
               ngx_http_igjobs_token_str(position, len), (char *) out);
}


int64_t
ngx_http_igjobs_token_ordinal(const ngx_http_igjobs_tokens_t *tokens,
    const ngx_str_t *token)
{
    char  position[IGJ_PAGE_TOKEN_POSITION_MAX + 1];

    if (igj_token_position(
               ngx_http_igjobs_token_str(tokens->key->data, tokens->key->len),
               ngx_http_igjobs_token_str(tokens->scope, tokens->len),
               ngx_http_igjobs_token_str(token->data, token->len), position)
        != IGJ_OK)
    {
        return NGX_ERROR;
    }

    return ngx_atoof((u_char *) position, ngx_strlen(position));
}


static igj_str_t
ngx_http_igjobs_token_str(const void *data, size_t len)
{
    igj_str_t  str;

    str.data = data;
    str.len = len;

    return str;
}
