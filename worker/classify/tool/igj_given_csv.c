/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Rows of given-names.csv (name,female,male,sources) and of
 * regional-names.csv (names,sex,region), which has no counts.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "igj_names_build.h"


/* Added to both counts: what a handful of people prove is little. */
#define GIVEN_PRIOR     1.0

/* What a regional name counts for, on top of what there is. */
#define GIVEN_REGIONAL  500.0


static double
given_count(const igj_csv_row_t *row, const char *text)
{
    char           *end;
    unsigned long   value;

    errno = 0;
    value = strtoul(text, &end, 10);

    if (errno != 0 || end == text || *end != '\0' || text[0] < '0'
        || text[0] > '9')
    {
        igj_csv_fail(row, "not a count: \"%s\"", text);
    }

    return (double) value;
}


/* "usf itm": the female sources in the low half, the male in the high. */
static uint64_t
given_sources(const igj_csv_row_t *row, const char *text)
{
    unsigned  bit;
    uint64_t  set;

    for (set = 0; *text != '\0'; text += text[3] == ' ' ? 4 : 3) {

        if (strlen(text) < 3 || (text[3] != ' ' && text[3] != '\0')
            || strchr("fmu", text[2]) == NULL)
        {
            igj_csv_fail(row, "not a source: \"%s\"", text);
        }

        bit = igj_culture_bit(row, text);

        if (text[2] != 'u') {
            set |= (uint64_t) 1 << (text[2] == 'f' ? bit : bit + 32);
        }
    }

    return set;
}


/* Turns the counts into what the table holds. */
static void
given_weigh(igj_build_entry_t *entry)
{
    double  odds;

    odds = IGJ_NAMES_ODDS_UNIT * log((entry->female + GIVEN_PRIOR)
                                     / (entry->male + GIVEN_PRIOR));

    entry->kinds = IGJ_WORD_GIVEN;
    entry->odds = (int8_t) lround(fmax(-100, fmin(100, odds)));
    entry->common = (uint8_t)
        lround(fmin(255, IGJ_NAMES_COMMON_UNIT
                         * log2(entry->female + entry->male + 1)));
}


static void
given_row(igj_build_t *build, igj_csv_row_t *row)
{
    int                 made;
    double              female, male;
    uint64_t            set;
    igj_build_entry_t  *entry;

    igj_csv_check_key(row, row->field[0]);
    female = given_count(row, row->field[1]);
    male = given_count(row, row->field[2]);
    set = given_sources(row, row->field[3]);

    if (female + male < 1) {
        igj_csv_fail(row, "nobody has this name");
    }

    entry = igj_build_entry(build, row->field[0], strlen(row->field[0]),
                            &made);
    if (!made) {
        igj_csv_fail(row, "twice: \"%s\"", row->field[0]);
    }

    entry->female = female;
    entry->male = male;
    entry->set = set;
    given_weigh(entry);
}


static void
given_regional(igj_build_t *build, const igj_csv_row_t *row, const char *name)
{
    int                 made;
    igj_build_entry_t  *entry;

    igj_csv_check_key(row, name);
    entry = igj_build_entry(build, name, strlen(name), &made);

    if (row->field[1][0] == 'f') {
        entry->female += GIVEN_REGIONAL;

    } else {
        entry->male += GIVEN_REGIONAL;
    }

    given_weigh(entry);
}


static void
given_regional_row(igj_build_t *build, igj_csv_row_t *row)
{
    char  *name, *rest;

    if (strcmp(row->field[1], "f") != 0 && strcmp(row->field[1], "m") != 0) {
        igj_csv_fail(row, "sex is f or m, not \"%s\"", row->field[1]);
    }

    rest = row->field[0];

    while ((name = strsep(&rest, " ")) != NULL) {
        given_regional(build, row, name);
    }
}


const igj_csv_format_t  igj_given_csv = {
    "name,female,male,sources", 4, given_row
};

const igj_csv_format_t  igj_regional_csv = {
    "names,sex,region", 3, given_regional_row
};
