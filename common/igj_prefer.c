/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The Prefer header:
 *
 *     preferences  = preference *( "," preference )
 *     preference   = pair *( ";" [ pair ] )
 *     pair         = token [ "=" ( token / quoted-string ) ]
 *
 * with blanks everywhere but inside tokens.  What does not read like that is
 * left out up to the next comma.
 */

#include "igj_prefer.h"

#include <string.h>
#include <strings.h>


/* bytes of a value that is looked at; none that is known is longer */
#define IGJ_PREFER_VALUE_MAX  20


typedef struct {
    const char  *p;
    const char  *end;
} igj_prefer_text_t;

typedef struct {
    igj_str_t  name;
    char       value[IGJ_PREFER_VALUE_MAX + 1];   /* "" if there is none */
    size_t     len;                               /* above MAX: too long */
} igj_prefer_pair_t;


void
igj_prefer_init(igj_prefer_t *prefer)
{
    memset(prefer, 0, sizeof(igj_prefer_t));
    prefer->wait = IGJ_PREFER_NO_WAIT;
}


static void
igj_prefer_blanks(igj_prefer_text_t *text)
{
    while (text->p < text->end && (*text->p == ' ' || *text->p == '\t')) {
        text->p++;
    }
}


static int
igj_prefer_at(const igj_prefer_text_t *text, char c)
{
    return text->p < text->end && *text->p == c;
}


static int
igj_prefer_is_token(char c)
{
    return c > ' ' && c < 127 && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}


static igj_str_t
igj_prefer_token(igj_prefer_text_t *text)
{
    igj_str_t  token;

    token.data = text->p;

    while (text->p < text->end && igj_prefer_is_token(*text->p)) {
        text->p++;
    }

    token.len = (size_t) (text->p - token.data);

    return token;
}


static void
igj_prefer_put(igj_prefer_pair_t *pair, char c)
{
    if (pair->len < IGJ_PREFER_VALUE_MAX) {
        pair->value[pair->len] = c;
        pair->value[pair->len + 1] = '\0';
    }

    pair->len++;
}


/* Behind the opening quote; IGJ_ERROR: there is no closing one. */
static int
igj_prefer_quoted(igj_prefer_text_t *text, igj_prefer_pair_t *pair)
{
    while (text->p < text->end) {

        if (*text->p == '"') {
            text->p++;
            return IGJ_OK;
        }

        if (*text->p == '\\' && ++text->p == text->end) {
            break;
        }

        igj_prefer_put(pair, *text->p++);
    }

    return IGJ_ERROR;
}


/* A name and its value, with the blanks behind; IGJ_ERROR: none is here. */
static int
igj_prefer_pair(igj_prefer_text_t *text, igj_prefer_pair_t *pair)
{
    size_t     i;
    igj_str_t  value;

    pair->value[0] = '\0';
    pair->len = 0;
    pair->name = igj_prefer_token(text);

    if (pair->name.len == 0) {
        return IGJ_ERROR;
    }

    igj_prefer_blanks(text);

    if (!igj_prefer_at(text, '=')) {
        return IGJ_OK;
    }

    text->p++;
    igj_prefer_blanks(text);

    if (igj_prefer_at(text, '"')) {
        text->p++;

        if (igj_prefer_quoted(text, pair) != IGJ_OK) {
            return IGJ_ERROR;
        }

    } else {
        value = igj_prefer_token(text);

        for (i = 0; i < value.len; i++) {
            igj_prefer_put(pair, value.data[i]);
        }
    }

    igj_prefer_blanks(text);

    return IGJ_OK;
}


static int
igj_prefer_named(const igj_prefer_pair_t *pair, const char *name)
{
    return pair->name.len == strlen(name)
           && strncasecmp(pair->name.data, name, pair->name.len) == 0;
}


/* Digits alone; no sensible time has more of them than a value keeps. */
static int64_t
igj_prefer_seconds(const igj_prefer_pair_t *pair)
{
    int64_t      seconds;
    const char  *p;

    if (pair->len == 0 || pair->len > IGJ_PREFER_VALUE_MAX) {
        return IGJ_PREFER_NO_WAIT;
    }

    for (p = pair->value, seconds = 0; *p != '\0'; p++) {

        if (*p < '0' || *p > '9') {
            return IGJ_PREFER_NO_WAIT;
        }

        seconds = seconds * 10 + (*p - '0');
        seconds = (seconds > INT32_MAX) ? INT32_MAX : seconds;
    }

    return seconds;
}


static void
igj_prefer_apply(igj_prefer_t *prefer, const igj_prefer_pair_t *pair,
    int for_change)
{
    static const char *const  names[] = { "wait", "respond-async",
                                          "igjobs-sync" };

    unsigned  i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (igj_prefer_named(pair, names[i])) {
            break;
        }
    }

    if (i == sizeof(names) / sizeof(names[0])
        || (prefer->seen & (1u << i)) != 0)
    {
        return;
    }

    prefer->seen |= (uint8_t) (1u << i);

    switch (i) {

    case 0:
        prefer->wait = igj_prefer_seconds(pair);
        prefer->for_change = for_change && prefer->wait > 0;
        break;

    case 1:
        prefer->respond_async = 1;
        break;

    default:
        prefer->sync = 1;
    }
}


/* One preference with its parameters; IGJ_ERROR: it is none. */
static int
igj_prefer_preference(igj_prefer_text_t *text, igj_prefer_t *prefer)
{
    int                for_change, has_for;
    igj_prefer_pair_t  preference, parameter;

    if (igj_prefer_pair(text, &preference) != IGJ_OK) {
        return IGJ_ERROR;
    }

    for_change = 0;
    has_for = 0;

    while (igj_prefer_at(text, ';')) {
        text->p++;
        igj_prefer_blanks(text);

        if (text->p == text->end || *text->p == ';' || *text->p == ',') {
            continue;
        }

        if (igj_prefer_pair(text, &parameter) != IGJ_OK) {
            return IGJ_ERROR;
        }

        if (!has_for && igj_prefer_named(&parameter, "for")) {
            has_for = 1;
            for_change = (strcasecmp(parameter.value, "change") == 0);
        }
    }

    if (text->p < text->end && *text->p != ',') {
        return IGJ_ERROR;
    }

    igj_prefer_apply(prefer, &preference, for_change);

    return IGJ_OK;
}


/* To the next comma that stands in no quoted string. */
static void
igj_prefer_skip(igj_prefer_text_t *text)
{
    int  quoted;

    for (quoted = 0; text->p < text->end; text->p++) {

        if (*text->p == ',' && !quoted) {
            return;
        }

        if (*text->p == '"') {
            quoted = !quoted;

        } else if (*text->p == '\\' && quoted && text->p + 1 < text->end) {
            text->p++;
        }
    }
}


void
igj_prefer_read(igj_prefer_t *prefer, igj_str_t value)
{
    igj_prefer_text_t  text, from;

    text.p = value.data;
    text.end = value.data + value.len;

    while (text.p < text.end) {
        igj_prefer_blanks(&text);
        from = text;

        if (igj_prefer_preference(&text, prefer) != IGJ_OK) {
            text = from;
            igj_prefer_skip(&text);
        }

        if (text.p < text.end) {
            text.p++;
        }
    }
}
