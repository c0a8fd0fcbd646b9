/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What the clients of providers share beside HTTP: texts that are fit for logs
 * and answers, and the address of an API.  Pure functions.
 */

#ifndef IGJ_SAFE_TEXT_H
#define IGJ_SAFE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

#include "igj_base.h"


#define IGJ_SAFE_TEXT_MAX  512      /* of the text before it is cut, with NUL */


/*
 * Writes at most size - 1 bytes of the formatted text and a NUL: valid UTF-8,
 * no control characters, and the secret (may be NULL) hidden even if a peer
 * sent it back.
 */
void igj_safe_text(char *out, size_t size, const char *secret,
    const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

void igj_safe_say(char *out, size_t size, const char *secret,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * The address of an API without slashes at its end; one without a path gets
 * version ("/v2").  IGJ_ERROR: no http(s) address, has a place for secrets (?,
 * #, @), or is too long.
 */
IGJ_MUST_CHECK
int igj_base_url(const char *url, const char *version, char *out, size_t size);

#endif /* IGJ_SAFE_TEXT_H */
