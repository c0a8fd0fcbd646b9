/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Signatures of webhooks. */

#include "igj_webhook_sign.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define IGJ_WEBHOOK_PREFIX      "whsec_"
#define IGJ_WEBHOOK_KEY_MIN     24
#define IGJ_WEBHOOK_KEY_MAX     64
#define IGJ_WEBHOOK_BASE64_MAX  88          /* of the longest key */
#define IGJ_WEBHOOK_HASH_LEN    32


static int igj_webhook_key(const char *secret, size_t len,
    unsigned char key[IGJ_WEBHOOK_BASE64_MAX]);
static int igj_webhook_sign_one(char *out, const char *secret, size_t len,
    const char *text, size_t text_len);


int
igj_webhook_sign(char out[IGJ_WEBHOOK_SIGNATURES_MAX], const char *secrets,
    const char *id, int64_t timestamp, const char *body)
{
    int     n, rc, text_len;
    char   *text, *p;
    size_t  len;

    text_len = asprintf(&text, "%s.%" PRId64 ".%s", id, timestamp, body);
    if (text_len < 0) {
        return IGJ_ERROR;
    }

    rc = IGJ_ERROR;
    p = out;

    for (n = 0; n < IGJ_WEBHOOK_SECRETS_MAX && *secrets != '\0'; n++) {
        len = strcspn(secrets, " ");

        if (n > 0) {
            *p++ = ' ';
        }

        rc = igj_webhook_sign_one(p, secrets, len, text, (size_t) text_len);
        if (rc != IGJ_OK) {
            break;
        }

        p += IGJ_WEBHOOK_SIGNATURE_LEN;
        secrets += len;
        secrets += strspn(secrets, " ");
    }

    *p = '\0';
    free(text);

    return rc;
}


static int
igj_webhook_sign_one(char *out, const char *secret, size_t len,
    const char *text, size_t text_len)
{
    int             key_len;
    unsigned        hash_len;
    unsigned char   key[IGJ_WEBHOOK_BASE64_MAX];
    unsigned char   hash[EVP_MAX_MD_SIZE];
    unsigned char  *made;

    key_len = igj_webhook_key(secret, len, key);
    if (key_len < 0) {
        return IGJ_ERROR;
    }

    made = HMAC(EVP_sha256(), key, key_len, (const unsigned char *) text,
                text_len, hash, &hash_len);
    OPENSSL_cleanse(key, sizeof(key));

    if (made == NULL || hash_len != IGJ_WEBHOOK_HASH_LEN) {
        return IGJ_ERROR;
    }

    memcpy(out, "v1,", sizeof("v1,"));
    EVP_EncodeBlock((unsigned char *) out + 3, hash, IGJ_WEBHOOK_HASH_LEN);

    return IGJ_OK;
}


/* The bytes of a secret; -1 when it is none. */

static int
igj_webhook_key(const char *secret, size_t len,
    unsigned char key[IGJ_WEBHOOK_BASE64_MAX])
{
    int     n;
    size_t  prefix;

    prefix = sizeof(IGJ_WEBHOOK_PREFIX) - 1;

    if (len <= prefix || len - prefix > IGJ_WEBHOOK_BASE64_MAX
        || memcmp(secret, IGJ_WEBHOOK_PREFIX, prefix) != 0)
    {
        return -1;
    }

    secret += prefix;
    len -= prefix;

    /* whole groups of four; the bytes that stand for '=' are counted, too */
    n = EVP_DecodeBlock(key, (const unsigned char *) secret, (int) len);

    if (n > 0) {
        n -= (secret[len - 1] == '=') + (secret[len - 2] == '=');
    }

    return (n >= IGJ_WEBHOOK_KEY_MIN && n <= IGJ_WEBHOOK_KEY_MAX) ? n : -1;
}
