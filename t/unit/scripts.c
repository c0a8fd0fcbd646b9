/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The Redis scripts and the worker's Redis client against a real server: turns
 * in virtual time, later, parked, status copies; scripts that are forgotten.
 */

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "igj_log.h"
#include "igj_redis.h"
#include "tap.h"


#define JOB_A    "00000000-0000-7000-8000-00000000000a"
#define JOB_B    "00000000-0000-7000-8000-00000000000b"
#define QUEUE    "k:bulk"
#define PREFIX   "igjobs:{q}:turns:"
#define CLOCKS   "igjobs:{q}:clocks:"
#define KEYS     turns, clocks, "later", "parked"
#define PARK_X   "parked:x", "parked", "clocks:x", clocks, QUEUE
#define UNPARK_X "parked:x", "parked", "clocks:x"

static const char    turns[] = PREFIX QUEUE;
static const char    clocks[] = CLOCKS QUEUE;
static const char    turn_a0[] = "a/" JOB_A "/0";
static const char    turn_b1[] = "b/" JOB_B "/1";

static igj_redis_t  *redis;
static char          text[8192];


static pid_t
start_server(const char *dir)
{
    char   path[128];
    pid_t  pid;

    snprintf(path, sizeof(path), "%s/redis.sock", dir);
    pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);

        if (freopen("/dev/null", "w", stdout) == NULL) {
            _exit(126);
        }

        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
               path, "--save", "", "--dir", dir, (char *) NULL);
        _exit(127);
    }

    return pid;
}


static int
wait_server(pid_t pid)
{
    int  i, status;

    for (i = 0; i < 500; i++) {
        if (igj_redis_ready(redis) == IGJ_OK) {
            return 1;
        }

        if (waitpid(pid, &status, WNOHANG) == pid) {
            return 0;
        }

        usleep(20000);
    }

    return 0;
}


/* The reply as text: elements with blanks between, nil as "-". */
static void
append(const redisReply *reply)
{
    size_t  i, len;

    len = strlen(text);

    switch (reply->type) {

    case REDIS_REPLY_ARRAY:
        for (i = 0; i < reply->elements; i++) {
            if (text[0] != '\0') {
                strcat(text, " ");
            }
            append(reply->element[i]);
        }
        break;

    case REDIS_REPLY_INTEGER:
        snprintf(text + len, sizeof(text) - len, "%lld", reply->integer);
        break;

    case REDIS_REPLY_NIL:
        strcat(text, "-");
        break;

    default:
        snprintf(text + len, sizeof(text) - len, "%s", reply->str);
    }
}


static const char *
told(redisReply *reply)
{
    text[0] = '\0';

    if (reply == NULL) {
        return "no reply";
    }

    append(reply);
    freeReplyObject(reply);

    return text;
}


static void
words(igj_redis_args_t *args, const char *const *list)
{
    while (*list != NULL) {
        igj_redis_text(args, *list++);
    }
}


/* A script with its keys and arguments. */
#define script(id, ...)                                                       \
    run_script(id, (const char *const []) { __VA_ARGS__, NULL })

static const char *
run_script(igj_script_id_t id, const char *const *list)
{
    igj_redis_args_t  args;

    igj_redis_script_begin(&args, id);
    words(&args, list);

    if (args.argc != 3 + igj_script(id)->keys + igj_script(id)->args) {
        return "another number of arguments than the header says";
    }

    return told(igj_redis_script(redis, id, &args));
}


#define command(...)                                                          \
    run_command((const char *const []) { __VA_ARGS__, NULL })

static const char *
run_command(const char *const *list)
{
    igj_redis_args_t  args;

    igj_redis_begin(&args, list[0]);
    words(&args, list + 1);

    return told(igj_redis_command(redis, &args));
}


static const char *
issue(const char *tenant, const char *job, const char *wanted,
    const char *slots, const char *weight)
{
    return script(IGJ_SCRIPT_ISSUE, KEYS, QUEUE, tenant, job, wanted, slots,
                  weight);
}


/* Takes the first turn as the taker does; tells its tenant and slot. */
static const char *
take(void)
{
    static char  member[256];

    char  score[64];

    (void) command("ZPOPMIN", turns);

    if (sscanf(text, "%255s %63s", member, score) != 2) {
        return "none";
    }

    (void) script(IGJ_SCRIPT_TAKEN, clocks, score);

    return member;
}


static void
test_issue(void)
{
    is_text(issue("a", JOB_A, "3", "4", ""), "3", "three turns");
    is_text(issue("a", JOB_A, "3", "4", ""), "0", "not once more");
    is_text(issue("a", JOB_A, "4", "4", ""), "1", "up to the parallelism");
    is_text(issue("a", JOB_A, "9", "4", ""), "0", "never above it");
    is_text(command("ZCARD", turns), "4", "four stand");

    is_text(issue("b", JOB_B, "2", "4", ""), "2", "another tenant");
    is_text(take(), turn_a0, "first a");
    is_text(take(), "b/" JOB_B "/0", "then b: tenants alternate");
    is_text(take(), "a/" JOB_A "/1", "a");
    is_text(take(), turn_b1, "b");
    is_text(take(), "a/" JOB_A "/2", "a again, the only one left");

    is_text(issue("a", JOB_A, "4", "4", ""), "3",
            "the sweeper fills what was taken");
    is_text(issue("b", JOB_B, "1", "4", "2"), "1", "a tenant of weight 2");
    is_text(command("HGET", clocks, "w:b"), "2", "is noted");
    is_text(issue("b", JOB_B, "2", "4", ""), "1", "weight as it was");
    is_text(command("HGET", clocks, "t:b"), "4",
            "two turns cost one unit");
    (void) command("FLUSHALL");
}


static void
test_return(void)
{
    (void) issue("a", JOB_A, "2", "2", "");
    (void) issue("b", JOB_B, "2", "2", "");
    is_text(take(), turn_a0, "a turn is used");

    is_text(script(IGJ_SCRIPT_RETURN, KEYS, QUEUE, turn_a0, "a", "1"), "1",
            "and comes back");
    is_text(script(IGJ_SCRIPT_RETURN, KEYS, QUEUE, turn_a0, "a", "1"), "0",
            "once");
    is_text(take(), "b/" JOB_B "/0", "behind the others");
    is_text(take(), "a/" JOB_A "/1", "of both tenants");
    is_text(take(), turn_b1, "in their order");

    is_text(script(IGJ_SCRIPT_RETURN, KEYS, QUEUE, turn_b1, "b", "0"), "1",
            "an unused one");
    is_text(take(), turn_b1, "comes first");
    (void) command("FLUSHALL");
}


static void
test_later(void)
{
    is_text(script(IGJ_SCRIPT_LATER, "later", QUEUE, "a", JOB_A, "60000"),
            "1", "a job waits");
    is_text(script(IGJ_SCRIPT_DUE, "later", "parked", "10", PREFIX, CLOCKS),
            "0", "nothing is due");
    (void) script(IGJ_SCRIPT_LATER, "later", QUEUE, "a", JOB_A, "0");
    (void) script(IGJ_SCRIPT_LATER, "later", QUEUE, "a", JOB_A, "60000");
    is_text(command("ZCARD", "later"), "1", "one entry a job");
    is_text(script(IGJ_SCRIPT_DUE, "later", "parked", "10", PREFIX, CLOCKS),
            "1", "the earliest time counts");
    is_text(take(), turn_a0, "and becomes a turn");

    (void) script(IGJ_SCRIPT_LATER, "later", QUEUE, "a", JOB_A, "60000");
    (void) issue("a", JOB_A, "1", "4", "");
    is_text(command("EXISTS", "later"), "0",
            "a turn that is issued takes the entry out");
    (void) command("FLUSHALL");
}


static void
test_parked(void)
{
    (void) issue("a", JOB_A, "2", "2", "");
    (void) take();
    (void) script(IGJ_SCRIPT_PARK, PARK_X, turn_a0, "a", "x");

    is_text(issue("a", JOB_A, "2", "2", ""), "0",
            "a parked turn counts as one that stands");
    is_text(script(IGJ_SCRIPT_RETURN, KEYS, QUEUE, turn_a0, "a", "1"), "0",
            "and cannot come back beside");
    is_text(script(IGJ_SCRIPT_SCOPES, "parked"), "x", "the scope");

    is_text(script(IGJ_SCRIPT_UNPARK, UNPARK_X, "5", PREFIX, CLOCKS), "1",
            "room for five: one comes back");
    is_text(take(), turn_a0, "to the front");
    is_text(script(IGJ_SCRIPT_SCOPES, "parked"), "", "none is parked");
    is_text(script(IGJ_SCRIPT_UNPARK, UNPARK_X, "5", PREFIX, CLOCKS), "0",
            "nothing more");
    is_text(command("EXISTS", "clocks:x"), "0", "nor a clock");
    (void) command("FLUSHALL");
}


/* What becomes free goes round among the tenants, by their weights. */
static void
test_parked_fair(void)
{
    static const char  *expected[] = { "b", "a", "b", "b", "a", "b", "a" };

    int          i;
    char         turn[80];
    const char  *tenant;

    (void) issue("b", JOB_B, "0", "4", "2");
    is_text(command("HGET", clocks, "w:b"), "2",
            "a weight is noted though no turn is added");

    for (i = 0; i < 9; i++) {
        tenant = i < 5 ? "a" : "b";
        snprintf(turn, sizeof(turn), "%s/%s/%d", tenant,
                 i < 5 ? JOB_A : JOB_B, i);
        (void) script(IGJ_SCRIPT_PARK, PARK_X, turn, tenant, "x");
    }

    is_text(script(IGJ_SCRIPT_PARK, PARK_X, turn_a0, "a", "x"), "0",
            "a parked turn keeps its place");

    for (i = 0; i < 7; i++) {
        (void) script(IGJ_SCRIPT_UNPARK, UNPARK_X, "1", PREFIX, CLOCKS);
        snprintf(turn, sizeof(turn), "%.1s", take());
        is_text(turn, expected[i], "unparked %d", i);
    }

    (void) command("FLUSHALL");
}


static void
test_status(void)
{
    is_text(script(IGJ_SCRIPT_STATUS, "s", "7", "{\"version\":7,\"x\":1}",
                   "60000", "c"), "1", "a document");
    is_text(script(IGJ_SCRIPT_STATUS, "s", "6", "{\"version\":6}", "60000",
                   "c"), "0", "an older one is not taken");
    is_text(script(IGJ_SCRIPT_STATUS, "s", "7", "{\"version\":7}", "60000",
                   ""), "0", "nor the same again");
    is_text(script(IGJ_SCRIPT_STATUS, "s", "10", "{\"version\":10}", "60000",
                   ""), "1", "10 is more than 7");
    is_text(command("GET", "s"), "{\"version\":10}", "and stands");
    (void) command("FLUSHALL");
}


static void
test_client(void)
{
    uint64_t  opened;

    (void) command("SCRIPT", "FLUSH");
    is_text(issue("a", JOB_A, "1", "1", ""), "1",
            "a forgotten script is sent again");

    opened = igj_redis_generation(redis);
    (void) command("CLIENT", "KILL", "SKIPME", "no", "TYPE", "normal");
    is_text(command("PING"), "no reply", "a cut connection is noticed");

    while (igj_redis_ready(redis) != IGJ_OK) {
        usleep(10000);
    }

    is_text(command("PING"), "PONG", "and opened again");
    is(igj_redis_generation(redis), opened + 1, "once");
}


int
main(void)
{
    char              dir[] = "/tmp/igjobs-unit.XXXXXX", path[64];
    pid_t             pid;
    igj_redis_url_t   url;

    if (mkdtemp(dir) == NULL) {
        return 1;
    }

    igj_log_open(STDERR_FILENO, IGJ_LOG_ERROR, IGJ_LOG_KEY_VALUE);
    memset(&url, 0, sizeof(url));
    url.is_unix = 1;
    snprintf(url.path, sizeof(url.path), "%s/redis.sock", dir);
    redis = igj_redis_create(&url, "test");
    pid = start_server(dir);

    ok(redis != NULL && wait_server(pid), "a private server");

    if (igj_redis_ready(redis) == IGJ_OK) {
        test_issue();
        test_return();
        test_later();
        test_parked();
        test_parked_fair();
        test_status();
        test_client();
    }

    igj_redis_destroy(redis);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    snprintf(path, sizeof(path), "%s/redis.sock", dir);
    unlink(path);
    rmdir(dir);

    return done_testing();
}
