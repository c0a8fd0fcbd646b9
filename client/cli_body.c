/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_body.h"
#include "cli_term.h"
#include "igj_accounts.h"
#include "igj_uuid.h"


#define CLI_BODY_POINTER  "#/accounts/"


static igj_platform_e cli_body_platform(const cli_options_t *options);
static int cli_body_measure(cli_body_t *body, igj_platform_e platform,
    uint64_t *distinct);
static int cli_body_head(cli_body_t *body, const cli_options_t *options,
    uint64_t distinct);
static void cli_body_integer(igj_json_t *json, const char *key,
    int64_t value);
static void cli_body_decimal(igj_json_t *json, const char *key,
    const char *value);
static int cli_body_piece(cli_body_t *body);
static size_t cli_body_name(cli_body_t *body);


int
cli_body_open(cli_body_t *body, const cli_options_t *options)
{
    int       rc;
    uint64_t  distinct;

    memset(body, 0, sizeof(cli_body_t));

    if (cli_names_open(&body->names, options) != IGJ_OK) {
        return IGJ_ERROR;
    }

    distinct = 0;
    rc = cli_body_measure(body, cli_body_platform(options),
                          options->per_account > 0 ? &distinct : NULL);

    if (rc == IGJ_OK && body->count == 0) {
        cli_say(body->names.from == NULL
                ? "which accounts? (igjobs submit --help)"
                : "%s: no accounts in it", body->names.from);
        rc = IGJ_ERROR;
    }

    if (rc == IGJ_OK) {
        rc = cli_body_head(body, options, distinct);
    }

    if (rc == IGJ_OK) {
        rc = cli_body_rewind(body);
    }

    if (rc != IGJ_OK) {
        cli_body_close(body);
    }

    return rc;
}


void
cli_body_close(cli_body_t *body)
{
    cli_names_close(&body->names);
}


static igj_platform_e
cli_body_platform(const cli_options_t *options)
{
    int  i;

    for (i = 0; options->platform != NULL && i < IGJ_PLATFORMS; i++) {
        if (strcmp(options->platform, igj_platform_names[i]) == 0) {
            return (igj_platform_e) i;
        }
    }

    return IGJ_PLATFORM_INSTAGRAM;
}


/*
 * Counts bytes and accounts.  distinct, when wanted, is the number of accounts
 * that the server will find valid and different, over which it divides the
 * number of followers.
 */

static int
cli_body_measure(cli_body_t *body, igj_platform_e platform,
    uint64_t *distinct)
{
    int             rc;
    uint64_t        seed;
    igj_accounts_t  accounts;
    igj_username_t  name;

    if (igj_random_system(NULL, &seed, sizeof(seed)) != IGJ_OK) {
        seed = 0;
    }

    igj_accounts_init(&accounts, &igj_mem_system, seed);

    while ((rc = cli_names_next(&body->names)) == 1) {
        body->len += (int64_t) cli_body_name(body) + (body->count > 0);
        body->count++;

        /* more than there may be is left to the server to refuse */
        if (distinct != NULL
            && igj_username(platform, body->names.name.data,
                            body->names.name.len, &name)
               == IGJ_USERNAME_OK
            && igj_accounts_add(&accounts, &name) != IGJ_OK)
        {
            break;
        }
    }

    if (distinct != NULL) {
        if (igj_accounts_finish(&accounts) == IGJ_OK) {
            *distinct = accounts.count;
        }
    }

    igj_accounts_free(&accounts);

    return rc == IGJ_ERROR ? IGJ_ERROR : IGJ_OK;
}


/* What stands before the accounts. */

static int
cli_body_head(cli_body_t *body, const cli_options_t *options,
    uint64_t distinct)
{
    igj_json_t  json;

    igj_json_init(&json, body->head, CLI_BODY_HEAD_MAX - 1);
    igj_json_object_begin(&json);

    /* before the accounts, of which it says what is one */
    cli_body_text(&json, "platform", options->platform);
    cli_body_text(&json, "targetGender", options->gender);

    if (options->count > 0) {
        igj_json_member_integer(&json, "totalScrapeCount", options->count);

    } else if (distinct > 0) {
        igj_json_member_integer(&json, "totalScrapeCount",
                                options->per_account * (int64_t) distinct);
    }

    if (options->drop_unknown) {
        igj_json_member_boolean(&json, "keep_unknown", 0);
    }

    if (options->skip_invalid) {
        igj_json_member_boolean(&json, "skip_invalid", 1);
    }

    if (options->dry_run) {
        igj_json_member_boolean(&json, "dry_run", 1);
    }

    cli_body_limits(&json, options);

    igj_json_key(&json, "accounts");
    igj_json_raw(&json, "[", 1);

    if (igj_json_overflow(&json)) {
        cli_say("the options are too long");
        return IGJ_ERROR;
    }

    body->len += (int64_t) json.len + 2;   /* and the end, "]}" */

    return IGJ_OK;
}


void
cli_body_limits(igj_json_t *json, const cli_options_t *options)
{
    cli_body_integer(json, "target_count", options->target_count);
    cli_body_integer(json, "max_seconds", options->max_seconds);
    cli_body_integer(json, "max_age", options->max_age);
    cli_body_integer(json, "parallelism", options->parallelism);

    if (options->half_width != NULL) {
        igj_json_key(json, "stop_when");
        igj_json_object_begin(json);
        cli_body_decimal(json, "half_width", options->half_width);
        igj_json_object_end(json);
    }

    cli_body_decimal(json, "max_cost_usd", options->max_cost);
    cli_body_decimal(json, "max_failed_ratio", options->max_failed_ratio);
    cli_body_text(json, "random_seed", options->random_seed);
    cli_body_text(json, "callback_url", options->callback_url);
}


static void
cli_body_integer(igj_json_t *json, const char *key, int64_t value)
{
    if (value > 0) {
        igj_json_member_integer(json, key, value);
    }
}


static void
cli_body_decimal(igj_json_t *json, const char *key, const char *value)
{
    if (value != NULL) {
        igj_json_key(json, key);
        igj_json_raw_value(json, value, strlen(value));
    }
}


void
cli_body_text(igj_json_t *json, const char *key, const char *value)
{
    if (value != NULL) {
        igj_json_member_text(json, key, value);
    }
}


int
cli_body_rewind(void *data)
{
    cli_body_t  *body = data;

    body->next = 0;
    body->ended = false;
    body->at = 0;
    body->piece_len = strlen(body->head);
    memcpy(body->piece, body->head, body->piece_len);

    return cli_names_rewind(&body->names);
}


ssize_t
cli_body_read(void *data, char *buf, size_t size)
{
    cli_body_t  *body = data;

    size_t  n, len;

    for (len = 0; len < size; len += n) {
        if (body->at == body->piece_len) {
            if (body->ended) {
                break;
            }

            if (cli_body_piece(body) != IGJ_OK) {
                return -1;
            }
        }

        n = body->piece_len - body->at;
        n = n < size - len ? n : size - len;
        memcpy(buf + len, body->piece + body->at, n);
        body->at += n;
    }

    return (ssize_t) len;
}


/* The next account, or the end. */

static int
cli_body_piece(cli_body_t *body)
{
    int  rc;

    rc = cli_names_next(&body->names);
    body->at = 0;

    if (rc == 1 && body->next < body->count) {
        body->piece_len = cli_body_name(body);

        if (body->next++ > 0) {
            memmove(body->piece + 1, body->piece, body->piece_len++);
            body->piece[0] = ',';
        }

        return IGJ_OK;
    }

    if (rc == 0 && body->next == body->count) {
        body->ended = true;
        body->piece_len = 2;
        memcpy(body->piece, "]}", 2);
        return IGJ_OK;
    }

    if (rc != IGJ_ERROR) {
        cli_say("%s: changes while it is read", body->names.from);
    }

    return IGJ_ERROR;
}


/* The name as JSON, at the beginning of piece; returns its length. */

static size_t
cli_body_name(cli_body_t *body)
{
    igj_json_t  json;

    igj_json_init(&json, body->piece, sizeof(body->piece));
    igj_json_string(&json, body->names.name.data, body->names.name.len);

    return json.len;
}


/* Pointers come in ascending order: the accounts are read on to each. */

const char *
cli_body_place(void *data, const char *pointer)
{
    cli_body_t  *body = data;

    char      *end;
    uint64_t   index;

    if (strncmp(pointer, CLI_BODY_POINTER, sizeof(CLI_BODY_POINTER) - 1) != 0)
    {
        return NULL;
    }

    index = strtoull(pointer + sizeof(CLI_BODY_POINTER) - 1, &end, 10);

    if (*end != '\0' || index >= body->count) {
        return NULL;
    }

    if ((body->next == 0 || index < body->next)
        && cli_body_rewind(body) != IGJ_OK)
    {
        return NULL;
    }

    while (body->next <= index) {
        if (cli_names_next(&body->names) != 1) {
            return NULL;
        }

        body->next++;
    }

    if (body->names.from == NULL) {
        (void) snprintf(body->place, sizeof(body->place), "%s",
                        body->names.name.data);
    } else {
        (void) snprintf(body->place, sizeof(body->place), "%s:%llu",
                        body->names.from,
                        (unsigned long long) body->names.line);
    }

    return body->place;
}
