/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The shape of names.bin: what the build-time compiler writes and the
 * classifier uses in place.  All numbers are in the byte order and alignment
 * of the machine that built it; igj_names_open() refuses any other.
 *
 *     header | culture sets | slots of words | slots of parts | records
 *
 * A slot is 0 (empty) or tag << 24 | record offset / 4; collisions go to the
 * next slot.  A record is igj_names_record_t, then the key without a NUL,
 * padded to four bytes.  Keys that begin below "a" are parts of words; they
 * are few and asked for often, so they have slots of their own that stay in
 * the cache.
 */

#ifndef IGJ_NAMES_FORMAT_H
#define IGJ_NAMES_FORMAT_H

#include <stddef.h>
#include <stdint.h>


#define IGJ_NAMES_MAGIC       "IGJNAMES"
#define IGJ_NAMES_VERSION     1u
#define IGJ_NAMES_ORDER       0x01020304u
#define IGJ_NAMES_KEY_MAX     63u            /* bytes */

#define IGJ_NAMES_ODDS_UNIT   20             /* log-odds 1.0; int8: +-6.35 */
#define IGJ_NAMES_COMMON_UNIT 8              /* log2(people + 1) * 8 */

/* First byte of keys that are not words: parts, and sounds of words. */
#define IGJ_NAMES_ENDING      '-'            /* of a family name, from words */
#define IGJ_NAMES_LEARNED     '*'            /* of given names, computed */
#define IGJ_NAMES_SYLLABLE    '.'            /* of an East Asian given name */
#define IGJ_NAMES_LETTER      '='            /* that hints at a country */
#define IGJ_NAMES_SOUND       '~'            /* of given names, computed */

#define igj_names_is_part(c)  ((unsigned char) (c) < 'a')


/* What a word of name-words.csv is; a record can be several. */
typedef enum {
    IGJ_WORD_GIVEN    = 0x0001,  /* a given name: odds, common, cultures */
    IGJ_WORD_TITLE    = 0x0002,  /* Mr, Dr: decides or is skipped */
    IGJ_WORD_HONOR    = 0x0004,  /* King, Don: a title that is a name, too */
    IGJ_WORD_KIN      = 0x0008,  /* mom, boy: weak evidence */
    IGJ_WORD_PRONOUN  = 0x0010,
    IGJ_WORD_PARTICLE = 0x0020,  /* de, van, al: goes with the next word */
    IGJ_WORD_MARKER   = 0x0040,  /* Kaur, binti, Thi: evidence anywhere */
    IGJ_WORD_ORG      = 0x0080,  /* shop, club: not a person */
    IGJ_WORD_NOISE    = 0x0100,  /* official, coach: ignored */
    IGJ_WORD_EAST     = 0x0200,  /* East Asian family name */
    IGJ_WORD_FAMILY   = 0x0400,  /* family name, more often than given name */
    IGJ_WORD_AFFIX    = 0x0800,  /* iam, official, xo: around a user name */
    IGJ_WORD_AND      = 0x1000,  /* between two people */
    IGJ_WORD_NEUTRAL  = 0x2000,  /* a pronoun that says neither */
    IGJ_WORD_PREFIXED = 0x4000   /* not a word: an ending, a syllable ... */
} igj_word_e;


typedef struct {
    char      magic[8];
    uint32_t  version;
    uint32_t  order;
    uint32_t  nsets;             /* culture sets, uint64_t each */
    uint32_t  nslots;            /* of words, a power of two */
    uint32_t  nparts;            /* slots of parts, a power of two */
    uint32_t  records_size;      /* bytes */
    uint32_t  nrecords;
    uint32_t  zero;
    uint64_t  checksum;          /* of all that follows the header */
    uint64_t  reserved[2];
} igj_names_header_t;


typedef struct {
    uint8_t   key_len;
    uint8_t   common;            /* 0 unless GIVEN or learned */
    int8_t    odds;              /* of the given name; above 0: female */
    int8_t    lean;              /* of the word; above 0: female */
    uint16_t  kinds;             /* igj_word_e */
    uint16_t  set;               /* its culture set, 0: none */
} igj_names_record_t;


_Static_assert(sizeof(igj_names_header_t) == 64, "header of 64 bytes");
_Static_assert(sizeof(igj_names_record_t) == 8, "record of 8 bytes");


#define IGJ_NAMES_HASH_INIT   2166136261u

static inline uint32_t
igj_names_hash_step(uint32_t hash, unsigned char byte)
{
    return (hash ^ byte) * 16777619u;
}


/* Spreads the upper bits, of which slot and tag are taken. */
static inline uint32_t
igj_names_hash_end(uint32_t hash)
{
    hash ^= hash >> 15;
    hash *= 0x2c1b3c6du;

    return hash ^ hash >> 13;
}


/* Of parts from their end, so that longer endings go on from shorter ones. */
static inline uint32_t
igj_names_hash(const char *key, size_t len)
{
    size_t    i;
    uint32_t  hash;

    hash = IGJ_NAMES_HASH_INIT;

    if (len > 0 && igj_names_is_part(key[0])) {
        hash = igj_names_hash_step(hash, (unsigned char) key[0]);

        for (i = len; --i > 0; /* void */) {
            hash = igj_names_hash_step(hash, (unsigned char) key[i]);
        }

    } else {
        for (i = 0; i < len; i++) {
            hash = igj_names_hash_step(hash, (unsigned char) key[i]);
        }
    }

    return igj_names_hash_end(hash);
}


#define igj_names_tag(hash)   ((hash) >> 24)


/* Over whole 8-byte words; the parts of the file are multiples of it. */
static inline uint64_t
igj_names_checksum(const uint64_t *word, uint64_t n)
{
    uint64_t  i, sum;

    sum = 0x9e3779b97f4a7c15u;

    for (i = 0; i < n; i++) {
        sum = (sum ^ word[i]) * 0xff51afd7ed558ccdu;
        sum ^= sum >> 32;
    }

    return sum;
}


#endif /* IGJ_NAMES_FORMAT_H */
