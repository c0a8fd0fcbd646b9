/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * libFuzzer target for the body of a submission: the same bytes whole and in
 * slices must end alike.  Not part of t/run; for instance
 *
 *     clang -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
 *         -Icommon t/fuzz/scan_fuzz.c common/igj_*.c -o build/scan_fuzz
 */

#include "igj_submit.h"

#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int
read_slices(igj_submit_t *submit, const uint8_t *data, size_t size,
    size_t slice)
{
    int     rc;
    size_t  i, n;

    igj_submit_init(submit, &igj_mem_system, 1);
    rc = IGJ_OK;

    for (i = 0; i < size && rc == IGJ_OK; i += n) {
        n = (size - i < slice) ? size - i : slice;
        rc = igj_submit_feed(submit, data + i, n);
    }

    return (rc == IGJ_OK) ? igj_submit_finish(submit) : rc;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static igj_submit_t  whole, cut;

    int  whole_rc, cut_rc;

    whole_rc = read_slices(&whole, data, size, size ? size : 1);
    cut_rc = read_slices(&cut, data, size, 1 + size % 5);

    if (whole_rc != cut_rc || whole.problem != cut.problem
        || whole.given != cut.given || whole.invalid != cut.invalid
        || whole.accounts.count != cut.accounts.count
        || strcmp(whole.detail, cut.detail) != 0)
    {
        abort();
    }

    igj_submit_free(&whole);
    igj_submit_free(&cut);

    return 0;
}
