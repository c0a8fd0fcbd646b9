/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * UTF-8: checking byte by byte, repairing, writing.
 */

#include "igj_utf8.h"


static int
igj_utf8_first(igj_utf8_t *u, unsigned char byte)
{
    if (byte < 0xC2 || byte > 0xF4) {
        return IGJ_ERROR;
    }

    u->low = 0x80;
    u->high = 0xBF;

    if (byte < 0xE0) {
        u->left = 1;
        return IGJ_OK;
    }

    if (byte < 0xF0) {
        u->left = 2;

        if (byte == 0xE0) {
            u->low = 0xA0;          /* shorter forms exist below */

        } else if (byte == 0xED) {
            u->high = 0x9F;         /* surrogates above */
        }

        return IGJ_OK;
    }

    u->left = 3;

    if (byte == 0xF0) {
        u->low = 0x90;

    } else if (byte == 0xF4) {
        u->high = 0x8F;             /* the end of Unicode */
    }

    return IGJ_OK;
}


int
igj_utf8_step(igj_utf8_t *u, unsigned char byte)
{
    if (u->left == 0) {
        return (byte < 0x80) ? IGJ_OK : igj_utf8_first(u, byte);
    }

    if (byte < u->low || byte > u->high) {
        return IGJ_ERROR;
    }

    u->left--;
    u->low = 0x80;
    u->high = 0xBF;

    return IGJ_OK;
}


unsigned
igj_utf8_char(const char *text, size_t len, unsigned *bad)
{
    unsigned    n;
    igj_utf8_t  u;

    memset(&u, 0, sizeof(igj_utf8_t));
    *bad = 1;

    for (n = 0; n < len; n++) {
        if (igj_utf8_step(&u, (unsigned char) text[n]) != IGJ_OK) {
            break;
        }

        if (u.left == 0) {
            return n + 1;
        }
    }

    if (n > 1) {
        *bad = n;
    }

    return 0;
}


size_t
igj_utf8_valid(const char *text, size_t len)
{
    size_t    i;
    unsigned  n, bad;

    for (i = 0; i < len; i += n) {
        i += igj_utf8_plain(text + i, len - i);

        if (i == len) {
            break;
        }

        n = igj_utf8_char(text + i, len - i, &bad);

        if (n == 0) {
            break;
        }
    }

    return i;
}


size_t
igj_utf8_repair(char *out, size_t size, const char *text, size_t len)
{
    size_t       i, step, need, put;
    unsigned     bad;
    const char  *from;

    need = 0;

    for (i = 0; i < len; i += step) {
        from = text + i;
        put = igj_utf8_char(from, len - i, &bad);
        step = put;

        if (put == 0) {
            from = IGJ_UTF8_REPLACEMENT;
            put = sizeof(IGJ_UTF8_REPLACEMENT) - 1;
            step = bad;
        }

        if (need + put <= size) {
            memcpy(out + need, from, put);

        } else {
            size = 0;               /* nothing after the first that fails */
        }

        need += put;
    }

    return need;
}


unsigned
igj_utf8_put(char out[4], uint32_t character)
{
    if (character < 0x80) {
        out[0] = (char) character;
        return 1;
    }

    if (character < 0x800) {
        out[0] = (char) (0xC0 | (character >> 6));
        out[1] = (char) (0x80 | (character & 0x3F));
        return 2;
    }

    if (character < 0x10000) {
        out[0] = (char) (0xE0 | (character >> 12));
        out[1] = (char) (0x80 | ((character >> 6) & 0x3F));
        out[2] = (char) (0x80 | (character & 0x3F));
        return 3;
    }

    out[0] = (char) (0xF0 | (character >> 18));
    out[1] = (char) (0x80 | ((character >> 12) & 0x3F));
    out[2] = (char) (0x80 | ((character >> 6) & 0x3F));
    out[3] = (char) (0x80 | (character & 0x3F));

    return 4;
}
