/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The store of accounts: order, duplicates, batches, growth, memory.  The
 * names that it should hold are known by their number.
 */

#include "igj_accounts.h"
#include "tap.h"

#include <stdlib.h>


typedef struct {
    size_t    held;
    size_t    peak;
    unsigned  calls;
    unsigned  fail_at;             /* the call that fails, 0: none */
    unsigned  wrong;               /* freed with another size */
} counter_t;


/* The size stands before the memory. */
static void *
counted_alloc(void *data, size_t size)
{
    size_t     *p;
    counter_t  *counter = data;

    if (++counter->calls == counter->fail_at) {
        return NULL;
    }

    p = calloc(1, size + sizeof(size_t));
    *p = size;

    counter->held += size;

    if (counter->held > counter->peak) {
        counter->peak = counter->held;
    }

    return p + 1;
}


static void
counted_free(void *data, void *ptr, size_t size)
{
    size_t     *p = ptr;
    counter_t  *counter = data;

    counter->wrong += (p[-1] != size);
    counter->held -= size;
    free(p - 1);
}


static counter_t       counter;
static igj_accounts_t  accounts;

static const igj_mem_t  counted = { counted_alloc, counted_free, &counter };


/* Another name for each number, of 1 to 30 characters. */
static void
make_name(uint32_t n, igj_username_t *name)
{
    int       len;
    uint64_t  pad;

    memset(name, 0, sizeof(igj_username_t));
    len = snprintf(name->text, sizeof(name->text), "%x", n);
    pad = (n * 2654435761u) % (uint32_t) (IGJ_USERNAME_MAX - len + 1);
    memset(name->text + len, '_', pad);
    name->len = (uint8_t) (len + (int) pad);
}


static void
begin(uint64_t seed)
{
    memset(&counter, 0, sizeof(counter));
    igj_accounts_init(&accounts, &counted, seed);
}


static int
add(uint32_t n)
{
    igj_username_t  name;

    make_name(n, &name);

    return igj_accounts_add(&accounts, &name);
}


/* The batches hold the names 0 to count - 1 in order, 50 each. */
static int
holds(uint32_t count)
{
    uint32_t              n, i;
    const char           *p;
    igj_username_t        name;
    igj_accounts_iter_t   iter = { 0, 0 };
    igj_accounts_batch_t  batch;

    for (n = 0; igj_accounts_next(&accounts, &iter, &batch); n += i) {
        p = batch.names.data;

        if (batch.number != n / IGJ_BATCH_ACCOUNTS
            || (batch.count != IGJ_BATCH_ACCOUNTS && n + batch.count != count))
        {
            return 0;
        }

        for (i = 0; i < batch.count; i++) {
            make_name(n + i, &name);

            if (memcmp(p, name.text, name.len) != 0) {
                return 0;
            }

            p += name.len;

            if (i + 1 < batch.count && *p++ != '\n') {
                return 0;
            }
        }

        if (p != batch.names.data + batch.names.len) {
            return 0;
        }
    }

    return n == count && accounts.count == count
           && iter.next == igj_accounts_batches(&accounts);
}


/* Adds the names of 0 to count - 1, and old ones again now and then. */
static int
fill(uint32_t count, unsigned again)
{
    int       rc;
    uint32_t  n;

    rc = IGJ_OK;

    for (n = 0; n < count && rc == IGJ_OK; n++) {
        rc = add(n);

        if (again != 0 && n % again == 0 && rc == IGJ_OK) {
            rc = add((uint32_t) ((uint64_t) n * 7919 % (n + 1)));
        }
    }

    return (rc == IGJ_OK) ? igj_accounts_finish(&accounts) : rc;
}


static void
test_counts(void)
{
    static const uint32_t  counts[] = { 0, 1, 2, 15, 16, 17, 49, 50, 51, 99,
                                        100, 101, 204, 205, 500, 3000, 60000 };

    size_t  i, good;

    for (i = 0, good = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        begin(i);
        good += (fill(counts[i], 3) == IGJ_OK && holds(counts[i])
                 && accounts.duplicates == (counts[i] + 2) / 3);
        igj_accounts_free(&accounts);
        good += (counter.held == 0 && counter.wrong == 0
                 && accounts.held == 0);
    }

    is(good, 2 * i, "order, duplicates, batches; all memory given back");
}


static void
test_largest(void)
{
    begin(1);
    ok(fill(IGJ_MAX_ACCOUNTS, 0) == IGJ_OK, "500000 names");
    is(accounts.duplicates, 0, "none of them twice");
    ok(holds(IGJ_MAX_ACCOUNTS), "all of them in their order");
    is(igj_accounts_batches(&accounts), IGJ_MAX_BATCHES, "10000 batches");
    ok(counter.peak < 16u << 20, "at most %u KiB",
       (unsigned) (counter.peak >> 10));
    is(accounts.held, counter.held, "what is held is counted");
    igj_accounts_free(&accounts);
    is(counter.held, 0, "all given back");
}


/* The longest names need all the room that places leave. */
static void
test_longest(void)
{
    int             rc;
    uint32_t        n;
    igj_username_t  name;

    begin(2);
    rc = IGJ_OK;

    for (n = 0; n <= IGJ_MAX_ACCOUNTS && rc == IGJ_OK; n++) {
        memset(&name, 0, sizeof(name));
        (void) snprintf(name.text, sizeof(name.text), "%030u", n);
        name.len = IGJ_USERNAME_MAX;
        rc = igj_accounts_add(&accounts, &name);
    }

    ok(rc == IGJ_OK && igj_accounts_finish(&accounts) == IGJ_ERROR,
       "one name too many is refused");
    is(accounts.count, IGJ_MAX_ACCOUNTS, "500000 of 30 characters fit");
    ok(counter.peak < 21u << 20, "in %u KiB", (unsigned) (counter.peak >> 10));
    igj_accounts_free(&accounts);
}


static void
test_no_memory(void)
{
    unsigned  fail, calls, good;

    begin(3);
    (void) fill(30000, 0);
    calls = counter.calls;
    igj_accounts_free(&accounts);

    for (fail = 1, good = 0; fail <= calls; fail++) {
        begin(3);
        counter.fail_at = fail;
        good += (fill(30000, 0) == IGJ_ERROR);
        igj_accounts_free(&accounts);
        good += (counter.held == 0 && counter.wrong == 0);
    }

    is(good, 2 * calls, "each of %u allocations may fail", calls);
}


static void
test_system(void)
{
    igj_accounts_init(&accounts, &igj_mem_system, 4);
    ok(fill(60000, 5) == IGJ_OK && holds(60000), "memory of the system");
    igj_accounts_free(&accounts);
    is(accounts.held, 0, "given back");
}


int
main(void)
{
    test_counts();
    test_largest();
    test_longest();
    test_no_memory();
    test_system();

    return done_testing();
}
