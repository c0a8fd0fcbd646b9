/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What an answer of Airtable that is not the wanted one means.  Its errors
 * have several shapes: {"error": {"type", "message"}}, {"error": "TYPE"},
 * {"errors": [{"error": "TYPE", "message"}]}, and a page of HTML from what
 * stands in front.
 */

#include "igj_airtable_private.h"
#include "igj_safe_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>


static igj_airtable_class_t
igj_airtable_class_of_result(igj_http_result_t result)
{
    switch (result) {

    case IGJ_HTTP_STOPPED:
        return IGJ_AIRTABLE_CANCELED;

    case IGJ_HTTP_PERMANENT:
        return IGJ_AIRTABLE_DENIED;

    case IGJ_HTTP_TOO_BIG:
        return IGJ_AIRTABLE_REFUSED;

    default:
        return IGJ_AIRTABLE_RETRY;
    }
}


static igj_airtable_class_t
igj_airtable_class_of_status(long status)
{
    if (status == 429) {
        return IGJ_AIRTABLE_PARK;
    }

    /* the API does not redirect: the base URL is wrong */
    if (status == 401 || status == 402 || status == 403 || status / 100 == 3) {
        return IGJ_AIRTABLE_DENIED;
    }

    if (igj_http_status_transient(status) || status < 400 || status >= 500) {
        return IGJ_AIRTABLE_RETRY;
    }

    return IGJ_AIRTABLE_REFUSED;
}


void
igj_airtable_error_init(igj_airtable_error_t *err)
{
    memset(err, 0, sizeof(igj_airtable_error_t));
    err->delay_ms = -1;
}


igj_airtable_class_t
igj_airtable_fail(const igj_airtable_t *a, const igj_airtable_place_t *place,
    igj_airtable_error_t *err, igj_airtable_class_t class, const char *format,
    ...)
{
    va_list  args;
    char     text[IGJ_SAFE_TEXT_MAX];

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    igj_safe_say(err->message, sizeof(err->message), a->token, "%s %s%s%s: %s",
                 place->what, place->base, place->table ? "/" : "",
                 place->table ? place->table : "", text);
    err->class = class;

    return class;
}


/* Airtable's words are capitals, digits and _; anything else is no type. */

static bool
igj_airtable_is_type(const char *text)
{
    size_t  i;

    for (i = 0; text[i] != '\0'; i++) {
        if (!isupper((unsigned char) text[i])
            && !isdigit((unsigned char) text[i]) && text[i] != '_')
        {
            return false;
        }
    }

    return i > 0 && i < IGJ_AIRTABLE_TYPE_MAX;
}


/* type and message are "" where the answer has none; they are root's. */

static void
igj_airtable_words(const cJSON *root, const char **type, const char **message)
{
    const cJSON  *error;

    error = cJSON_GetObjectItemCaseSensitive(root, "error");

    if (error == NULL) {
        root = cJSON_GetArrayItem(
            cJSON_GetObjectItemCaseSensitive(root, "errors"), 0);
        error = cJSON_GetObjectItemCaseSensitive(root, "error");
    }

    if (cJSON_IsObject(error)) {
        *type = igj_airtable_string(error, "type");
        *message = igj_airtable_string(error, "message");

    } else {
        *type = cJSON_GetStringValue(error);
        *message = igj_airtable_string(root, "message");
    }

    if (*type == NULL || !igj_airtable_is_type(*type)) {
        *type = "";
    }

    if (*message == NULL) {
        *message = "";
    }
}


static void
igj_airtable_penalty(const igj_http_response_t *resp,
    igj_airtable_error_t *err)
{
    err->delay_ms = resp->retry_after_ms < IGJ_AIRTABLE_SILENCE_MS
                    ? resp->retry_after_ms : IGJ_AIRTABLE_SILENCE_MS;

    if (err->class == IGJ_AIRTABLE_PARK
        && err->delay_ms < IGJ_AIRTABLE_PENALTY_MS)
    {
        err->delay_ms = IGJ_AIRTABLE_PENALTY_MS;
    }
}


igj_airtable_class_t
igj_airtable_answered(const igj_airtable_t *a,
    const igj_airtable_place_t *place, const igj_http_response_t *resp,
    igj_airtable_error_t *err)
{
    igj_airtable_class_t   class;
    const char            *type, *message;
    cJSON                 *root;

    igj_airtable_error_init(err);

    /* a status that refuses counts even if its body did not come whole */
    if (resp->result == IGJ_HTTP_STOPPED || resp->status < 300) {
        (void) igj_airtable_fail(a, place, err,
                                 igj_airtable_class_of_result(resp->result),
                                 "%s", resp->message);
        err->http_status = resp->status;
        return err->class;
    }

    root = cJSON_ParseWithLength(resp->body, resp->body_len);
    igj_airtable_words(root, &type, &message);

    err->billing = strstr(type, "BILLING_LIMIT") != NULL;
    class = err->billing ? IGJ_AIRTABLE_DENIED
                         : igj_airtable_class_of_status(resp->status);

    (void) igj_airtable_fail(a, place, err, class, "HTTP %ld%s%s%s%s",
                             resp->status, type[0] ? " " : "", type,
                             message[0] ? ": " : "", message);

    err->http_status = resp->status;
    snprintf(err->type, sizeof(err->type), "%s", type);
    igj_airtable_penalty(resp, err);

    cJSON_Delete(root);

    return class;
}


bool
igj_airtable_gone(const igj_airtable_error_t *err)
{
    return strcmp(err->type, "ROW_DOES_NOT_EXIST") == 0
           || strcmp(err->type, "MODEL_ID_NOT_FOUND") == 0
           || (err->http_status == 404 && strcmp(err->type, "NOT_FOUND") == 0);
}


bool
igj_airtable_expired(const igj_airtable_error_t *err)
{
    return strcmp(err->type, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE") == 0;
}


bool
igj_airtable_about_rows(const igj_airtable_error_t *err, bool by_record)
{
    if (err->class != IGJ_AIRTABLE_REFUSED) {
        return false;
    }

    return err->http_status == 413
           || (err->http_status == 422
               && strcmp(err->type, "UNKNOWN_FIELD_NAME") != 0
               && strcmp(err->type, "TABLE_NOT_FOUND") != 0)
           || (by_record && igj_airtable_gone(err));
}


const char *
igj_airtable_class_name(igj_airtable_class_t class)
{
    static const char *const  names[] = {
        "ok", "retry", "park", "denied", "refused", "canceled"
    };

    return names[class];
}
