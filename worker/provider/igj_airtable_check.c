/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * "igjobs-worker provider-check", where there is an Airtable token: does it
 * work, and may it do what igjobs does?  One request, which takes no turn.
 */

#include "igj_airtable_private.h"

#include <stdio.h>
#include <string.h>


/* a token without create-base is of use */
static const struct {
    const char  *scope;
    const char  *purpose;
    bool         required;
} igj_airtable_scopes[] = {
    { "data.records:read",  "to read statuses back", true },
    { "data.records:write", "to send campaigns", true },
    { "schema.bases:read",  "for verify-base", true },
    { "schema.bases:write", "for create-base", false },
};


static int igj_airtable_check_token(igj_airtable_t *a, FILE *out,
    igj_airtable_error_t *err);
static int igj_airtable_check_scopes(const cJSON *scopes, FILE *out);
static bool igj_airtable_has_scope(const cJSON *scopes, const char *scope);


int
igj_airtable_check(const igj_airtable_conf_t *conf, FILE *out)
{
    int                    rc;
    igj_http_t            *http;
    igj_airtable_t        *a;
    igj_airtable_error_t   err;

    http = igj_http_create(NULL);

    if (http == NULL) {
        fprintf(out, "out of memory\n");
        return 1;
    }

    rc = 1;
    a = igj_airtable_create(conf, http, NULL, NULL, &err);

    if (a == NULL) {
        fprintf(out, "airtable: %s\n", err.message);

    } else {
        fprintf(out, "Airtable %s\n", a->root);
        rc = igj_airtable_check_token(a, out, &err);
    }

    igj_airtable_destroy(a);
    igj_http_destroy(http);

    return rc;
}


static int
igj_airtable_check_token(igj_airtable_t *a, FILE *out,
    igj_airtable_error_t *err)
{
    igj_airtable_place_t  place = { "airtable", "token", NULL };
    igj_airtable_call_t   call = { 0 };
    igj_airtable_url_t    url;
    int                   rc;

    igj_airtable_url_begin(a, &url);
    igj_airtable_url_part(&url, "meta");
    igj_airtable_url_part(&url, "whoami");

    call.place = &place;
    call.url = &url;

    if (igj_airtable_call(a, &call, err) != IGJ_AIRTABLE_OK) {
        fprintf(out, "%s\n", err->message);
        return 1;
    }

    rc = igj_airtable_check_scopes(
        cJSON_GetObjectItemCaseSensitive(call.answer, "scopes"), out);
    cJSON_Delete(call.answer);

    return rc;
}


/* Airtable names no scopes of tokens that are no personal ones. */

static int
igj_airtable_check_scopes(const cJSON *scopes, FILE *out)
{
    int     rc;
    size_t  i, n;

    rc = 0;
    n = sizeof(igj_airtable_scopes) / sizeof(igj_airtable_scopes[0]);

    fprintf(out, "airtable token works\n");

    for (i = 0; i < n && cJSON_IsArray(scopes); i++) {
        if (!igj_airtable_has_scope(scopes, igj_airtable_scopes[i].scope)) {
            fprintf(out, "airtable token lacks the scope %s, needed %s\n",
                    igj_airtable_scopes[i].scope,
                    igj_airtable_scopes[i].purpose);
            rc |= igj_airtable_scopes[i].required;
        }
    }

    return rc;
}


static bool
igj_airtable_has_scope(const cJSON *scopes, const char *scope)
{
    const cJSON  *item;

    cJSON_ArrayForEach(item, scopes) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, scope) == 0) {
            return true;
        }
    }

    return false;
}
