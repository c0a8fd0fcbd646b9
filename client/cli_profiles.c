/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "cli_names.h"
#include "cli_profiles.h"
#include "cli_term.h"
#include "igj_json.h"


static int cli_profiles_format(cli_profiles_t *p, const char *path,
    const char *format);
static int cli_profiles_line(cli_profiles_t *p);
static int cli_profiles_element(cli_profiles_t *p);
static int cli_profiles_begin(cli_profiles_t *p);
static int cli_profiles_row(cli_profiles_t *p, igj_str_t *field, int most);
static int cli_profiles_field(cli_profiles_t *p, int c, size_t *len);
static int cli_profiles_titles(cli_profiles_t *p);
static int cli_profiles_csv(cli_profiles_t *p);
static int cli_profiles_fault(const cli_profiles_t *p, const char *what);


#define CLI_PROFILES_COLUMNS  64
#define CLI_PROFILES_LONG     (-2)         /* of a field; EOF is -1 */

/* what the columns may be called, in the order of the members */
static const struct {
    const char  *member;
    const char  *titles[4];
} cli_profiles_kept[CLI_PROFILES_KEPT] = {
    { "id", { "id", "profile_id", "user_id", NULL } },
    { "username", { "username", "user_name", NULL, NULL } },
    { "full_name", { "full_name", "fullName", "name", NULL } }
};


int
cli_profiles_open(cli_profiles_t *p, const char *path, const char *format)
{
    memset(p, 0, sizeof(cli_profiles_t));
    p->at.line = 1;
    p->from = strcmp(path, "-") == 0 ? "standard input" : path;
    p->file = cli_names_source(path);

    if (p->file == NULL) {
        return IGJ_ERROR;
    }

    if (cli_profiles_format(p, path, format) != IGJ_OK) {
        cli_profiles_close(p);
        return IGJ_ERROR;
    }

    return IGJ_OK;
}


void
cli_profiles_close(cli_profiles_t *p)
{
    if (p->file != NULL) {
        (void) fclose(p->file);
        p->file = NULL;
    }
}


static int
cli_profiles_format(cli_profiles_t *p, const char *path, const char *format)
{
    static const struct {
        const char      *name;
        cli_profiles_e   format;
    } names[] = {
        { "csv", CLI_PROFILES_CSV }, { "ndjson", CLI_PROFILES_NDJSON },
        { "jsonl", CLI_PROFILES_NDJSON }, { "json", CLI_PROFILES_JSON }
    };

    int          c;
    size_t       i;
    const char  *dot;

    dot = strrchr(path, '.');
    format = format != NULL ? format : dot != NULL ? dot + 1 : "";

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(format, names[i].name) == 0) {
            p->format = names[i].format;
            return IGJ_OK;
        }
    }

    do {
        c = getc(p->file);
    } while (c == ' ' || c == '\t' || c == '\r' || c == '\n');

    p->format = c == '[' ? CLI_PROFILES_JSON
                : c == '{' ? CLI_PROFILES_NDJSON : CLI_PROFILES_CSV;

    if (fseeko(p->file, 0, SEEK_SET) != 0) {
        return cli_profiles_fault(p, strerror(errno));
    }

    return IGJ_OK;
}


static int
cli_profiles_fault(const cli_profiles_t *p, const char *what)
{
    cli_say("%s:%llu: %s", p->from, (unsigned long long) p->at.line, what);

    return IGJ_ERROR;
}


void
cli_profiles_mark(cli_profiles_t *p)
{
    p->at.offset = ftello(p->file);
    p->mark = p->at;
}


int
cli_profiles_back(cli_profiles_t *p)
{
    p->at = p->mark;

    if (fseeko(p->file, p->at.offset, SEEK_SET) != 0) {
        return cli_profiles_fault(p, strerror(errno));
    }

    return IGJ_OK;
}


int
cli_profiles_next(cli_profiles_t *p)
{
    int  rc;

    rc = p->format == CLI_PROFILES_CSV ? cli_profiles_csv(p)
         : p->format == CLI_PROFILES_JSON ? cli_profiles_element(p)
         : cli_profiles_line(p);

    return rc == 0 && ferror(p->file)
           ? cli_profiles_fault(p, strerror(errno)) : rc;
}


/* The next line that has something in it. */

static int
cli_profiles_line(cli_profiles_t *p)
{
    int     c;
    size_t  len;

    len = 0;

    while ((c = getc(p->file)) != EOF) {
        if (c == '\n') {
            p->at.line++;

            if (len > 0) {
                break;
            }

        } else if (len > 0 || (c != ' ' && c != '\t' && c != '\r')) {
            if (len == CLI_PROFILE_MAX) {
                return cli_profiles_fault(p, "a profile is too long");
            }

            p->text[len++] = (char) c;
        }
    }

    while (len > 0 && strchr(" \t\r", p->text[len - 1]) != NULL) {
        len--;
    }

    p->len = len;

    return len > 0;
}


/* Up to the first array, which stands in an object or alone. */

static int
cli_profiles_begin(cli_profiles_t *p)
{
    int   c;
    bool  quoted;

    quoted = false;

    while ((c = getc(p->file)) != EOF && (quoted || c != '[')) {
        quoted ^= (c == '"');
        p->at.line += (c == '\n');
    }

    if (c == EOF) {
        return cli_profiles_fault(p, "there is no array of profiles");
    }

    p->at.begun = true;

    return IGJ_OK;
}


/* The next element of the array, as it stands. */

static int
cli_profiles_element(cli_profiles_t *p)
{
    int     c, depth;
    bool    quoted, escaped;
    size_t  len;

    if (!p->at.begun && cli_profiles_begin(p) != IGJ_OK) {
        return IGJ_ERROR;
    }

    len = 0;
    depth = 0;
    quoted = escaped = false;

    while (!p->at.ended) {
        c = getc(p->file);

        if (c == EOF) {
            return cli_profiles_fault(p, "the array has no end");
        }

        p->at.line += (c == '\n');

        if (!quoted && depth == 0 && (c == ',' || c == ']')) {
            p->at.ended = (c == ']');
            break;
        }

        if (len == 0 && strchr(" \t\r\n", c) != NULL) {
            continue;
        }

        if (len == CLI_PROFILE_MAX) {
            return cli_profiles_fault(p, "a profile is too long");
        }

        p->text[len++] = (char) c;
        depth += quoted ? 0 : (c == '{' || c == '[') - (c == '}' || c == ']');
        quoted ^= (c == '"' && !escaped);
        escaped = (quoted && c == '\\' && !escaped);
    }

    p->len = len;

    /* an empty element is the server's to refuse, but for an empty array */
    return len > 0 || !p->at.ended;
}


/* A row of CSV, whose fields stand in raw; returns how many, 0: none more. */

static int
cli_profiles_row(cli_profiles_t *p, igj_str_t *field, int most)
{
    int     c, n;
    size_t  at, len;

    c = getc(p->file);

    while (c == '\n' || c == '\r') {
        p->at.line += (c == '\n');
        c = getc(p->file);
    }

    for (n = 0, at = 0; c != EOF && c != '\n'; n++) {
        len = at;
        c = cli_profiles_field(p, c, &at);

        if (c == CLI_PROFILES_LONG) {
            return IGJ_ERROR;
        }

        if (n < most) {
            field[n].data = p->raw + len;
            field[n].len = at - len;
        }

        if (c == ',') {
            c = getc(p->file);

            if (c == EOF || c == '\n') {
                n++;                       /* an empty one ends the row */

                if (n < most) {
                    field[n].data = p->raw + at;
                    field[n].len = 0;
                }
            }
        }
    }

    p->at.line += (c == '\n');

    return n < most ? n : most;
}


/* A field that begins with c; returns what ends it. */

static int
cli_profiles_field(cli_profiles_t *p, int c, size_t *len)
{
    bool  quoted;

    quoted = false;

    for ( /* void */ ; c != EOF; c = getc(p->file)) {
        if (c == '"') {
            c = getc(p->file);

            if (!quoted || c != '"') {     /* else two are one */
                quoted = !quoted;
                (void) ungetc(c, p->file);
                continue;
            }

        } else if (!quoted && (c == ',' || c == '\n')) {
            break;

        } else if (!quoted && c == '\r') {
            continue;
        }

        if (*len == CLI_PROFILE_MAX) {
            (void) cli_profiles_fault(p, "a row is too long");
            return CLI_PROFILES_LONG;
        }

        p->at.line += (c == '\n');
        p->raw[(*len)++] = (char) c;
    }

    return c;
}


/* Which column is which. */

static int
cli_profiles_titles(cli_profiles_t *p)
{
    int         i, k, t;
    igj_str_t   field[CLI_PROFILES_COLUMNS];

    p->columns = cli_profiles_row(p, field, CLI_PROFILES_COLUMNS);

    if (p->columns < 0) {
        return IGJ_ERROR;
    }

    if (p->columns > 0 && field[0].len >= 3
        && memcmp(field[0].data, "\xEF\xBB\xBF", 3) == 0)
    {
        field[0].data += 3;
        field[0].len -= 3;
    }

    for (k = 0; k < CLI_PROFILES_KEPT; k++) {
        p->column[k] = -1;

        for (t = 0; t < 4 && cli_profiles_kept[k].titles[t] != NULL; t++) {
            for (i = 0; i < p->columns && p->column[k] < 0; i++) {
                if (field[i].len == strlen(cli_profiles_kept[k].titles[t])
                    && memcmp(field[i].data, cli_profiles_kept[k].titles[t],
                              field[i].len) == 0)
                {
                    p->column[k] = i;
                }
            }
        }
    }

    if (p->column[0] < 0 || p->column[1] < 0) {
        p->at.line = 1;
        return cli_profiles_fault(p, "the first line must name the columns: "
                                  "id, username and, if there are any, "
                                  "full_name");
    }

    p->at.begun = true;

    return IGJ_OK;
}


static int
cli_profiles_csv(cli_profiles_t *p)
{
    int         k, n;
    igj_str_t   field[CLI_PROFILES_COLUMNS];
    igj_json_t  json;

    if (!p->at.begun && cli_profiles_titles(p) != IGJ_OK) {
        return IGJ_ERROR;
    }

    n = cli_profiles_row(p, field, CLI_PROFILES_COLUMNS);

    if (n <= 0) {
        return n;
    }

    igj_json_init(&json, p->text, sizeof(p->text));
    igj_json_object_begin(&json);

    for (k = 0; k < CLI_PROFILES_KEPT; k++) {
        if (p->column[k] >= 0 && p->column[k] < n) {
            igj_json_key(&json, cli_profiles_kept[k].member);
            igj_json_string(&json, field[p->column[k]].data,
                            field[p->column[k]].len);
        }
    }

    igj_json_object_end(&json);

    if (igj_json_overflow(&json)) {
        return cli_profiles_fault(p, "a profile is too long");
    }

    p->len = json.len;

    return 1;
}
