/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What is written: data on standard output, everything else on standard error.
 * Knows which of the two is a terminal, how wide it is now, whether it may be
 * coloured.  A reader that goes away ends the process as it ends every filter,
 * by SIGPIPE; any other failure to write ends it with CLI_FAILED.
 */

#ifndef CLI_TERM_H
#define CLI_TERM_H

#include "cli.h"


typedef enum {
    CLI_PLAIN = 0,
    CLI_BOLD,
    CLI_GOOD,
    CLI_BAD
} cli_style_e;


/* Once, before everything else. */
void cli_term_init(void);

/* Standard output leads somewhere else now. */
void cli_term_output_moved(void);

/* Whether it is a terminal on which lines can be drawn again. */
bool cli_term_draws_errors(void);

bool cli_term_is_output(void);
bool cli_term_is_input(void);

/* Columns of the terminal on standard output, or on standard error, as they
 * are now; 80 where there is none. */
int cli_term_columns(void);
int cli_term_error_columns(void);


/* Bytes to standard output as they are. */
void cli_out(const char *bytes, size_t len);

/* Whole lines or texts of others: as they are, but cleaned on a terminal. */
void cli_out_data(const char *bytes, size_t len);

/* A text of others, cleaned, in a style where it is a terminal. */
void cli_out_text(cli_style_e style, const char *text);

void cli_out_format(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

void cli_out_flush(void);


/* "igjobs: " and the message, cleaned, as a line of its own. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same without "igjobs: ". */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));


/* Draws the line over the one that was drawn before. */
void cli_bar(const char *line);

/* Leaves the line that was drawn. */
void cli_bar_end(void);


#endif /* CLI_TERM_H */
