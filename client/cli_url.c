/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_term.h"
#include "cli_url.h"


static const char *cli_url_parts(CURLU *parts, const char *text,
    bool secrets, char url[CLI_URL_MAX], char shown[CLI_URL_MAX]);
static bool cli_url_has(CURLU *parts, CURLUPart part);
static const char *cli_url_write(CURLU *parts, char out[CLI_URL_MAX]);


int
cli_url_read(const char *option, char url[CLI_URL_MAX],
    char shown[CLI_URL_MAX])
{
    CURLU       *parts;
    const char  *text, *from, *error;

    text = option;
    from = "--url";

    if (text == NULL) {
        text = getenv("IGJOBS_URL");
        from = "IGJOBS_URL";
    }

    if (text == NULL || text[0] == '\0') {
        text = CLI_URL_DEFAULT;
    }

    parts = curl_url();
    error = parts == NULL ? "no memory"
                          : cli_url_parts(parts, text, option == NULL, url,
                                          shown);
    curl_url_cleanup(parts);

    if (error != NULL) {
        cli_say("%s: %s", from, error);
        return IGJ_ERROR;
    }

    return IGJ_OK;
}


/* Returns what is wrong, or NULL. */

static const char *
cli_url_parts(CURLU *parts, const char *text, bool secrets,
    char url[CLI_URL_MAX], char shown[CLI_URL_MAX])
{
    char        *scheme;
    bool         known;
    const char  *error;

    if (curl_url_set(parts, CURLUPART_URL, text, CURLU_DEFAULT_SCHEME
                     | CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK
        || curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
    {
        return "not a URL such as " CLI_URL_DEFAULT;
    }

    known = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
    curl_free(scheme);

    if (!known || cli_url_has(parts, CURLUPART_QUERY)
        || cli_url_has(parts, CURLUPART_FRAGMENT))
    {
        return "not the URL of an HTTP server, such as " CLI_URL_DEFAULT;
    }

    if (!secrets && (cli_url_has(parts, CURLUPART_USER)
                     || cli_url_has(parts, CURLUPART_PASSWORD)))
    {
        return "everybody on this machine can read credentials on a command "
               "line: put the URL into IGJOBS_URL";
    }

    error = cli_url_write(parts, url);

    if (error != NULL) {
        return error;
    }

    curl_url_set(parts, CURLUPART_USER, NULL, 0);
    curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);

    return cli_url_write(parts, shown);
}


static bool
cli_url_has(CURLU *parts, CURLUPart part)
{
    char  *text;

    if (curl_url_get(parts, part, &text, 0) != CURLUE_OK) {
        return false;
    }

    curl_free(text);

    return true;
}


static const char *
cli_url_write(CURLU *parts, char out[CLI_URL_MAX])
{
    char    *text;
    size_t   len;

    if (curl_url_get(parts, CURLUPART_URL, &text, 0) != CURLUE_OK) {
        return "not a URL such as " CLI_URL_DEFAULT;
    }

    len = strlen(text);

    while (len > 0 && text[len - 1] == '/') {
        len--;
    }

    if (len >= CLI_URL_MAX) {
        curl_free(text);
        return "too long";
    }

    memcpy(out, text, len);
    out[len] = '\0';
    curl_free(text);

    return NULL;
}


int
cli_path_parameter(const char *name, const char *value,
    char path[CLI_PATH_MAX])
{
    int     n;
    size_t  len;

    len = strlen(path);
    n = snprintf(path + len, CLI_PATH_MAX - len, "%c%s=",
                 strchr(path, '?') == NULL ? '?' : '&', name);

    return (size_t) n < CLI_PATH_MAX - len ? cli_path_segment(value, path)
                                           : IGJ_ERROR;
}


int
cli_path_segment(const char *text, char path[CLI_PATH_MAX])
{
    int     n;
    char   *escaped;
    size_t  len;

    escaped = curl_easy_escape(NULL, text, 0);

    if (escaped == NULL) {
        return IGJ_ERROR;
    }

    len = strlen(path);
    n = snprintf(path + len, CLI_PATH_MAX - len, "%s", escaped);
    curl_free(escaped);

    return (size_t) n < CLI_PATH_MAX - len ? IGJ_OK : IGJ_ERROR;
}
