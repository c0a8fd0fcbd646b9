/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The user name in the body of POST /api/source-profiles: the rules for
 * accounts, which SQL does not have.  The body is small enough to be read in
 * one go.
 */

#include "ngx_http_igjobs.h"
#include "ngx_http_igjobs_call.h"

#include "igj_username.h"

#include <cjson/cJSON.h>


#define NGX_HTTP_IGJOBS_USERNAME_ROOM  256


static void ngx_http_igjobs_username_members(igj_json_t *json,
    const char *text);


ngx_int_t
ngx_http_igjobs_username_read(ngx_http_request_t *r, const ngx_str_t *body,
    ngx_str_t *members)
{
    cJSON       *object;
    const char  *text;
    igj_json_t   json;

    object = cJSON_ParseWithLength((char *) body->data, body->len);
    if (object == NULL) {
        return NGX_ERROR;
    }

    text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object,
                                                                "username"));
    if (text != NULL) {
        members->data = ngx_pnalloc(r->pool, NGX_HTTP_IGJOBS_USERNAME_ROOM);

        if (members->data == NULL) {
            cJSON_Delete(object);
            return NGX_ERROR;
        }

        igj_json_init(&json, (char *) members->data,
                      NGX_HTTP_IGJOBS_USERNAME_ROOM);
        ngx_http_igjobs_username_members(&json, text);

        /* from an object of its own to members of another one */
        members->data[0] = ',';
        members->len = json.len - 1;
    }

    cJSON_Delete(object);

    return NGX_OK;
}


static void
ngx_http_igjobs_username_members(igj_json_t *json, const char *text)
{
    igj_username_t  name;
    igj_username_e  error;

    error = igj_username(IGJ_PLATFORM_INSTAGRAM, text, ngx_strlen(text),
                         &name);

    igj_json_object_begin(json);

    if (error == IGJ_USERNAME_OK) {
        igj_json_key(json, "username");
        igj_json_string(json, name.text, name.len);

    } else {
        igj_json_member_text(json, "username_fault",
                             igj_username_error_text(IGJ_PLATFORM_INSTAGRAM,
                                                     error));
    }

    igj_json_object_end(json);
}
