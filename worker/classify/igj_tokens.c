/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* From bytes to folded words, with what stood between them. */

#include <string.h>

#include "igj_fold.h"
#include "igj_tokens.h"
#include "igj_utf8.h"


#define TOKENS_WORD_MAX    (IGJ_TOKEN_SIZE / 2)  /* code points in progress */
#define TOKENS_SPACED_MIN  4                     /* letters of "M A R I A" */

#define TOKENS_LATIN       0x01u
#define TOKENS_GREEK       0x02u
#define TOKENS_CYRILLIC    0x04u
#define TOKENS_OTHER       0x08u


/* The word in progress. */
typedef struct {
    igj_tokens_t  *tokens;
    unsigned       n;                      /* letters */
    unsigned       nexact;
    unsigned       nlarge;                 /* of them capitals */
    unsigned       camel;                  /* letters before an inner capital */
    unsigned       scripts;
    uint8_t        accent;
    uint8_t        cut;
    uint8_t        capital;
    uint8_t        small_before;
    uint8_t        before;                 /* igj_break_e */
    uint8_t        bracket;                /* open brackets */
    uint8_t        quote;
    uint8_t        women;                  /* kinds of emoji seen */
    uint8_t        men;
    uint32_t       letter[TOKENS_WORD_MAX];
    uint32_t       from[TOKENS_WORD_MAX];  /* of a letter beyond ASCII */
    uint32_t       exact[TOKENS_WORD_MAX];
} tokens_word_t;


static unsigned
tokens_script(uint32_t letter)
{
    return letter < 0x80 ? TOKENS_LATIN
           : letter >= 0x370 && letter < 0x400 ? TOKENS_GREEK
           : letter >= 0x400 && letter < 0x530 ? TOKENS_CYRILLIC
           : TOKENS_OTHER;
}


static igj_break_e
tokens_break(uint32_t c)
{
    switch (c) {

    case '-': case 0x2010: case 0x2011: case 0xFE63: case 0xFF0D:
        return IGJ_BREAK_HYPHEN;

    case '&': case '+': case 0xFF06:
        return IGJ_BREAK_AND;

    case ',': case ';': case 0x60C: case 0x3001: case 0xFF0C:
        return IGJ_BREAK_COMMA;

    case '/': case '\\': case 0xFF0F:
        return IGJ_BREAK_SLASH;

    case '|': case '~': case ':': case 0xA6: case 0xB7: case 0x2013:
    case 0x2014: case 0x2015: case 0x2022: case 0x2023: case 0x2043:
    case 0x223C: case 0x2605: case 0x2606: case 0x2726: case 0x2727:
    case 0x301C: case 0x30FB: case 0xFF5C: case 0xFF5E: case '\n':
        return IGJ_BREAK_STRONG;

    default:
        return IGJ_BREAK_SPACE;
    }
}


static void
tokens_brackets(tokens_word_t *word, uint32_t c)
{
    switch (c) {

    case '(': case '[': case '{': case '<': case 0xAB: case 0x201C:
    case 0x201E: case 0x300C: case 0x300E: case 0x3010: case 0xFF08:
    case 0xFF3B:
        word->bracket += word->bracket < 8;
        break;

    case ')': case ']': case '}': case '>': case 0xBB: case 0x201D:
    case 0x300D: case 0x300F: case 0x3011: case 0xFF09: case 0xFF3D:
        word->bracket -= word->bracket > 0;
        break;

    case '"':
        word->quote = !word->quote;
        break;

    default:
        break;
    }
}


static void
tokens_emoji(tokens_word_t *word, uint32_t c)
{
    switch (c) {

    case 0x2640: case 0x1F380: case 0x1F457: case 0x1F460: case 0x1F467:
    case 0x1F469: case 0x1F470: case 0x1F475: case 0x1F478: case 0x1F483:
    case 0x1F484: case 0x1F485: case 0x1F930:
        word->women = 1;
        break;

    case 0x2642: case 0x1F466: case 0x1F468: case 0x1F474: case 0x1F57A:
    case 0x1F934: case 0x1F935: case 0x1F9D4:
        word->men = 1;
        break;

    default:
        break;
    }
}


/* A word of two alphabets is a drawing: take what its letters look like. */
static void
tokens_unmask(tokens_word_t *word)
{
    unsigned  i;
    uint32_t  latin[TOKENS_WORD_MAX];

    if ((word->scripts & (word->scripts - 1)) == 0) {
        return;
    }

    for (i = 0; i < word->n; i++) {
        latin[i] = word->letter[i] < 0x80 ? word->letter[i]
                   : igj_fold_look_alike(word->from[i]);

        if (latin[i] == 0) {
            return;
        }
    }

    memcpy(word->letter, latin, word->n * sizeof(latin[0]));
    word->scripts = TOKENS_LATIN;
    word->accent = 0;
}


/* Writes code points as UTF-8; *cut is set when they do not all fit. */
static uint8_t
tokens_put(char *out, const uint32_t *letters, unsigned n, uint8_t *cut)
{
    char      utf8[4];
    unsigned  i, len, size;

    for (len = 0, i = 0; i < n; i++) {
        if (letters[i] < 0x80 && len < IGJ_TOKEN_SIZE) {
            out[len++] = (char) letters[i];
            continue;
        }

        size = igj_utf8_put(utf8, letters[i]);

        if (len + size > IGJ_TOKEN_SIZE) {
            *cut = 1;
            break;
        }

        memcpy(out + len, utf8, size);
        len += size;
    }

    return (uint8_t) len;
}


static void
tokens_end_word(tokens_word_t *word)
{
    igj_token_t   *token;
    igj_tokens_t  *tokens;

    tokens = word->tokens;

    if (word->n > 0 && tokens->n < IGJ_TOKENS_MAX) {
        token = &tokens->token[tokens->n++];
        tokens_unmask(word);

        token->before = word->before;
        token->letters = (uint8_t) word->n;
        token->camel = (uint8_t) (word->scripts == TOKENS_LATIN
                                  ? word->camel : 0);
        token->len = tokens_put(token->text, word->letter, word->n,
                                &word->cut);
        token->exact_len = 0;

        if (word->accent) {
            token->exact_len = tokens_put(token->exact, word->exact,
                                          word->nexact, &word->accent);
        }

        token->flags = (uint8_t)
            ((word->nlarge == word->n && word->n > 1 ? IGJ_TOKEN_UPPER : 0)
             | (word->accent ? IGJ_TOKEN_ACCENT : 0)
             | (word->bracket || word->quote ? IGJ_TOKEN_BRACKET : 0)
             | (word->scripts != TOKENS_LATIN ? IGJ_TOKEN_FOREIGN : 0)
             | (word->cut ? IGJ_TOKEN_CUT : 0)
             | (word->capital ? IGJ_TOKEN_CAPITAL : 0));

        word->before = IGJ_BREAK_SPACE;
    }

    word->n = 0;
    word->nexact = 0;
    word->nlarge = 0;
    word->camel = 0;
    word->scripts = 0;
    word->accent = 0;
    word->cut = 0;
    word->capital = 0;
    word->small_before = 0;
}


/* A capital as letter n of the word, counted from 0. */
static void
tokens_capital(tokens_word_t *word, unsigned n, int small_before)
{
    if (small_before && word->camel == 0) {
        word->camel = n;
    }

    word->capital |= n == 0;
}


static void
tokens_letter(tokens_word_t *word, uint32_t c, const uint32_t *out, int n)
{
    int       i, large;
    uint32_t  lower;

    lower = igj_fold_lower(c);
    large = lower != c;

    if (large) {
        tokens_capital(word, word->n, word->small_before);
    }

    word->small_before = !large;

    if (word->nexact < TOKENS_WORD_MAX) {
        word->exact[word->nexact++] = lower;
    }

    if (out[0] < 0x80 && lower != out[0] && lower >= 0xC0 && lower < 0x1F00) {
        word->accent = 1;
    }

    for (i = 0; i < n; i++) {
        if (word->n == TOKENS_WORD_MAX) {
            word->cut = 1;
            return;
        }

        word->from[word->n] = c;
        word->letter[word->n++] = out[i];
        word->nlarge += (unsigned) large;
        word->scripts |= tokens_script(out[i]);
    }
}


/*
 * Letters of ASCII, as most are: takes as many as follow and have room, and
 * returns their number.  tokens_take() would come to the same, one by one.
 */
static size_t
tokens_plain(tokens_word_t *word, const char *text, size_t len)
{
    unsigned   n;
    uint32_t   lower, *letter, *exact;

    letter = word->letter + word->n;
    exact = word->exact + word->nexact;

    if (len > TOKENS_WORD_MAX - word->n) {
        len = TOKENS_WORD_MAX - word->n;
    }

    for (n = 0; n < len; n++) {
        lower = (unsigned char) text[n] | 0x20u;

        if (lower - 'a' >= 26) {
            break;
        }

        if (text[n] < 'a') {
            tokens_capital(word, word->n + n,
                           n > 0 ? text[n - 1] >= 'a' : word->small_before);
            word->nlarge++;
        }

        letter[n] = lower;
        exact[n] = lower;
    }

    if (n > 0) {
        word->n += n;
        word->nexact += n;
        word->small_before = text[n - 1] >= 'a';
        word->scripts |= TOKENS_LATIN;
    }

    return n;
}


/* Whether a letter, or what may stand for one, follows at once. */
static int
tokens_letter_next(const char *text, size_t len)
{
    int       n;
    uint32_t  c, out[IGJ_FOLD_MAX];

    if (len == 0) {
        return 0;
    }

    (void) igj_fold_decode(text, len, &c);
    n = igj_fold(c, out);

    return n > 0 ? out[0] < '0' || out[0] > '9' : c == '$';
}


/* "Anna's": whether the apostrophe and the s after it end the word. */
static int
tokens_is_genitive(uint32_t c, const char *rest, size_t left)
{
    return (c == '\'' || c == 0x2019) && left > 0
           && (rest[0] == 's' || rest[0] == 'S')
           && !tokens_letter_next(rest + 1, left - 1);
}


static int
tokens_is_flag(uint32_t c)
{
    return c >= 0x1F1E6 && c <= 0x1F1FF;
}


/* A digit or sign: part of the word (m4ria, Ke$ha), or its end. */
static void
tokens_sign(tokens_word_t *word, uint32_t c, uint32_t like, const char *rest,
    size_t left)
{
    igj_break_e  before;

    if (like != 0 && (word->n > 0 || c == '$')
        && (c >= 0x80 || tokens_letter_next(rest, left)))
    {
        tokens_letter(word, c, &like, 1);
        return;
    }

    tokens_end_word(word);
    tokens_emoji(word, c);
    tokens_brackets(word, c);

    before = tokens_break(c);

    if (before > word->before) {
        word->before = (uint8_t) before;
    }
}


static void
tokens_drop(igj_tokens_t *tokens, unsigned first, unsigned n)
{
    memmove(&tokens->token[first], &tokens->token[first + n],
            (tokens->n - first - n) * sizeof(igj_token_t));
    tokens->n -= n;
}


/* Puts "M A R I A" together. */
static void
tokens_join_spaced(igj_tokens_t *tokens)
{
    unsigned      i, j;
    igj_token_t  *first;

    for (i = 0; i < tokens->n; i++) {
        first = &tokens->token[i];

        for (j = i; j < tokens->n && tokens->token[j].letters == 1; j++) {
            if (j > i && tokens->token[j].before != IGJ_BREAK_SPACE) {
                break;
            }
        }

        if (j - i < TOKENS_SPACED_MIN) {
            continue;
        }

        for (unsigned k = i + 1; k < j; k++) {
            if (first->len + tokens->token[k].len <= IGJ_TOKEN_SIZE) {
                memcpy(first->text + first->len, tokens->token[k].text,
                       tokens->token[k].len);
                first->len += tokens->token[k].len;
                first->letters++;
            }
        }

        first->flags &= (uint8_t) ~IGJ_TOKEN_ACCENT;
        tokens_drop(tokens, i + 1, j - i - 1);
    }
}


/* The number of bytes of the second half of a flag, 0 if c is none. */
static unsigned
tokens_flag_rest(uint32_t c, const char *rest, size_t left)
{
    unsigned  size;
    uint32_t  next;

    if (!tokens_is_flag(c) || left == 0) {
        return 0;
    }

    size = igj_fold_decode(rest, left, &next);

    return tokens_is_flag(next) ? size : 0;
}


/* Takes a code point; returns the bytes after it that went with it. */
static unsigned
tokens_take(tokens_word_t *word, uint32_t c, const char *rest, size_t left)
{
    int       n;
    unsigned  size;
    uint32_t  out[IGJ_FOLD_MAX];

    if (c == ' ') {
        tokens_end_word(word);
        return 0;
    }

    size = tokens_flag_rest(c, rest, left);

    if (size > 0) {
        tokens_end_word(word);
        return size;
    }

    n = igj_fold(c, out);

    if (n == 0) {
        return (unsigned) tokens_is_genitive(c, rest, left);
    }

    if (n == IGJ_FOLD_SEPARATOR) {
        tokens_sign(word, c, igj_fold_look_alike(c), rest, left);

    } else if (out[0] >= '0' && out[0] <= '9') {
        tokens_sign(word, c, igj_fold_leet(out[0]), rest, left);

    } else {
        tokens_letter(word, c, out, n);
    }

    return 0;
}


void
igj_tokens_read(igj_tokens_t *tokens, const char *text, size_t len)
{
    size_t         at;
    uint32_t       c;
    tokens_word_t  word;

    tokens->n = 0;

    memset(&word, 0, offsetof(tokens_word_t, letter));
    word.tokens = tokens;
    word.before = IGJ_BREAK_START;

    if (len > IGJ_TOKENS_READ_MAX) {
        len = IGJ_TOKENS_READ_MAX;
    }

    for (at = 0; at < len; /* void */) {
        at += tokens_plain(&word, text + at, len - at);

        if (at < len) {
            at += igj_fold_decode(text + at, len - at, &c);
            at += tokens_take(&word, c, text + at, len - at);
        }
    }

    tokens_end_word(&word);
    tokens_join_spaced(tokens);
    tokens->emoji = (int) word.women - (int) word.men;
}
