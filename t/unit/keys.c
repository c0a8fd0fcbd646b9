/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Redis key names, and that no part can reach into another. */

#include "igj_keys.h"
#include "tap.h"


#define JOB  "01234567-89ab-7def-8123-456789abcdef"

static igj_key_t  key;


/* The key as the builder left it; the length must agree. */
static const char *
built(size_t len)
{
    return (len == key.len && len == strlen(key.text)) ? key.text
                                                       : "length differs";
}


static void
test_names(void)
{
    is_text(built(igj_key_turns(&key, "scrape_followers", "small")),
            "igjobs:{q}:turns:scrape_followers:small", "turns");
    is_text(built(igj_key_clocks(&key, "scrape_followers", "bulk")),
            "igjobs:{q}:clocks:scrape_followers:bulk", "clocks");
    is_text(built(igj_key_later(&key)), "igjobs:{q}:later", "later");
    is_text(built(igj_key_parked(&key, "tenant:acme")),
            "igjobs:{q}:parked:tenant:acme", "parked");
    is_text(built(igj_key_parked_clocks(&key, "actor:apify/a~b")),
            "igjobs:{q}:clocks:parked:actor:apify/a~b", "parked clocks");
    is_text(built(igj_key_parked_index(&key)), "igjobs:{q}:parked",
            "index of the parked");
    is_text(built(igj_key_status(&key, "default", JOB)),
            "igjobs:status:default:" JOB, "status");
    is_text(built(igj_key_seen(&key, "default", JOB)),
            "igjobs:seen:default:" JOB, "seen");
    is_text(built(igj_key_events(&key, "default", JOB)),
            "igjobs:events:default:" JOB, "events");
    is_text(built(igj_key_worker(&key, "host-1.example:42")),
            "igjobs:worker:host-1.example:42", "worker");
    is_text(built(igj_key_rate(&key, "2001:db8::1", "jobs")),
            "igjobs:rate:2001:db8::1:jobs", "rate");
}


static void
test_parts(void)
{
    static const char *const  faulty[] = {
        "", "a b", "a:b", "a/b", "a{b", "a}b", "a*b", "a\nb", "\xC3\xA9", "a%"
    };

    size_t  i, good;
    char    longest[IGJ_TENANT_MAX + 2];

    for (i = 0, good = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
        good += (igj_key_status(&key, faulty[i], JOB) == 0 && key.len == 0);
        good += (igj_key_events(&key, "default", faulty[i]) == 0);
        good += (igj_key_turns(&key, faulty[i], "small") == 0);
        good += (igj_key_clocks(&key, "kind", faulty[i]) == 0);
        good += !igj_tenant_valid(faulty[i], strlen(faulty[i]));
    }

    is(good, 5 * i, "faulty parts are refused");
    ok(igj_key_parked(&key, "a b") == 0 && igj_key_worker(&key, "") == 0
       && igj_key_rate(&key, "a\r\n", "x") == 0
       && igj_key_rate(&key, "a", "x:y") == 0, "in every key");

    memset(longest, 'x', sizeof(longest) - 1);
    longest[IGJ_TENANT_MAX] = '\0';
    ok(igj_tenant_valid(longest, IGJ_TENANT_MAX), "64 bytes are a tenant");
    ok(igj_key_status(&key, longest, longest) != 0, "and fit in a key");

    longest[IGJ_TENANT_MAX] = 'x';
    ok(!igj_tenant_valid(longest, IGJ_TENANT_MAX + 1), "65 are not");
    ok(igj_tenant_valid("Az09-_.", 7), "all characters of a tenant");
    ok(!igj_tenant_valid("a\0b", 3), "a zero byte is none");
}


int
main(void)
{
    test_names();
    test_parts();

    return done_testing();
}
