/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli_term.h"
#include "cli_text.h"
#include "igj_utf8.h"


#define CLI_TERM_COLUMNS    80
#define CLI_TERM_CLEAR      "\r\033[K"


static struct {
    bool  input;
    bool  output;
    bool  errors;
    bool  draws;                   /* standard error understands "\033[K" */
    bool  colour;                  /* standard output */
    bool  drawn;                   /* a bar stands on standard error */
} cli_term;


static void cli_term_line(const char *prefix, const char *format, va_list ap);
static void cli_term_character(uint32_t c, const char *text, unsigned n);
static int cli_term_columns_of(int fd);
static _Noreturn void cli_term_cannot_write(void);


void
cli_term_init(void)
{
    bool         dumb;
    const char  *term, *no_colour;

    /* characters have the width that terminals give them, in any locale */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        (void) setlocale(LC_CTYPE, "");
    }

    /* writing says that the reader has gone; see cli_term_cannot_write() */
    (void) signal(SIGPIPE, SIG_IGN);

    term = getenv("TERM");
    no_colour = getenv("NO_COLOR");
    dumb = term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0;

    cli_term.input = isatty(STDIN_FILENO) == 1;
    cli_term.output = isatty(STDOUT_FILENO) == 1;
    cli_term.errors = isatty(STDERR_FILENO) == 1;
    cli_term.draws = cli_term.errors && !dumb;
    cli_term.colour = cli_term.output && !dumb
                      && (no_colour == NULL || no_colour[0] == '\0');
}


void
cli_term_output_moved(void)
{
    cli_term.output = isatty(STDOUT_FILENO) == 1;
    cli_term.colour = cli_term.colour && cli_term.output;
}


bool
cli_term_draws_errors(void)
{
    return cli_term.draws;
}


bool
cli_term_is_output(void)
{
    return cli_term.output;
}


bool
cli_term_is_input(void)
{
    return cli_term.input;
}


int
cli_term_columns(void)
{
    return cli_term_columns_of(STDOUT_FILENO);
}


int
cli_term_error_columns(void)
{
    return cli_term_columns_of(STDERR_FILENO);
}


static int
cli_term_columns_of(int fd)
{
    struct winsize  size;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return CLI_TERM_COLUMNS;
    }

    return size.ws_col > CLI_COLUMNS_MAX ? CLI_COLUMNS_MAX : size.ws_col;
}


void
cli_out(const char *bytes, size_t len)
{
    if (fwrite(bytes, 1, len, stdout) != len) {
        cli_term_cannot_write();
    }
}


void
cli_out_data(const char *bytes, size_t len)
{
    unsigned  n;
    uint32_t  c;

    if (!cli_term.output) {
        cli_out(bytes, len);
        return;
    }

    for ( /* void */ ; len > 0; bytes += n, len -= n) {
        c = cli_text_char(bytes, len, &n);

        if (c == '\n') {
            cli_out("\n", 1);
        } else if (c != '\r') {
            cli_term_character(c, bytes, n);
        }
    }
}


void
cli_out_text(cli_style_e style, const char *text)
{
    size_t              len;
    unsigned            n;
    uint32_t            c;
    static const char  *codes[] = { "", "\033[1m", "\033[32m", "\033[31m" };

    if (cli_term.colour) {
        cli_out(codes[style], strlen(codes[style]));
    }

    for (len = strlen(text); len > 0; text += n, len -= n) {
        c = cli_text_char(text, len, &n);
        cli_term_character(c, text, n);
    }

    if (cli_term.colour && style != CLI_PLAIN) {
        cli_out("\033[0m", 4);
    }
}


static void
cli_term_character(uint32_t c, const char *text, unsigned n)
{
    if (cli_text_control(c) || c == CLI_TEXT_REPLACEMENT) {
        cli_out(IGJ_UTF8_REPLACEMENT, sizeof(IGJ_UTF8_REPLACEMENT) - 1);
    } else {
        cli_out(text, n);
    }
}


void
cli_out_format(const char *format, ...)
{
    int      rc;
    va_list  ap;

    va_start(ap, format);
    rc = vprintf(format, ap);
    va_end(ap);

    if (rc < 0) {
        cli_term_cannot_write();
    }
}


void
cli_out_flush(void)
{
    if (fflush(stdout) != 0) {
        cli_term_cannot_write();
    }
}


static _Noreturn void
cli_term_cannot_write(void)
{
    int  error;

    error = errno;

    if (error == EPIPE) {
        (void) signal(SIGPIPE, SIG_DFL);
        (void) raise(SIGPIPE);
    }

    cli_say("cannot write: %s", strerror(error));
    _exit(CLI_FAILED);
}


void
cli_say(const char *format, ...)
{
    va_list  ap;

    va_start(ap, format);
    cli_term_line("igjobs: ", format, ap);
    va_end(ap);
}


void
cli_note(const char *format, ...)
{
    va_list  ap;

    va_start(ap, format);
    cli_term_line("", format, ap);
    va_end(ap);
}


static void
cli_term_line(const char *prefix, const char *format, va_list ap)
{
    char  text[CLI_SAY_MAX], clean[cli_text_max(CLI_SAY_MAX)];

    (void) vsnprintf(text, sizeof(text), format, ap);
    (void) cli_text_clean(clean, sizeof(clean), text, strlen(text));

    if (cli_term.drawn) {
        cli_term.drawn = false;
        (void) fputs(CLI_TERM_CLEAR, stderr);
    }

    (void) fprintf(stderr, "%s%s\n", prefix, clean);
}


void
cli_bar(const char *line)
{
    size_t  n;

    /* the last column is left free: some terminals wrap when it is filled */
    n = cli_text_fit(line, cli_term_error_columns() - 1);

    (void) fprintf(stderr, CLI_TERM_CLEAR "%.*s", (int) n, line);
    (void) fflush(stderr);
    cli_term.drawn = true;
}


void
cli_bar_end(void)
{
    if (cli_term.drawn) {
        cli_term.drawn = false;
        (void) fputs("\n", stderr);
    }
}
