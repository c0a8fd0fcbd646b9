/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_clock.h"
#include "cli_headers.h"
#include "cli_http.h"
#include "cli_term.h"
#include "cli_url.h"
#include "igj_version.h"


#define CLI_HTTP_BODY_FIRST  4096


struct cli_http_s {
    CURL               *curl;
    struct curl_slist  *headers;           /* of every request */
    char                url[CLI_URL_MAX];  /* without "/" at its end */
    char                shown[CLI_URL_MAX];
};


/* A request under way. */
typedef struct {
    CURL                 *curl;
    const cli_request_t  *request;
    cli_answer_t         *answer;
    bool                  too_long;
    bool                  stalled;
    curl_off_t            moved;           /* bytes in both directions */
    int64_t               moved_at;
} cli_http_call_t;


static int cli_http_setup(cli_http_t *http);
static void cli_http_trust(CURL *curl);
static struct curl_slist *cli_http_headers(const cli_http_t *http,
    const cli_request_t *request);
static void cli_http_outcome(cli_http_call_t *call, CURLcode code);
static bool cli_http_permanent(CURLcode code);
static int cli_http_watchdog(void *data, curl_off_t total, curl_off_t taken,
    curl_off_t to_send, curl_off_t sent);
static size_t cli_http_header(char *text, size_t size, size_t n, void *data);
static bool cli_http_is(const char *line, size_t len, const char *name,
    char *value, size_t size);
static size_t cli_http_write(char *bytes, size_t size, size_t n, void *data);
static size_t cli_http_read(char *buf, size_t size, size_t n, void *data);
static int cli_http_seek(void *data, curl_off_t offset, int origin);


cli_http_t *
cli_http_open(const cli_options_t *options)
{
    cli_http_t  *http;

    http = calloc(1, sizeof(cli_http_t));

    if (http == NULL) {
        cli_say("no memory");
        return NULL;
    }

    if (cli_url_read(options->url, http->url, http->shown) != IGJ_OK
        || cli_headers_read(options, &http->headers) != IGJ_OK
        || cli_http_setup(http) != IGJ_OK)
    {
        cli_http_close(http);
        return NULL;
    }

    return http;
}


void
cli_http_close(cli_http_t *http)
{
    curl_slist_free_all(http->headers);
    curl_easy_cleanup(http->curl);
    free(http);
}


const char *
cli_http_url(const cli_http_t *http)
{
    return http->shown;
}


static int
cli_http_setup(cli_http_t *http)
{
    CURL  *curl;

    curl = curl_easy_init();
    http->curl = curl;

    if (curl == NULL) {
        cli_say("no memory");
        return IGJ_ERROR;
    }

    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "igjobs/" IGJ_VERSION);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long) CLI_CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, cli_http_watchdog);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, cli_http_header);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, cli_http_write);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, cli_http_read);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, cli_http_seek);
    cli_http_trust(curl);

    return IGJ_OK;
}


/* The variables that name other authorities than the system's to programs. */

static void
cli_http_trust(CURL *curl)
{
    const char  *file;

    file = getenv("CURL_CA_BUNDLE");

    if (file == NULL || file[0] == '\0') {
        file = getenv("SSL_CERT_FILE");
    }

    if (file != NULL && file[0] != '\0') {
        curl_easy_setopt(curl, CURLOPT_CAINFO, file);
    }
}


void
cli_http_ask(cli_http_t *http, const cli_request_t *request,
    cli_answer_t *answer)
{
    char                url[CLI_URL_MAX + CLI_PATH_MAX];
    cli_http_call_t     call;
    struct curl_slist  *headers;

    memset(answer, 0, sizeof(cli_answer_t));
    answer->retry_after = -1;

    call = (cli_http_call_t) { .curl = http->curl, .request = request,
                               .answer = answer, .moved_at = cli_now_ms() };
    headers = cli_http_headers(http, request);
    (void) snprintf(url, sizeof(url), "%s%s", http->url, request->path);

    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(http->curl, CURLOPT_HEADERDATA, &call);
    curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, &call);
    curl_easy_setopt(http->curl, CURLOPT_XFERINFODATA, &call);
    curl_easy_setopt(http->curl, CURLOPT_READDATA, (void *) request);
    curl_easy_setopt(http->curl, CURLOPT_SEEKDATA, (void *) request);

    if (request->source != NULL) {
        curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) request->source_len);
    } else {
        curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    }

    curl_easy_setopt(http->curl, CURLOPT_CUSTOMREQUEST, request->method);

    cli_http_outcome(&call, curl_easy_perform(http->curl));
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
}


void
cli_answer_free(cli_answer_t *answer)
{
    free(answer->body);
    answer->body = NULL;
    answer->len = answer->size = 0;
}


/* The common ones are copied: a list is owned by one request. */

static struct curl_slist *
cli_http_headers(const cli_http_t *http, const cli_request_t *request)
{
    char                      accept[128];
    size_t                    i;
    struct curl_slist        *headers;
    const struct curl_slist  *one;

    headers = NULL;

    for (one = http->headers; one != NULL; one = one->next) {
        headers = curl_slist_append(headers, one->data);
    }

    (void) snprintf(accept, sizeof(accept), "Accept: %s", request->accept);
    headers = curl_slist_append(headers, accept);

    if (request->source != NULL) {
        headers = curl_slist_append(headers, "Content-Type: application/json");

        if (request->source_len < 0) {
            headers = curl_slist_append(headers, "Transfer-Encoding: chunked");
        }
    }

    for (i = 0; i < sizeof(request->headers) / sizeof(char *); i++) {
        if (request->headers[i] != NULL) {
            headers = curl_slist_append(headers, request->headers[i]);
        }
    }

    return headers;
}


static void
cli_http_outcome(cli_http_call_t *call, CURLcode code)
{
    char          *type;
    curl_off_t     sent;
    cli_answer_t  *answer;

    answer = call->answer;
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &answer->status);

    if (curl_easy_getinfo(call->curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK
        && type != NULL)
    {
        (void) snprintf(answer->type, sizeof(answer->type), "%.*s",
                        (int) strcspn(type, "; "), type);
    }

    if (code == CURLE_OK) {
        answer->outcome = CLI_ANSWERED;
        return;
    }

    (void) snprintf(answer->error, sizeof(answer->error), "%s",
                    call->too_long ? "the answer is too long"
                    : call->stalled ? "nothing came for too long"
                                    : curl_easy_strerror(code));

    if (call->too_long || cli_http_permanent(code)) {
        answer->outcome = CLI_UNUSABLE;
        return;
    }

    if (code == CURLE_WRITE_ERROR
        || (code == CURLE_ABORTED_BY_CALLBACK && !call->stalled))
    {
        answer->outcome = CLI_STOPPED;
        return;
    }

    /* stays 0 until the connection is there, TLS and proxy included */
    sent = 0;
    curl_easy_getinfo(call->curl, CURLINFO_PRETRANSFER_TIME_T, &sent);
    answer->outcome = sent == 0 ? CLI_NOT_SENT : CLI_BROKEN;
}


static bool
cli_http_permanent(CURLcode code)
{
    switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_OUT_OF_MEMORY:
        return true;

    default:
        return false;
    }
}


/* A connection over which nothing moves is taken for lost. */

static int
cli_http_watchdog(void *data, curl_off_t total, curl_off_t taken,
    curl_off_t to_send, curl_off_t sent)
{
    cli_http_call_t  *call = data;

    int64_t  now;

    (void) total;
    (void) to_send;
    now = cli_now_ms();

    if (taken + sent != call->moved) {
        call->moved = taken + sent;
        call->moved_at = now;
    }

    call->stalled = now - call->moved_at > CLI_STALL_S * 1000;

    return call->stalled ? 1 : 0;
}


static size_t
cli_http_header(char *text, size_t size, size_t n, void *data)
{
    cli_http_call_t  *call = data;

    char          value[64];
    size_t        len;
    cli_answer_t  *answer;

    len = size * n;
    answer = call->answer;

    /* what came with "100 Continue" or from a proxy is not the answer's */
    if (len > 5 && memcmp(text, "HTTP/", 5) == 0) {
        answer->retry_after = -1;
        answer->replayed = false;

    } else if (cli_http_is(text, len, "retry-after", value, sizeof(value))) {
        if (value[0] >= '0' && value[0] <= '9') {
            answer->retry_after = strtoll(value, NULL, 10);
        }

    } else if (cli_http_is(text, len, "idempotent-replayed", value,
                           sizeof(value)))
    {
        answer->replayed = strncmp(value, "true", 4) == 0;
    }

    return len;
}


static bool
cli_http_is(const char *line, size_t len, const char *name, char *value,
    size_t size)
{
    size_t  at, n;

    n = strlen(name);

    if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0) {
        return false;
    }

    for (at = n + 1; at < len && (line[at] == ' ' || line[at] == '\t'); at++) {
        /* void */
    }

    (void) snprintf(value, size, "%.*s", (int) (len - at), line + at);

    return true;
}


static size_t
cli_http_write(char *bytes, size_t size, size_t n, void *data)
{
    cli_http_call_t  *call = data;

    char          *body;
    long           status;
    size_t         len, room;
    cli_answer_t  *answer;

    len = size * n;
    answer = call->answer;
    status = 0;
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);

    if (call->request->sink != NULL && status / 100 == 2) {
        return call->request->sink(call->request->sink_data, bytes, len)
               == IGJ_OK ? len : 0;
    }

    if (len > CLI_ANSWER_MAX - answer->len) {
        call->too_long = true;
        return 0;
    }

    if (answer->len + len >= answer->size) {
        room = 2 * (answer->len + len) + CLI_HTTP_BODY_FIRST;
        body = realloc(answer->body, room);

        if (body == NULL) {
            return 0;
        }

        answer->body = body;
        answer->size = room;
    }

    memcpy(answer->body + answer->len, bytes, len);
    answer->len += len;
    answer->body[answer->len] = '\0';

    return len;
}


static size_t
cli_http_read(char *buf, size_t size, size_t n, void *data)
{
    const cli_request_t  *request = data;

    ssize_t  got;

    got = request->source(request->source_data, buf, size * n);

    return got < 0 ? CURL_READFUNC_ABORT : (size_t) got;
}


/* Asked for by libcurl where a kept connection turns out to be closed. */

static int
cli_http_seek(void *data, curl_off_t offset, int origin)
{
    const cli_request_t  *request = data;

    if (offset != 0 || origin != SEEK_SET) {
        return CURL_SEEKFUNC_CANTSEEK;
    }

    return request->rewind(request->source_data) == IGJ_OK
           ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}
