/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The options of a submission.  A number is kept as an integer of its unit, 10
 * to the power of -scale; the table says which are right.
 */

#include "igj_options.h"
#include "igj_number.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>


typedef enum {
    IGJ_OPTION_NUMBER = 0,
    IGJ_OPTION_SEED,
    IGJ_OPTION_URL,
    IGJ_OPTION_GROUP
} igj_option_type_e;


struct igj_option_s {
    const char           *path;    /* of its value in the body */
    const char           *name;    /* the last part of it */
    igj_option_type_e     type;
    igj_option_number_e   number;
    unsigned              scale;   /* decimals of its unit */
    int                   exact;   /* further decimals are refused, not cut */
    int64_t               min;
    int64_t               max;
    const char           *wanted;  /* what to send */
};


static const igj_option_t  igj_option_stop_when = {
    "stop_when", "stop_when", IGJ_OPTION_GROUP, 0, 0, 0, 0, 0,
    "an object such as {\"half_width\": 0.01}, or leave the field out"
};

static const igj_option_t  igj_option_members[] = {

    { "target_count", "target_count",
      IGJ_OPTION_NUMBER, IGJ_OPTION_TARGET_COUNT, 0, 1, 1,
      IGJ_MAX_TARGET_COUNT,
      "a whole number from 1 on, or leave the field out: no target" },

    { "max_cost_usd", "max_cost_usd",
      IGJ_OPTION_NUMBER, IGJ_OPTION_MAX_COST_USD, 6, 1, 1,
      IGJ_MAX_COST_USD * 1000000LL,
      "a number above 0 and up to 10000000 with at most 6 decimals, or leave "
      "the field out: no budget" },

    { "max_seconds", "max_seconds",
      IGJ_OPTION_NUMBER, IGJ_OPTION_MAX_SECONDS, 0, 1, 1, IGJ_MAX_SECONDS,
      "a whole number from 1 to 2592000, which are 30 days, or leave the "
      "field out: no deadline" },

    { "max_age", "max_age",
      IGJ_OPTION_NUMBER, IGJ_OPTION_MAX_AGE, 0, 1, 0, IGJ_MAX_AGE_S,
      "a whole number of seconds from 0 to 7776000, which are 90 days, or "
      "leave the field out: nothing is used again" },

    { "max_failed_ratio", "max_failed_ratio",
      IGJ_OPTION_NUMBER, IGJ_OPTION_MAX_FAILED_RATIO, 6, 0, 0, 1000000,
      "a number from 0 to 1, or leave the field out" },

    { "parallelism", "parallelism",
      IGJ_OPTION_NUMBER, IGJ_OPTION_PARALLELISM, 0, 1, 1, IGJ_MAX_BATCHES,
      "a whole number from 1 to 10000, or leave the field out" },

    { "random_seed", "random_seed", IGJ_OPTION_SEED, 0, 0, 0, 0, 0,
      "a string of 1 to 64 printable ASCII characters, or leave the field "
      "out: the accounts were not drawn at random" },

    { "callback_url", "callback_url", IGJ_OPTION_URL, 0, 0, 0, 0, 0,
      "a URL that begins with https:// or http://, of at most 2000 ASCII "
      "characters, without user name, password and fragment, or leave the "
      "field out" },

    { NULL, NULL, 0, 0, 0, 0, 0, 0, NULL }
};

static const igj_option_t  igj_option_stop_members[] = {

    { "stop_when/half_width", "half_width",
      IGJ_OPTION_NUMBER, IGJ_OPTION_HALF_WIDTH, 9, 0, 1, 499999999,
      "a number above 0 and below 0.5, or leave it out" },

    { NULL, NULL, 0, 0, 0, 0, 0, 0, NULL }
};

_Static_assert(IGJ_MAX_SECONDS == 2592000 && IGJ_MAX_AGE_S == 7776000
               && IGJ_MAX_BATCHES == 10000 && IGJ_CALLBACK_URL_MAX == 2000
               && IGJ_MAX_COST_USD == 10000000 && IGJ_RANDOM_SEED_MAX == 64,
               "these limits are spelt out in texts");


const igj_option_t *
igj_option_find(const igj_option_t *of, igj_str_t name)
{
    const igj_option_t  *option;

    if (of == NULL && name.len == strlen(igj_option_stop_when.name)
        && memcmp(name.data, igj_option_stop_when.name, name.len) == 0)
    {
        return &igj_option_stop_when;
    }

    option = (of == NULL) ? igj_option_members : igj_option_stop_members;

    for ( /* void */ ; option->name != NULL; option++) {
        if (name.len == strlen(option->name)
            && memcmp(name.data, option->name, name.len) == 0)
        {
            return option;
        }
    }

    return NULL;
}


int
igj_option_has_members(const igj_option_t *option)
{
    return option->type == IGJ_OPTION_GROUP;
}


const char *
igj_option_wanted(const igj_option_t *option)
{
    return option->wanted;
}


const char *
igj_option_path(const igj_option_t *option)
{
    return option->path;
}


static int
igj_option_read_number(igj_options_t *options, const igj_option_t *option,
    igj_str_t text)
{
    int      fraction;
    int64_t  value;

    if (text.data[0] == '-'
        || igj_number_scaled(text, option->scale, &value, &fraction) != IGJ_OK
        || value < option->min || value > option->max
        || (fraction && (option->exact || value == option->max)))
    {
        return IGJ_ERROR;
    }

    options->numbers[option->number] = value;
    options->given |= 1u << option->number;

    return IGJ_OK;
}


/*
 * Whether the text is a URL as far as its form goes; whether its host may be
 * called is for those who call it.
 */
static int
igj_option_url_fits(igj_str_t text)
{
    size_t         i, host;
    unsigned char  c;

    if (text.len > IGJ_CALLBACK_URL_MAX) {
        return 0;
    }

    for (i = 0; i < text.len; i++) {
        c = (unsigned char) text.data[i];

        if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '#') {
            return 0;
        }
    }

    if (text.len > 8 && strncasecmp(text.data, "https://", 8) == 0) {
        host = 8;

    } else if (text.len > 7 && strncasecmp(text.data, "http://", 7) == 0) {
        host = 7;

    } else {
        return 0;
    }

    for (i = host; i < text.len; i++) {
        c = (unsigned char) text.data[i];

        if (c == '/' || c == '?') {
            break;
        }

        if (c == '@') {
            return 0;
        }
    }

    return i > host && text.data[host] != ':';
}


static int
igj_option_read_url(igj_options_t *options, const igj_scan_event_t *event)
{
    if ((event->flags & IGJ_SCAN_UNSAFE) || !igj_option_url_fits(event->text))
    {
        return IGJ_ERROR;
    }

    memcpy(options->callback_url, event->text.data, event->text.len);
    options->callback_url[event->text.len] = '\0';

    return IGJ_OK;
}


/* What the accounts were drawn with, for whoever wants to draw them again. */
static int
igj_option_read_seed(igj_options_t *options, const igj_scan_event_t *event)
{
    size_t  i;

    if (event->total == 0 || event->total > IGJ_RANDOM_SEED_MAX) {
        return IGJ_ERROR;
    }

    for (i = 0; i < event->text.len; i++) {
        if (event->text.data[i] < ' ' || event->text.data[i] > '~') {
            return IGJ_ERROR;
        }
    }

    memcpy(options->random_seed, event->text.data, event->text.len);
    options->random_seed[event->text.len] = '\0';

    return IGJ_OK;
}


int
igj_option_read(igj_options_t *options, const igj_option_t *option,
    const igj_scan_event_t *event)
{
    if (event->type == IGJ_SCAN_NULL) {
        return IGJ_OK;
    }

    if (option->type == IGJ_OPTION_NUMBER && event->type == IGJ_SCAN_NUMBER) {
        return igj_option_read_number(options, option, event->text);
    }

    if (option->type == IGJ_OPTION_URL && event->type == IGJ_SCAN_STRING) {
        return igj_option_read_url(options, event);
    }

    if (option->type == IGJ_OPTION_SEED && event->type == IGJ_SCAN_STRING) {
        return igj_option_read_seed(options, event);
    }

    return (option->type == IGJ_OPTION_GROUP
            && event->type == IGJ_SCAN_OBJECT_BEGIN)
           ? IGJ_OK : IGJ_ERROR;
}


int
igj_option_was_read(const igj_options_t *options, const igj_option_t *option)
{
    return option->type == IGJ_OPTION_NUMBER
           && (options->given & (1u << option->number)) != 0;
}


int
igj_options_any(const igj_options_t *options)
{
    return options->given != 0 || options->random_seed[0] != '\0'
           || options->callback_url[0] != '\0';
}


/* The number in decimals, exactly. */
static void
igj_option_write_number(igj_json_t *json, const igj_option_t *option,
    int64_t value)
{
    int        n;
    char       text[32];
    int64_t    unit;
    unsigned   i;

    if (option->scale == 0) {
        igj_json_integer(json, value);
        return;
    }

    for (i = 0, unit = 1; i < option->scale; i++) {
        unit *= 10;
    }

    n = snprintf(text, sizeof(text), "%lld.%0*lld", (long long) (value / unit),
                 (int) option->scale, (long long) (value % unit));
    igj_json_raw_value(json, text, (size_t) n);
}


static void
igj_options_write(igj_json_t *json, const igj_options_t *options,
    const igj_option_t *option)
{
    for ( /* void */ ; option->name != NULL; option++) {
        if (igj_option_was_read(options, option)) {
            igj_json_key(json, option->name);
            igj_option_write_number(json, option,
                                    options->numbers[option->number]);
        }
    }
}


void
igj_options_members(igj_json_t *json, const igj_options_t *options)
{
    igj_options_write(json, options, igj_option_members);
    igj_options_write(json, options, igj_option_stop_members);

    if (options->random_seed[0] != '\0') {
        igj_json_member_text(json, "random_seed", options->random_seed);
    }

    if (options->callback_url[0] != '\0') {
        igj_json_member_text(json, "callback_url", options->callback_url);
    }
}
