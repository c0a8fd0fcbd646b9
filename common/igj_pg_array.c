/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Binary arrays.  On the wire, all in network order: number of dimensions,
 * "has nulls", element type, then for the one dimension its size and lower
 * bound, then each element with its length before it (-1: null).  An empty
 * array has no dimension.
 */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "igj_pg_array.h"


#define IGJ_PG_ARRAY_HEAD   20
#define IGJ_PG_ARRAY_EMPTY  12
#define IGJ_PG_ARRAY_FIRST  4096       /* bytes of the first allocation */


static void igj_pg_array_element(igj_pg_array_t *a, const void *data,
    size_t len);
static char *igj_pg_array_room(igj_pg_array_t *a, size_t len);
static void igj_pg_array_word(char *at, int32_t value);


void
igj_pg_array_begin(igj_pg_array_t *a, igj_pg_type_t type)
{
    char  *head;

    a->len = 0;
    a->n = 0;
    a->nulls = 0;
    a->failed = 0;

    head = igj_pg_array_room(a, IGJ_PG_ARRAY_HEAD);

    if (head != NULL) {
        igj_pg_array_word(head + 8, (int32_t) type);
    }
}


void
igj_pg_array_text(igj_pg_array_t *a, const char *text, size_t len)
{
    igj_pg_array_element(a, text, len);
}


void
igj_pg_array_null(igj_pg_array_t *a)
{
    char  *at;

    at = igj_pg_array_room(a, 4);

    if (at != NULL) {
        igj_pg_array_word(at, -1);
        a->nulls = 1;
        a->n++;
    }
}


void
igj_pg_array_float4(igj_pg_array_t *a, float value)
{
    int32_t  bits;
    char     word[4];

    memcpy(&bits, &value, sizeof(bits));
    igj_pg_array_word(word, bits);
    igj_pg_array_element(a, word, 4);
}


void
igj_pg_array_int4(igj_pg_array_t *a, int32_t value)
{
    char  word[4];

    igj_pg_array_word(word, value);
    igj_pg_array_element(a, word, 4);
}


void
igj_pg_array_uuid(igj_pg_array_t *a, const uint8_t bytes[16])
{
    igj_pg_array_element(a, bytes, 16);
}


int
igj_pg_array_end(igj_pg_array_t *a)
{
    if (a->failed) {
        return IGJ_ERROR;
    }

    igj_pg_array_word(a->data, a->n > 0 ? 1 : 0);
    igj_pg_array_word(a->data + 4, a->nulls);

    if (a->n == 0) {
        a->len = IGJ_PG_ARRAY_EMPTY;
        return IGJ_OK;
    }

    igj_pg_array_word(a->data + 12, a->n);
    igj_pg_array_word(a->data + 16, 1);

    return IGJ_OK;
}


void
igj_pg_array_free(igj_pg_array_t *a)
{
    free(a->data);
    memset(a, 0, sizeof(igj_pg_array_t));
}


static void
igj_pg_array_element(igj_pg_array_t *a, const void *data, size_t len)
{
    char  *at;

    at = igj_pg_array_room(a, 4 + len);

    if (at != NULL) {
        igj_pg_array_word(at, (int32_t) len);
        memcpy(at + 4, data, len);
        a->n++;
    }
}


static char *
igj_pg_array_room(igj_pg_array_t *a, size_t len)
{
    char    *data;
    size_t   size;

    if (a->failed) {
        return NULL;
    }

    if (a->size - a->len < len) {
        size = a->size ? a->size : IGJ_PG_ARRAY_FIRST;

        while (size - a->len < len) {
            size *= 2;
        }

        data = realloc(a->data, size);

        if (data == NULL) {
            a->failed = 1;
            return NULL;
        }

        a->data = data;
        a->size = size;
    }

    data = a->data + a->len;
    a->len += len;

    return data;
}


static void
igj_pg_array_word(char *at, int32_t value)
{
    uint32_t  word;

    word = htonl((uint32_t) value);
    memcpy(at, &word, sizeof(word));
}
