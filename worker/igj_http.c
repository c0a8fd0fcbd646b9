/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One outgoing HTTP call over libcurl: options, driving, result.  Repeating
 * is igj_http_retry.c.
 *
 * The easy handle is driven in a multi handle of its own, because
 * curl_easy_perform() looks up only once a second while the peer is silent,
 * and a lane must see its stop flag within a tick.  HTTP/1.1 on purpose: one
 * call at a time gains nothing from HTTP/2, and every fault of 1.1 has a known
 * result.  The process ignores SIGPIPE (main), since NOSIGNAL leaves it alone.
 */

#include "igj_clock.h"
#include "igj_http.h"
#include "igj_http_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>


#define IGJ_HTTP_BODY_START  4096
#define IGJ_HTTP_BODY_KEEP   65536       /* larger buffers are given back */
#define IGJ_HTTP_ERROR_BODY  16384       /* kept of an answer that is no 2xx */


static int64_t
igj_http_real_now(void *data)
{
    (void) data;

    return igj_clock_ms();
}


static void
igj_http_real_sleep(void *data, int64_t ms)
{
    struct timespec  ts;

    (void) data;

    ts.tv_sec = ms / 1000;
    ts.tv_nsec = (ms % 1000) * 1000000;

    nanosleep(&ts, NULL);
}


static uint32_t
igj_http_real_random(void *data)
{
    (void) data;

    return arc4random();
}


static const igj_http_sys_t  igj_http_real_sys = {
    igj_http_real_now, igj_http_real_sleep, igj_http_real_random, NULL
};


igj_http_t *
igj_http_create(const igj_http_sys_t *sys)
{
    igj_http_t  *h;

    h = calloc(1, sizeof(igj_http_t));
    if (h == NULL) {
        return NULL;
    }

    h->sys = (sys == NULL) ? igj_http_real_sys : *sys;
    h->easy = curl_easy_init();
    h->multi = curl_multi_init();

    if (h->easy == NULL || h->multi == NULL) {
        igj_http_destroy(h);
        return NULL;
    }

    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 4L);

    return h;
}


void
igj_http_destroy(igj_http_t *h)
{
    if (h == NULL) {
        return;
    }

    if (h->easy != NULL) {
        curl_easy_cleanup(h->easy);
    }

    if (h->multi != NULL) {
        curl_multi_cleanup(h->multi);
    }

    free(h->body);
    free(h);
}


/* Room for len more bytes and a NUL. */
static int
igj_http_body_reserve(igj_http_t *h, size_t len)
{
    char    *body;
    size_t   size;

    size = h->body_size ? h->body_size : IGJ_HTTP_BODY_START;

    while (size < h->body_len + len + 1) {
        size *= 2;
    }

    if (size == h->body_size) {
        return 0;
    }

    body = realloc(h->body, size);
    if (body == NULL) {
        return -1;
    }

    h->body = body;
    h->body_size = size;

    return 0;
}


static void
igj_http_body_forget(igj_http_t *h)
{
    if (h->body_size > IGJ_HTTP_BODY_KEEP) {
        free(h->body);
        h->body = NULL;
        h->body_size = 0;
    }

    h->body_len = 0;
}


static int
igj_http_body_append(igj_http_t *h, const char *bytes, size_t len)
{
    if (igj_http_body_reserve(h, len) != 0) {
        return -1;
    }

    memcpy(h->body + h->body_len, bytes, len);
    h->body_len += len;
    h->body[h->body_len] = '\0';

    return 0;
}


/*
 * Bytes are counted here, after decoding: libcurl's own size limit looks at
 * Content-Length only, which says nothing of a small gzip that becomes large.
 */
static size_t
igj_http_on_body(char *bytes, size_t size, size_t n, void *data)
{
    igj_http_t  *h = data;
    size_t       len, room;
    long         status;

    len = size * n;
    h->received += len;

    if (h->received > h->max_bytes) {
        h->refused = IGJ_HTTP_TOO_BIG;
        return CURL_WRITEFUNC_ERROR;
    }

    status = 0;
    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);

    if (status / 100 == 2 && h->req->sink != NULL) {
        if (h->req->sink(h->req->data, bytes, len) != 0) {
            h->refused = IGJ_HTTP_SINK;
            return CURL_WRITEFUNC_ERROR;
        }

        return len;
    }

    if (status / 100 == 2) {
        room = len;

    } else {
        room = IGJ_HTTP_ERROR_BODY - h->body_len;
        room = len < room ? len : room;
    }

    if (igj_http_body_append(h, bytes, room) != 0) {
        h->refused = IGJ_HTTP_SINK;
        return CURL_WRITEFUNC_ERROR;
    }

    return len;
}


/* libcurl keeps all headers for us; this only bounds them. */
static size_t
igj_http_on_header(char *bytes, size_t size, size_t n, void *data)
{
    igj_http_t  *h = data;

    (void) bytes;

    h->header_bytes += size * n;

    if (h->header_bytes > IGJ_HTTP_HEADERS_MAX) {
        h->refused = IGJ_HTTP_TOO_BIG;
        return CURL_WRITEFUNC_ERROR;
    }

    return size * n;
}


static int
igj_http_header_add(struct curl_slist **list, const char *header)
{
    struct curl_slist  *more;

    more = curl_slist_append(*list, header);
    if (more == NULL) {
        return -1;
    }

    *list = more;

    return 0;
}


static int
igj_http_header_join(struct curl_slist **list, const char *name,
    const char *value)
{
    char  *header;
    int    rc;

    if (asprintf(&header, "%s%s", name, value) < 0) {
        return -1;
    }

    rc = igj_http_header_add(list, header);
    free(header);

    return rc;
}


const char *
igj_http_encodings(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 ? "identity" : "gzip, br";
}


static struct curl_slist *
igj_http_headers(igj_http_t *h, const igj_http_request_t *req)
{
    struct curl_slist  *list;
    const char *const  *p;
    const char         *type;
    int                 rc;

    list = NULL;

    /* without it, uploads over 1 MiB wait a second for "100 Continue" */
    rc = igj_http_header_add(&list, "Expect:");

    if (req->body != NULL) {
        type = req->content_type ? req->content_type : "application/json";
        rc |= igj_http_header_join(&list, "Content-Type: ", type);
    }

    rc |= igj_http_header_join(&list, "Accept-Encoding: ",
                               h->identity ? "identity"
                                           : igj_http_encodings(req->url));

    if (req->bearer != NULL) {
        rc |= igj_http_header_join(&list, "Authorization: Bearer ",
                                   req->bearer);
    }

    for (p = req->headers; p != NULL && *p != NULL; p++) {
        rc |= igj_http_header_add(&list, *p);
    }

    if (rc != 0) {
        curl_slist_free_all(list);
        return NULL;
    }

    return list;
}


static void
igj_http_set_times(CURL *c, const igj_http_request_t *req)
{
    int64_t  total;

    total = req->timeout_ms;
    if (total <= 0) {
        total = (req->kind == IGJ_HTTP_DOWNLOAD) ? IGJ_HTTP_DOWNLOAD_MS
                                                 : IGJ_HTTP_QUICK_MS;
    }

    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long) total);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long) IGJ_HTTP_CONNECT_MS);

    /* it counts silence before the first byte too: never on a long poll */
    if (req->kind == IGJ_HTTP_DOWNLOAD) {
        curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long) IGJ_HTTP_LOW_SPEED);
        curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
                         (long) IGJ_HTTP_LOW_SPEED_S);
    }
}


static void
igj_http_set_policy(igj_http_t *h, CURL *c)
{
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "igjobs-worker");
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 65536L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPINTVL, 15L);

    /* a name server that hangs must not hold a lane past its time-out */
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);

    /* what may come, whatever was asked for; no zstd: it may deliver nothing
     * at all of a cut body */
    if (!h->identity) {
        curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip, br");
    }

    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, igj_http_on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, igj_http_on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
}


/*
 * A request with an effect that was given up, or whose process was killed, must
 * not be delivered afterwards: without this the kernel would go on to send it
 * for a minute or two, when its successor takes it for absent.
 */

static int
igj_http_on_socket(void *data, curl_socket_t fd, curlsocktype purpose)
{
    static const struct linger  none = { 1, 0 };

    (void) data;
    (void) purpose;

    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)) == 0
           ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}


static void
igj_http_set_request(CURL *c, const igj_http_request_t *req,
    struct curl_slist *headers)
{
    curl_easy_setopt(c, CURLOPT_URL, req->url);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);

    if (req->body != NULL) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) req->body_len);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body);
    }

    if (req->method != NULL) {
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, req->method);
    }

    /*
     * libcurl sends a request again, unasked, when a kept connection dies
     * before the first byte of the answer.  A fresh connection is exempt.
     */
    if (req->kind == IGJ_HTTP_EFFECT) {
        curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, igj_http_on_socket);
    }
}


static CURLcode
igj_http_drive(igj_http_t *h, const _Atomic int *stop)
{
    CURLMsg  *msg;
    int       running, left;

    for ( ;; ) {
        if (curl_multi_perform(h->multi, &running) != CURLM_OK) {
            return CURLE_FAILED_INIT;
        }

        if (running == 0) {
            break;
        }

        if (stop != NULL && atomic_load(stop)) {
            h->refused = IGJ_HTTP_STOPPED;
            return CURLE_ABORTED_BY_CALLBACK;
        }

        if (curl_multi_poll(h->multi, NULL, 0, IGJ_HTTP_TICK_MS, NULL)
            != CURLM_OK)
        {
            return CURLE_FAILED_INIT;
        }
    }

    msg = curl_multi_info_read(h->multi, &left);

    return (msg == NULL) ? CURLE_FAILED_INIT : msg->data.result;
}


static igj_http_result_t
igj_http_classify(const igj_http_t *h, CURLcode code)
{
    if (h->refused != IGJ_HTTP_OK) {
        return h->refused;
    }

    switch (code) {

    case CURLE_OK:
        return IGJ_HTTP_OK;

    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return IGJ_HTTP_UNREACHABLE;

    case CURLE_OPERATION_TIMEDOUT:
        return IGJ_HTTP_TIMEOUT;

    case CURLE_SSL_CONNECT_ERROR:
        /* passing trouble if TLS to this side has worked before */
        return h->tls_worked ? IGJ_HTTP_UNREACHABLE : IGJ_HTTP_PERMANENT;

    case CURLE_WRITE_ERROR:
        /* not ours: bytes after the end of a compressed stream */
    case CURLE_BAD_CONTENT_ENCODING:
        return IGJ_HTTP_BAD_ENCODING;

    case CURLE_UNSUPPORTED_PROTOCOL:
        /* a wrong scheme, or an answer that is not HTTP */
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_TOO_MANY_REDIRECTS:
        return IGJ_HTTP_PERMANENT;

    default:
        /*
         * 16, 18, 52, 55, 56, 92 and what else can break on the way; 27,
         * "out of memory", is in practice an oversized header
         */
        return IGJ_HTTP_BROKEN;
    }
}


/* Doubt counts as sent. */
static bool
igj_http_was_sent(igj_http_t *h)
{
    curl_off_t  ready;
    long        bytes;

    ready = 0;
    bytes = 0;

    curl_easy_getinfo(h->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    curl_easy_getinfo(h->easy, CURLINFO_REQUEST_SIZE, &bytes);

    return ready > 0 || bytes > 0;
}


static void
igj_http_describe(igj_http_t *h, CURLcode code, igj_http_response_t *resp)
{
    const char  *text;

    switch (resp->result) {

    case IGJ_HTTP_OK:
        snprintf(resp->message, sizeof(resp->message), "HTTP status %ld",
                 resp->status);
        return;

    case IGJ_HTTP_STOPPED:
        text = "stopped";
        break;

    case IGJ_HTTP_TOO_BIG:
        text = "the answer is larger than allowed";
        break;

    case IGJ_HTTP_SINK:
        text = "out of memory, or the page buffer refused the answer";
        break;

    default:
        text = h->error[0] ? h->error : curl_easy_strerror(code);
        break;
    }

    snprintf(resp->message, sizeof(resp->message), "%s", text);
}


static void
igj_http_finish(igj_http_t *h, CURLcode code, igj_http_response_t *resp)
{
    curl_off_t  after;

    resp->result = igj_http_classify(h, code);
    resp->sent = igj_http_was_sent(h);

    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &resp->status);

    after = 0;
    if (igj_http_header(h, "Retry-After") != NULL) {
        curl_easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &after);
        resp->retry_after_ms = (int64_t) after * 1000;
    }

    if (code == CURLE_OK && strncmp(h->req->url, "https", 5) == 0) {
        h->tls_worked = true;
    }

    resp->body = h->body_len ? h->body : "";
    resp->body_len = h->body_len;

    igj_http_describe(h, code, resp);
}


void
igj_http_response_init(igj_http_response_t *resp)
{
    memset(resp, 0, sizeof(igj_http_response_t));
    resp->body = "";
    resp->retry_after_ms = -1;
}


static void
igj_http_begin(igj_http_t *h, const igj_http_request_t *req,
    igj_http_response_t *resp)
{
    igj_http_response_init(resp);
    resp->tries = 1;

    igj_http_body_forget(h);

    h->req = req;
    h->received = 0;
    h->header_bytes = 0;
    h->refused = IGJ_HTTP_OK;
    h->error[0] = '\0';
    h->max_bytes = req->max_bytes;

    if (h->max_bytes == 0) {
        h->max_bytes = req->sink ? IGJ_HTTP_STREAM_MAX : IGJ_HTTP_BODY_MAX;
    }
}


igj_http_result_t
igj_http_once(igj_http_t *h, const igj_http_request_t *req,
    igj_http_response_t *resp)
{
    struct curl_slist  *headers;
    CURLcode            code;

    igj_http_begin(h, req, resp);

    headers = igj_http_headers(h, req);
    if (headers == NULL) {
        resp->result = IGJ_HTTP_SINK;
        igj_http_describe(h, CURLE_OUT_OF_MEMORY, resp);
        return resp->result;
    }

    curl_easy_reset(h->easy);
    igj_http_set_policy(h, h->easy);
    igj_http_set_times(h->easy, req);
    igj_http_set_request(h->easy, req, headers);

    if (curl_multi_add_handle(h->multi, h->easy) != CURLM_OK) {
        code = CURLE_FAILED_INIT;

    } else {
        code = igj_http_drive(h, req->stop);
        curl_multi_remove_handle(h->multi, h->easy);
    }

    igj_http_finish(h, code, resp);

    /* the handle must not point to what ends with this call */
    curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);

    return resp->result;
}


const char *
igj_http_header(igj_http_t *h, const char *name)
{
    struct curl_header  *header;

    if (curl_easy_header(h->easy, name, 0, CURLH_HEADER, -1, &header)
        != CURLHE_OK)
    {
        return NULL;
    }

    return header->value;
}


int64_t
igj_http_header_int(igj_http_t *h, const char *name)
{
    const char  *value;
    char        *end;
    long long    n;

    value = igj_http_header(h, name);
    if (value == NULL || *value < '0' || *value > '9') {
        return -1;
    }

    n = strtoll(value, &end, 10);

    return (*end == '\0' && n < INT64_MAX) ? (int64_t) n : -1;
}


int64_t
igj_http_now_ms(igj_http_t *h)
{
    return h->sys.now_ms(h->sys.data);
}
