/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * JSON writer, append only, into a buffer of the caller.  Commas are put where
 * they belong; what is open must be closed by the caller, in order.
 *
 * len is always the size that the text needs.  Once it is above size, nothing
 * more is written and the text is of no use, but len goes on counting: write
 * once into a buffer of size 0 to learn the size.  A streaming renderer copies
 * the object before each row and puts the copy back if the row did not fit:
 *
 *     saved = json;
 *     render_row(&json, row);
 *     if (igj_json_overflow(&json)) { json = saved; send, then again }
 */

#ifndef IGJ_JSON_H
#define IGJ_JSON_H

#include "igj_base.h"
#include "igj_uuid.h"


/* Text of n bytes needs at most this, quotes included. */
#define igj_json_string_max(n)  (6 * (n) + 2)

/* 2025-10-14T09:05:11.123456+00:00 */
#define IGJ_TIMESTAMP_LEN  32


typedef struct {
    char    *buf;
    size_t   size;
    size_t   len;                          /* needed, may be above size */
    uint8_t  comma;                        /* before the next value or key */
} igj_json_t;


void igj_json_init(igj_json_t *json, char *buf, size_t size);
int igj_json_overflow(const igj_json_t *json);

void igj_json_object_begin(igj_json_t *json);
void igj_json_object_end(igj_json_t *json);
void igj_json_array_begin(igj_json_t *json);
void igj_json_array_end(igj_json_t *json);

/* The key is plain ASCII that needs no escape. */
void igj_json_key(igj_json_t *json, const char *key);

/* Any bytes: escaped where needed, invalid UTF-8 becomes U+FFFD. */
void igj_json_string(igj_json_t *json, const char *text, size_t len);
void igj_json_text(igj_json_t *json, const char *text);    /* NULL: null */
void igj_json_integer(igj_json_t *json, int64_t value);
void igj_json_boolean(igj_json_t *json, int value);
void igj_json_null(igj_json_t *json);

/* The shortest text that reads back as the same number; not finite: null. */
void igj_json_double(igj_json_t *json, double value);
void igj_json_float(igj_json_t *json, float value);

/* Postgres' binary timestamptz (microseconds since 2000); infinity: null. */
void igj_json_timestamp(igj_json_t *json, int64_t usec);
void igj_json_uuid(igj_json_t *json, const igj_uuid_t *uuid);

/* A value that is JSON already, or a line end and the like between values. */
void igj_json_raw_value(igj_json_t *json, const char *text, size_t len);
void igj_json_raw(igj_json_t *json, const char *text, size_t len);

/* Key and value in one. */
void igj_json_member_text(igj_json_t *json, const char *key,
    const char *text);
void igj_json_member_string(igj_json_t *json, const char *key,
    igj_str_t text);
void igj_json_member_integer(igj_json_t *json, const char *key,
    int64_t value);
void igj_json_member_boolean(igj_json_t *json, const char *key, int value);


/*
 * Writes the timestamp without quotes and without a NUL.  Returns
 * IGJ_TIMESTAMP_LEN, or 0 for infinity and for years outside 0001 to 9999.
 */
size_t igj_timestamp_print(int64_t usec, char out[IGJ_TIMESTAMP_LEN]);

/* Unix microseconds to Postgres' and back is this difference. */
#define IGJ_TIMESTAMP_EPOCH_USEC  946684800000000LL


#endif /* IGJ_JSON_H */
