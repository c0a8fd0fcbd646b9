/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The HTTP daemon: collects requests, hands them to sim_serve(). */

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cjson/cJSON.h>

#include "sim_conf.h"
#include "sim_http.h"

#define SIM_CONNECTION_MEMORY  (48 * 1024)    /* zeroed for each request */
#define SIM_THREAD_STACK       (512 * 1024)


static struct MHD_Daemon  *sim_daemon;


const char *
sim_query(const struct sim_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND,
                                       name);
}


const char *
sim_header(const struct sim_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}


int64_t
sim_query_number(const struct sim_request *r, const char *name, int64_t other)
{
    char        *end;
    long long    n;
    const char  *value;

    value = sim_query(r, name);

    if (value == NULL || *value == '\0') {
        return other;
    }

    n = strtoll(value, &end, 10);

    return end == value || n < 0 ? other : (int64_t) n;
}


int
sim_query_flag(const struct sim_request *r, const char *name)
{
    const char  *value;

    value = sim_query(r, name);

    return value != NULL
           && (strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0);
}


void
sim_request_split(struct sim_request *r)
{
    char  *p, *save;

    (void) snprintf(r->segments, sizeof(r->segments), "%s", r->path);
    r->n = 0;

    for (p = strtok_r(r->segments, "/", &save); p != NULL;
         p = strtok_r(NULL, "/", &save))
    {
        if (r->n == SIM_SEGMENTS_MAX) {
            r->n = 0;
            return;
        }

        r->segment[r->n++] = p;
    }
}


int
sim_request_matches(const struct sim_request *r, const char *pattern)
{
    int     i, rest;
    size_t  n;

    for (i = 1; i < r->n; i++) {
        n = strcspn(pattern, "/");
        rest = n > 0 && pattern[n - 1] == '*';

        if (n == 0 || strncmp(pattern, r->segment[i], n - (size_t) rest) != 0
            || (!rest && strlen(r->segment[i]) != n))
        {
            return 0;
        }

        pattern += n + (pattern[n] == '/');
    }

    return *pattern == '\0';
}


void
sim_answer_header(struct sim_answer *answer, const char *name,
    const char *format, ...)
{
    int               i;
    va_list           args;
    char              value[1024];

    va_start(args, format);
    (void) vsnprintf(value, sizeof(value), format, args);
    va_end(args);

    for (i = 0; i < answer->headers; i++) {
        if (strcasecmp(answer->header[i].name, name) == 0) {
            free(answer->header[i].value);
            answer->header[i].value = sim_strdup(value);
            return;
        }
    }

    if (i < SIM_HEADERS_MAX) {
        answer->header[i].name = sim_strdup(name);
        answer->header[i].value = sim_strdup(value);
        answer->headers++;
    }
}


void
sim_answer_clear(struct sim_answer *answer)
{
    while (answer->headers > 0) {
        answer->headers--;
        free(answer->header[answer->headers].name);
        free(answer->header[answer->headers].value);
    }

    sim_text_free(&answer->text);

    if (answer->stream != NULL) {
        answer->stream->close(answer->stream);
    }

    memset(answer, 0, sizeof(struct sim_answer));
}


void
sim_request_token(struct sim_request *r, const char *token,
    const char *wanted, int in_url)
{
    r->entry.token_in_url = in_url;

    r->entry.token = token == NULL || *token == '\0' ? "none"
                     : wanted == NULL || strcmp(token, wanted) == 0 ? "valid"
                     : "invalid";
}


void
sim_request_note(struct sim_request *r, int status)
{
    r->entry.status = status;

    if (r->seq > 0) {
        return;
    }

    if (r->entry.run != NULL) {
        r->entry.run->refs++;              /* the journal's own reference */
    }

    r->seq = sim_journal_add(&r->entry);
}


void
sim_request_end(struct sim_request *r, int complete)
{
    if (r->stream != NULL) {
        r->stream->close(r->stream);       /* may still count items */
    }

    if (r->seq > 0) {
        r->entry.complete = complete && r->finished;
        r->entry.bytes_out = r->sent;
        sim_journal_end(r->seq, &r->entry);
    }

    sim_rule_release(r->rule);
    sim_run_release(r->entry.run);
    cJSON_Delete(r->json);
    sim_plan_free(&r->plan);
    sim_text_free(&r->body);
    free(r);
}


static struct sim_request *
sim_request_begin(struct MHD_Connection *connection, const char *path,
    const char *method)
{
    const char          *length;
    struct sim_request  *r;

    r = sim_alloc(sizeof(struct sim_request));

    r->connection = connection;
    r->method = method;
    r->entry.unix_ms = sim_clock_unix();
    r->entry.offset = -1;
    r->entry.op = "other";
    (void) snprintf(r->path, sizeof(r->path), "%s", path);

    length = sim_header(r, "Content-Length");
    r->too_large = length != NULL && strtoull(length, NULL, 10) > SIM_BODY_MAX;

    return r;
}


/* Called when the head is there, for pieces of the body, and at its end. */

static enum MHD_Result
sim_http_access(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *n,
    void **context)
{
    struct sim_request  *r = *context;

    (void) cls;
    (void) version;

    if (r == NULL) {
        r = sim_request_begin(connection, url, method);
        *context = r;

        return r->too_large ? sim_serve(r) : MHD_YES;
    }

    if (*n == 0) {
        return sim_serve(r);
    }

    r->entry.bytes_in += *n;

    if (r->entry.bytes_in > SIM_BODY_MAX) {
        r->too_large = 1;

    } else {
        sim_text_add(&r->body, upload, *n);
    }

    *n = 0;

    return MHD_YES;
}


static void
sim_http_completed(void *cls, struct MHD_Connection *connection,
    void **context, enum MHD_RequestTerminationCode toe)
{
    (void) cls;
    (void) connection;

    if (*context != NULL) {
        sim_request_end(*context, toe == MHD_REQUEST_TERMINATED_COMPLETED_OK);
        *context = NULL;
    }
}


/* As many descriptors as the system lets us have. */

static void
sim_http_descriptors(void)
{
    struct rlimit  limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }
}


/* The library reports aborted transfers, which are this program's trade. */

static void
sim_http_quiet(void *cls, const char *format, va_list args)
{
    (void) cls;
    (void) format;
    (void) args;
}


int
sim_http_start(void)
{
    struct sockaddr_in             address = { 0 };
    const union MHD_DaemonInfo    *info;

    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t) sim_conf.port);

    if (inet_pton(AF_INET, sim_conf.listen, &address.sin_addr) != 1) {
        (void) fprintf(stderr, "igjobs-sim: --listen takes an IPv4 address, "
                       "not \"%s\"\n", sim_conf.listen);
        exit(2);
    }

    sim_http_descriptors();

    sim_daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION
                                  | MHD_USE_POLL_INTERNAL_THREAD
                                  | MHD_USE_ITC | MHD_USE_ERROR_LOG,
                     (uint16_t) sim_conf.port, NULL, NULL,
                     sim_http_access, NULL,
                     MHD_OPTION_EXTERNAL_LOGGER, sim_http_quiet, NULL,
                     MHD_OPTION_SOCK_ADDR, (struct sockaddr *) &address,
                     MHD_OPTION_NOTIFY_COMPLETED, sim_http_completed, NULL,
                     MHD_OPTION_CONNECTION_LIMIT,
                     (unsigned) sim_conf.connections,
                     MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                     (size_t) SIM_CONNECTION_MEMORY,
                     MHD_OPTION_THREAD_STACK_SIZE, (size_t) SIM_THREAD_STACK,
                     MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned) 1024,
                     MHD_OPTION_END);

    if (sim_daemon == NULL) {
        (void) fprintf(stderr, "igjobs-sim: cannot listen on %s:%lld: %s\n",
                       sim_conf.listen, (long long) sim_conf.port,
                       strerror(errno));
        exit(1);
    }

    info = MHD_get_daemon_info(sim_daemon, MHD_DAEMON_INFO_BIND_PORT);

    return info != NULL ? (int) info->port : (int) sim_conf.port;
}


void
sim_http_stop(void)
{
    MHD_stop_daemon(sim_daemon);
}
