/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* References to accounts as people write them. */

#include "igj_username.h"
#include "tap.h"

#include <stdlib.h>


typedef struct {
    const char      *text;
    igj_username_e   error;
    const char      *name;
} case_t;

typedef struct {
    igj_platform_e   platform;
    case_t           c;
} other_t;


#define X30  "abcdefghijklmnopqrstuvwxyz._12"

static const case_t  cases[] = {
    /* plain */
    { "name", IGJ_USERNAME_OK, "name" },
    { "Some.Name_1", IGJ_USERNAME_OK, "some.name_1" },
    { "A", IGJ_USERNAME_OK, "a" },
    { "_", IGJ_USERNAME_OK, "_" },
    { ".a.", IGJ_USERNAME_OK, ".a." },
    { "007", IGJ_USERNAME_OK, "007" },
    { X30, IGJ_USERNAME_OK, X30 },
    { X30 "x", IGJ_USERNAME_LONG, NULL },
    { "", IGJ_USERNAME_EMPTY, NULL },
    { ".", IGJ_USERNAME_DOTS, NULL },
    { "....", IGJ_USERNAME_DOTS, NULL },
    { "instagram.com", IGJ_USERNAME_OK, "instagram.com" },

    /* white space and @ */
    { "  name\t\r\n", IGJ_USERNAME_OK, "name" },
    { "@name", IGJ_USERNAME_OK, "name" },
    { " @Name ", IGJ_USERNAME_OK, "name" },
    { "@@name", IGJ_USERNAME_CHARACTER, NULL },
    { "@ name", IGJ_USERNAME_CHARACTER, NULL },
    { "na me", IGJ_USERNAME_CHARACTER, NULL },
    { "@", IGJ_USERNAME_EMPTY, NULL },
    { " \t ", IGJ_USERNAME_EMPTY, NULL },
    { "\xC2\xA0name\xC2\xA0", IGJ_USERNAME_OK, "name" },
    { "\xEF\xBB\xBFname", IGJ_USERNAME_OK, "name" },
    { "\xE2\x80\x8B@name\xE2\x80\x8B \xE2\x80\x8E", IGJ_USERNAME_OK, "name" },
    { "\xE2\x81\xA8name\xE2\x81\xA9", IGJ_USERNAME_OK, "name" },
    { "\xE3\x80\x80name", IGJ_USERNAME_OK, "name" },
    { "na\xE2\x80\x8Bme", IGJ_USERNAME_CHARACTER, NULL },
    { "\xE2\x80\x8B", IGJ_USERNAME_EMPTY, NULL },
    { " " X30 " ", IGJ_USERNAME_OK, X30 },
    { " " X30 "x ", IGJ_USERNAME_LONG, NULL },

    /* other characters */
    { "jos\xC3\xA9", IGJ_USERNAME_CHARACTER, NULL },
    { "name!", IGJ_USERNAME_CHARACTER, NULL },
    { "na-me", IGJ_USERNAME_CHARACTER, NULL },
    { "a,b", IGJ_USERNAME_CHARACTER, NULL },
    { "\xF0\x9F\x98\x80", IGJ_USERNAME_CHARACTER, NULL },
    { X30 "-----", IGJ_USERNAME_CHARACTER, NULL },

    /* links */
    { "https://www.instagram.com/Some.Name/", IGJ_USERNAME_OK, "some.name" },
    { "https://www.instagram.com/some.name", IGJ_USERNAME_OK, "some.name" },
    { "http://instagram.com/name?hl=en", IGJ_USERNAME_OK, "name" },
    { "HTTPS://M.Instagram.COM/name#top", IGJ_USERNAME_OK, "name" },
    { " instagram.com/name/ ", IGJ_USERNAME_OK, "name" },
    { "www.instagram.com/name", IGJ_USERNAME_OK, "name" },
    { "m.instagram.com/name", IGJ_USERNAME_OK, "name" },
    { "instagram.com/@name", IGJ_USERNAME_OK, "name" },
    { "@instagram.com/name", IGJ_USERNAME_OK, "name" },
    { "https://instagram.com/name/p/Cabc123/", IGJ_USERNAME_OK, "name" },
    { "https://instagram.com/name/reels/?x=/y", IGJ_USERNAME_OK, "name" },
    { "https://instagram.com/" X30 "/", IGJ_USERNAME_OK, X30 },
    { "https://instagram.com/" X30 "x/", IGJ_USERNAME_LONG, NULL },
    { "https://instagram.com/na%20me", IGJ_USERNAME_CHARACTER, NULL },
    { "https://instagram.com/../", IGJ_USERNAME_DOTS, NULL },
    { "https://instagram.com", IGJ_USERNAME_NOT_PROFILE, NULL },
    { "https://instagram.com/", IGJ_USERNAME_NOT_PROFILE, NULL },
    { "https://instagram.com?x=1", IGJ_USERNAME_NOT_PROFILE, NULL },
    { "https://instagram.com//name", IGJ_USERNAME_NOT_PROFILE, NULL },
    { "https://www.instagram.com/p/Cabc123/", IGJ_USERNAME_NOT_PROFILE, NULL },
    { "https://www.instagram.com/P/Cabc123/", IGJ_USERNAME_NOT_PROFILE, NULL },
    { "instagram.com/reel/Cabc", IGJ_USERNAME_NOT_PROFILE, NULL },
    { "instagram.com/stories/name/1/", IGJ_USERNAME_NOT_PROFILE, NULL },
    { "instagram.com/explore/tags/x", IGJ_USERNAME_NOT_PROFILE, NULL },
    { "instagram.com/privacy", IGJ_USERNAME_OK, "privacy" },
    { "https://tiktok.com/@name", IGJ_USERNAME_OTHER_SITE, NULL },
    { "https://notinstagram.com/name", IGJ_USERNAME_OTHER_SITE, NULL },
    { "https://instagram.com.evil.example/name", IGJ_USERNAME_OTHER_SITE,
      NULL },
    { "https://instagram.comx/name", IGJ_USERNAME_OTHER_SITE, NULL },
    { "https://evil.example/instagram.com/name", IGJ_USERNAME_OTHER_SITE,
      NULL },
    { "https://user@instagram.com/name", IGJ_USERNAME_OTHER_SITE, NULL },
    { "ftp://instagram.com/name", IGJ_USERNAME_OTHER_SITE, NULL },
    { "https://", IGJ_USERNAME_OTHER_SITE, NULL },
    { "tiktok.com/name", IGJ_USERNAME_OTHER_SITE, NULL },
    { "name/other", IGJ_USERNAME_CHARACTER, NULL },
    { "/name", IGJ_USERNAME_CHARACTER, NULL },
    { "/", IGJ_USERNAME_CHARACTER, NULL }
};

static const other_t  others[] = {
    /* TikTok */
    { IGJ_PLATFORM_TIKTOK,
      { " @Some.Name_1 ", IGJ_USERNAME_OK, "some.name_1" } },
    { IGJ_PLATFORM_TIKTOK,
      { "abcdefghijklmnopqrstuv._", IGJ_USERNAME_OK,
        "abcdefghijklmnopqrstuv._" } },
    { IGJ_PLATFORM_TIKTOK,
      { "abcdefghijklmnopqrstuv._x", IGJ_USERNAME_LONG, NULL } },
    { IGJ_PLATFORM_TIKTOK, { "name.", IGJ_USERNAME_DOTS, NULL } },
    { IGJ_PLATFORM_TIKTOK, { "...", IGJ_USERNAME_DOTS, NULL } },
    { IGJ_PLATFORM_TIKTOK, { "na-me", IGJ_USERNAME_CHARACTER, NULL } },
    { IGJ_PLATFORM_TIKTOK,
      { "https://www.tiktok.com/@Name?lang=en", IGJ_USERNAME_OK, "name" } },
    { IGJ_PLATFORM_TIKTOK,
      { "tiktok.com/@name/video/1", IGJ_USERNAME_OK, "name" } },
    { IGJ_PLATFORM_TIKTOK, { "m.tiktok.com/@name", IGJ_USERNAME_OK, "name" } },
    { IGJ_PLATFORM_TIKTOK,
      { "https://www.tiktok.com/name", IGJ_USERNAME_NOT_PROFILE, NULL } },
    { IGJ_PLATFORM_TIKTOK,
      { "https://www.tiktok.com/tag/x", IGJ_USERNAME_NOT_PROFILE, NULL } },
    { IGJ_PLATFORM_TIKTOK,
      { "https://vm.tiktok.com/ZMabc/", IGJ_USERNAME_OTHER_SITE, NULL } },
    { IGJ_PLATFORM_TIKTOK,
      { "https://www.tiktok.com/@name.", IGJ_USERNAME_DOTS, NULL } },
    { IGJ_PLATFORM_TIKTOK,
      { "https://www.instagram.com/name", IGJ_USERNAME_OTHER_SITE, NULL } },
    { IGJ_PLATFORM_TIKTOK,
      { "https://x.com/name", IGJ_USERNAME_OTHER_SITE, NULL } },

    /* Threads */
    { IGJ_PLATFORM_THREADS, { X30, IGJ_USERNAME_OK, X30 } },
    { IGJ_PLATFORM_THREADS, { "name.", IGJ_USERNAME_OK, "name." } },
    { IGJ_PLATFORM_THREADS,
      { "https://www.threads.net/@Name", IGJ_USERNAME_OK, "name" } },
    { IGJ_PLATFORM_THREADS,
      { "threads.com/@name/post/1", IGJ_USERNAME_OK, "name" } },
    { IGJ_PLATFORM_THREADS,
      { "https://www.threads.net/t/abc", IGJ_USERNAME_NOT_PROFILE, NULL } },
    { IGJ_PLATFORM_THREADS,
      { "https://www.instagram.com/name", IGJ_USERNAME_OTHER_SITE, NULL } },

    /* X */
    { IGJ_PLATFORM_X,
      { "@Fifteen_Letters", IGJ_USERNAME_OK, "fifteen_letters" } },
    { IGJ_PLATFORM_X, { "sixteen_letters_", IGJ_USERNAME_LONG, NULL } },
    { IGJ_PLATFORM_X, { "some.name", IGJ_USERNAME_CHARACTER, NULL } },
    { IGJ_PLATFORM_X, { "https://x.com/Name", IGJ_USERNAME_OK, "name" } },
    { IGJ_PLATFORM_X,
      { "https://twitter.com/name/status/1", IGJ_USERNAME_OK, "name" } },
    { IGJ_PLATFORM_X,
      { "mobile.twitter.com/name?s=20", IGJ_USERNAME_OK, "name" } },
    { IGJ_PLATFORM_X, { "x.com/@name", IGJ_USERNAME_OK, "name" } },
    { IGJ_PLATFORM_X,
      { "https://x.com/i/lists/1", IGJ_USERNAME_NOT_PROFILE, NULL } },
    { IGJ_PLATFORM_X, { "https://x.com/", IGJ_USERNAME_NOT_PROFILE, NULL } },
    { IGJ_PLATFORM_X,
      { "https://x.com/sixteen_letters_", IGJ_USERNAME_LONG, NULL } },
    { IGJ_PLATFORM_X,
      { "https://notx.com/name", IGJ_USERNAME_OTHER_SITE, NULL } },
    { IGJ_PLATFORM_X,
      { "https://threads.net/@name", IGJ_USERNAME_OTHER_SITE, NULL } }
};

#define NCASES   (sizeof(cases) / sizeof(cases[0]))
#define NOTHERS  (sizeof(others) / sizeof(others[0]))


/* The text in memory of its own, so that a step beside it is seen. */
static igj_username_e
normalise(igj_platform_e platform, const char *text, size_t len,
    igj_username_t *name)
{
    char            *copy;
    igj_username_e   rc;

    copy = malloc(len + 1);
    memcpy(copy, text, len);
    rc = igj_username(platform, copy, len, name);
    free(copy);

    return rc;
}


static int
check(igj_platform_e platform, const case_t *c)
{
    igj_username_e  rc;
    igj_username_t  name;

    rc = normalise(platform, c->text, strlen(c->text), &name);

    if (rc != c->error) {
        printf("# %s: %s\n", c->text, igj_username_error_text(platform, rc));
        return 0;
    }

    if (rc == IGJ_USERNAME_OK
        && (strcmp(name.text, c->name) != 0 || name.len != strlen(c->name)))
    {
        printf("# %s: %s\n", c->text, name.text);
        return 0;
    }

    return 1;
}


/* Any bytes: no crash, and what is accepted is a name. */
static int
check_chance(uint32_t *state)
{
    static const char  bytes[] = "aZ0._@/: ?#w\xC2\xA0\xE2\x80\x8B";

    char            text[64];
    size_t          i, len;
    igj_username_t  name;
    igj_platform_e  platform;

    *state = *state * 1664525 + 1013904223;
    len = (*state >> 16) % sizeof(text);

    for (i = 0; i < len; i++) {
        *state = *state * 1664525 + 1013904223;
        text[i] = bytes[(*state >> 16) % (sizeof(bytes) - 1)];
    }

    platform = (igj_platform_e) ((*state >> 8) % IGJ_PLATFORMS);

    if (normalise(platform, text, len, &name) != IGJ_USERNAME_OK) {
        return 1;
    }

    return name.len >= 1 && name.len <= IGJ_USERNAME_MAX
           && strlen(name.text) == name.len
           && strspn(name.text, "az0._w") == name.len
           && igj_username_fits(platform, &name) == IGJ_USERNAME_OK
           && igj_username_not_x(&name)
              == (igj_username_fits(IGJ_PLATFORM_X, &name) != IGJ_USERNAME_OK)
           && igj_username_not_tiktok(&name)
              == (igj_username_fits(IGJ_PLATFORM_TIKTOK, &name)
                  != IGJ_USERNAME_OK)
           && igj_username_any(text, len, &name);
}


int
main(void)
{
    size_t          i, good;
    uint32_t        state = 1;
    igj_username_t  name;

    for (i = 0, good = 0; i < NCASES; i++) {
        good += (size_t) check(IGJ_PLATFORM_INSTAGRAM, &cases[i]);
    }

    is(good, NCASES, "references to accounts");

    for (i = 0, good = 0; i < NOTHERS; i++) {
        good += (size_t) check(others[i].platform, &others[i].c);
    }

    is(good, NOTHERS, "of other platforms");

    ok(normalise(IGJ_PLATFORM_INSTAGRAM, "a\0b", 3, &name)
       == IGJ_USERNAME_CHARACTER,
       "a zero byte is a faulty character");

    for (i = 0, good = 0; i < 50000; i++) {
        good += (size_t) check_chance(&state);
    }

    is(good, 50000, "arbitrary texts");

    for (i = 0, good = 0; i < (IGJ_USERNAME_NOT_STRING + 1) * IGJ_PLATFORMS;
         i++)
    {
        good += (igj_username_error_text((igj_platform_e) (i % IGJ_PLATFORMS),
                                         (igj_username_e) (i / IGJ_PLATFORMS))
                 != NULL);
    }

    is(good, (IGJ_USERNAME_NOT_STRING + 1) * IGJ_PLATFORMS,
       "each error has a text, for each platform");

    return done_testing();
}
