/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * UUID version 7 (RFC 9562): 48 bits of milliseconds, 26 bits of counter that
 * starts at random in each millisecond, 48 bits of chance.  The ids of one
 * generator always rise, also when the clock steps back; order across
 * generators means nothing.
 */

#ifndef IGJ_UUID_H
#define IGJ_UUID_H

#include "igj_base.h"


#define IGJ_UUID_TEXT_LEN  36              /* without a NUL */


typedef struct {
    uint8_t  bytes[16];                    /* as on the wire */
} igj_uuid_t;


/* Fills buf; IGJ_OK or IGJ_ERROR. */
typedef int (*igj_random_pt)(void *data, void *buf, size_t len);

/* One per thread or process. */
typedef struct {
    igj_random_pt  random;
    void          *data;
    uint64_t       msec;                   /* of the last id */
    uint32_t       counter;                /* of the last id, 26 bits */
} igj_uuid_gen_t;


/* random may be NULL: the system's getrandom(). */
void igj_uuid_gen_init(igj_uuid_gen_t *gen, igj_random_pt random, void *data);

/* A new id; msec is Unix time.  IGJ_ERROR only if random failed. */
IGJ_MUST_CHECK int igj_uuid_make(igj_uuid_gen_t *gen, uint64_t msec,
    igj_uuid_t *uuid);

/* Reads the 36-character form, upper or lower case, any version. */
IGJ_MUST_CHECK int igj_uuid_parse(const char *text, size_t len,
    igj_uuid_t *uuid);

/* Writes the 36 characters, lower case, without a NUL. */
void igj_uuid_print(const igj_uuid_t *uuid, char out[IGJ_UUID_TEXT_LEN]);

/* Unix milliseconds in a version 7 id. */
uint64_t igj_uuid_msec(const igj_uuid_t *uuid);

/* An igj_random_pt: the system's getrandom(). */
IGJ_MUST_CHECK int igj_random_system(void *data, void *buf, size_t len);


#endif /* IGJ_UUID_H */
