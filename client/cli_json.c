/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>

#include "cli_json.h"
#include "cli_term.h"
#include "cli_text.h"


#define CLI_JSON_NAME_MAX  64              /* of an object on a path */


const char *
cli_json_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object,
                                                                 name));
}


int64_t
cli_json_integer(const cJSON *object, const char *name)
{
    double        number;
    const cJSON  *value;

    value = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsNumber(value)) {
        return 0;
    }

    number = cJSON_GetNumberValue(value);

    return number > -9e18 && number < 9e18 ? (int64_t) number : 0;
}


bool
cli_json_true(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}


const cJSON *
cli_json_find(const cJSON *object, const char *path)
{
    char         name[CLI_JSON_NAME_MAX];
    size_t       n;
    const char  *dot;

    while ((dot = strchr(path, '.')) != NULL) {
        n = (size_t) (dot - path);

        if (n >= sizeof(name)) {
            return NULL;
        }

        memcpy(name, path, n);
        name[n] = '\0';
        object = cJSON_GetObjectItemCaseSensitive(object, name);
        path = dot + 1;
    }

    return cJSON_GetObjectItemCaseSensitive(object, path);
}


const char *
cli_json_show(const cJSON *value, char *buf, size_t size)
{
    if (cJSON_IsString(value)) {
        return cJSON_GetStringValue(value);
    }

    if (cJSON_IsNumber(value)) {
        (void) snprintf(buf, size, "%.15g", cJSON_GetNumberValue(value));
        return buf;
    }

    if (cJSON_IsBool(value)) {
        return cJSON_IsTrue(value) ? "true" : "false";
    }

    return "";
}


void
cli_json_out(const cJSON *value)
{
    cli_json_put(value);
    cli_out("\n", 1);
}


void
cli_json_put(const cJSON *value)
{
    char      *text;
    size_t     at, from, len;
    unsigned   n;
    uint32_t   c;

    text = cJSON_PrintUnformatted(value);

    if (text == NULL) {
        cli_say("no memory");
        return;
    }

    len = strlen(text);
    from = 0;

    /* all of them are inside of strings, and none is beyond \uFFFF */
    for (at = 0; at < len; at += n) {
        c = cli_text_char(text + at, len - at, &n);

        if (c != CLI_TEXT_REPLACEMENT && !cli_text_control(c)) {
            continue;
        }

        cli_out(text + from, at - from);
        cli_out_format("\\u%04x", (unsigned) c);
        from = at + n;
    }

    cli_out(text + from, len - from);
    cJSON_free(text);
}
