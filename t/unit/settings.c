/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The reader of settings: where a value comes from, and its unit. */

#include <stdlib.h>
#include <unistd.h>

#include "igj_settings.h"
#include "tap.h"


static igj_settings_t  s;
static char            error[IGJ_SETTINGS_ERROR_MAX];


/* Reads up to three flags over the environment as it is. */
static int
read_flags(const char *a, const char *b, const char *c)
{
    char  *argv[5];
    int    argc;

    argc = 0;
    argv[argc++] = (char *) "igjobs-worker";
    argv[argc] = (char *) a;
    argc += (a != NULL);
    argv[argc] = (char *) b;
    argc += (b != NULL);
    argv[argc] = (char *) c;
    argc += (c != NULL);

    igj_settings_free(&s);

    return igj_settings_read(&s, argc, argv, 1, error);
}


static void
test_sources(void)
{
    int   fd;
    char  path[] = "/tmp/igjobs-unit.XXXXXX";

    is(read_flags(NULL, NULL, NULL), IGJ_OK, "defaults");
    is(s.lanes, 16, "lanes");
    is(s.lease, 12000, "lease in milliseconds");
    is(s.direct, false, "a switch");
    is(s.run_deadline, 7200000, "hours");
    is(s.log_level, IGJ_LOG_INFO, "a word");
    is_text(s.redis_url, "redis://localhost:6379/0", "a text");
    is_text(s.apify_actor_id, "general~actor", "the general actor");
    ok(s.worker_id != NULL && s.worker_id[0] != '\0', "a worker id is made");

    setenv("INSTAGRAM_APIFY_ACTOR_ID", "special~actor", 1);
    setenv("IGJOBS_LANES", "3", 1);
    setenv("IGJOBS_DIRECT", "yes", 1);
    is(read_flags(NULL, NULL, NULL), IGJ_OK, "environment");
    is(s.lanes, 3, "wins over the default");
    is(s.direct, true, "a switch");
    is_text(s.apify_actor_id, "special~actor", "the special actor wins");

    is(read_flags("--lanes", "5", "--direct=off"), IGJ_OK, "flags");
    is(s.lanes, 5, "win over the environment");
    is(s.direct, false, "in both forms");
    is(read_flags("--beat=250ms", "--direct", NULL), IGJ_OK, "a bare switch");
    is(s.direct, true, "is on");
    is(s.beat, 250, "milliseconds");

    fd = mkstemp(path);
    is(write(fd, "from-a-file\n", 12), 12, "a file with a secret");
    close(fd);
    unsetenv("APIFY_API_KEY");
    setenv("APIFY_API_KEY_FILE", path, 1);
    is(read_flags(NULL, NULL, NULL), IGJ_OK, "is read");
    is_text(s.apify_api_key, "from-a-file", "without its line end");
    unsetenv("APIFY_API_KEY_FILE");
    is(read_flags("--apify-api-key-file", path, NULL), IGJ_OK,
       "also named by a flag");
    is_text(s.apify_api_key, "from-a-file", "the same");
    unlink(path);
}


static void
test_refused(void)
{
    setenv("APIFY_API_KEY", "key", 1);

    is(read_flags("--lanes", "16x", NULL), IGJ_ERROR, "not a number");
    ok(strstr(error, "--lanes") != NULL, "is named");
    is(read_flags("--lease=99999999999999999999s", NULL, NULL), IGJ_ERROR,
       "a time that overflows");
    is(read_flags("--lease=1d", NULL, NULL), IGJ_ERROR, "an unknown unit");
    is(read_flags("--apify-max-charge=nan", NULL, NULL), IGJ_ERROR, "no sum");
    is(read_flags("--direct=maybe", NULL, NULL), IGJ_ERROR, "no switch");
    is(read_flags("--lanes-file=x", NULL, NULL), IGJ_ERROR,
       "only secrets come from files");
    is(read_flags("--database-url=x", NULL, NULL), IGJ_ERROR, "a secret");
    is(read_flags("--log-format=js", NULL, NULL), IGJ_ERROR, "half a word");
}


int
main(void)
{
    setenv("DATABASE_URL", "dbname=x", 1);
    setenv("APIFY_API_KEY", "key", 1);
    setenv("APIFY_ACTOR_ID", "general~actor", 1);
    unsetenv("REDIS_URL");

    test_sources();
    test_refused();
    igj_settings_free(&s);

    return done_testing();
}
