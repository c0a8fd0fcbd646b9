/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The log: one bounded line per event on standard error, as key=value or JSON.
 * Any thread may write; a line goes out in one write().  Texts that were
 * registered as secrets are blotted out of every value.
 *
 *     igj_log(IGJ_LOG_WARN, "page lost", igj_s("job", job), igj_i("page", n));
 */

#ifndef IGJ_LOG_H
#define IGJ_LOG_H

#include <stddef.h>
#include <stdint.h>


#define IGJ_LOG_LINE_MAX     2048     /* longer lines are cut */
#define IGJ_LOG_VALUE_MAX    512      /* bytes of one value */
#define IGJ_LOG_SECRETS_MAX  8


typedef enum {
    IGJ_LOG_ERROR = 0,      /* somebody must act */
    IGJ_LOG_WARN,           /* something failed and is tried again */
    IGJ_LOG_INFO,           /* lives of jobs and of the process */
    IGJ_LOG_DEBUG           /* every step of a batch */
} igj_log_level_t;


typedef enum {
    IGJ_LOG_KEY_VALUE = 0,
    IGJ_LOG_JSON
} igj_log_format_t;


typedef struct {
    const char  *key;       /* NULL ends a list */
    const char  *text;      /* NULL: the number counts */
    int64_t      number;
} igj_log_field_t;


static inline igj_log_field_t
igj_s(const char *key, const char *text)
{
    return (igj_log_field_t) { key, text ? text : "", 0 };
}


static inline igj_log_field_t
igj_i(const char *key, int64_t number)
{
    return (igj_log_field_t) { key, NULL, number };
}


/* The fields are evaluated only if the level is written. */
#define igj_log(level, msg, ...)                                             \
    do {                                                                     \
        if (igj_log_on(level)) {                                             \
            igj_log_write((level), (const igj_log_field_t[]) {               \
                igj_s("msg", msg), ##__VA_ARGS__, igj_i(NULL, 0) });         \
        }                                                                    \
    } while (0)


/* Before any thread.  The default is info, key=value, standard error. */
void igj_log_open(int fd, igj_log_level_t level, igj_log_format_t format);

/* Before any thread: text (borrowed for ever, at least 4 bytes) must never
 * be written. */
void igj_log_hide(const char *text);

int igj_log_on(igj_log_level_t level);
void igj_log_write(igj_log_level_t level, const igj_log_field_t *fields);


#endif /* IGJ_LOG_H */
