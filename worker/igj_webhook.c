/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Webhooks on their way, see igj_webhook.h. */

#include "igj_webhook.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "igj_clock.h"
#include "igj_utf8.h"
#include "igj_webhook_sign.h"
#include "igj_webhook_target.h"


#define IGJ_WEBHOOK_HEADER_MAX  (64 + IGJ_WEBHOOK_SIGNATURES_MAX)


typedef struct {
    igj_webhooks_t     *all;
    CURL               *easy;
    struct curl_slist  *headers;
    void               *data;
    int64_t             began;
    bool                refused;         /* an address */
    bool                opened;          /* a connection to another */
    bool                answered;        /* the head of the answer came */
    size_t              header_bytes;
    size_t              answer_len;
    char                answer[IGJ_WEBHOOK_ANSWER_MAX];
    char                error[CURL_ERROR_SIZE];
} igj_webhook_t;


struct igj_webhooks_s {
    igj_webhook_conf_t  conf;
    CURLM              *multi;
    int                 busy;
    igj_webhook_t      *slots[IGJ_WEBHOOK_SLOTS];
};


static igj_webhook_t *igj_webhook_new(igj_webhooks_t *w,
    const igj_webhook_request_t *request);
static void igj_webhook_free(igj_webhook_t *h);
static int igj_webhook_headers(igj_webhook_t *h,
    const igj_webhook_request_t *request);
static int igj_webhook_header(igj_webhook_t *h, const char *name,
    const char *value);
static void igj_webhook_policy(igj_webhook_t *h);
static curl_socket_t igj_webhook_on_socket(void *data, curlsocktype purpose,
    struct curl_sockaddr *address);
static size_t igj_webhook_on_header(char *bytes, size_t size, size_t n,
    void *data);
static size_t igj_webhook_on_body(char *bytes, size_t size, size_t n,
    void *data);
static void igj_webhook_end(igj_webhook_t *h, CURLcode code,
    igj_webhook_result_t *result);
static void igj_webhook_judge(igj_webhook_t *h, CURLcode code,
    igj_webhook_result_t *result);
static void igj_webhook_judge_status(igj_webhook_result_t *result);
static void igj_webhook_error(igj_webhook_result_t *result, const char *text);
static void igj_webhook_keep_answer(const igj_webhook_t *h,
    igj_webhook_result_t *result);


igj_webhooks_t *
igj_webhooks_create(const igj_webhook_conf_t *conf)
{
    igj_webhooks_t  *w;

    w = calloc(1, sizeof(igj_webhooks_t));
    if (w == NULL) {
        return NULL;
    }

    w->conf = *conf;
    w->multi = curl_multi_init();

    if (w->multi == NULL) {
        free(w);
        return NULL;
    }

    return w;
}


void
igj_webhooks_destroy(igj_webhooks_t *w)
{
    if (w == NULL) {
        return;
    }

    while (w->busy > 0) {
        igj_webhook_free(w->slots[w->busy - 1]);
    }

    curl_multi_cleanup(w->multi);
    free(w);
}


int
igj_webhooks_busy(const igj_webhooks_t *w)
{
    return w->busy;
}


bool
igj_webhooks_send(igj_webhooks_t *w, const igj_webhook_request_t *request,
    igj_webhook_result_t *result)
{
    const char     *fault;
    igj_webhook_t  *h;

    memset(result, 0, sizeof(igj_webhook_result_t));
    result->data = request->data;

    fault = igj_webhook_url_fault(request->url, w->conf.allow_private);

    if (fault != NULL) {
        result->outcome = IGJ_WEBHOOK_REFUSED;
        igj_webhook_error(result, fault);
        return false;
    }

    h = igj_webhook_new(w, request);

    if (h == NULL) {
        result->outcome = IGJ_WEBHOOK_FAILED;
        igj_webhook_error(result, "the request could not be made");
        return false;
    }

    return true;
}


static igj_webhook_t *
igj_webhook_new(igj_webhooks_t *w, const igj_webhook_request_t *request)
{
    igj_webhook_t  *h;

    h = w->busy < IGJ_WEBHOOK_SLOTS ? calloc(1, sizeof(igj_webhook_t)) : NULL;
    if (h == NULL) {
        return NULL;
    }

    h->all = w;
    h->data = request->data;
    h->began = igj_clock_ms();
    h->easy = curl_easy_init();
    w->slots[w->busy++] = h;

    if (h->easy == NULL || igj_webhook_headers(h, request) != IGJ_OK) {
        igj_webhook_free(h);
        return NULL;
    }

    igj_webhook_policy(h);

    if (curl_easy_setopt(h->easy, CURLOPT_URL, request->url) != CURLE_OK
        || curl_easy_setopt(h->easy, CURLOPT_COPYPOSTFIELDS,
                            request->payload) != CURLE_OK
        || curl_multi_add_handle(w->multi, h->easy) != CURLM_OK)
    {
        igj_webhook_free(h);
        return NULL;
    }

    return h;
}


/* Takes it out of the slots. */

static void
igj_webhook_free(igj_webhook_t *h)
{
    int              i;
    igj_webhooks_t  *w;

    w = h->all;

    for (i = 0; w->slots[i] != h; i++) { /* void */ }

    w->slots[i] = w->slots[--w->busy];

    if (h->easy != NULL) {
        curl_multi_remove_handle(w->multi, h->easy);
        curl_easy_cleanup(h->easy);
    }

    curl_slist_free_all(h->headers);
    free(h);
}


static int
igj_webhook_headers(igj_webhook_t *h, const igj_webhook_request_t *request)
{
    char     text[32], signatures[IGJ_WEBHOOK_SIGNATURES_MAX];
    int64_t  now;

    now = igj_clock_unix_ms() / 1000;
    snprintf(text, sizeof(text), "%" PRId64, now);

    if (igj_webhook_sign(signatures, request->secrets, request->id, now,
                         request->payload)
        != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    return (igj_webhook_header(h, "Content-Type", "application/json") == IGJ_OK
            && igj_webhook_header(h, "Expect", "") == IGJ_OK
            && igj_webhook_header(h, "webhook-id", request->id) == IGJ_OK
            && igj_webhook_header(h, "webhook-timestamp", text) == IGJ_OK
            && igj_webhook_header(h, "webhook-signature", signatures)
               == IGJ_OK)
           ? IGJ_OK : IGJ_ERROR;
}


static int
igj_webhook_header(igj_webhook_t *h, const char *name, const char *value)
{
    char                text[IGJ_WEBHOOK_HEADER_MAX];
    struct curl_slist  *more;

    snprintf(text, sizeof(text), "%s:%s%s", name, *value ? " " : "", value);
    more = curl_slist_append(h->headers, text);

    if (more == NULL) {
        return IGJ_ERROR;
    }

    h->headers = more;

    return IGJ_OK;
}


/*
 * A proxy would be what is connected to, and its address what is checked: the
 * environment's are not used.  A kept connection was checked for another.
 */

static void
igj_webhook_policy(igj_webhook_t *h)
{
    CURL  *c;

    c = h->easy;

    curl_easy_setopt(c, CURLOPT_PRIVATE, h);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "igjobs-worker");
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long) h->all->conf.timeout_ms);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
                     (long) IGJ_WEBHOOK_CONNECT_MS);

    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, igj_webhook_on_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, igj_webhook_on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, igj_webhook_on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
}


/* The address here is the one that libcurl connects to next. */

static curl_socket_t
igj_webhook_on_socket(void *data, curlsocktype purpose,
    struct curl_sockaddr *address)
{
    igj_webhook_t  *h = data;

    (void) purpose;

    if (!h->all->conf.allow_private
        && !igj_webhook_address_open(&address->addr))
    {
        h->refused = true;
        return CURL_SOCKET_BAD;
    }

    h->opened = true;

    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}


/* An empty line ends the head, also that of an interim answer. */

static size_t
igj_webhook_on_header(char *bytes, size_t size, size_t n, void *data)
{
    long            status;
    igj_webhook_t  *h = data;

    h->header_bytes += size * n;

    if (h->header_bytes > IGJ_WEBHOOK_HEADERS_MAX) {
        return CURL_WRITEFUNC_ERROR;
    }

    if (*bytes == '\r' || *bytes == '\n') {
        curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
        h->answered = (status >= 200);
    }

    return size * n;
}


/* What was answered is known: a body that is longer is not waited for. */

static size_t
igj_webhook_on_body(char *bytes, size_t size, size_t n, void *data)
{
    size_t          room;
    igj_webhook_t  *h = data;

    room = IGJ_WEBHOOK_ANSWER_MAX - h->answer_len;
    room = size * n < room ? size * n : room;

    memcpy(h->answer + h->answer_len, bytes, room);
    h->answer_len += room;

    return room == size * n ? room : CURL_WRITEFUNC_ERROR;
}


void
igj_webhooks_turn(igj_webhooks_t *w, int ms)
{
    int  running;

    (void) curl_multi_poll(w->multi, NULL, 0, ms, NULL);
    (void) curl_multi_perform(w->multi, &running);
}


bool
igj_webhooks_next(igj_webhooks_t *w, igj_webhook_result_t *result)
{
    int             left;
    char           *private;
    CURLMsg        *msg;
    igj_webhook_t  *h;

    do {
        msg = curl_multi_info_read(w->multi, &left);

        if (msg == NULL) {
            return false;
        }
    } while (msg->msg != CURLMSG_DONE);

    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
    h = (igj_webhook_t *) (void *) private;
    igj_webhook_end(h, msg->data.result, result);

    return true;
}


bool
igj_webhooks_return(igj_webhooks_t *w, igj_webhook_result_t *result)
{
    igj_webhook_t  *h;

    if (w->busy == 0) {
        return false;
    }

    h = w->slots[w->busy - 1];
    igj_webhook_end(h, CURLE_ABORTED_BY_CALLBACK, result);

    if (result->outcome != IGJ_WEBHOOK_DELIVERED) {
        result->outcome = IGJ_WEBHOOK_RETURNED;
    }

    return true;
}


static void
igj_webhook_end(igj_webhook_t *h, CURLcode code, igj_webhook_result_t *result)
{
    memset(result, 0, sizeof(igj_webhook_result_t));
    result->data = h->data;
    result->ms = igj_clock_ms() - h->began;

    igj_webhook_judge(h, code, result);
    igj_webhook_keep_answer(h, result);
    igj_webhook_free(h);
}


/* Once the head of the answer is there its status counts, whatever comes. */

static void
igj_webhook_judge(igj_webhook_t *h, CURLcode code,
    igj_webhook_result_t *result)
{
    curl_off_t  after;

    result->outcome = IGJ_WEBHOOK_FAILED;

    if (h->answered) {
        after = 0;
        curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &result->status);
        curl_easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &after);
        result->wait_ms = (int64_t) after * 1000;
        igj_webhook_judge_status(result);

    } else if (h->refused && !h->opened) {
        result->outcome = IGJ_WEBHOOK_REFUSED;
        igj_webhook_error(result, "the address is not one of the open "
                          "Internet");

    } else if (h->header_bytes > IGJ_WEBHOOK_HEADERS_MAX) {
        igj_webhook_error(result, "the head of the answer is too large");

    } else {
        igj_webhook_error(result, h->error[0] ? h->error
                                              : curl_easy_strerror(code));
    }
}


static void
igj_webhook_judge_status(igj_webhook_result_t *result)
{
    if (result->status / 100 == 2) {
        result->outcome = IGJ_WEBHOOK_DELIVERED;
        return;
    }

    if (result->status == 410) {
        result->outcome = IGJ_WEBHOOK_GONE;
    }

    if (result->status / 100 == 3) {
        igj_webhook_error(result, "redirects are not followed");

    } else {
        snprintf(result->error, sizeof(result->error), "HTTP status %ld",
                 result->status);
    }
}


static void
igj_webhook_error(igj_webhook_result_t *result, const char *text)
{
    size_t  len;

    len = strlen(text);
    len = len < sizeof(result->error) ? len : sizeof(result->error) - 1;
    memcpy(result->error, text, igj_utf8_valid(text, len));
}


/* The database takes no NUL. */

static void
igj_webhook_keep_answer(const igj_webhook_t *h, igj_webhook_result_t *result)
{
    size_t  i, len;

    len = igj_utf8_repair(result->answer, sizeof(result->answer) - 1,
                          h->answer, h->answer_len);

    for (i = 0; i < len; i++) {
        if (result->answer[i] == '\0') {
            result->answer[i] = ' ';
        }
    }

    result->answer[len] = '\0';
}
