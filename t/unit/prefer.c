/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The Prefer header: what RFC 7240 allows, and what it wants ignored. */

#include "igj_prefer.h"
#include "tap.h"

#include <stdlib.h>


#define NO_WAIT  IGJ_PREFER_NO_WAIT


typedef struct {
    const char  *value;            /* a line end stands between two headers */
    int64_t      wait;
    int          for_change;
    int          respond_async;
    int          sync;
} prefer_t;

static const prefer_t  prefers[] = {
    { "", NO_WAIT, 0, 0, 0 },
    { "wait=10", 10, 0, 0, 0 },
    { "wait=0", 0, 0, 0, 0 },
    { "WAIT=10", 10, 0, 0, 0 },
    { "wait = 10", 10, 0, 0, 0 },
    { " \t wait\t=\t10 ", 10, 0, 0, 0 },
    { "wait=\"10\"", 10, 0, 0, 0 },
    { "wait=\"1\\0\"", 10, 0, 0, 0 },
    { "wait=007", 7, 0, 0, 0 },
    { "igjobs-sync", NO_WAIT, 0, 0, 1 },
    { "Igjobs-Sync", NO_WAIT, 0, 0, 1 },
    { "igjobs-sync=", NO_WAIT, 0, 0, 1 },
    { "igjobs-sync=\"\"", NO_WAIT, 0, 0, 1 },
    { "respond-async", NO_WAIT, 0, 1, 0 },

    /* parameters */
    { "wait=10; for=change", 10, 1, 0, 0 },
    { "wait=10;for=change", 10, 1, 0, 0 },
    { "wait=10 ; FOR = \"Change\"", 10, 1, 0, 0 },
    { "wait=10; x; for=change; y=1", 10, 1, 0, 0 },
    { "wait=10;; ; for=change;", 10, 1, 0, 0 },
    { "wait=10; for=ever", 10, 0, 0, 0 },
    { "wait=10; for", 10, 0, 0, 0 },
    { "wait=10; for=ever; for=change", 10, 0, 0, 0 },
    { "wait=10, for=change", 10, 0, 0, 0 },
    { "wait=0; for=change", 0, 0, 0, 0 },
    { "igjobs-sync; for=change", NO_WAIT, 0, 0, 1 },
    { "x; wait=10", NO_WAIT, 0, 0, 0 },

    /* lists, in one header or several */
    { "respond-async, wait=10", 10, 0, 1, 0 },
    { "respond-async,wait=10,igjobs-sync", 10, 0, 1, 1 },
    { "respond-async\nwait=10; for=change\nigjobs-sync", 10, 1, 1, 1 },
    { ", ,wait=10,,", 10, 0, 0, 0 },
    { "return=minimal; foo=\"some, wait=5\", wait=10", 10, 0, 0, 0 },

    /* the first of a name counts, even if it makes no sense */
    { "wait=10, wait=20", 10, 0, 0, 0 },
    { "wait=10\nwait=20; for=change", 10, 0, 0, 0 },
    { "wait=soon, wait=20", NO_WAIT, 0, 0, 0 },

    /* garbage is as if it were not there */
    { "wait", NO_WAIT, 0, 0, 0 },
    { "wait=", NO_WAIT, 0, 0, 0 },
    { "wait=\"\"", NO_WAIT, 0, 0, 0 },
    { "wait=-1", NO_WAIT, 0, 0, 0 },
    { "wait=1.5", NO_WAIT, 0, 0, 0 },
    { "wait=1s", NO_WAIT, 0, 0, 0 },
    { "wait=\" 1\"", NO_WAIT, 0, 0, 0 },
    { "waits=1", NO_WAIT, 0, 0, 0 },
    { "xwait=1", NO_WAIT, 0, 0, 0 },
    { "wait=1 2, igjobs-sync", NO_WAIT, 0, 0, 1 },
    { "=1, wait=10", 10, 0, 0, 0 },
    { "(wait=1), wait=10", 10, 0, 0, 0 },
    { "\"wait=1, x\", wait=10", 10, 0, 0, 0 },
    { "wait=\"10", NO_WAIT, 0, 0, 0 },
    { "wait=\"10\\", NO_WAIT, 0, 0, 0 },
    { "a=\"\\\", wait=1\", wait=10", 10, 0, 0, 0 },
    { "x=\"1\"y, wait=10", 10, 0, 0, 0 },
    { "wait=10; =x, igjobs-sync", NO_WAIT, 0, 0, 1 },
    { "\x80\xff, wait=10", 10, 0, 0, 0 },

    /* longer than anybody lives */
    { "wait=2147483647", INT32_MAX, 0, 0, 0 },
    { "wait=2147483648", INT32_MAX, 0, 0, 0 },
    { "wait=99999999999999999999", INT32_MAX, 0, 0, 0 },
    { "wait=999999999999999999999", NO_WAIT, 0, 0, 0 },
    { "wait=99999999999999999999x", NO_WAIT, 0, 0, 0 }
};


/* The values, each in memory of its own that ends where the value does. */
static void
read_all(igj_prefer_t *prefer, const char *text)
{
    char       *copy;
    size_t      len;
    igj_str_t   value;

    igj_prefer_init(prefer);

    for ( ;; ) {
        len = strcspn(text, "\n");
        copy = malloc(len ? len : 1);
        memcpy(copy, text, len);

        value.data = copy;
        value.len = len;
        igj_prefer_read(prefer, value);
        free(copy);

        if (text[len] == '\0') {
            return;
        }

        text += len + 1;
    }
}


static int
as_wanted(const prefer_t *wanted, const igj_prefer_t *prefer)
{
    return prefer->wait == wanted->wait
           && prefer->for_change == wanted->for_change
           && prefer->respond_async == wanted->respond_async
           && prefer->sync == wanted->sync;
}


int
main(void)
{
    size_t        i, good;
    igj_prefer_t  prefer;

    for (i = 0, good = 0; i < sizeof(prefers) / sizeof(prefers[0]); i++) {
        read_all(&prefer, prefers[i].value);

        if (as_wanted(&prefers[i], &prefer)) {
            good++;
            continue;
        }

        printf("# %s: wait %lld, change %d, async %d, sync %d\n",
               prefers[i].value, (long long) prefer.wait, prefer.for_change,
               prefer.respond_async, prefer.sync);
    }

    is(good, i, "values of Prefer");

    return done_testing();
}
