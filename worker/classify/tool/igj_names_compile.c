/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * names-tool GIVEN-NAMES.CSV REGIONAL-NAMES.CSV NAME-WORDS.CSV OUTPUT
 *
 * Turns the lists of data/ into the table that the worker carries in its
 * read-only data.  The first error in a list ends it: FILE:LINE: what is
 * wrong, exit status 1.
 */

#include <stdio.h>

#include "igj_names_build.h"


int
main(int argc, char **argv)
{
    int          made;
    igj_build_t  build;

    if (argc != 5) {
        fprintf(stderr, "usage: %s GIVEN-NAMES.CSV REGIONAL-NAMES.CSV "
                "NAME-WORDS.CSV OUTPUT\n", argv[0]);
        return 1;
    }

    igj_build_init(&build);

    /* the record at offset 0: a slot of 0 means empty */
    (void) igj_build_entry(&build, "", 0, &made);

    igj_csv_read(&build, argv[1], &igj_given_csv);
    igj_csv_read(&build, argv[2], &igj_regional_csv);

    igj_learn_sounds(&build);
    igj_learn_endings(&build);

    igj_csv_read(&build, argv[3], &igj_words_csv);

    igj_build_write(&build, argv[4]);

    return 0;
}
