/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One connection to Redis over our own socket (TCP, Unix, or TLS by OpenSSL,
 * which Debian 12's hiredis lacks); hiredis formats commands and parses
 * replies.  An igj_redis_t belongs to one thread.  Calls block up to their
 * time-out; whatever fails closes the connection, and igj_redis_ready() opens
 * it again after a jittered wait.  Commands may be pipelined: send several,
 * then read as many replies.
 */

#ifndef IGJ_REDIS_H
#define IGJ_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "igj_base.h"
#include "igj_redis_url.h"
#include "igj_scripts.h"


#define IGJ_REDIS_ARGS_MAX       24
#define IGJ_REDIS_CONNECT_MS     3000     /* connect, TLS and login, each */
#define IGJ_REDIS_REPLY_MS       5000     /* usual bound of a reply */
#define IGJ_REDIS_RETRY_MS       200      /* first wait before reconnecting */
#define IGJ_REDIS_RETRY_MAX_MS   5000
#define IGJ_REDIS_NUMBERS_MAX    256


/* The words of a command.  Texts are borrowed; numbers are kept inside. */
typedef struct {
    const char  *argv[IGJ_REDIS_ARGS_MAX];
    size_t       argvlen[IGJ_REDIS_ARGS_MAX];
    int          argc;
    char         numbers[IGJ_REDIS_NUMBERS_MAX];
    size_t       used;
} igj_redis_args_t;


typedef struct igj_redis_s  igj_redis_t;


/* url and purpose (for logs) are borrowed.  Connects to nothing yet. */
igj_redis_t *igj_redis_create(const igj_redis_url_t *url, const char *purpose)
    IGJ_MUST_CHECK;
void igj_redis_destroy(igj_redis_t *r);

/* Connected, or connected again now; IGJ_ERROR: not at present. */
IGJ_MUST_CHECK int igj_redis_ready(igj_redis_t *r);

/* How often a connection was opened: scripts and so on may be gone. */
uint64_t igj_redis_generation(const igj_redis_t *r);

/* Appends a command to what will be sent.  IGJ_ERROR: connection closed. */
IGJ_MUST_CHECK int igj_redis_send(igj_redis_t *r,
    const igj_redis_args_t *args);

/* The same for a command that is formatted already. */
IGJ_MUST_CHECK int igj_redis_send_text(igj_redis_t *r, const char *text,
    size_t len);

/* Sends what waits, reads the next reply (freeReplyObject() it).  NULL: the
 * connection broke and is closed.  An error reply is a reply. */
redisReply *igj_redis_reply(igj_redis_t *r, int64_t timeout_ms);

/* One command and its reply. */
redisReply *igj_redis_command(igj_redis_t *r, const igj_redis_args_t *args);

/* Runs a script by its SHA-1, loading it if Redis does not know it.  args
 * begin with igj_redis_script_begin(). */
redisReply *igj_redis_script(igj_redis_t *r, igj_script_id_t id,
    const igj_redis_args_t *args);

/* "This script is not here": send it again with EVAL. */
bool igj_redis_is_noscript(const redisReply *reply);


void igj_redis_begin(igj_redis_args_t *args, const char *command);
void igj_redis_script_begin(igj_redis_args_t *args, igj_script_id_t id);
void igj_redis_script_eval(igj_redis_args_t *args, igj_script_id_t id);
void igj_redis_text(igj_redis_args_t *args, const char *text);
void igj_redis_bytes(igj_redis_args_t *args, const char *data, size_t len);
void igj_redis_number(igj_redis_args_t *args, int64_t value);


#endif /* IGJ_REDIS_H */
