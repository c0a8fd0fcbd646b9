/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Text that others have written, made fit for a terminal: nothing in it can
 * move the cursor, change colours or the direction of writing.
 */

#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "cli.h"


/* A text of n bytes needs at most this, with its NUL. */
#define cli_text_max(n)  (3 * (n) + 1)


/*
 * Copies text with each control character (C0, DEL, C1), line and paragraph
 * separator, direction mark and faulty part as U+FFFD; NUL-terminated, cut
 * between characters where size ends.  Returns the bytes written.
 */
size_t cli_text_clean(char *out, size_t size, const char *text, size_t len);

#define CLI_TEXT_REPLACEMENT  0xFFFDu      /* also: is not UTF-8 */

/* Whether the character is one of those that cli_text_clean() replaces. */
bool cli_text_control(uint32_t character);

/* The character at text (len is at least 1); *n is its length in bytes. */
uint32_t cli_text_char(const char *text, size_t len, unsigned *n);

/* Columns of a cleaned text on a terminal. */
int cli_text_width(const char *text);

/* Bytes of the longest prefix of a cleaned text that fits the columns. */
size_t cli_text_fit(const char *text, int columns);


/* 1234567 as "1,234,567". */
#define CLI_NUMBER_MAX  32
const char *cli_text_number(char out[CLI_NUMBER_MAX], int64_t number);


#endif /* CLI_TEXT_H */
