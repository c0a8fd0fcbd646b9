/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Dataset items: the dialects, reports on accounts, and hostile lines. */

#include "igj_item.h"
#include "igj_utf8.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>


static igj_item_t  item;


static igj_item_kind_t
parse(const char *line)
{
    return igj_item_parse(&item, IGJ_PLATFORM_INSTAGRAM, line, strlen(line));
}


/* "id|username|full name|source|private|verified" */
static const char *
summary(void)
{
    static char           text[2048];
    const igj_profile_t  *p;

    p = &item.profile;

    snprintf(text, sizeof(text), "%s|%s|%s|%s|%d|%d", p->id, p->username,
             p->full_name, p->source_account, p->is_private, p->is_verified);

    return text;
}


static void
dialects(void)
{
    static const struct {
        const char  *name;
        const char  *line;
        const char  *summary;
    } rows[] = {
        { "first party, camel case",
          "{\"sourceUsername\":\"nasa\",\"type\":\"FOLLOWER\","
          "\"userId\":\"123\",\"username\":\"anna\",\"fullName\":\"Anna Li\","
          "\"profilePicUrl\":\"https://cdn/x.jpg\",\"isVerified\":true,"
          "\"isPrivate\":false}",
          "123|anna|Anna Li|nasa|0|1" },
        { "first party, snake case",
          "{\"source_username\":\"nasa\",\"user_id\":\"123\","
          "\"username\":\"anna\",\"full_name\":\"Anna Li\","
          "\"is_verified\":false,\"is_private\":true}",
          "123|anna|Anna Li|nasa|1|0" },
        { "scraping_solutions",
          "{\"username_scrape\":\"NASA\",\"type\":\"followers\",\"id\":\"7\","
          "\"username\":\"bo\",\"full_name\":\"Bo\",\"is_private\":false,"
          "\"is_verified\":false,\"profile_pic_url\":\"\"}",
          "7|bo|Bo|nasa|0|0" },
        { "datadoping",
          "{\"username\":\"cy\",\"full_name\":\"Cy\",\"is_private\":true,"
          "\"is_verified\":true,\"following_of\":\"nasa\",\"id\":\"8\","
          "\"fbid_v2\":17841409391783763,\"account_badges\":[],"
          "\"has_anonymous_profile_picture\":true}",
          "8|cy|Cy|nasa|1|1" },
        { "mobile shape",
          "{\"pk\":61234567890,\"pk_id\":\"61234567890\",\"username\":\"di\","
          "\"full_name\":\"Di\",\"is_private\":false,\"account_badges\":[{}]}",
          "61234567890|di|Di||0|-1" },
        { "mobile shape, nested",
          "{\"username\":\"nasa\",\"following_user\":{\"pk\":5,"
          "\"username\":\"ed\",\"full_name\":\"Ed\",\"is_private\":true}}",
          "5|ed|Ed|nasa|1|-1" },
        { "mobile shape in details",
          "{\"source_account\":\"nasa\",\"details\":{\"pk_id\":\"6\","
          "\"username\":\"flo\",\"full_name\":\"Flo\"}}",
          "6|flo|Flo|nasa|-1|-1" },
        { "the original's actor",
          "{\"username\":\"gus\",\"fullname\":\"Gus\",\"id\":9,"
          "\"follower_count\":3,\"is_private\":false}",
          "9|gus|Gus||0|-1" },
        { "an empty name gives way to the other spelling",
          "{\"username\":\"hal\",\"full_name\":\"\",\"fullname\":\"Hal\"}",
          "hal|hal|Hal||-1|-1" },
        { "no id, no name",
          "{\"username\":\"ida\",\"id\":null,\"full_name\":null,\"x\":1}",
          "ida|ida|||-1|-1" },
        { "types that do not fit count as absent",
          "{\"username\":\"jo\",\"id\":{},\"full_name\":7,"
          "\"is_private\":\"no\",\"followersCount\":\"12k\","
          "\"profile_pic_url\":[]}",
          "jo|jo|||-1|-1" },
        { "an error that is none",
          "{\"username\":\"kim\",\"id\":\"1\",\"error\":null}",
          "1|kim|||-1|-1" },
        { "the first of a key that comes twice",
          "{\"username\":\"lou\",\"username\":\"other\",\"id\":\"1\"}",
          "1|lou|||-1|-1" },
        { "ids keep every digit",
          "{\"username\":\"max\",\"id\":17841409391783763}",
          "17841409391783763|max|||-1|-1" },
        { "an id that is not whole is none",
          "{\"username\":\"nil\",\"id\":1.5e3,\"pk\":-4}",
          "nil|nil|||-1|-1" },
        { "a link as source account",
          "{\"username\":\"ola\",\"sourceUsername\":"
          "\"https://www.instagram.com/NASA/\"}",
          "ola|ola||nasa|-1|-1" },
        { "half a surrogate pair costs a character",
          "{\"username\":\"pia\",\"full_name\":\"P\\ud800ia\"}",
          "pia|pia|P\xEF\xBF\xBDia||-1|-1" },
        { "NUL in a member that nobody reads",
          "{\"username\":\"quy\",\"biography\":\"x\\u0000y\"}",
          "quy|quy|||-1|-1" },
        { "an escaped backslash is no NUL",
          "{\"username\":\"roy\",\"full_name\":\"\\\\u0000\"}",
          "roy|roy|\\u0000||-1|-1" },
    };

    size_t  i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is(parse(rows[i].line), IGJ_ITEM_PROFILE, "%s: a profile",
           rows[i].name);
        is_text(summary(), rows[i].summary, "%s: read", rows[i].name);
    }
}


static void
details(void)
{
    char    line[4096];
    size_t  len;
    int     i;

    is(parse("{\"username\":\"a\",\"followersCount\":12,\"followsCount\":3,"
             "\"postsCount\":0,\"has_anonymous_profile_picture\":false,"
             "\"profilePicUrl\":\"https://cdn/1\"}"), IGJ_ITEM_PROFILE,
       "a profile with counts");
    is(item.profile.followers, 12, "followers");
    is(item.profile.following, 3, "following");
    is(item.profile.posts, 0, "posts");
    is(item.profile.has_picture, 1, "has a picture");
    is_text(item.profile.picture_url, "https://cdn/1", "picture");

    for (len = 0, i = 0; i < 200; i++) {
        len += (size_t) sprintf(line + len, "%s\"m%d\":%d", i ? "," : "{", i,
                                i);
    }

    (void) sprintf(line + len, ",\"username\":\"a\"}");
    is(parse(line), IGJ_ITEM_PROFILE, "more members than a request may have");

    is(parse("{\"username\":\"a\"}"), IGJ_ITEM_PROFILE, "a bare profile");
    is(item.profile.followers, -1, "nothing is left of the last item");
    is(item.profile.has_picture, -1, "nor of its flags");
    is_text(item.profile.picture_url, "", "nor of its texts");
}


static void
account_errors(void)
{
    static const struct {
        const char           *line;
        const char           *account;
        igj_account_fault_t   fault;
    } rows[] = {
        { "{\"url\":\"https://www.instagram.com/gone/\",\"username\":\"gone\","
          "\"error\":\"not_found\",\"errorDescription\":"
          "\"Post does not exist\"}", "gone", IGJ_ACCOUNT_NOT_FOUND },
        { "{\"url\":\"https://www.instagram.com/Dry/\",\"inputUrl\":"
          "\"https://www.instagram.com/Dry/\",\"requestErrorMessages\":[],"
          "\"error\":\"no_items\",\"errorDescription\":"
          "\"Empty or private data for provided input\"}",
          "dry", IGJ_ACCOUNT_EMPTY },
        { "{\"inputUrl\":\"https://www.instagram.com/b/\","
          "\"requestErrorMessages\":[\"Error: Request blocked, retrying it "
          "again with different session\"],\"error\":\"no_items\","
          "\"errorDescription\":\"Empty or private data for provided input\"}",
          "b", IGJ_ACCOUNT_BLOCKED },
        { "{\"error\":\"no_items\",\"errorDescription\":"
          "\"Profile is private\"}", "", IGJ_ACCOUNT_PRIVATE },
        { "{\"error\":\"no_items\",\"sourceUsername\":\"x\","
          "\"errorDescription\":\"Profile does not exist\"}",
          "x", IGJ_ACCOUNT_NOT_FOUND },
        { "{\"username\":\"mute\",\"url\":\"https://www.instagram.com/mute/\"}",
          "mute", IGJ_ACCOUNT_BLOCKED },
        { "{\"username\":\"odd\",\"error\":{\"code\":1}}",
          "odd", IGJ_ACCOUNT_EMPTY },
        { "{\"username\":\"yes\",\"id\":\"1\",\"error\":true}",
          "yes", IGJ_ACCOUNT_EMPTY },
    };

    char    line[4096];
    size_t  i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is(parse(rows[i].line), IGJ_ITEM_ACCOUNT_ERROR, "error item %zu", i);
        is_text(item.error.account, rows[i].account, "its account");
        is_text(igj_account_fault_name(item.error.fault),
                igj_account_fault_name(rows[i].fault), "its class");
    }

    snprintf(line, sizeof(line), "{\"error\":\"no_items\",\"errorDescription\":"
             "\"x%01000d\xC3\xA9%0500d\"}", 0, 0);
    is(parse(line), IGJ_ITEM_ACCOUNT_ERROR, "a long description");
    is(strlen(item.error.message), 200, "is cut");
}


static void
malformed(void)
{
    static const struct {
        const char  *name;
        const char  *line;
    } rows[] = {
        { "no JSON", "<html>502</html>" },
        { "an array", "[{\"username\":\"a\"}]" },
        { "a string", "\"a\"" },
        { "trailing bytes", "{\"username\":\"a\"} x" },
        { "two objects", "{\"username\":\"a\"},{\"username\":\"b\"}" },
        { "a wrapper broken out of", "{\"username\":\"a\"}][{}" },
        { "cut", "{\"username\":\"a\",\"full_name\":\"Ann" },
        { "no username", "{\"id\":\"1\",\"full_name\":\"A\"}" },
        { "null username", "{\"id\":\"1\",\"username\":null}" },
        { "empty username", "{\"id\":\"1\",\"username\":\"\"}" },
        { "username of another type", "{\"id\":\"1\",\"username\":5}" },
        { "NUL in a username", "{\"username\":\"a\\u0000b\"}" },
        { "NUL in an id", "{\"username\":\"a\",\"id\":\"1\\u0000\"}" },
        { "NUL in a name", "{\"username\":\"a\",\"full_name\":\"\\u0000\"}" },
        { "half a pair in a username", "{\"username\":\"a\\udc00\"}" },
        { "white space in a username", "{\"username\":\"a b\"}" },
        { "a line break in an id", "{\"username\":\"a\",\"id\":\"1\\n\"}" },
        { "invalid UTF-8", "{\"username\":\"a\",\"full_name\":\"\xC3(\"}" },
        { "raw control character", "{\"username\":\"a\tb\"}" },
        { "spoilt inside, sound outside",
          "{\"username\":\"a\",\"details\":{\"username\":\"b c\"}}" },
    };

    char    line[8192], *deep;
    size_t  i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is(parse(rows[i].line), IGJ_ITEM_MALFORMED, "%s", rows[i].name);
    }

    snprintf(line, sizeof(line), "{\"username\":\"a%0200d\"}", 0);
    is(parse(line), IGJ_ITEM_MALFORMED, "username too long");

    snprintf(line, sizeof(line),
             "{\"username\":\"a\",\"full_name\":\"%0600d\"}", 0);
    is(parse(line), IGJ_ITEM_MALFORMED, "name too long");

    snprintf(line, sizeof(line),
             "{\"username\":\"a\",\"full_name\":\"%04000d\"}", 0);
    is(parse(line), IGJ_ITEM_MALFORMED, "name longer than the string buffer");

    snprintf(line, sizeof(line), "{\"username\":\"a\",\"profilePicUrl\":"
             "\"%04000d\",\"biography\":\"%03000d\"}", 0, 0);
    is(parse(line), IGJ_ITEM_PROFILE, "what is long elsewhere does not matter");
    is_text(item.profile.picture_url, "", "an overlong picture URL is absent");

    deep = malloc(3000);
    memset(deep, '[', 1500);
    memset(deep + 1500, ']', 1500);
    is(igj_item_parse(&item, IGJ_PLATFORM_INSTAGRAM, deep, 3000),
       IGJ_ITEM_MALFORMED, "deep nesting");
    free(deep);
}


/* Whatever comes out of damaged lines can be stored. */
static bool
storable(const char *text, size_t max)
{
    size_t  len;

    len = strlen(text);

    return len <= max && igj_utf8_valid(text, len) == len;
}


static void
damage(void)
{
    static const char *const  lines[] = {
        "{\"sourceUsername\":\"nasa\",\"userId\":\"123\",\"username\":"
        "\"anna\",\"fullName\":\"An\\u00e9 \xC3\xA9\",\"isPrivate\":false}",
        "{\"username\":\"nasa\",\"following_user\":{\"pk\":5,\"username\":"
        "\"ed\",\"full_name\":\"\\ud83d\\ude00\"}}",
        "{\"inputUrl\":\"https://www.instagram.com/b/\",\"error\":\"x\","
        "\"requestErrorMessages\":[\"blocked\"],\"errorDescription\":\"y\"}",
    };
    static const char  bytes[] = "{}[]\",:\\u0d8fn\xC3\xFF\0 1e9-";

    const igj_profile_t  *p;
    unsigned              chance;
    char                  line[512];
    size_t                len;
    int                   bad, i, k;

    chance = 1;
    bad = 0;

    for (i = 0; i < 60000; i++) {
        len = strlen(lines[i % 3]);
        memcpy(line, lines[i % 3], len);

        for (k = 0; k <= i % 4; k++) {
            chance = chance * 1103515245 + 12345;
            line[(chance >> 8) % len] = bytes[(chance >> 20) % sizeof(bytes)];
        }

        p = &item.profile;

        switch (igj_item_parse(&item, (igj_platform_e) (i % IGJ_PLATFORMS),
                               line, len))
        {

        case IGJ_ITEM_PROFILE:
            bad += !(storable(p->id, 128) && storable(p->username, 128)
                     && storable(p->full_name, 512)
                     && storable(p->source_account, 30) && p->id[0] != '\0'
                     && p->username[0] != '\0');
            break;

        case IGJ_ITEM_ACCOUNT_ERROR:
            bad += !(storable(item.error.account, 30)
                     && storable(item.error.message, 200));
            break;

        default:
            break;
        }
    }

    is(bad, 0, "60000 damaged lines");
}


/* What is asked for brings what is read: the items of all dialects, cut down
 * to these members, say the same. */

static void
fields(void)
{
    static const char *const  members[] = {
        "username", "id", "userId", "pk", "pk_id", "full_name", "fullName",
        "sourceUsername", "username_scrape", "following_of", "error",
        "errorDescription", "requestErrorMessages", "url", "inputUrl",
        "following_user", "details"
    };

    char    list[1024], name[64];
    size_t  i;
    int     missing;

    missing = 0;
    (void) snprintf(list, sizeof(list), ",%s,",
                    igj_item_fields(IGJ_PLATFORM_INSTAGRAM));

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        (void) snprintf(name, sizeof(name), ",%s,", members[i]);
        missing += (strstr(list, name) == NULL);
    }

    is(missing, 0, "every member that is read is asked for");
    ok(strstr(list, "ic_url") == NULL && strstr(list, "icUrl") == NULL,
       "pictures are not");
}


static void
platforms(void)
{
    static const struct {
        igj_platform_e  platform;
        const char     *line;
        const char     *summary;
    } rows[] = {
        { IGJ_PLATFORM_TIKTOK,
          "{\"uniqueId\":\"anna.li\",\"nickname\":\"Anna Li\","
          "\"id\":\"7000000000000000001\",\"privateAccount\":true}",
          "7000000000000000001|anna.li|Anna Li||1|-1" },
        { IGJ_PLATFORM_TIKTOK,
          "{\"uniqueId\":\"bo\",\"nickname\":\"\",\"sourceUsername\":"
          "\"https://www.tiktok.com/@Nasa\"}", "bo|bo||nasa|-1|-1" },
        { IGJ_PLATFORM_X,
          "{\"id\":1234567890123456789,\"id_str\":\"1234567890123456789\","
          "\"screen_name\":\"Anna\",\"name\":\"Anna Li\","
          "\"followers_count\":7,\"protected\":false}",
          "1234567890123456789|Anna|Anna Li||0|-1" },
        { IGJ_PLATFORM_X, "{\"screen_name\":\"bo\",\"name\":\"Bo\"}",
          "bo|bo|Bo||-1|-1" },
        { IGJ_PLATFORM_THREADS,
          "{\"id\":\"5\",\"username\":\"eva\",\"full_name\":\"Eva\"}",
          "5|eva|Eva||-1|-1" },
    };

    static const char  report[] = "{\"error\":\"not_found\",\"inputUrl\":"
                                  "\"https://www.tiktok.com/@bo\"}";

    size_t  i, n;

    n = sizeof(rows) / sizeof(rows[0]);

    for (i = 0; i < n; i++) {
        is(igj_item_parse(&item, rows[i].platform, rows[i].line,
                          strlen(rows[i].line)),
           IGJ_ITEM_PROFILE, "an item of %s",
           igj_platform_name(rows[i].platform));
        is_text(summary(), rows[i].summary, "and what it says");
    }

    is(igj_item_parse(&item, IGJ_PLATFORM_X, "{\"uniqueId\":\"bo\"}", 17),
       IGJ_ITEM_MALFORMED, "another platform's item is none");
    is(igj_item_parse(&item, IGJ_PLATFORM_TIKTOK, report, strlen(report)),
       IGJ_ITEM_ACCOUNT_ERROR, "a report on an account");
    is_text(item.error.account, "bo", "by its link");
}


int
main(void)
{
    fields();
    dialects();
    platforms();
    details();
    account_errors();
    malformed();
    damage();

    return done_testing();
}
