/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The body of POST /api/scrape-followers: what is taken from good bodies, the
 * status and text of the answer to bad ones, limits, and that slices do not
 * matter.
 */

#include "igj_submit.h"
#include "tap.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>


static igj_submit_t  submit;


/* Every allocation is counted; one of them may fail. */
typedef struct {
    size_t    held;
    size_t    peak;
    unsigned  calls;
    unsigned  fail_at;
} counter_t;

static counter_t  counter;


static void *
counted_alloc(void *data, size_t size)
{
    counter_t  *c = data;

    if (++c->calls == c->fail_at) {
        return NULL;
    }

    c->held += size;
    c->peak = (c->held > c->peak) ? c->held : c->peak;

    return calloc(1, size);
}


static void
counted_free(void *data, void *ptr, size_t size)
{
    counter_t  *c = data;

    c->held -= size;
    free(ptr);
}


static const igj_mem_t  counted = { counted_alloc, counted_free, &counter };


static void
begin(void)
{
    memset(&counter, 0, sizeof(counter));
    igj_submit_init(&submit, &counted, 42);
}


/* Reads the body in slices of at most `slice` bytes, each a copy. */
static int
read_slices(const char *body, size_t len, size_t slice)
{
    int      rc;
    char    *copy;
    size_t   i, n;

    rc = IGJ_OK;

    for (i = 0; i < len && rc == IGJ_OK; i += n) {
        n = (len - i < slice) ? len - i : slice;
        copy = malloc(n);
        memcpy(copy, body + i, n);
        rc = igj_submit_feed(&submit, copy, n);
        free(copy);
    }

    return (rc == IGJ_OK) ? igj_submit_finish(&submit) : rc;
}


static int
read_body(const char *body)
{
    begin();

    return read_slices(body, strlen(body), strlen(body));
}


static const char *
answer(void)
{
    static char  buf[65536];

    igj_json_t          json;
    igj_problem_doc_t   doc;

    igj_submit_problem(&submit, &doc);
    igj_json_init(&json, buf, sizeof(buf) - 1);
    igj_problem_write(&json, &doc);
    buf[json.len] = '\0';

    return buf;
}


/* Accounts of all batches, batches separated by "|", names by ",". */
static const char *
names(void)
{
    static char  buf[8192];

    size_t                len, i;
    igj_accounts_iter_t   iter = { 0, 0 };
    igj_accounts_batch_t  batch;

    for (len = 0; igj_accounts_next(&submit.accounts, &iter, &batch); ) {
        if (len != 0) {
            buf[len++] = '|';
        }

        for (i = 0; i < batch.names.len; i++) {
            buf[len++] = (batch.names.data[i] == '\n') ? ','
                                                       : batch.names.data[i];
        }
    }

    buf[len] = '\0';

    return buf;
}


typedef struct {
    const char  *body;
    const char  *names;
    unsigned     per_account;
    int          gender;
    int          keep_unknown;
} good_t;


#define MALE    IGJ_GENDER_MALE
#define FEMALE  IGJ_GENDER_FEMALE
#define ANY     IGJ_GENDER_ANY

static const good_t  good_bodies[] = {
    { "{\"accounts\":[\"a\"]}", "a", 5, MALE, 1 },
    { " {\"accounts\" : [ \"a\" , \"b\" ] } ", "a,b", 5, MALE, 1 },
    { "{\"accounts\":[\"B\",\"@a\",\"b\",\" instagram.com/A/ \",\"c\"]}",
      "b,a,c", 5, MALE, 1 },
    { "{\"accounts\":[\"a\",\"b\",\"c\"],\"totalScrapeCount\":150}", "a,b,c",
      50, MALE, 1 },
    { "{\"totalScrapeCount\":7,\"accounts\":[\"a\",\"b\",\"c\"]}", "a,b,c", 2,
      MALE, 1 },
    { "{\"accounts\":[\"a\",\"A\",\"b\"],\"totalScrapeCount\":7}", "a,b", 3,
      MALE, 1 },
    { "{\"accounts\":[\"a\"],\"totalScrapeCount\":1500.7}", "a", 1500, MALE,
      1 },
    { "{\"accounts\":[\"a\"],\"totalScrapeCount\":1e3}", "a", 1000, MALE, 1 },
    { "{\"accounts\":[\"a\"],\"totalScrapeCount\":1000000}", "a", 1000000, MALE,
      1 },
    { "{\"accounts\":[\"a\"],\"totalScrapeCount\":null}", "a", 5, MALE, 1 },
    { "{\"accounts\":[\"a\"],\"targetScrapeCount\":150}", "a", 5, MALE, 1 },
    { "{\"accounts\":[\"a\"],\"targetGender\":\"female\"}", "a", 5, FEMALE, 1 },
    { "{\"accounts\":[\"a\"],\"targetGender\":\"MALE\"}", "a", 5, MALE, 1 },
    { "{\"accounts\":[\"a\"],\"targetGender\":\"\\u0041ny\"}", "a", 5, ANY, 1 },
    { "{\"accounts\":[\"a\"],\"keep_unknown\":false}", "a", 5, MALE, 0 },
    { "{\"accounts\":[\"a\"],\"keep_unknown\":null}", "a", 5, MALE, 1 },
    { "{\"accounts\":[\"a\"],\"platform\":\"Instagram\"}", "a", 5, MALE, 1 },
    { "{\"accounts\":[\"a\"],\"platform\":null,\"skip_invalid\":null}", "a", 5,
      MALE, 1 },
    { "{\"accounts\":[\"a\",1,\"b c\"],\"skip_invalid\":true}", "a", 5, MALE,
      1 },
    { "{\"skip_invalid\":true,\"accounts\":[[\"x\",{\"y\":[]}],\"a\"]}", "a", 5,
      MALE, 1 },
    { "{\"accounts\":[\"\\u0061\\u002e\\u0042\"]}", "a.b", 5, MALE, 1 },
    { "{\"other\":{\"accounts\":[1,{\"accounts\":[\"z\"]}]},"
      "\"accounts\":[\"a\"],\"base_id\":\"appX\",\"n\":[[\"q\"]]}",
      "a", 5, MALE, 1 },
    { "{\"accounts\":[\"a\"],\"note\":\"\\ud800\\u0000\"}", "a", 5, MALE, 1 },
    { "{\"ACCOUNTS\":1,\"accounts\":[\"a\"]}", "a", 5, MALE, 1 }
};


typedef struct {
    const char  *body;
    unsigned     status;
    const char  *code;
    const char  *text;             /* somewhere in the answer */
} bad_t;


#define MISSING   "\"error\":\"Missing \\\"accounts\\\" field in request body\""
#define NO_LIST   "\"error\":\"Accounts must be a non-empty list\""
#define POSITIVE  "\"error\":\"totalScrapeCount must be positive\""
#define SMALL     "\"error\":\"totalScrapeCount too small for number of "      \
                  "accounts\""
#define A         "\"accounts\":[\"a\"]"

static const bad_t  bad_bodies[] = {
    /* no JSON */
    { "", 400, "IGJ0102", "is empty" },
    { " \r\n", 400, "IGJ0102", "is empty" },
    { "{", 400, "IGJ0101", "At offset 1: the JSON document ends too early" },
    { "nope", 400, "IGJ0101", "At offset 1:" },
    { "accounts=a&b=c", 400, "IGJ0101", "At offset 0:" },
    { "{\"accounts\":[\"a\",]}", 400, "IGJ0101",
      "At offset 17, in #/accounts/1:" },
    { "{\"accounts\":[\"a\" \"b\"]}", 400, "IGJ0101", "#/accounts/0" },
    { "{\"accounts\":[\"a\"]", 400, "IGJ0101", "too early" },
    { "{" A "} x", 400, "IGJ0101", "nothing may follow" },
    { "{" A "}{}", 400, "IGJ0101", "nothing may follow" },
    { "{'accounts':['a']}", 400, "IGJ0101", "double quotes" },
    { "\xEF\xBB\xBF{" A "}", 400, "IGJ0101", "byte order mark" },
    { "{\"accounts\":[\"a\nb\"]}", 400, "IGJ0101", "control character" },
    { "{\"accounts\":[\"\\x\"]}", 400, "IGJ0101", "backslash" },
    { "{\"accounts\":[01]}", 400, "IGJ0101", "JSON number" },
    { "{\"accounts\":[\"\xFF\"]}", 400, "IGJ0103", "#/accounts/0" },
    { "{\"accounts\":[\"\xED\xA0\x80\"]}", 400, "IGJ0103", "UTF-8" },
    { "{\"x\":[[[[[[[[1]]]]]]]]}", 400, "IGJ0105", "At offset 12" },
    { "{" A "," A "}", 400, "IGJ0106", "\"pointer\":\"#/accounts\"" },
    { "{\"x\":1,\"x\":1," A "}", 400, "IGJ0106", "second time" },

    /* not an object */
    { "1", 400, "IGJ0104", "must be a JSON object" },
    { "1.5", 400, "IGJ0104", "must be a JSON object" },
    { "\"accounts\"", 400, "IGJ0104", "must be a JSON object" },
    { "true", 400, "IGJ0104", "must be a JSON object" },

    /* no accounts */
    { "null", 400, "IGJ0301", MISSING },
    { "[]", 400, "IGJ0301", MISSING },
    { "[\"accounts\",{" A "}]", 400, "IGJ0301", MISSING },
    { "{}", 400, "IGJ0301", MISSING },
    { "{\"account\":[\"a\"]}", 400, "IGJ0301", MISSING },
    { "{\"Accounts\":[\"a\"]}", 400, "IGJ0301", MISSING },
    { "{\"x\":{" A "}}", 400, "IGJ0301", MISSING },
    { "{\"accounts\":[]}", 400, "IGJ0302", NO_LIST },
    { "{\"accounts\":null}", 400, "IGJ0302", NO_LIST },
    { "{\"accounts\":\"a\"}", 400, "IGJ0302", "accounts is \\\"a\\\"; send" },
    { "{\"accounts\":7}", 400, "IGJ0302", "accounts is 7; send" },
    { "{\"accounts\":true}", 400, "IGJ0302", NO_LIST },
    { "{\"accounts\":{\"0\":\"a\"}}", 400, "IGJ0302", "accounts is an object" },

    /* faulty accounts */
    { "{\"accounts\":[\"a\",1]}", 422, "IGJ0304",
      "\"pointer\":\"#/accounts/1\",\"detail\":\"The account is not a string" },
    { "{\"accounts\":[\"a\",null]}", 422, "IGJ0304", "not a string" },
    { "{\"accounts\":[\"a\",[\"b\"]]}", 422, "IGJ0304", "#/accounts/1" },
    { "{\"accounts\":[{\"username\":\"b\"},\"a\"]}", 422, "IGJ0304",
      "#/accounts/0" },
    { "{\"accounts\":[\"a\",\"\"]}", 422, "IGJ0304", "is empty" },
    { "{\"accounts\":[\"a\",\"b c\"]}", 422, "IGJ0304",
      "has a character that no user name has" },
    { "{\"accounts\":[\"a\",\"b\\u0000\"]}", 422, "IGJ0304", "character" },
    { "{\"accounts\":[\"a\",\"\\ud800\"]}", 422, "IGJ0304", "character" },
    { "{\"accounts\":[\"a\",\"...\"]}", 422, "IGJ0304", "nothing but dots" },
    { "{\"accounts\":[\"a\",\"abcdefghijklmnopqrstuvwxyz12345\"]}", 422,
      "IGJ0304", "too long" },
    { "{\"accounts\":[\"a\",\"https://x.com/b\"]}", 422, "IGJ0304",
      "another site" },
    { "{\"accounts\":[\"a\",\"instagram.com/p/b\"]}", 422, "IGJ0304",
      "not to a profile" },
    { "{\"accounts\":[\"a\",\"!\",\"?\"]}", 422, "IGJ0304",
      "2 of 3 accounts are not valid; the first is element 1" },
    { "{\"accounts\":[\"a\",\"!\"],\"skip_invalid\":false}", 422, "IGJ0304",
      "skip_invalid" },
    { "{\"accounts\":[\"!\"]}", 422, "IGJ0305", "None of the accounts" },
    { "{\"accounts\":[1,2],\"skip_invalid\":true}", 422, "IGJ0305",
      "#/accounts/1" },

    /* totalScrapeCount */
    { "{" A ",\"totalScrapeCount\":0}", 400, "IGJ0307", POSITIVE },
    { "{" A ",\"totalScrapeCount\":-1}", 400, "IGJ0307", POSITIVE },
    { "{" A ",\"totalScrapeCount\":-0.5}", 400, "IGJ0307", POSITIVE },
    { "{" A ",\"totalScrapeCount\":0.0}", 400, "IGJ0307",
      "\"pointer\":\"#/totalScrapeCount\"" },
    { "{" A ",\"totalScrapeCount\":0.9}", 400, "IGJ0308", SMALL },
    { "{\"accounts\":[\"a\",\"b\",\"c\"],\"totalScrapeCount\":2}", 400,
      "IGJ0308", SMALL },
    { "{\"totalScrapeCount\":2.99,\"accounts\":[\"a\",\"b\",\"c\"]}", 400,
      "IGJ0308", "send at least 3 for 3 accounts" },
    { "{" A ",\"totalScrapeCount\":1000001}", 400, "IGJ0309",
      "send at most 1000000 for 1 accounts" },
    { "{" A ",\"totalScrapeCount\":1e999}", 400, "IGJ0309", "too large" },
    { "{" A ",\"totalScrapeCount\":\"150\"}", 400, "IGJ0306",
      "totalScrapeCount is \\\"150\\\"; send a positive number" },
    { "{" A ",\"totalScrapeCount\":true}", 400, "IGJ0306",
      "totalScrapeCount is true; send" },
    { "{" A ",\"totalScrapeCount\":[1]}", 400, "IGJ0306", "is an array" },
    { "{" A ",\"totalScrapeCount\":{}}", 400, "IGJ0306", "is an object" },

    /* the others */
    { "{" A ",\"targetGender\":\"other\"}", 400, "IGJ0310",
      "targetGender is \\\"other\\\"; send" },
    { "{" A ",\"targetGender\":\"\"}", 400, "IGJ0310", "#/targetGender" },
    { "{" A ",\"targetGender\":null}", 400, "IGJ0310", "is null" },
    { "{" A ",\"targetGender\":1}", 400, "IGJ0310", "is 1" },
    { "{" A ",\"targetGender\":\"male\\u0000\"}", 400, "IGJ0310", "male" },
    { "{" A ",\"targetGender\":\"a value that is far too long to be repeated "
      "in an answer\"}", 400, "IGJ0310",
      "\\\"a value that is far too long to be repea...\\\"" },
    { "{" A ",\"targetGender\":[\"male\"]}", 400, "IGJ0310", "is an array" },
    { "{" A ",\"skip_invalid\":\"true\"}", 400, "IGJ0109",
      "skip_invalid is \\\"true\\\"; send true or false" },
    { "{" A ",\"skip_invalid\":1}", 400, "IGJ0109", "#/skip_invalid" },
    { "{" A ",\"keep_unknown\":\"no\"}", 400, "IGJ0109", "#/keep_unknown" },
    { "{" A ",\"keep_unknown\":{}}", 400, "IGJ0109", "is an object" },
    { "{" A ",\"platform\":\"myspace\"}", 400, "IGJ0311", "#/platform" },
    { "{" A ",\"platform\":false}", 400, "IGJ0311", "is false" }
};

#define NELTS(array)  (sizeof(array) / sizeof(array[0]))


static int
good_body_is_read(const good_t *c, size_t slice)
{
    int  rc;

    begin();
    rc = read_slices(c->body, strlen(c->body), slice);

    if (rc != IGJ_OK || strcmp(names(), c->names) != 0
        || submit.per_account != c->per_account
        || submit.target_gender != c->gender
        || submit.keep_unknown != c->keep_unknown
        || submit.platform != IGJ_PLATFORM_INSTAGRAM)
    {
        printf("# slices of %zu: %s: %s, %u each%s\n", slice, c->body, names(),
               submit.per_account, (rc == IGJ_OK) ? "" : ", refused");
        rc = IGJ_ERROR;
    }

    igj_submit_free(&submit);

    return rc == IGJ_OK && counter.held == 0;
}


static int
bad_body_is_refused(const bad_t *c, size_t slice)
{
    int          rc;
    const char  *text;

    begin();
    rc = read_slices(c->body, strlen(c->body), slice);

    if (rc == IGJ_OK) {
        printf("# accepted: %s\n", c->body);
        igj_submit_free(&submit);
        return 0;
    }

    text = answer();

    if (igj_problem(submit.problem)->status != c->status
        || strcmp(igj_problem(submit.problem)->code, c->code) != 0
        || strstr(text, c->text) == NULL)
    {
        printf("# slices of %zu: %s\n# %s\n", slice, c->body, text);
        rc = IGJ_OK;
    }

    igj_submit_free(&submit);

    return rc == IGJ_ERROR && counter.held == 0;
}


static void
test_bodies(size_t slice)
{
    size_t  i, good;

    for (i = 0, good = 0; i < NELTS(good_bodies); i++) {
        good += (size_t) good_body_is_read(&good_bodies[i], slice);
    }

    is(good, NELTS(good_bodies), "good bodies, slices of %zu", slice);

    for (i = 0, good = 0; i < NELTS(bad_bodies); i++) {
        good += (size_t) bad_body_is_refused(&bad_bodies[i], slice);
    }

    is(good, NELTS(bad_bodies), "bad bodies, slices of %zu", slice);
}


static void
test_counts(void)
{
    is(read_body("{\"accounts\":[\"a\",\"!\",\"b\",\"A\",7,\"@b\"],"
                 "\"skip_invalid\":true}"), IGJ_OK, "faulty ones left out");
    is(submit.given, 6, "given");
    is(submit.invalid, 2, "invalid");
    is(submit.accounts.count, 2, "kept");
    is(submit.accounts.duplicates, 2, "duplicates");
    is(submit.judged[0].faults[0].index, 1, "the first fault");
    is(submit.judged[0].faults[1].index, 4, "the second fault");
    ok(submit.skip_invalid, "as was asked for");
    is_text(igj_gender_name(IGJ_GENDER_ANY), "any", "the gender's name");
    is_text(igj_platform_name(IGJ_PLATFORM_INSTAGRAM), "instagram",
            "the platform's name");
    igj_submit_free(&submit);
}


/* Accounts are those of the platform, wherever in the body it is named. */
static void
test_platforms(void)
{
    static const struct {
        const char  *body;
        const char  *names;        /* NULL: refused */
        const char  *text;         /* in the answer, or the platform */
    } rows[] = {
        { "{\"platform\":\"x\",\"accounts\":[\"@A_b\",\"https://x.com/c\"]}",
          "a_b,c", "x" },
        { "{\"accounts\":[\"@A_b\",\"c\"],\"platform\":\"X\"}", "a_b,c", "x" },
        { "{\"accounts\":[\"https://x.com/c\",\"twitter.com/D\","
          "\"x.com/C\"],\"platform\":\"x\"}", "c,d", "x" },
        { "{\"accounts\":[\"a.b\",\"tiktok.com/@c\"],\"skip_invalid\":true}",
          "a.b", "instagram" },
        { "{\"accounts\":[\"a.b\",\"tiktok.com/@c\"],\"skip_invalid\":true,"
          "\"platform\":\"instagram\"}", "a.b", "instagram" },
        { "{\"platform\":\"x\",\"accounts\":[\"a.b\",\"x.com/c\",\"d\"],"
          "\"skip_invalid\":true}", "c,d", "x" },
        { "{\"accounts\":[\"a!\",\"c\",5],\"platform\":\"x\","
          "\"skip_invalid\":true}", "c", "x" },
        { "{\"accounts\":[\"https://threads.net/@c\",\"x.com/c\"],"
          "\"platform\":\"threads\",\"skip_invalid\":true}", "c", "threads" },
        { "{\"accounts\":[\"https://www.tiktok.com/@c\"],"
          "\"platform\":\"tiktok\"}", "c", "tiktok" },

        { "{\"accounts\":[\"a\",\"b.c\",\"d\"],\"platform\":\"x\"}", NULL,
          "1 of 3 accounts are not valid; the first is element 1" },
        { "{\"accounts\":[\"a\",\"b.\",\"d\"],\"platform\":\"tiktok\"}",
          NULL, "ends with a dot" },
        { "{\"platform\":\"x\",\"accounts\":[\"instagram.com/a\",\"b\"]}",
          NULL, "https://x.com/<name>" },
        { "{\"accounts\":[\"instagram.com/a\",\"b\"],\"platform\":\"x\"}",
          NULL, "https://x.com/<name>" },
        { "{\"accounts\":[\"instagram.com/a\"],\"platform\":\"x\"}",
          NULL, "IGJ0305" },
        { "{\"accounts\":[\"a\",\"x.com/b\"],\"platform\":\"x\"}", NULL,
          "IGJ0313" },
        { "{\"accounts\":[\"x.com/a\",\"tiktok.com/@b\"],\"platform\":"
          "\"tiktok\",\"skip_invalid\":true}", NULL, "IGJ0313" },
        { "{\"accounts\":[\"a\",\"b.c\"],\"platform\":\"x\","
          "\"skip_invalid\":true}", NULL, "IGJ0313" },
    };

    int     rc, fits;
    size_t  i;

    for (i = 0; i < NELTS(rows); i++) {
        begin();
        rc = read_slices(rows[i].body, strlen(rows[i].body), 5);

        fits = (rows[i].names != NULL)
               ? rc == IGJ_OK && strcmp(names(), rows[i].names) == 0
                 && strcmp(igj_platform_name(submit.platform), rows[i].text)
                    == 0
               : rc == IGJ_ERROR && strstr(answer(), rows[i].text) != NULL;

        ok(fits, "%s", rows[i].body);
        igj_submit_free(&submit);
        is(counter.held, 0, "and no memory is left");
    }
}


/* A body of n elements; each is written by the callback. */
static char *
make_body(uint32_t n, const char *tail,
    int (*element)(char *out, size_t size, uint32_t i), size_t *len)
{
    char      *body;
    size_t     size;
    uint32_t   i;

    size = (size_t) n * 48 + 256;
    body = malloc(size);
    *len = (size_t) snprintf(body, size, "{\"accounts\":[");

    for (i = 0; i < n; i++) {
        if (i != 0) {
            body[(*len)++] = ',';
        }

        *len += (size_t) element(body + *len, size - *len, i);
    }

    *len += (size_t) snprintf(body + *len, size - *len, "]%s}", tail);

    return body;
}


static int
usual_name(char *out, size_t size, uint32_t i)
{
    static const char  pad[] = "_abcdefghijklmn";

    return snprintf(out, size, "\"user.%x%.*s\"", i * 2654435761u,
                    (int) (i % 15), pad);
}


static int
no_name(char *out, size_t size, uint32_t i)
{
    return snprintf(out, size, (i % 2) ? "\"a%u\"" : "\"#%u\"", i);
}


static void
test_pointers(void)
{
    char        *body;
    size_t       len;
    unsigned     n;
    const char  *p;

    body = make_body(1000, "", no_name, &len);
    begin();
    is(read_slices(body, len, 4096), IGJ_ERROR, "500 faulty accounts");
    is(submit.invalid, 500, "are counted");

    for (p = answer(), n = 0; (p = strstr(p, "\"pointer\"")) != NULL; p++) {
        n++;
    }

    is(n, IGJ_MAX_ERROR_POINTERS, "the first 100 are listed");
    ok(strstr(answer(), "#/accounts/198\"") != NULL, "up to the hundredth");
    ok(strstr(answer(), "500 of 1000 accounts") != NULL, "all are told");

    igj_submit_free(&submit);
    free(body);
}


static double
seconds(void)
{
    struct timespec  t;

    (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);

    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}


static void
test_largest(void)
{
    int      rc;
    char    *body;
    size_t   len;
    double   start;

    body = make_body(IGJ_MAX_ACCOUNTS, ",\"totalScrapeCount\":2500000",
                     usual_name, &len);
    begin();
    start = seconds();
    rc = read_slices(body, len, 65536);

    printf("# %zu bytes in %.1f ms, at most %zu KiB held\n", len,
           (seconds() - start) * 1000, counter.peak >> 10);

    is(rc, IGJ_OK, "500000 accounts are read");
    is(submit.accounts.count, IGJ_MAX_ACCOUNTS, "all are kept");
    is(submit.per_account, 5, "the total is shared out");
    ok(counter.peak < 20u << 20, "in less than 20 MiB");
    is(igj_submit_memory(&submit), counter.held, "and they are counted");

    igj_submit_free(&submit);
    is(counter.held, 0, "all memory is given back");
    free(body);

    body = make_body(IGJ_MAX_ACCOUNTS + 1, "", usual_name, &len);
    begin();
    is(read_slices(body, len, 65536), IGJ_ERROR, "one more");
    is(submit.problem, IGJ_PROBLEM_TOO_MANY_ACCOUNTS, "is refused");
    igj_submit_free(&submit);
    free(body);
}


/* Resident memory of this process, in bytes; 0 if it cannot be told. */
static long
resident(void)
{
    FILE  *f;
    char   line[128], *p;

    f = fopen("/proc/self/statm", "r");

    if (f == NULL) {
        return 0;
    }

    p = fgets(line, sizeof(line), f);
    (void) fclose(f);

    p = (p != NULL) ? strchr(p, ' ') : NULL;

    return (p != NULL) ? strtol(p, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}


/* The largest submission ten times over leaves no memory behind. */
static void
test_returned(void)
{
    char      *body;
    long       before, after;
    size_t     len, i, n;
    unsigned   k, good;

    body = make_body(IGJ_MAX_ACCOUNTS, "", usual_name, &len);
    before = resident();

    for (k = 0, good = 0; k < 10; k++) {
        igj_submit_init(&submit, &igj_mem_system, k);

        for (i = 0; i < len; i += n) {
            n = (len - i < 65536) ? len - i : 65536;

            if (igj_submit_feed(&submit, body + i, n) != IGJ_OK) {
                break;
            }
        }

        good += (igj_submit_finish(&submit) == IGJ_OK);
        igj_submit_free(&submit);
    }

    after = resident();
    printf("# resident before %ld KiB, after %ld KiB\n", before >> 10,
           after >> 10);

    is(good, 10, "the largest submission, ten times");
    ok(after - before < 4 << 20, "leaves less than 4 MiB behind");
    free(body);
}


static void
test_no_memory(void)
{
    char      *body;
    size_t     len;
    unsigned   calls, fail, good;

    body = make_body(5000, "", usual_name, &len);
    begin();
    (void) read_slices(body, len, 1000);
    calls = counter.calls;
    igj_submit_free(&submit);

    for (fail = 1, good = 0; fail <= calls; fail++) {
        begin();
        counter.fail_at = fail;
        good += (read_slices(body, len, 1000) == IGJ_ERROR
                 && submit.problem == IGJ_PROBLEM_OVERLOADED);
        igj_submit_free(&submit);
        good += (counter.held == 0);
    }

    is(good, 2 * calls, "without memory: 503, and nothing is kept");
    free(body);
}


static void
test_free_early(void)
{
    begin();
    ok(igj_submit_feed(&submit, "{\"accounts\":[\"a\",\"b", 19) == IGJ_OK,
       "a body that never ends");
    igj_submit_free(&submit);
    igj_submit_free(&submit);
    is(counter.held, 0, "can be given up at any time");
}


int
main(void)
{
    test_bodies(1);
    test_bodies(2);
    test_bodies(7);
    test_bodies(4096);
    test_counts();
    test_platforms();
    test_pointers();
    test_largest();
    test_returned();
    test_no_memory();
    test_free_early();

    return done_testing();
}
