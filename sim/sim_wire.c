/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Puts answers on the wire, with the faults of a rule: layers around the body
 * (cut, gzip), the framing, and, as the bytes are pulled, hang, drip, reset
 * and truncation.  Runs in the request's thread, which may sleep.
 *
 * A reset is connect() to no address, which makes Linux drop the connection
 * with RST at once; closing with SO_LINGER 0 would come too late, since the
 * library shuts the socket down (FIN) first.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "sim_conf.h"
#include "sim_http.h"

#define SIM_BLOCK         (64 * 1024)
#define SIM_GZIP_MIN      1024       /* shorter bodies are sent as they are */
#define SIM_DRIP_MS       100        /* time between two drops */


static int
sim_wire_socket(const struct sim_request *r)
{
    const union MHD_ConnectionInfo  *info;

    info = MHD_get_connection_info(r->connection,
                                   MHD_CONNECTION_INFO_CONNECTION_FD);

    return info->connect_fd;
}


static void
sim_wire_reset(const struct sim_request *r)
{
    struct sockaddr  nobody = { 0 };

    nobody.sa_family = AF_UNSPEC;
    (void) connect(sim_wire_socket(r), &nobody, sizeof(nobody));
}


/* Sends bytes that need not be HTTP; the socket does not block. */

static void
sim_wire_raw(struct sim_request *r, const char *text)
{
    size_t   n;
    ssize_t  sent;

    n = strlen(text);

    while (n > 0 && !sim_stopped()) {
        sent = send(sim_wire_socket(r), text, n, MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            return;
        }

        if (sent < 0) {
            sim_sleep(1);
            continue;
        }

        text += sent;
        n -= (size_t) sent;
        r->sent += (uint64_t) sent;
    }
}


/*
 * How many bytes may be sent until something happens; 0: the transfer ends
 * here.
 */

static size_t
sim_wire_allowed(struct sim_request *r, const struct sim_action *a, size_t max)
{
    uint64_t  left;

    if (a->hang.on && a->hang.at >= 0 && !r->hung) {
        if (r->sent >= (uint64_t) a->hang.at) {
            r->hung = 1;
            sim_sleep(a->hang.ms);

        } else {
            left = (uint64_t) a->hang.at - r->sent;
            max = left < max ? (size_t) left : max;
        }
    }

    if (a->rst.on && a->rst.at > 0) {
        left = (uint64_t) a->rst.at > r->sent
               ? (uint64_t) a->rst.at - r->sent : 0;

        if (left == 0) {
            sim_wire_reset(r);
        }

        max = left < max ? (size_t) left : max;
    }

    if (a->truncate_at.on && !a->truncate_at.clean && !a->truncate_at.body) {
        left = (uint64_t) a->truncate_at.bytes > r->sent
               ? (uint64_t) a->truncate_at.bytes - r->sent : 0;
        max = left < max ? (size_t) left : max;
    }

    return max;
}


static size_t
sim_wire_drip(const struct sim_action *a, size_t max)
{
    size_t  drop;

    if (a->drip == 0) {
        return max;
    }

    drop = (size_t) a->drip * SIM_DRIP_MS / 1000;
    drop = drop > 0 ? drop : 1;

    sim_sleep((int64_t) drop * 1000 / a->drip);

    return drop < max ? drop : max;
}


/* Called for the next piece of the body. */

static ssize_t
sim_wire_read(void *cls, uint64_t position, char *buf, size_t max)
{
    size_t                n;
    struct sim_request   *r = cls;
    const struct sim_action  *a;

    (void) position;

    if (r->rule != NULL) {
        a = &r->rule->action;
        max = sim_wire_allowed(r, a, max);

        if (max == 0 || sim_stopped()) {
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }

        max = sim_wire_drip(a, max);
    }

    n = r->stream->read(r->stream, buf, max);

    if (n == 0) {
        r->finished = 1;
        return MHD_CONTENT_READER_END_OF_STREAM;
    }

    r->sent += n;
    r->finished = r->length >= 0 && r->sent == (uint64_t) r->length;

    return (ssize_t) n;
}


static void
sim_wire_cut(struct sim_request *r, int64_t n)
{
    r->stream = sim_stream_cut(r->stream, (uint64_t) n);

    if (r->length > n) {
        r->length = n;
    }
}


/* Puts gzip around the body if client or fault want it. */

static void
sim_wire_compress(struct sim_request *r, struct sim_answer *answer,
    const struct sim_action *a)
{
    int  wanted;

    wanted = (r->entry.gzip && !sim_conf.no_gzip
              && (r->length < 0 || r->length >= SIM_GZIP_MIN))
             || (a != NULL && (a->gzip || a->bad_gzip != SIM_GZIP_RIGHT));

    if (!wanted) {
        return;
    }

    sim_answer_header(answer, "Content-Encoding", "gzip");

    if (a != NULL && a->bad_gzip == SIM_GZIP_PLAIN) {
        return;
    }

    r->stream = sim_stream_gzip(r->stream, a != NULL
                                           && a->bad_gzip == SIM_GZIP_CRC);
    r->length = -1;
}


/* The length of a compressed body, measured by compressing it. */

static int64_t
sim_wire_measure(struct sim_stream *stream, struct sim_text *text)
{
    size_t  n;

    do {
        sim_text_room(text, SIM_BLOCK);
        n = stream->read(stream, text->data + text->len, SIM_BLOCK);
        text->len += n;
    } while (n > 0);

    stream->close(stream);

    return (int64_t) text->len;
}


/* Ends the compressed body in its middle, so that all framing is right. */

static void
sim_wire_cut_gzip(struct sim_request *r)
{
    struct sim_text  text = { 0 };

    r->length = sim_wire_measure(r->stream, &text);
    r->stream = sim_stream_text(&text);
    sim_wire_cut(r, r->length / 2);
}


static void
sim_wire_layers(struct sim_request *r, struct sim_answer *answer,
    const struct sim_action *a)
{
    if (a != NULL && a->truncate_at.on && a->truncate_at.body) {
        sim_wire_cut(r, a->truncate_at.bytes);
    }

    sim_wire_compress(r, answer, a);

    if (a != NULL && a->bad_gzip == SIM_GZIP_CUT) {
        sim_wire_cut_gzip(r);
    }

    if (a != NULL && a->truncate_at.on && a->truncate_at.clean
        && !a->truncate_at.body)
    {
        sim_wire_cut(r, a->truncate_at.bytes);
    }
}


static enum MHD_Result
sim_wire_queue(struct sim_request *r, struct sim_answer *answer,
    const struct sim_action *a)
{
    int                   i;
    enum MHD_Result       rc;
    struct MHD_Response  *response;

    response = MHD_create_response_from_callback(
                   r->length < 0 || (a != NULL && a->no_length)
                   ? MHD_SIZE_UNKNOWN : (uint64_t) r->length,
                   SIM_BLOCK, sim_wire_read, r, NULL);

    if (response == NULL) {
        return MHD_NO;
    }

    if (a != NULL && a->no_length) {
        (void) MHD_set_response_options(response,
                                        MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
                                        MHD_RO_END);
    }

    (void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                   answer->type);

    for (i = 0; i < answer->headers; i++) {
        (void) MHD_add_response_header(response, answer->header[i].name,
                                       answer->header[i].value);
    }

    rc = MHD_queue_response(r->connection, (unsigned) answer->code, response);
    MHD_destroy_response(response);

    return rc;
}


enum MHD_Result
sim_wire_send(struct sim_request *r, struct sim_answer *answer)
{
    enum MHD_Result           rc;
    const struct sim_action  *a;

    a = r->rule != NULL ? &r->rule->action : NULL;

    if (a != NULL && a->hang.on && a->hang.at < 0) {
        sim_sleep(a->hang.ms);
    }

    if (a != NULL && a->raw != NULL) {
        sim_wire_raw(r, a->raw);
    }

    if (a != NULL && a->rst.on && a->rst.at == 0) {
        sim_wire_reset(r);
    }

    if (answer->code == 0
        || (a != NULL && (a->raw != NULL || a->drop_before || a->drop_after
                          || (a->rst.on && a->rst.at == 0))))
    {
        return MHD_NO;
    }

    r->length = -1;

    if (answer->stream == NULL) {
        r->length = (int64_t) answer->text.len;
        answer->stream = sim_stream_text(&answer->text);
    }

    r->stream = answer->stream;
    answer->stream = NULL;
    r->finished = r->length == 0;

    sim_wire_layers(r, answer, a);
    rc = sim_wire_queue(r, answer, a);

    return rc;
}
