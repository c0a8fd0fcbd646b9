/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Reading a line with the JSON scanner, and splicing the answer into it. */

#include <string.h>

#include "igj_classify_line.h"
#include "igj_json.h"


typedef struct {
    size_t  len;
    char    text[IGJ_CLASSIFY_TEXT_MAX];
} line_text_t;


typedef struct {
    int          is_object;
    int          replaces;       /* members of ours are there already */
    line_text_t  full_name;
    line_text_t  camel_name;     /* fullName */
    line_text_t  username;
} line_profile_t;


static const igj_str_t  line_ours[] = {
    { "gender", 6 }, { "confidence", 10 }, { "evidence", 8 }
};

#define LINE_OURS  (sizeof(line_ours) / sizeof(line_ours[0]))


/* Whether the value is the member `key` of the line's object. */
static int
line_at(const igj_scan_t *scan, igj_str_t key)
{
    return scan->frame[0].key_len == key.len
           && memcmp(scan->frame[0].key, key.data, key.len) == 0;
}


static void
line_take(line_text_t *to, const igj_scan_t *scan, igj_str_t key,
    const igj_scan_event_t *event)
{
    if (event->type == IGJ_SCAN_STRING && line_at(scan, key)) {
        to->len = event->text.len < sizeof(to->text) ? event->text.len
                                                     : sizeof(to->text);
        memcpy(to->text, event->text.data, to->len);
    }
}


static int
line_event(void *data, const igj_scan_t *scan, const igj_scan_event_t *event)
{
    size_t           i;
    line_profile_t  *profile;

    profile = data;

    if (scan->depth == 0) {
        profile->is_object |= event->type == IGJ_SCAN_OBJECT_BEGIN;
        return profile->is_object ? IGJ_OK : IGJ_ERROR;
    }

    if (scan->depth > 1 || event->type == IGJ_SCAN_KEY) {
        return IGJ_OK;
    }

    line_take(&profile->full_name, scan, igj_str("full_name"), event);
    line_take(&profile->camel_name, scan, igj_str("fullName"), event);
    line_take(&profile->username, scan, igj_str("username"), event);

    for (i = 0; i < LINE_OURS; i++) {
        profile->replaces |= line_at(scan, line_ours[i]);
    }

    return IGJ_OK;
}


static const char *
line_read(line_profile_t *profile, const char *line, size_t len)
{
    char              text[IGJ_CLASSIFY_TEXT_MAX];
    igj_scan_t        scan;
    igj_scan_error_e  error;

    profile->is_object = 0;
    profile->replaces = 0;
    profile->full_name.len = 0;
    profile->camel_name.len = 0;
    profile->username.len = 0;

    igj_scan_init(&scan, text, sizeof(text), IGJ_CLASSIFY_DEPTH_MAX,
                  line_event, profile);
    error = igj_scan_feed(&scan, line, len);

    if (error == IGJ_SCAN_OK) {
        error = igj_scan_finish(&scan);
    }

    if (error == IGJ_SCAN_STOPPED) {
        return "not an object";
    }

    return error == IGJ_SCAN_OK ? NULL : igj_scan_error_text(error);
}


/* The end of the member that begins here: its comma, or the last brace. */
static const char *
line_member_end(const char *p)
{
    int  depth, quoted;

    depth = 0;
    quoted = 0;

    for ( ;; p++) {
        if (quoted) {
            quoted = *p != '"';
            p += *p == '\\';

        } else if (*p == '"') {
            quoted = 1;

        } else if (*p == '{' || *p == '[') {
            depth++;

        } else if (depth == 0 && (*p == ',' || *p == '}')) {
            return p;

        } else if (*p == '}' || *p == ']') {
            depth--;
        }
    }
}


static int
line_is_ours(const char *member)
{
    size_t  i;

    member += strspn(member, " \t\r\n");

    for (i = 0; i < LINE_OURS; i++) {
        if (member[0] == '"' && member[line_ours[i].len + 1] == '"'
            && memcmp(member + 1, line_ours[i].data, line_ours[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Writes the members, known to be valid JSON, that are not ours, with the
 * opening brace.  Returns their number.
 */
static unsigned
line_copy_others(const char *line, FILE *out)
{
    unsigned     n;
    const char  *p, *end;

    p = strchr(line, '{') + 1;
    fwrite(line, 1, (size_t) (p - line), out);

    for (n = 0; /* void */ ; p = end + 1) {
        end = line_member_end(p);

        if (!line_is_ours(p)) {
            if (n++ > 0) {
                fputc(',', out);
            }

            fwrite(p, 1, (size_t) (end - p), out);
        }

        if (*end == '}') {
            return n;
        }
    }
}


static void
line_write_ours(const igj_classified_t *said, FILE *out)
{
    char        text[igj_json_string_max(IGJ_CLASSIFY_EVIDENCE)];
    igj_json_t  json;

    igj_json_init(&json, text, sizeof(text));
    igj_json_string(&json, said->evidence, strlen(said->evidence));

    fprintf(out, "\"gender\":\"%s\",\"confidence\":%.2f,\"evidence\":%.*s}\n",
            igj_gender_text(said->gender), (double) said->confidence,
            (int) json.len, text);
}


const char *
igj_classify_line(const igj_name_table_t *table, const char *line,
    size_t len, FILE *out)
{
    unsigned            n;
    const char         *error;
    line_text_t        *name;
    line_profile_t      profile;
    igj_classified_t    said;

    while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL) {
        len--;
    }

    error = line_read(&profile, line, len);

    if (error != NULL) {
        return error;
    }

    name = profile.full_name.len > 0 ? &profile.full_name
                                     : &profile.camel_name;
    igj_classify(table, name->text, name->len, profile.username.text,
                 profile.username.len, &said);

    if (profile.replaces) {
        n = line_copy_others(line, out);

    } else {
        fwrite(line, 1, len - 1, out);
        n = line[strspn(line, " \t{")] != '}';
    }

    if (n > 0) {
        fputc(',', out);
    }

    line_write_ours(&said, out);

    return NULL;
}
