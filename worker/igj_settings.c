/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The reader of settings; the table is in igj_settings_table.c.  Checks between
 * settings are in igj_settings_relations().
 */

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "igj_limits.h"
#include "igj_settings_private.h"


#define IGJ_SETTING_FILE_MAX  16384      /* bytes of a file with a secret */
#define IGJ_SETTING_WORD_MAX  64         /* flag name, with its NUL */


static int igj_settings_defaults(igj_settings_t *s, char *error);
static int igj_settings_environment(igj_settings_t *s, char *error);
static int igj_settings_flags(igj_settings_t *s, int argc, char **argv,
    int first, char *error);
static int igj_settings_flag(igj_settings_t *s, const char *flag,
    const char *next, int *used, char *error);
static const igj_setting_t *igj_setting_by_flag(const char *name, size_t len);
static int igj_setting_set(igj_settings_t *s, const igj_setting_t *setting,
    const char *text, const char *source, char *error);
static int igj_setting_set_file(igj_settings_t *s,
    const igj_setting_t *setting, const char *path, const char *source,
    char *error);
static int igj_setting_set_text(igj_settings_t *s,
    const igj_setting_t *setting, const char *text);
static int igj_setting_number(const char *text, int64_t *value);
static int igj_setting_time(const char *text, int64_t *value);
static int igj_setting_switch(const char *text, bool *value);
static int igj_setting_word(const char *words, const char *text,
    int64_t *value);
static int igj_setting_refuse(const igj_setting_t *setting,
    const char *source, const char *text, char *error);
static int igj_settings_required(const igj_settings_t *s, char *error);
static int igj_settings_relations(igj_settings_t *s, char *error);
static int igj_settings_worker_id(igj_settings_t *s, char *error);
static int igj_settings_error(char *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


int
igj_settings_read(igj_settings_t *s, int argc, char **argv, int first,
    char error[IGJ_SETTINGS_ERROR_MAX])
{
    memset(s, 0, sizeof(igj_settings_t));
    error[0] = '\0';

    if (igj_settings_defaults(s, error) != IGJ_OK
        || igj_settings_environment(s, error) != IGJ_OK
        || igj_settings_flags(s, argc, argv, first, error) != IGJ_OK
        || igj_settings_required(s, error) != IGJ_OK
        || igj_settings_relations(s, error) != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    return igj_settings_worker_id(s, error);
}


void
igj_settings_free(igj_settings_t *s)
{
    char    **text;
    size_t    i;

    for (i = 0; i < igj_settings_count; i++) {
        if (igj_settings_table[i].type == IGJ_SETTING_TEXT
            || igj_settings_table[i].type == IGJ_SETTING_SECRET)
        {
            text = (char **) ((char *) s + igj_settings_table[i].offset);
            free(*text);
            *text = NULL;
        }
    }
}


static int
igj_settings_defaults(igj_settings_t *s, char *error)
{
    size_t                i;
    const igj_setting_t  *setting;

    for (i = 0; i < igj_settings_count; i++) {
        setting = &igj_settings_table[i];

        if (setting->value != NULL
            && igj_setting_set(s, setting, setting->value, "default", error)
               != IGJ_OK)
        {
            return IGJ_ERROR;
        }
    }

    return IGJ_OK;
}


/* An empty variable counts as not set. */

static int
igj_settings_environment(igj_settings_t *s, char *error)
{
    char                  name[IGJ_SETTING_WORD_MAX];
    size_t                i, k;
    const char           *value;
    const igj_setting_t  *setting;

    for (i = 0; i < igj_settings_count; i++) {
        setting = &igj_settings_table[i];

        for (k = 0; k < 2 && setting->env[k] != NULL; k++) {
            value = getenv(setting->env[k]);

            if (value != NULL && value[0] != '\0') {
                if (igj_setting_set(s, setting, value, setting->env[k], error)
                    != IGJ_OK)
                {
                    return IGJ_ERROR;
                }
                break;
            }

            if (setting->type != IGJ_SETTING_SECRET) {
                continue;
            }

            snprintf(name, sizeof(name), "%s_FILE", setting->env[k]);
            value = getenv(name);

            if (value != NULL && value[0] != '\0'
                && igj_setting_set_file(s, setting, value, name, error)
                   != IGJ_OK)
            {
                return IGJ_ERROR;
            }
        }
    }

    return IGJ_OK;
}


static int
igj_settings_flags(igj_settings_t *s, int argc, char **argv, int first,
    char *error)
{
    int  i, used;

    for (i = first; i < argc; i += used) {
        if (igj_settings_flag(s, argv[i], i + 1 < argc ? argv[i + 1] : NULL,
                              &used, error)
            != IGJ_OK)
        {
            return IGJ_ERROR;
        }
    }

    return IGJ_OK;
}


/* --name value, --name=value, --switch, --secret-file PATH */

static int
igj_settings_flag(igj_settings_t *s, const char *flag, const char *next,
    int *used, char *error)
{
    int                   from_file;
    char                  source[IGJ_SETTING_WORD_MAX];
    size_t                len;
    const char           *name, *value;
    const igj_setting_t  *setting;

    *used = 1;

    if (strncmp(flag, "--", 2) != 0) {
        return igj_settings_error(error, "%.80s: not a flag, see --help",
                                  flag);
    }

    name = flag + 2;
    len = strcspn(name, "=");
    value = (name[len] == '=') ? name + len + 1 : NULL;
    from_file = 0;
    setting = igj_setting_by_flag(name, len);

    if (setting == NULL && len > 5
        && strncmp(name + len - 5, "-file", 5) == 0)
    {
        setting = igj_setting_by_flag(name, len - 5);
        from_file = (setting != NULL && setting->type == IGJ_SETTING_SECRET);
        setting = from_file ? setting : NULL;
    }

    if (setting == NULL) {
        return igj_settings_error(error, "--%.*s: no such flag, see --help",
                                  (int) (len < 80 ? len : 80), name);
    }

    snprintf(source, sizeof(source), "--%.*s", (int) len, name);

    if (setting->type == IGJ_SETTING_SECRET && !from_file) {
        return igj_settings_error(error, "%s: secrets are not taken from the "
                                  "command line; set %s, or %s_FILE to a "
                                  "file that holds it", source,
                                  setting->env[0], setting->env[0]);
    }

    if (value == NULL && setting->type == IGJ_SETTING_SWITCH) {
        value = "on";
    }

    if (value == NULL) {
        if (next == NULL) {
            return igj_settings_error(error, "%s: needs a value", source);
        }
        value = next;
        *used = 2;
    }

    if (from_file) {
        return igj_setting_set_file(s, setting, value, source, error);
    }

    return igj_setting_set(s, setting, value, source, error);
}


static const igj_setting_t *
igj_setting_by_flag(const char *name, size_t len)
{
    size_t  i;

    for (i = 0; i < igj_settings_count; i++) {
        if (strlen(igj_settings_table[i].name) == len
            && memcmp(igj_settings_table[i].name, name, len) == 0)
        {
            return &igj_settings_table[i];
        }
    }

    return NULL;
}


static int
igj_setting_set(igj_settings_t *s, const igj_setting_t *setting,
    const char *text, const char *source, char *error)
{
    int      rc;
    char    *end;
    void    *field;
    double   usd;
    int64_t  value;

    field = (char *) s + setting->offset;
    value = 0;

    switch (setting->type) {

    case IGJ_SETTING_TEXT:
    case IGJ_SETTING_SECRET:
        if (igj_setting_set_text(s, setting, text) != IGJ_OK) {
            return igj_settings_error(error, "%s: out of memory", source);
        }
        return IGJ_OK;

    case IGJ_SETTING_SWITCH:
        if (igj_setting_switch(text, field) != IGJ_OK) {
            return igj_setting_refuse(setting, source, text, error);
        }
        return IGJ_OK;

    case IGJ_SETTING_USD:
        errno = 0;
        usd = strtod(text, &end);
        if (end == text || *end != '\0' || errno != 0
            || !(usd >= (double) setting->min && usd <= (double) setting->max))
        {
            return igj_setting_refuse(setting, source, text, error);
        }
        *(double *) field = usd;
        return IGJ_OK;

    case IGJ_SETTING_NUMBER:
        rc = igj_setting_number(text, &value);
        break;

    case IGJ_SETTING_TIME:
        rc = igj_setting_time(text, &value);
        break;

    default: /* IGJ_SETTING_WORD */
        rc = igj_setting_word(setting->words, text, &value);
        break;
    }

    if (rc != IGJ_OK
        || (setting->max != 0
            && (value < setting->min || value > setting->max)))
    {
        return igj_setting_refuse(setting, source, text, error);
    }

    *(int64_t *) field = value;

    return IGJ_OK;
}


/* The file's first line, so that a line end after the secret does no harm. */

static int
igj_setting_set_file(igj_settings_t *s, const igj_setting_t *setting,
    const char *path, const char *source, char *error)
{
    char    text[IGJ_SETTING_FILE_MAX];
    FILE   *file;
    size_t  len;

    file = fopen(path, "re");

    if (file == NULL) {
        return igj_settings_error(error, "%s: cannot read %.200s: %s", source,
                                  path, strerror(errno));
    }

    len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    text[strcspn(text, "\r\n")] = '\0';

    if (text[0] == '\0') {
        return igj_settings_error(error, "%s: %.200s is empty", source, path);
    }

    return igj_setting_set(s, setting, text, source, error);
}


static int
igj_setting_set_text(igj_settings_t *s, const igj_setting_t *setting,
    const char *text)
{
    char  *copy, **field;

    copy = strdup(text);

    if (copy == NULL) {
        return IGJ_ERROR;
    }

    field = (char **) ((char *) s + setting->offset);
    free(*field);
    *field = copy;

    return IGJ_OK;
}


static int
igj_setting_number(const char *text, int64_t *value)
{
    char  *end;

    errno = 0;
    *value = strtoll(text, &end, 10);

    return (end != text && *end == '\0' && errno == 0) ? IGJ_OK : IGJ_ERROR;
}


static int
igj_setting_time(const char *text, int64_t *value)
{
    static const struct {
        const char  *unit;
        int64_t      ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
                  { "h", 3600000 } };

    char    *end;
    size_t   i;

    errno = 0;
    *value = strtoll(text, &end, 10);

    if (end == text || errno != 0 || *value < 0 || *value > 1000000000) {
        return IGJ_ERROR;
    }

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0) {
            *value *= units[i].ms;
            return IGJ_OK;
        }
    }

    return IGJ_ERROR;
}


static int
igj_setting_switch(const char *text, bool *value)
{
    int64_t  word;

    if (igj_setting_word("on true yes 1 off false no 0", text, &word)
        != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    *value = (word < 4);

    return IGJ_OK;
}


static int
igj_setting_word(const char *words, const char *text, int64_t *value)
{
    size_t  len, n;

    len = strlen(text);

    for (*value = 0; *words != '\0'; (*value)++) {
        n = strcspn(words, " ");

        if (n == len && memcmp(words, text, n) == 0) {
            return IGJ_OK;
        }

        words += n;
        words += strspn(words, " ");
    }

    return IGJ_ERROR;
}


static int
igj_setting_refuse(const igj_setting_t *setting, const char *source,
    const char *text, char *error)
{
    switch (setting->type) {

    case IGJ_SETTING_SWITCH:
        return igj_settings_error(error, "%s: \"%.80s\" is neither on nor "
                                  "off", source, text);

    case IGJ_SETTING_WORD:
        return igj_settings_error(error, "%s: \"%.80s\" is none of: %s",
                                  source, text, setting->words);

    case IGJ_SETTING_TIME:
        return igj_settings_error(error, "%s: \"%.80s\" must be a time from "
                                  "%lldms to %lldms, written with ms, s, m "
                                  "or h", source, text,
                                  (long long) setting->min,
                                  (long long) setting->max);

    default:
        return igj_settings_error(error, "%s: \"%.80s\" must be a number "
                                  "from %lld to %lld", source, text,
                                  (long long) setting->min,
                                  (long long) setting->max);
    }
}


static int
igj_settings_required(const igj_settings_t *s, char *error)
{
    size_t                 i;
    char *const           *text;
    const igj_setting_t   *setting;

    for (i = 0; i < igj_settings_count; i++) {
        setting = &igj_settings_table[i];
        text = (char *const *) ((const char *) s + setting->offset);

        if (setting->required && *text == NULL) {
            return igj_settings_error(error, "%s environment variable is "
                                      "required (%s)",
                                      setting->env[1] ? setting->env[1]
                                                      : setting->env[0],
                                      setting->help);
        }
    }

    return IGJ_OK;
}


static int
igj_settings_relations(igj_settings_t *s, char *error)
{
    if (s->lease < 3 * s->beat) {
        return igj_settings_error(error, "lease: %lldms must be at least "
                                  "three times beat (%lldms)",
                                  (long long) s->lease, (long long) s->beat);
    }

    if (s->start_timeout > s->lease - 2 * s->beat) {
        return igj_settings_error(error, "start-timeout: %lldms must be at "
                                  "most lease - 2 x beat (%lldms), so that "
                                  "no run is started under a lost lease",
                                  (long long) s->start_timeout,
                                  (long long) (s->lease - 2 * s->beat));
    }

    return IGJ_OK;
}


/* The id is part of a Redis key: only characters that a key takes. */

static int
igj_settings_worker_id(igj_settings_t *s, char *error)
{
    char    host[IGJ_TOKEN_MAX - 12];
    char    id[IGJ_TOKEN_MAX + 1];
    size_t  i;

    if (s->worker_id != NULL) {
        i = strspn(s->worker_id, "abcdefghijklmnopqrstuvwxyz"
                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

        if (i == 0 || i > IGJ_TOKEN_MAX || s->worker_id[i] != '\0') {
            return igj_settings_error(error, "worker-id: \"%.80s\" must be 1 "
                                      "to %d letters, digits, - _ or .",
                                      s->worker_id, IGJ_TOKEN_MAX);
        }
        return IGJ_OK;
    }

    if (gethostname(host, sizeof(host)) != 0) {
        strcpy(host, "worker");
    }
    host[sizeof(host) - 1] = '\0';

    for (i = 0; host[i] != '\0'; i++) {
        if (strchr("-_.", host[i]) == NULL
            && !(host[i] >= '0' && host[i] <= '9')
            && !((host[i] | 0x20) >= 'a' && (host[i] | 0x20) <= 'z'))
        {
            host[i] = '-';
        }
    }

    snprintf(id, sizeof(id), "%s-%d", host, (int) getpid());
    s->worker_id = strdup(id);

    return s->worker_id != NULL
           ? IGJ_OK : igj_settings_error(error, "worker-id: out of memory");
}


static int
igj_settings_error(char *error, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    vsnprintf(error, IGJ_SETTINGS_ERROR_MAX, format, args);
    va_end(args);

    return IGJ_ERROR;
}
