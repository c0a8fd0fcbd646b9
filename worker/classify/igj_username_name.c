/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A user name is cut at dots, underscores and digits; of each piece the name
 * it is, or the longest well-known name that it begins with, counts.
 */

#include <string.h>

#include "igj_username_name.h"


#define USER_WHOLE         100             /* percent: a piece that is a name */
#define USER_FAMILY        30              /* it is rather a family name */
#define USER_LATER         50              /* pieces after the first */
#define USER_KNOWN_REST    75              /* begins with it, rest is a word */
#define USER_LONG          60              /* begins with it, six letters up */
#define USER_SHORT         35              /* begins with it, shorter */

#define USER_PREFIX_MIN    4               /* letters */
#define USER_PREFIX_LONG   6
#define USER_PREFIX_MAX    12
#define USER_REST_MIN      3
#define USER_COMMON        72              /* over 500 people */
#define USER_WHOLE_COMMON  48              /* over 64 people */
#define USER_CLEAR         59              /* share 0.95 */


/* Pieces that are no names, if there are others. */
#define USER_SKIPPED                                                          \
    (IGJ_WORD_AFFIX|IGJ_WORD_NOISE|IGJ_WORD_PARTICLE|IGJ_WORD_TITLE)


typedef struct {
    const char  *text;
    size_t       len;
} user_piece_t;


static int
user_is_clear(const igj_names_record_t *record)
{
    return record != NULL && (record->kinds & IGJ_WORD_GIVEN)
           && !(record->kinds & (IGJ_WORD_FAMILY|IGJ_WORD_AFFIX))
           && record->common >= USER_COMMON
           && (record->odds >= USER_CLEAR || record->odds <= -USER_CLEAR);
}


/* A well-known given name that is not clear: Marion is not Mario. */
static int
user_is_other(const igj_names_record_t *record)
{
    return record != NULL && (record->kinds & IGJ_WORD_GIVEN)
           && record->common >= USER_COMMON;
}


/* A name that a whole piece may be: "kingdom" is borne by a few, too. */
static int
user_is_name(const igj_names_record_t *record)
{
    return record != NULL && (record->kinds & IGJ_WORD_GIVEN)
           && !(record->kinds & (IGJ_WORD_NOISE|IGJ_WORD_AFFIX))
           && record->common >= USER_WHOLE_COMMON;
}


static int
user_is(const igj_name_table_t *table, const char *text, size_t len,
    unsigned kinds)
{
    const igj_names_record_t  *record;

    record = len == 0 ? NULL : igj_names_find(table, text, len);

    return record != NULL && (record->kinds & kinds) != 0;
}


/* Takes a word that is no name off the beginning; returns 0 if none is. */
static int
user_strip_front(const igj_name_table_t *table, user_piece_t *piece)
{
    size_t  n;

    for (n = 2; n + USER_REST_MIN <= piece->len; n++) {
        if (user_is(table, piece->text, n, IGJ_WORD_AFFIX)) {
            piece->text += n;
            piece->len -= n;
            return 1;
        }
    }

    return 0;
}


static int
user_strip_back(const igj_name_table_t *table, user_piece_t *piece)
{
    size_t  n;

    for (n = 2; n + USER_REST_MIN <= piece->len; n++) {
        if (user_is(table, piece->text + piece->len - n, n, IGJ_WORD_AFFIX)) {
            piece->len -= n;
            return 1;
        }
    }

    return 0;
}


/* Whether what follows a name makes sense: then it is hardly by chance. */
static int
user_is_rest(const igj_name_table_t *table, const char *text, size_t len)
{
    if (len == 0) {
        return 1;
    }

    if (len < USER_REST_MIN) {
        return 0;
    }

    return igj_names_find(table, text, len) != NULL
           || (len > USER_REST_MIN + 1
               && igj_names_ending(table, IGJ_NAMES_ENDING, text, len, len)
                  != NULL);
}


/*
 * The longest clear name that the piece begins with, one that leaves a word
 * before others; *n is its length, *rest whether it leaves one.
 */
static const igj_names_record_t *
user_prefix(const igj_name_table_t *table, const user_piece_t *piece,
    size_t *n, int *rest)
{
    int                        fits;
    size_t                     i;
    uint32_t                   hash;
    const igj_names_record_t  *record, *found;

    *rest = 0;
    found = NULL;
    hash = IGJ_NAMES_HASH_INIT;

    for (i = 0; i < piece->len && i < USER_PREFIX_MAX; i++) {
        hash = igj_names_hash_step(hash, (unsigned char) piece->text[i]);

        if (i + 1 < USER_PREFIX_MIN) {
            continue;
        }

        record = igj_names_find_hash(table, piece->text, i + 1,
                                     igj_names_hash_end(hash));
        if (!user_is_clear(record)) {
            found = user_is_other(record) && !*rest ? NULL : found;
            continue;
        }

        fits = user_is_rest(table, piece->text + i + 1, piece->len - i - 1);

        if (fits >= *rest) {
            found = record;
            *rest = fits;
            *n = i + 1;
        }
    }

    return found;
}


static void
user_part(igj_evidence_t *evidence, const igj_name_table_t *table,
    const user_piece_t *piece, int percent)
{
    int                        weight, rest;
    size_t                     n;
    const igj_names_record_t  *record;

    record = user_prefix(table, piece, &n, &rest);

    if (record != NULL) {
        weight = rest ? USER_KNOWN_REST
                      : n >= USER_PREFIX_LONG ? USER_LONG : USER_SHORT;
        igj_evidence_add(evidence, record->odds * weight / 100 * percent / 100,
                         "username", piece->text, n);
    }
}


/* Mariaaa: runs of a letter become one. */
static size_t
user_unstretch(const user_piece_t *piece, char *out)
{
    size_t  i, n;

    for (n = 0, i = 0; i < piece->len; i++) {
        if (n == 0 || out[n - 1] != piece->text[i]) {
            out[n++] = piece->text[i];
        }
    }

    return n;
}


/* The piece as a given name: whole, without affixes, without long letters. */
static const igj_names_record_t *
user_whole(const igj_name_table_t *table, user_piece_t *piece, char *plain)
{
    size_t                     len;
    const igj_names_record_t  *record;

    for ( ;; ) {
        record = igj_names_find(table, piece->text, piece->len);

        if (user_is_name(record)) {
            return record;
        }

        if (!user_strip_front(table, piece) && !user_strip_back(table, piece))
        {
            break;
        }
    }

    len = user_unstretch(piece, plain);
    record = igj_names_find(table, plain, len);

    if (!user_is_name(record)) {
        return NULL;
    }

    piece->text = plain;
    piece->len = len;

    return record;
}


static void
user_piece(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_token_t *token, int percent)
{
    char                       plain[IGJ_TOKEN_SIZE];
    user_piece_t               piece = { token->text, token->len };
    const igj_names_record_t  *record;

    record = user_whole(table, &piece, plain);

    if (record == NULL) {
        user_part(evidence, table, &piece, percent);
        return;
    }

    if (igj_record_is_family(record)) {
        percent = percent * USER_FAMILY / 100;
    }

    igj_evidence_add(evidence, record->odds * percent / 100, "username",
                     piece.text, piece.len);
}


static int
user_token_is(const igj_name_table_t *table, const igj_token_t *token,
    unsigned kinds)
{
    return user_is(table, token->text, token->len, kinds);
}


/* mrs.smith */
static void
user_title(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_token_t *token)
{
    const igj_names_record_t  *record;

    record = igj_names_find(table, token->text, token->len);

    if (record != NULL && (record->kinds & IGJ_WORD_TITLE)) {
        igj_evidence_add(evidence, record->lean, "title", token->text,
                         token->len);
    }
}


int
igj_username_names(igj_evidence_t *evidence, const igj_name_table_t *table,
    const char *username, size_t len)
{
    int                 percent;
    unsigned            i;
    igj_tokens_t        tokens;
    const igj_token_t  *token;

    igj_tokens_read(&tokens, username,
                    len < IGJ_USER_READ_MAX ? len : IGJ_USER_READ_MAX);

    for (i = 0; i < tokens.n; i++) {
        if (user_token_is(table, &tokens.token[i], IGJ_WORD_ORG)) {
            return 1;
        }
    }

    if (tokens.n > 1) {
        user_title(evidence, table, &tokens.token[0]);
    }

    percent = USER_WHOLE;

    for (i = 0; i < tokens.n; i++) {
        token = &tokens.token[i];

        if (token->letters > 1
            && (tokens.n == 1 || !user_token_is(table, token, USER_SKIPPED)))
        {
            user_piece(evidence, table, token, percent);
            percent = USER_LATER;
        }
    }

    return 0;
}
