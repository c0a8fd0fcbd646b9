/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The body of POST /api/scrape-followers, read as it arrives: members are
 * checked, accounts are normalised, freed of duplicates and packed for
 * storage.  Use: init, feed each slice, finish, read the fields, free.
 *
 * After IGJ_ERROR from feed() or finish() the rest of the body is of no
 * interest; problem, detail and the faults say what to answer.
 */

#ifndef IGJ_SUBMIT_H
#define IGJ_SUBMIT_H

#include "igj_base.h"
#include "igj_accounts.h"
#include "igj_limits.h"
#include "igj_options.h"
#include "igj_platform.h"
#include "igj_problem.h"
#include "igj_scan.h"


#define IGJ_SUBMIT_DETAIL_MAX  320
#define IGJ_SUBMIT_PARAMS_MAX  (IGJ_OPTIONS_JSON_MAX + 128)

/* of the longest text that is kept whole: callback_url */
#define IGJ_SUBMIT_TEXT_MAX    (IGJ_CALLBACK_URL_MAX + 48)


typedef enum {
    IGJ_GENDER_MALE = 0,
    IGJ_GENDER_FEMALE,
    IGJ_GENDER_ANY
} igj_gender_e;

/* Whose elements or members come. */
typedef enum {
    IGJ_SUBMIT_OTHER = 0,
    IGJ_SUBMIT_ACCOUNTS,
    IGJ_SUBMIT_OPTION              /* an option's that has members */
} igj_submit_inside_e;


/* A faulty element of "accounts". */
typedef struct {
    uint32_t        index:24;
    uint32_t        reason:8;              /* igj_username_e */
} igj_submit_fault_t;

_Static_assert(IGJ_MAX_ACCOUNTS < 1 << 24, "an index has 24 bits");


/* The elements of "accounts" by the rules of one platform. */
typedef struct {
    uint32_t            invalid;
    uint32_t            left;              /* of them not among the accounts */
    uint32_t            missing;           /* good, but nowhere kept */

    /* The first faulty ones: min(invalid, IGJ_MAX_ERROR_POINTERS). */
    igj_submit_fault_t  faults[IGJ_MAX_ERROR_POINTERS];
} igj_submit_judged_t;


typedef struct {
    /* What was asked for; good after finish() returned IGJ_OK. */
    int                 target_gender;     /* igj_gender_e */
    int                 platform;          /* igj_platform_e */
    int                 keep_unknown;      /* unknown passes the filter */
    int                 skip_invalid;      /* faulty elements were left out */
    int                 dry_run;           /* nothing is to be stored */
    uint32_t            per_account;       /* followers of each account */
    igj_options_t       options;
    igj_accounts_t      accounts;          /* with counts of its own */

    /* Elements of "accounts"; invalid by the rules of the platform. */
    uint32_t            given;
    uint32_t            invalid;
    igj_submit_judged_t  judged[IGJ_PLATFORMS];

    /* After IGJ_ERROR. */
    igj_problem_e       problem;
    char                detail[IGJ_SUBMIT_DETAIL_MAX];
    char                pointer[2 * IGJ_JSON_MAX_KEY + 8];
                                           /* "#/name" or "" */

    /* The consumer's own. */
    const struct igj_submit_member_s  *member;  /* whose value comes */
    const igj_option_t  *option;           /* likewise, or NULL */
    const igj_option_t  *inner;            /* in the option's object */
    igj_submit_inside_e  inside;
    uint8_t             has_accounts;
    uint8_t             has_total;
    uint8_t             has_platform;      /* so far */
    uint8_t             late_platform;     /* accounts began without it */
    igj_accounts_t     *links;             /* to another platform, or NULL */
    igj_platform_e      links_of;
    igj_scan_type_e     body_type;         /* of the outermost value */
    int64_t             total;             /* totalScrapeCount, whole part */
    igj_scan_t          scan;
    char                text[IGJ_SUBMIT_TEXT_MAX];  /* never zeroed */
} igj_submit_t;


/*
 * Prepares for one body.  mem must outlive the object, which must not be
 * moved; seed is random.  The object is some 13 KiB and the caller's.
 */
void igj_submit_init(igj_submit_t *submit, const igj_mem_t *mem,
    uint64_t seed);

/* Takes the next slice of the body. */
IGJ_MUST_CHECK int igj_submit_feed(igj_submit_t *submit, const void *data,
    size_t len);

/* The body has ended: judges it as a whole. */
IGJ_MUST_CHECK int igj_submit_finish(igj_submit_t *submit);

/* Gives the memory of the accounts back; safe at any time after init. */
void igj_submit_free(igj_submit_t *submit);

/* Bytes held now besides the object, for a limit over all requests. */
size_t igj_submit_memory(const igj_submit_t *submit);

/* "male", "female" or "any". */
const char *igj_gender_name(igj_gender_e gender);

/*
 * What was asked for beside the accounts, as a JSON object for igjobs.submit;
 * it needs IGJ_SUBMIT_PARAMS_MAX bytes.
 */
void igj_submit_params(igj_json_t *json, const igj_submit_t *submit);

/* What to answer after IGJ_ERROR; *doc refers to the object. */
void igj_submit_problem(const igj_submit_t *submit, igj_problem_doc_t *doc);

/*
 * Writes the elements of an array of errors: the faulty accounts listed, or
 * the wrong field.  For igj_problem_doc_t, and for the 202 of a submission
 * with skip_invalid.
 */
void igj_submit_errors(igj_json_t *json, const void *submit);


#endif /* IGJ_SUBMIT_H */
