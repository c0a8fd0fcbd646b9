/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Tier 1: female, male or unknown from a profile's full name and user name.
 * No memory is allocated and nothing is kept: any thread may call at any time
 * with a table that igj_names_builtin() or igj_names_open() accepted.
 */

#ifndef IGJ_CLASSIFY_H
#define IGJ_CLASSIFY_H

#include "igj_base.h"
#include "igj_names.h"


#define IGJ_CLASSIFY_EVIDENCE  64          /* bytes, with its NUL */


typedef enum {
    IGJ_GENDER_UNKNOWN = 0,
    IGJ_GENDER_FEMALE,
    IGJ_GENDER_MALE
} igj_gender_e;


typedef struct {
    igj_gender_e  gender;
    float         confidence;    /* 0.5 to 0.99: the share that speaks for
                                    the likelier one, of "unknown", too */
    char          evidence[IGJ_CLASSIFY_EVIDENCE];  /* "name:maria", or "" */
} igj_classified_t;


/*
 * Any bytes are accepted, invalid UTF-8 and NUL included; of a name the first
 * IGJ_TOKENS_READ_MAX bytes are read, of a user name the first
 * IGJ_USER_READ_MAX, so that the time is bounded.  Either may be empty.
 */
void igj_classify(const igj_name_table_t *table, const char *full_name,
    size_t full_name_len, const char *username, size_t username_len,
    igj_classified_t *out);

/* "unknown", "female" or "male". */
const char *igj_gender_text(igj_gender_e gender);

/* "igjobs-worker classify", argv[0] being "classify"; returns its status. */
int igj_classify_main(int argc, char **argv);


#endif /* IGJ_CLASSIFY_H */
