/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The order of the rules.  Pronouns say what a person wants to be called, so
 * they go before everything; a shop is no person; titles are meant to tell;
 * then names, most trusted place first; a user name only when all of that
 * left it open.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "igj_classify.h"
#include "igj_east.h"
#include "igj_native.h"
#include "igj_rules.h"
#include "igj_username_name.h"


#define CLASSIFY_DECIDE    32              /* odds of 5 to 1 */
#define CLASSIFY_ASIDE     60              /* percent: other segments, (...) */
#define CLASSIFY_USERNAME  80              /* percent of a user name's odds */


static int
classify_is_decided(const igj_evidence_t *evidence)
{
    return abs(evidence->sum) >= CLASSIFY_DECIDE;
}


/* What the name of one segment and one person says, at a weight. */
static void
classify_segment(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_reading_t *reading, unsigned segment, unsigned person,
    int percent)
{
    igj_reading_t   name;
    igj_evidence_t  said;

    igj_reading_person(reading, segment, person, &name);

    if (name.n == 0) {
        return;
    }

    igj_evidence_init(&said);

    if (!igj_east_names(&said, table, &name)
        && !igj_native_names(&said, table, &name))
    {
        igj_evidence_names(&said, table, &name);
    }

    igj_evidence_merge(evidence, &said, percent);
}


/* "Anna & Tom": returns 1 if the second is of the other sex. */
static int
classify_couple(igj_evidence_t *evidence, const igj_name_table_t *table,
    const igj_reading_t *reading)
{
    igj_evidence_t  other;

    igj_evidence_init(&other);
    classify_segment(&other, table, reading, 0, 1, 100);

    if (!classify_is_decided(&other)
        || (other.sum > 0) == (evidence->sum > 0))
    {
        return 0;
    }

    evidence->sum = 0;
    memcpy(evidence->text, "couple", sizeof("couple"));

    return 1;
}


/* Returns 1 if the user name has nothing to add. */
static int
classify_full_name(igj_evidence_t *evidence, const igj_name_table_t *table,
    const char *text, size_t len)
{
    unsigned       segment;
    igj_tokens_t   tokens;
    igj_reading_t  reading;

    igj_tokens_read(&tokens, text, len);
    igj_reading_read(&reading, table, &tokens);

    if (igj_rule_pronouns(evidence, &reading)
        || igj_rule_not_person(evidence, &reading)
        || igj_rule_title(evidence, &reading))
    {
        return 1;
    }

    classify_segment(evidence, table, &reading, 0, 0, 100);

    if (classify_is_decided(evidence)) {
        return classify_couple(evidence, table, &reading)
               || classify_is_decided(evidence);
    }

    for (segment = 0; segment < IGJ_SEGMENTS_MAX; segment++) {
        classify_segment(evidence, table, &reading,
                         segment | IGJ_SEGMENT_BRACKET, 0, CLASSIFY_ASIDE);

        if (segment > 0) {
            classify_segment(evidence, table, &reading, segment, 0,
                             CLASSIFY_ASIDE);
        }

        if (classify_is_decided(evidence)) {
            return 1;
        }
    }

    igj_rule_hints(evidence, &reading, tokens.emoji);

    return classify_is_decided(evidence);
}


static void
classify_username(igj_evidence_t *evidence, const igj_name_table_t *table,
    const char *username, size_t len)
{
    igj_evidence_t  said;

    igj_evidence_init(&said);

    if (!igj_username_names(&said, table, username, len)) {
        igj_evidence_merge(evidence, &said, CLASSIFY_USERNAME);
    }
}


void
igj_classify(const igj_name_table_t *table, const char *full_name,
    size_t full_name_len, const char *username, size_t username_len,
    igj_classified_t *out)
{
    igj_evidence_t  evidence;

    igj_evidence_init(&evidence);

    if (!classify_full_name(&evidence, table, full_name, full_name_len)) {
        classify_username(&evidence, table, username, username_len);
    }

    out->gender = !classify_is_decided(&evidence) ? IGJ_GENDER_UNKNOWN
                  : evidence.sum > 0 ? IGJ_GENDER_FEMALE : IGJ_GENDER_MALE;
    out->confidence = igj_evidence_share(&evidence);
    memcpy(out->evidence, evidence.text, sizeof(out->evidence));
}


const char *
igj_gender_text(igj_gender_e gender)
{
    return gender == IGJ_GENDER_FEMALE ? "female"
           : gender == IGJ_GENDER_MALE ? "male" : "unknown";
}
