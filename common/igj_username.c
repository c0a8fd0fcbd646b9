/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * User names.  The plain case, a name and nothing around it, is one loop over
 * a table; decorations are looked for only when that loop refuses the text.
 */

#include "igj_username.h"

#include <string.h>
#include <strings.h>


/* The byte as it stands in a name; 0: it cannot. */
static const char  igj_username_bytes[256] = {
    ['.'] = '.', ['_'] = '_',
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
    ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
    ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j',
    ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o',
    ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't',
    ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',
    ['z'] = 'z',
    ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e',
    ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o',
    ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't',
    ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y',
    ['Z'] = 'z'
};


/* What the sites themselves have as the first part of a path. */
static const char *const  igj_username_instagram_paths[] = {
    "p", "reel", "reels", "tv", "s", "stories", "explore", "accounts",
    "direct", "about", "developer", "legal", "web", "api", "_n", "_u", NULL
};

static const char *const  igj_username_no_paths[] = { NULL };

static const char *const  igj_username_x_paths[] = {
    "i", "home", "explore", "search", "hashtag", "intent", "share", "settings",
    "messages", "notifications", "login", "signup", "compose", "tos",
    "privacy", NULL
};

static const char *const  igj_username_instagram_hosts[] = {
    "instagram.com", NULL
};

static const char *const  igj_username_tiktok_hosts[] = { "tiktok.com", NULL };

static const char *const  igj_username_threads_hosts[] = {
    "threads.net", "threads.com", NULL
};

static const char *const  igj_username_x_hosts[] = {
    "x.com", "twitter.com", NULL
};


typedef struct {
    size_t              max;       /* characters of a name */
    int                 dots;      /* names have dots */
    int                 last_dot;  /* at the end, too */
    int                 at;        /* the path of a profile begins with "@" */
    const char *const  *hosts;
    const char *const  *paths;     /* of hosts without "@" */
    const char         *texts[IGJ_USERNAME_NOT_STRING];
                                   /* NULL: as of all platforms */
} igj_username_rules_t;


static const igj_username_rules_t  igj_username_rules[IGJ_PLATFORMS] = {

    [IGJ_PLATFORM_INSTAGRAM] = {
        IGJ_USERNAME_MAX, 1, 1, 0,
        igj_username_instagram_hosts, igj_username_instagram_paths, {
        [IGJ_USERNAME_LONG] = "is too long; a user name has at most 30 "
            "characters, a link to a profile 512",
        [IGJ_USERNAME_OTHER_SITE] = "is a link to another site; send a user "
            "name or https://www.instagram.com/<name>",
        [IGJ_USERNAME_NOT_PROFILE] = "is a link, but not to a profile; send "
            "https://www.instagram.com/<name>" } },

    [IGJ_PLATFORM_TIKTOK] = {
        IGJ_USERNAME_TIKTOK_MAX, 1, 0, 1,
        igj_username_tiktok_hosts, igj_username_no_paths, {
        [IGJ_USERNAME_LONG] = "is too long; a user name of TikTok has at most "
            "24 characters, a link to a profile 512",
        [IGJ_USERNAME_DOTS] = "ends with a dot; no user name of TikTok does",
        [IGJ_USERNAME_OTHER_SITE] = "is a link to another site; send a user "
            "name or https://www.tiktok.com/@<name>",
        [IGJ_USERNAME_NOT_PROFILE] = "is a link, but not to a profile; send "
            "https://www.tiktok.com/@<name>" } },

    [IGJ_PLATFORM_THREADS] = {
        IGJ_USERNAME_MAX, 1, 1, 1,
        igj_username_threads_hosts, igj_username_no_paths, {
        [IGJ_USERNAME_LONG] = "is too long; a user name has at most 30 "
            "characters, a link to a profile 512",
        [IGJ_USERNAME_OTHER_SITE] = "is a link to another site; send a user "
            "name or https://www.threads.net/@<name>",
        [IGJ_USERNAME_NOT_PROFILE] = "is a link, but not to a profile; send "
            "https://www.threads.net/@<name>" } },

    [IGJ_PLATFORM_X] = {
        IGJ_USERNAME_X_MAX, 0, 0, 0,
        igj_username_x_hosts, igj_username_x_paths, {
        [IGJ_USERNAME_LONG] = "is too long; a user name of X has at most 15 "
            "characters, a link to a profile 512",
        [IGJ_USERNAME_CHARACTER] = "has a character that no user name of X "
            "has; send letters, digits and underscores",
        [IGJ_USERNAME_OTHER_SITE] = "is a link to another site; send a user "
            "name or https://x.com/<name>",
        [IGJ_USERNAME_NOT_PROFILE] = "is a link, but not to a profile; send "
            "https://x.com/<name>" } }
};


/* Invisible characters that come with copied text, as ranges of UTF-8. */
static const char *const  igj_username_blanks[][2] = {
    { "\xC2\xA0", "\xC2\xA0" },             /* no-break space */
    { "\xE2\x80\x8B", "\xE2\x80\x8F" },     /* zero width, direction marks */
    { "\xE2\x80\xAA", "\xE2\x80\xAE" },     /* embedded directions */
    { "\xE2\x81\xA0", "\xE2\x81\xA0" },     /* word joiner */
    { "\xE2\x81\xA6", "\xE2\x81\xA9" },     /* isolated directions */
    { "\xE3\x80\x80", "\xE3\x80\x80" },     /* ideographic space */
    { "\xEF\xBB\xBF", "\xEF\xBB\xBF" }      /* byte order mark */
};


static const char *const  igj_username_texts[] = {
    [IGJ_USERNAME_OK] = "is valid",
    [IGJ_USERNAME_EMPTY] = "is empty; send a user name",
    [IGJ_USERNAME_CHARACTER] = "has a character that no user name has; send "
        "letters, digits, dots and underscores",
    [IGJ_USERNAME_DOTS] = "has nothing but dots; send a user name",
    [IGJ_USERNAME_NOT_STRING] = "is not a string; send the user name in "
        "double quotes"
};

_Static_assert(IGJ_USERNAME_MAX == 30 && IGJ_USERNAME_TIKTOK_MAX == 24
               && IGJ_USERNAME_X_MAX == 15 && IGJ_ACCOUNT_TEXT_MAX == 512,
               "these limits are spelt out in texts");


const char *
igj_username_error_text(igj_platform_e platform, igj_username_e error)
{
    const char  *text;

    text = (error < IGJ_USERNAME_NOT_STRING)
           ? igj_username_rules[platform].texts[error] : NULL;

    return text ? text : igj_username_texts[error];
}


/* Too long a text: it has a faulty character or only too many. */
static igj_username_e
igj_username_long(igj_str_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if (igj_username_bytes[(unsigned char) text.data[i]] == 0) {
            return IGJ_USERNAME_CHARACTER;
        }
    }

    return IGJ_USERNAME_LONG;
}


/* A name with nothing around it. */
static igj_username_e
igj_username_plain(igj_str_t text, igj_username_t *name)
{
    char    c;
    size_t  i;

    if (text.len == 0) {
        return IGJ_USERNAME_EMPTY;
    }

    if (text.len > IGJ_USERNAME_MAX) {
        return igj_username_long(text);
    }

    memset(name->text, 0, sizeof(name->text));
    c = 0;

    for (i = 0; i < text.len; i++) {
        c = igj_username_bytes[(unsigned char) text.data[i]];

        if (c == 0) {
            return IGJ_USERNAME_CHARACTER;
        }

        name->text[i] = c;
    }

    name->len = (uint8_t) text.len;
    name->linked = 0;

    if (c == '.' && strspn(name->text, ".") == text.len) {
        return IGJ_USERNAME_DOTS;
    }

    return IGJ_USERNAME_OK;
}


/* Bytes of the blank at one end of text, which is not empty; 0: none. */
static size_t
igj_username_blank(igj_str_t text, int at_end)
{
    char         c;
    size_t       i, n;
    const char  *p;

    c = at_end ? text.data[text.len - 1] : text.data[0];

    if (c == ' ' || (c >= '\t' && c <= '\r')) {
        return 1;
    }

    for (i = 0; i < sizeof(igj_username_blanks) / sizeof(char *) / 2; i++) {
        n = strlen(igj_username_blanks[i][0]);

        if (n > text.len) {
            continue;
        }

        p = at_end ? text.data + text.len - n : text.data;

        if (memcmp(p, igj_username_blanks[i][0], n) >= 0
            && memcmp(p, igj_username_blanks[i][1], n) <= 0)
        {
            return n;
        }
    }

    return 0;
}


static igj_str_t
igj_username_skip(igj_str_t text, size_t n)
{
    text.data += n;
    text.len -= n;

    return text;
}


static igj_str_t
igj_username_trim(igj_str_t text)
{
    size_t  n;

    while (text.len != 0 && (n = igj_username_blank(text, 0)) != 0) {
        text = igj_username_skip(text, n);
    }

    while (text.len != 0 && (n = igj_username_blank(text, 1)) != 0) {
        text.len -= n;
    }

    if (text.len != 0 && text.data[0] == '@') {
        text = igj_username_skip(text, 1);
    }

    return text;
}


/* Drops the prefix if text begins with it, in any case. */
static int
igj_username_prefix(igj_str_t *text, const char *prefix)
{
    size_t  n;

    n = strlen(prefix);

    if (text->len < n || strncasecmp(text->data, prefix, n) != 0) {
        return 0;
    }

    *text = igj_username_skip(*text, n);

    return 1;
}


/* Up to the first of the characters. */
static igj_str_t
igj_username_until(igj_str_t text, const char *stop)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] != '\0' && strchr(stop, text.data[i]) != NULL) {
            break;
        }
    }

    text.len = i;

    return text;
}


igj_username_e
igj_username_fits(igj_platform_e platform, const igj_username_t *name)
{
    const igj_username_rules_t  *rules;

    rules = &igj_username_rules[platform];

    if (name->len > rules->max) {
        return IGJ_USERNAME_LONG;
    }

    if (!rules->dots && memchr(name->text, '.', name->len) != NULL) {
        return IGJ_USERNAME_CHARACTER;
    }

    if (!rules->last_dot && name->text[name->len - 1] == '.') {
        return IGJ_USERNAME_DOTS;
    }

    return IGJ_USERNAME_OK;
}


/* The path of a link to the site, behind its first slash. */
static igj_username_e
igj_username_path(const igj_username_rules_t *rules, igj_str_t path,
    igj_username_t *name)
{
    int                 at;
    igj_username_e      rc;
    const char *const  *reserved;

    path = igj_username_until(path, "/?#");
    at = (path.len != 0 && path.data[0] == '@');

    if (at) {
        path = igj_username_skip(path, 1);
    }

    rc = igj_username_plain(path, name);

    if (rc == IGJ_USERNAME_EMPTY || (rules->at && !at)) {
        return IGJ_USERNAME_NOT_PROFILE;
    }

    if (rc != IGJ_USERNAME_OK) {
        return rc;
    }

    name->linked = 1;

    for (reserved = rules->paths; *reserved != NULL; reserved++) {
        if (strcmp(name->text, *reserved) == 0) {
            return IGJ_USERNAME_NOT_PROFILE;
        }
    }

    return IGJ_USERNAME_OK;
}


/* Drops the host of the site, or one of its names, if text begins with it. */
static int
igj_username_host(igj_str_t *text, const char *const *hosts)
{
    for ( /* void */ ; *hosts != NULL; hosts++) {
        if (igj_username_prefix(text, *hosts)) {
            return 1;
        }
    }

    return 0;
}


static igj_username_e
igj_username_link(const igj_username_rules_t *rules, igj_str_t text,
    igj_username_t *name)
{
    int        scheme;
    igj_str_t  rest;

    scheme = igj_username_prefix(&text, "https://")
             || igj_username_prefix(&text, "http://");

    rest = text;

    (void) (igj_username_prefix(&rest, "www.")
            || igj_username_prefix(&rest, "m.")
            || igj_username_prefix(&rest, "mobile."));

    if (igj_username_host(&rest, rules->hosts)) {

        if (igj_username_prefix(&rest, "/")) {
            return igj_username_path(rules, rest, name);
        }

        if (scheme && igj_username_until(rest, "?#").len == 0) {
            return IGJ_USERNAME_NOT_PROFILE;
        }
    }

    rest = igj_username_until(text, "/");

    if (scheme || memmem(text.data, text.len, "://", 3) != NULL
        || memchr(rest.data, '.', rest.len) != NULL)
    {
        return IGJ_USERNAME_OTHER_SITE;
    }

    return IGJ_USERNAME_CHARACTER;
}


/* What is more than a name, by Instagram's rules but for links. */
static igj_username_e
igj_username_decorated(igj_platform_e platform, igj_str_t text,
    igj_username_t *name)
{
    text = igj_username_trim(text);

    if (memchr(text.data, '/', text.len) != NULL) {
        return igj_username_link(&igj_username_rules[platform], text, name);
    }

    return igj_username_plain(text, name);
}


igj_username_e
igj_username(igj_platform_e platform, const char *text, size_t len,
    igj_username_t *name)
{
    igj_str_t       all;
    igj_username_e  rc;

    all.data = text;
    all.len = len;

    rc = igj_username_plain(all, name);

    if (rc == IGJ_USERNAME_CHARACTER) {
        rc = igj_username_decorated(platform, all, name);
    }

    return (rc == IGJ_USERNAME_OK && platform != IGJ_PLATFORM_INSTAGRAM)
           ? igj_username_fits(platform, name) : rc;
}


int
igj_username_any(const char *text, size_t len, igj_username_t *name)
{
    int  i;

    for (i = 0; i < IGJ_PLATFORMS; i++) {
        if (igj_username((igj_platform_e) i, text, len, name)
            == IGJ_USERNAME_OK)
        {
            return 1;
        }
    }

    return 0;
}
