/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The log.  State is set before the first thread starts and read only from
 * then on, so that no lock is needed.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "igj_json.h"
#include "igj_log.h"


static struct {
    int               fd;
    igj_log_level_t   level;
    igj_log_format_t  format;
    const char       *secrets[IGJ_LOG_SECRETS_MAX];
    int               nsecrets;
} igj_log_state = { .fd = STDERR_FILENO, .level = IGJ_LOG_INFO };


static size_t igj_log_clean(const char *text, char *out);
static void igj_log_time(char out[32]);
static size_t igj_log_json(char *line, size_t size, const char *time,
    const char *level, const igj_log_field_t *fields);
static size_t igj_log_key_value(char *line, size_t size, const char *time,
    const char *level, const igj_log_field_t *fields);


void
igj_log_open(int fd, igj_log_level_t level, igj_log_format_t format)
{
    igj_log_state.fd = fd;
    igj_log_state.level = level;
    igj_log_state.format = format;
}


void
igj_log_hide(const char *text)
{
    if (text == NULL || strlen(text) < 4
        || igj_log_state.nsecrets == IGJ_LOG_SECRETS_MAX)
    {
        return;
    }

    igj_log_state.secrets[igj_log_state.nsecrets++] = text;
}


int
igj_log_on(igj_log_level_t level)
{
    return level <= igj_log_state.level;
}


void
igj_log_write(igj_log_level_t level, const igj_log_field_t *fields)
{
    static const char *const  names[] = { "error", "warn", "info", "debug" };

    size_t   len;
    char     time[32], line[IGJ_LOG_LINE_MAX];
    ssize_t  n;

    igj_log_time(time);

    /* the last byte is kept for the line end */

    if (igj_log_state.format == IGJ_LOG_JSON) {
        len = igj_log_json(line, sizeof(line) - 1, time, names[level], fields);
    } else {
        len = igj_log_key_value(line, sizeof(line) - 1, time, names[level],
                                fields);
    }

    line[len++] = '\n';

    do {
        n = write(igj_log_state.fd, line, len);
    } while (n == -1 && errno == EINTR);
}


static void
igj_log_time(char out[32])
{
    struct tm        tm;
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + 19, 13, ".%03dZ", (int) (ts.tv_nsec / 1000000));
}


/*
 * Copies text to out (IGJ_LOG_VALUE_MAX bytes): secrets blotted out, control
 * characters as blanks, cut where it is too long.
 */

static size_t
igj_log_clean(const char *text, char *out)
{
    int     i;
    size_t  len, n;

    len = 0;

    while (*text != '\0' && len < IGJ_LOG_VALUE_MAX - 4) {

        for (i = 0; i < igj_log_state.nsecrets; i++) {
            n = strlen(igj_log_state.secrets[i]);

            if (strncmp(text, igj_log_state.secrets[i], n) == 0) {
                memcpy(out + len, "***", 3);
                len += 3;
                text += n;
                break;
            }
        }

        if (i == igj_log_state.nsecrets) {
            out[len++] = ((unsigned char) *text < ' ') ? ' ' : *text;
            text++;
        }
    }

    out[len] = '\0';

    return len;
}


static size_t
igj_log_json(char *line, size_t size, const char *time, const char *level,
    const igj_log_field_t *fields)
{
    char        value[IGJ_LOG_VALUE_MAX];
    igj_json_t  json, saved;

    /* two bytes are kept for the closing brace and a NUL */

    igj_json_init(&json, line, size - 2);
    igj_json_object_begin(&json);
    igj_json_member_text(&json, "ts", time);
    igj_json_member_text(&json, "level", level);

    for ( /* void */ ; fields->key != NULL; fields++) {
        saved = json;

        if (fields->text != NULL) {
            igj_log_clean(fields->text, value);
            igj_json_member_text(&json, fields->key, value);
        } else {
            igj_json_member_integer(&json, fields->key, fields->number);
        }

        if (igj_json_overflow(&json)) {
            json = saved;
            break;
        }
    }

    line[json.len] = '}';

    return json.len + 1;
}


static size_t
igj_log_key_value(char *line, size_t size, const char *time,
    const char *level, const igj_log_field_t *fields)
{
    int          n;
    char         value[IGJ_LOG_VALUE_MAX];
    char        *p;
    size_t       len;
    const char  *quote;

    len = (size_t) snprintf(line, size, "ts=%s level=%s", time, level);

    for ( /* void */ ; fields->key != NULL; fields++) {

        if (fields->text == NULL) {
            n = snprintf(line + len, size - len, " %s=%lld", fields->key,
                         (long long) fields->number);
        } else {
            igj_log_clean(fields->text, value);
            quote = (value[0] == '\0' || strpbrk(value, " \"=") != NULL)
                    ? "\"" : "";

            for (p = value; (p = strchr(p, '"')) != NULL; p++) {
                *p = '\'';
            }

            n = snprintf(line + len, size - len, " %s=%s%s%s", fields->key,
                         quote, value, quote);
        }

        if (n < 0 || (size_t) n >= size - len) {
            break;
        }

        len += (size_t) n;
    }

    return len;
}
