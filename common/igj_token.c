/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* See igj_token.h. */

#include "igj_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>


#define IGJ_TOKEN_HASH   16
#define IGJ_TOKEN_BYTES  (IGJ_TOKEN_HASH + IGJ_PAGE_TOKEN_POSITION_MAX)
#define IGJ_TOKEN_TEXT   (IGJ_TOKEN_BYTES / 3 * 4)


/* key || sha256(key || scope || 0 || position), hashed and cut */
static int
igj_token_hash(igj_str_t key, igj_str_t scope, igj_str_t position,
    unsigned char hash[IGJ_TOKEN_HASH])
{
    unsigned char  text[IGJ_PAGE_TOKEN_KEY_MAX + IGJ_PAGE_TOKEN_SCOPE_MAX + 1
                        + IGJ_PAGE_TOKEN_POSITION_MAX];
    unsigned char  inner[SHA256_DIGEST_LENGTH], whole[SHA256_DIGEST_LENGTH];
    unsigned char *p;

    if (key.len > IGJ_PAGE_TOKEN_KEY_MAX
        || scope.len > IGJ_PAGE_TOKEN_SCOPE_MAX
        || position.len > IGJ_PAGE_TOKEN_POSITION_MAX)
    {
        return IGJ_ERROR;
    }

    p = mempcpy(text, key.data, key.len);
    p = mempcpy(p, scope.data, scope.len);
    *p++ = '\0';
    p = mempcpy(p, position.data, position.len);
    (void) SHA256(text, (size_t) (p - text), inner);

    memcpy(text + key.len, inner, sizeof(inner));
    (void) SHA256(text, key.len + sizeof(inner), whole);

    memcpy(hash, whole, IGJ_TOKEN_HASH);
    OPENSSL_cleanse(text, sizeof(text));

    return IGJ_OK;
}


/* base64 as libcrypto writes it to base64url and back */
static void
igj_token_swap(char *text, size_t len, const char *from, const char *to)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (text[i] == from[0]) {
            text[i] = to[0];

        } else if (text[i] == from[1]) {
            text[i] = to[1];
        }
    }
}


size_t
igj_token_make(igj_str_t key, igj_str_t scope, igj_str_t position,
    char out[IGJ_PAGE_TOKEN_MAX])
{
    char           text[IGJ_TOKEN_TEXT + 4 + 1];
    size_t         n;
    unsigned char  bytes[IGJ_TOKEN_BYTES];

    if (igj_token_hash(key, scope, position, bytes) != IGJ_OK) {
        return 0;
    }

    memcpy(bytes + IGJ_TOKEN_HASH, position.data, position.len);

    (void) EVP_EncodeBlock((unsigned char *) text, bytes,
                           (int) (IGJ_TOKEN_HASH + position.len));
    n = strcspn(text, "=");
    igj_token_swap(text, n, "+/", "-_");
    memcpy(out, text, n);

    return n;
}


int
igj_token_position(igj_str_t key, igj_str_t scope, igj_str_t token,
    char out[IGJ_PAGE_TOKEN_POSITION_MAX + 1])
{
    char           text[IGJ_PAGE_TOKEN_MAX + 4], again[IGJ_PAGE_TOKEN_MAX];
    size_t         n, padded;
    igj_str_t      position;
    unsigned char  bytes[IGJ_PAGE_TOKEN_MAX];

    padded = (token.len + 3) / 4 * 4;

    if (token.len % 4 == 1 || padded > IGJ_TOKEN_TEXT
        || token.len * 3 / 4 < IGJ_TOKEN_HASH)
    {
        return IGJ_ERROR;
    }

    memset(text, '=', padded);
    memcpy(text, token.data, token.len);
    igj_token_swap(text, token.len, "-_", "+/");

    if (EVP_DecodeBlock(bytes, (unsigned char *) text, (int) padded) < 0) {
        return IGJ_ERROR;
    }

    position.data = (char *) bytes + IGJ_TOKEN_HASH;
    position.len = token.len * 3 / 4 - IGJ_TOKEN_HASH;

    n = igj_token_make(key, scope, position, again);

    if (n != token.len || CRYPTO_memcmp(again, token.data, n) != 0) {
        return IGJ_ERROR;
    }

    memcpy(out, position.data, position.len);
    out[position.len] = '\0';

    return IGJ_OK;
}
