/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The connection: login on connect, commands out, replies in.  A connection is
 * used only while its state is known: any failure, a late reply among them,
 * closes it.
 */

#include <assert.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_clock.h"
#include "igj_log.h"
#include "igj_redis.h"
#include "igj_redis_io.h"


#define IGJ_REDIS_READ_SIZE  16384
#define IGJ_REDIS_SHA_LEN    40


struct igj_redis_s {
    const igj_redis_url_t  *url;
    const char             *purpose;
    igj_redis_io_t          io;
    redisReader            *reader;       /* NULL: not connected */
    char                   *out;          /* commands that wait */
    size_t                  out_len;
    size_t                  out_size;
    uint64_t                generation;
    int                     failures;     /* connects that failed in a row */
    int64_t                 retry_at;
};


static int igj_redis_connect(igj_redis_t *r);
static int igj_redis_login(igj_redis_t *r);
static int igj_redis_expect_ok(igj_redis_t *r, const igj_redis_args_t *args);
static void igj_redis_failed(igj_redis_t *r, const char *action,
    const char *error);
static int igj_redis_flush(igj_redis_t *r, int64_t deadline);
static void igj_redis_closed(igj_redis_t *r);
static const char *igj_redis_sha(igj_script_id_t id);
static void igj_redis_shas(void);


static char  igj_redis_sha_text[IGJ_SCRIPT_COUNT][IGJ_REDIS_SHA_LEN + 1];


igj_redis_t *
igj_redis_create(const igj_redis_url_t *url, const char *purpose)
{
    igj_redis_t  *r;

    r = calloc(1, sizeof(igj_redis_t));

    if (r != NULL) {
        r->url = url;
        r->purpose = purpose;
        igj_redis_io_init(&r->io);
    }

    return r;
}


void
igj_redis_destroy(igj_redis_t *r)
{
    if (r != NULL) {
        igj_redis_closed(r);
        free(r->out);
        free(r);
    }
}


uint64_t
igj_redis_generation(const igj_redis_t *r)
{
    return r->generation;
}


int
igj_redis_ready(igj_redis_t *r)
{
    if (r->reader != NULL) {
        return IGJ_OK;
    }

    if (igj_clock_ms() < r->retry_at) {
        return IGJ_ERROR;
    }

    return igj_redis_connect(r);
}


static int
igj_redis_connect(igj_redis_t *r)
{
    if (igj_redis_io_open(&r->io, r->url,
                          igj_clock_ms() + IGJ_REDIS_CONNECT_MS)
        != IGJ_OK)
    {
        igj_redis_failed(r, "connect", r->io.error);
        return IGJ_ERROR;
    }

    r->reader = redisReaderCreate();

    if (r->reader == NULL) {
        igj_redis_failed(r, "connect", "out of memory");
        return IGJ_ERROR;
    }

    if (igj_redis_login(r) != IGJ_OK) {
        return IGJ_ERROR;
    }

    if (r->failures > 0 || r->generation == 0) {
        igj_log(IGJ_LOG_INFO, "redis connected", igj_s("for", r->purpose),
                igj_i("after_failures", r->failures));
    }

    r->failures = 0;
    r->generation++;

    return IGJ_OK;
}


static int
igj_redis_login(igj_redis_t *r)
{
    igj_redis_args_t  args;

    if (r->url->password[0] != '\0') {
        igj_redis_begin(&args, "AUTH");
        if (r->url->user[0] != '\0') {
            igj_redis_text(&args, r->url->user);
        }
        igj_redis_text(&args, r->url->password);

        if (igj_redis_expect_ok(r, &args) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    if (r->url->db != 0) {
        igj_redis_begin(&args, "SELECT");
        igj_redis_number(&args, r->url->db);

        if (igj_redis_expect_ok(r, &args) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    /* a server that wants a password says so here, not in a script */

    igj_redis_begin(&args, "PING");

    return igj_redis_expect_ok(r, &args);
}


static int
igj_redis_expect_ok(igj_redis_t *r, const igj_redis_args_t *args)
{
    redisReply  *reply;

    reply = igj_redis_command(r, args);

    if (reply == NULL) {
        return IGJ_ERROR;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        igj_redis_failed(r, args->argv[0], reply->str);
        freeReplyObject(reply);
        return IGJ_ERROR;
    }

    freeReplyObject(reply);

    return IGJ_OK;
}


/* The first failure after success is worth a line, the others are not. */

static void
igj_redis_failed(igj_redis_t *r, const char *action, const char *error)
{
    igj_log(r->failures == 0 ? IGJ_LOG_WARN : IGJ_LOG_DEBUG,
            "redis failed, again later", igj_s("for", r->purpose),
            igj_s("action", action), igj_s("error", error));

    r->retry_at = igj_clock_ms() + igj_clock_backoff(IGJ_REDIS_RETRY_MS,
                                                     r->failures,
                                                     IGJ_REDIS_RETRY_MAX_MS);
    r->failures++;
    igj_redis_closed(r);
}


static void
igj_redis_closed(igj_redis_t *r)
{
    if (r->reader != NULL) {
        redisReaderFree(r->reader);
        r->reader = NULL;
    }

    r->out_len = 0;
    igj_redis_io_close(&r->io);
}


int
igj_redis_send(igj_redis_t *r, const igj_redis_args_t *args)
{
    int    n, rc;
    char  *text;

    if (r->reader == NULL) {
        return IGJ_ERROR;
    }

    n = redisFormatCommandArgv(&text, args->argc, (const char **) args->argv,
                               args->argvlen);
    if (n < 0) {
        igj_redis_failed(r, args->argv[0], "out of memory");
        return IGJ_ERROR;
    }

    rc = igj_redis_send_text(r, text, (size_t) n);
    free(text);

    return rc;
}


int
igj_redis_send_text(igj_redis_t *r, const char *text, size_t len)
{
    char    *out;
    size_t   size;

    if (r->reader == NULL) {
        return IGJ_ERROR;
    }

    if (r->out_size - r->out_len < len) {
        size = (r->out_len + len) * 2;
        out = realloc(r->out, size);

        if (out == NULL) {
            igj_redis_failed(r, "send", "out of memory");
            return IGJ_ERROR;
        }

        r->out = out;
        r->out_size = size;
    }

    memcpy(r->out + r->out_len, text, len);
    r->out_len += len;

    return IGJ_OK;
}


static int
igj_redis_flush(igj_redis_t *r, int64_t deadline)
{
    if (r->out_len == 0) {
        return IGJ_OK;
    }

    if (igj_redis_io_write(&r->io, r->out, r->out_len, deadline) != IGJ_OK) {
        return IGJ_ERROR;
    }

    r->out_len = 0;

    return IGJ_OK;
}


redisReply *
igj_redis_reply(igj_redis_t *r, int64_t timeout_ms)
{
    char      data[IGJ_REDIS_READ_SIZE];
    void     *reply;
    int64_t   deadline;
    ssize_t   n;

    if (r->reader == NULL) {
        return NULL;
    }

    deadline = igj_clock_ms() + timeout_ms;

    if (igj_redis_flush(r, deadline) != IGJ_OK) {
        igj_redis_failed(r, "send", r->io.error);
        return NULL;
    }

    for ( ;; ) {
        reply = NULL;

        if (redisReaderGetReply(r->reader, &reply) != REDIS_OK) {
            igj_redis_failed(r, "parse", r->reader->errstr);
            return NULL;
        }

        if (reply != NULL) {
            return reply;
        }

        n = igj_redis_io_read(&r->io, data, sizeof(data), deadline);

        if (n < 0 || redisReaderFeed(r->reader, data, (size_t) n) != REDIS_OK)
        {
            igj_redis_failed(r, "receive", r->io.error);
            return NULL;
        }
    }
}


redisReply *
igj_redis_command(igj_redis_t *r, const igj_redis_args_t *args)
{
    if (igj_redis_send(r, args) != IGJ_OK) {
        return NULL;
    }

    return igj_redis_reply(r, IGJ_REDIS_REPLY_MS);
}


redisReply *
igj_redis_script(igj_redis_t *r, igj_script_id_t id,
    const igj_redis_args_t *args)
{
    redisReply        *reply;
    igj_redis_args_t   eval;

    reply = igj_redis_command(r, args);

    if (reply == NULL || !igj_redis_is_noscript(reply)) {
        return reply;
    }

    freeReplyObject(reply);
    eval = *args;
    igj_redis_script_eval(&eval, id);

    return igj_redis_command(r, &eval);
}


bool
igj_redis_is_noscript(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR
           && strncmp(reply->str, "NOSCRIPT", 8) == 0;
}


void
igj_redis_begin(igj_redis_args_t *args, const char *command)
{
    args->argc = 0;
    args->used = 0;
    igj_redis_text(args, command);
}


void
igj_redis_script_begin(igj_redis_args_t *args, igj_script_id_t id)
{
    igj_redis_begin(args, "EVALSHA");
    igj_redis_bytes(args, igj_redis_sha(id), IGJ_REDIS_SHA_LEN);
    igj_redis_number(args, igj_script(id)->keys);
}


/* Turns EVALSHA into EVAL; what follows stays. */

void
igj_redis_script_eval(igj_redis_args_t *args, igj_script_id_t id)
{
    args->argv[0] = "EVAL";
    args->argvlen[0] = 4;
    args->argv[1] = igj_script(id)->text;
    args->argvlen[1] = igj_script(id)->length;
}


void
igj_redis_text(igj_redis_args_t *args, const char *text)
{
    igj_redis_bytes(args, text, strlen(text));
}


void
igj_redis_bytes(igj_redis_args_t *args, const char *data, size_t len)
{
    assert(args->argc < IGJ_REDIS_ARGS_MAX);

    args->argv[args->argc] = data;
    args->argvlen[args->argc] = len;
    args->argc++;
}


void
igj_redis_number(igj_redis_args_t *args, int64_t value)
{
    int    n;
    char  *at;

    at = args->numbers + args->used;
    n = snprintf(at, IGJ_REDIS_NUMBERS_MAX - args->used, "%lld",
                 (long long) value);

    assert(n > 0 && (size_t) n < IGJ_REDIS_NUMBERS_MAX - args->used);

    igj_redis_bytes(args, at, (size_t) n);
    args->used += (size_t) n + 1;
}


/* Computed once: a batch runs half a dozen scripts. */

static const char *
igj_redis_sha(igj_script_id_t id)
{
    static pthread_once_t  once = PTHREAD_ONCE_INIT;

    (void) pthread_once(&once, igj_redis_shas);

    return igj_redis_sha_text[id];
}


static void
igj_redis_shas(void)
{
    int            id, i;
    unsigned char  digest[SHA_DIGEST_LENGTH];

    for (id = 0; id < IGJ_SCRIPT_COUNT; id++) {
        SHA1((const unsigned char *) igj_script(id)->text,
             igj_script(id)->length, digest);

        for (i = 0; i < SHA_DIGEST_LENGTH; i++) {
            snprintf(igj_redis_sha_text[id] + 2 * i, 3, "%02x", digest[i]);
        }
    }
}
