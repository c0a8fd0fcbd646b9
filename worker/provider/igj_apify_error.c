/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What an answer of Apify that is not the wanted one means for the caller.
 * The error's type decides before the status: 402 stands for an empty account
 * as well as for too many runs at once.
 */

#include "igj_apify.h"

#include <string.h>


static const struct {
    const char            *type;
    igj_provider_class_t   class;
} igj_apify_types[] = {
    { "rate-limit-exceeded",                  IGJ_PROVIDER_PARK },
    { "too-many-requests",                    IGJ_PROVIDER_PARK },
    { "actor-memory-limit-exceeded",          IGJ_PROVIDER_PARK },
    { "concurrent-runs-limit-exceeded",       IGJ_PROVIDER_PARK },

    { "token-not-provided",                   IGJ_PROVIDER_STOP },
    { "user-or-token-not-found",              IGJ_PROVIDER_STOP },
    { "invalid-token",                        IGJ_PROVIDER_STOP },
    { "insufficient-permissions",             IGJ_PROVIDER_STOP },
    { "actor-is-not-rented",                  IGJ_PROVIDER_STOP },
    { "not-enough-usage-to-run-paid-actor",   IGJ_PROVIDER_STOP },
    { "monthly-usage-limit-too-low",          IGJ_PROVIDER_STOP },
    { "apify-plan-required-to-use-paid-actor", IGJ_PROVIDER_STOP },
    { "limit-reached",                        IGJ_PROVIDER_STOP },
    { "platform-feature-disabled",            IGJ_PROVIDER_STOP },
    { "actor-not-found",                      IGJ_PROVIDER_STOP },
    { "max-total-charge-usd-below-minimum",   IGJ_PROVIDER_STOP },
    { "max-items-must-be-greater-than-zero",  IGJ_PROVIDER_STOP },

    { "invalid-input",                        IGJ_PROVIDER_SPLIT },
    { "input-json-too-long",                  IGJ_PROVIDER_SPLIT },
    { "request-too-large",                    IGJ_PROVIDER_SPLIT },

    { "run-timeout-exceeded",                 IGJ_PROVIDER_RETRY },
    { "operation-timed-out",                  IGJ_PROVIDER_RETRY },
    { "query-timeout",                        IGJ_PROVIDER_RETRY },
    /* says nothing for certain about the run */
    { "record-or-token-not-found",            IGJ_PROVIDER_RETRY },
};


static igj_provider_class_t
igj_apify_class_of_status(long status)
{
    if (status == 429) {
        return IGJ_PROVIDER_PARK;
    }

    if (status == 401 || status == 402 || status == 403) {
        return IGJ_PROVIDER_STOP;
    }

    if (status == 413) {
        return IGJ_PROVIDER_SPLIT;
    }

    /* the API does not redirect: the base URL is wrong */
    if (status / 100 == 3) {
        return IGJ_PROVIDER_STOP;
    }

    if (igj_http_status_transient(status) || status < 400 || status >= 500) {
        return IGJ_PROVIDER_RETRY;
    }

    return IGJ_PROVIDER_GIVE_UP;
}


static igj_provider_class_t
igj_apify_class_of_result(igj_http_result_t result)
{
    switch (result) {

    case IGJ_HTTP_STOPPED:
        return IGJ_PROVIDER_CANCELED;

    case IGJ_HTTP_PERMANENT:
        return IGJ_PROVIDER_STOP;

    case IGJ_HTTP_TOO_BIG:
        return IGJ_PROVIDER_GIVE_UP;

    default:
        return IGJ_PROVIDER_RETRY;
    }
}


static igj_provider_class_t
igj_apify_classify(const igj_http_response_t *resp, const char *type)
{
    size_t  i;

    if (resp->result == IGJ_HTTP_STOPPED) {
        return IGJ_PROVIDER_CANCELED;
    }

    /* a status that refuses counts even if its body did not come whole */
    if (resp->status < 300) {
        return igj_apify_class_of_result(resp->result);
    }

    for (i = 0; i < sizeof(igj_apify_types) / sizeof(igj_apify_types[0]); i++) {
        if (strcmp(igj_apify_types[i].type, type) == 0) {
            return igj_apify_types[i].class;
        }
    }

    return igj_apify_class_of_status(resp->status);
}


bool
igj_apify_not_found(const igj_provider_error_t *err)
{
    return err->http_status == 404
           && strcmp(err->type, "record-not-found") == 0;
}


igj_provider_class_t
igj_apify_fail(igj_apify_t *a, const char *what,
    const igj_http_response_t *resp, igj_provider_error_t *err)
{
    igj_provider_class_t   class;
    const char            *type, *message;
    const cJSON           *error;
    cJSON                 *root;

    root = (resp->status >= 300)
           ? cJSON_ParseWithLength(resp->body, resp->body_len) : NULL;

    error = cJSON_GetObjectItemCaseSensitive(root, "error");
    type = igj_apify_string(error, "type");
    message = igj_apify_string(error, "message");

    class = igj_apify_classify(resp, type ? type : "");

    if (resp->status >= 300 && class != IGJ_PROVIDER_CANCELED) {
        (void) igj_provider_fail(&a->head, err, class, "%s: HTTP %ld %s%s%s",
                                 what, resp->status, type ? type : "",
                                 message ? ": " : "", message ? message : "");

    } else {
        (void) igj_provider_fail(&a->head, err, class, "%s: %s", what,
                                 resp->message);
    }

    err->http_status = resp->status;
    err->retry_after_ms = resp->retry_after_ms;
    snprintf(err->type, sizeof(err->type), "%s",
             (type && igj_apify_id_valid(type)) ? type : "");

    cJSON_Delete(root);

    return class;
}
