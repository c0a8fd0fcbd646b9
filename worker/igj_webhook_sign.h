/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Signatures of webhooks, as Standard Webhooks has them: HMAC-SHA256 over
 * "<id>.<timestamp>.<body>".  Pure functions; any thread.
 */

#ifndef IGJ_WEBHOOK_SIGN_H
#define IGJ_WEBHOOK_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "igj_base.h"


#define IGJ_WEBHOOK_SECRETS_MAX    4       /* that sign one event */
#define IGJ_WEBHOOK_SIGNATURE_LEN  47      /* "v1," and 44 of base64 */
#define IGJ_WEBHOOK_SIGNATURES_MAX                                           \
    (IGJ_WEBHOOK_SECRETS_MAX * (IGJ_WEBHOOK_SIGNATURE_LEN + 1))


/*
 * The value of webhook-signature into out, NUL-terminated: a signature for
 * each of the secrets ("whsec_<base64 of 24 to 64 bytes>", blanks between; of
 * more than IGJ_WEBHOOK_SECRETS_MAX the first).  IGJ_ERROR: memory is short or
 * a secret is none, which is not told further.
 */
IGJ_MUST_CHECK int igj_webhook_sign(char out[IGJ_WEBHOOK_SIGNATURES_MAX],
    const char *secrets, const char *id, int64_t timestamp, const char *body);


#endif /* IGJ_WEBHOOK_SIGN_H */
