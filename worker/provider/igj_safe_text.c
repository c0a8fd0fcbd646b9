/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Texts for people without secrets, and addresses without places for them. */

#include "igj_safe_text.h"
#include "igj_utf8.h"

#include <stdio.h>
#include <string.h>


static void
igj_safe_hide(char *text, const char *secret)
{
    char    *p;
    size_t   len;

    len = (secret == NULL) ? 0 : strlen(secret);
    if (len == 0) {
        return;
    }

    for (p = strstr(text, secret); p != NULL; p = strstr(p, secret)) {
        memset(p, '*', len);
    }
}


void
igj_safe_text(char *out, size_t size, const char *secret, const char *format,
    va_list args)
{
    char    raw[IGJ_SAFE_TEXT_MAX], *c;
    size_t  len;

    /* the secret is hidden before the text is cut to its final length, and
     * a part of it at the end of an overlong text is cut off with it */
    (void) vsnprintf(raw, sizeof(raw), format, args);

    igj_safe_hide(raw, secret);

    for (c = raw; *c != '\0'; c++) {
        if ((unsigned char) *c < 0x20 || *c == 0x7f) {
            *c = ' ';
        }
    }

    memset(out, 0, size);
    len = igj_utf8_repair(out, size - 1, raw, strlen(raw));
    len = igj_utf8_valid(out, len < size - 1 ? len : size - 1);
    out[len] = '\0';
}


void
igj_safe_say(char *out, size_t size, const char *secret, const char *format,
    ...)
{
    va_list  args;

    va_start(args, format);
    igj_safe_text(out, size, secret, format, args);
    va_end(args);
}


int
igj_base_url(const char *url, const char *version, char *out, size_t size)
{
    const char  *host;
    size_t       len;

    host = strstr(url, "://");
    len = strlen(url);

    if (host == NULL || strpbrk(url, "?#@ ") != NULL
        || (strncmp(url, "https://", 8) != 0
            && strncmp(url, "http://", 7) != 0))
    {
        return IGJ_ERROR;
    }

    host += 3;

    while (url + len > host && url[len - 1] == '/') {
        len--;
    }

    if (url + len == host
        || snprintf(out, size, "%.*s%s", (int) len, url,
                    memchr(host, '/', (size_t) (url + len - host)) ? ""
                                                                   : version)
           >= (int) size)
    {
        return IGJ_ERROR;
    }

    return IGJ_OK;
}
