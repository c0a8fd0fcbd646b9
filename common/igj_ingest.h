/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The body of POST /api/ingest, read as it arrives: of each element of
 * "profiles" only id, username and full_name are kept, as a line of text
 * "id<TAB>username<TAB>full_name<LF>", which is what igjobs.ingest_lines
 * takes.  Use: init, feed each slice, finish, read the fields, free.
 *
 * Elements without id or username are left out, as the original did.  After
 * IGJ_ERROR the rest of the body is of no interest; igj_ingest_problem() says
 * what to answer.
 */

#ifndef IGJ_INGEST_H
#define IGJ_INGEST_H

#include "igj_base.h"
#include "igj_limits.h"
#include "igj_problem.h"
#include "igj_scan.h"
#include "igj_spool.h"


#define IGJ_INGEST_DETAIL_MAX  320
#define IGJ_INGEST_UNITS       (IGJ_MAX_PROFILES / IGJ_INGEST_UNIT)

/* of the text of a value that is kept whole */
#define IGJ_INGEST_TEXT_MAX    1024


typedef enum {
    IGJ_INGEST_ID = 0,
    IGJ_INGEST_USERNAME,
    IGJ_INGEST_FULL_NAME,
    IGJ_INGEST_FIELDS
} igj_ingest_field_e;

/* Whose members or elements come. */
typedef enum {
    IGJ_INGEST_OTHER = 0,
    IGJ_INGEST_PROFILES
} igj_ingest_inside_e;

/* What stands in a field of the element that is being read. */
typedef enum {
    IGJ_INGEST_ABSENT = 0,
    IGJ_INGEST_GOOD,
    IGJ_INGEST_BAD
} igj_ingest_state_e;

typedef struct {
    igj_ingest_state_e  state;
    size_t              len;
    char                text[IGJ_FULL_NAME_MAX];
} igj_ingest_value_t;


typedef struct {
    /* Good after finish() returned IGJ_OK. */
    uint32_t            given;             /* elements of "profiles" */
    uint32_t            kept;              /* lines */
    uint32_t            invalid;           /* id or username of no use */
    char                base_id[IGJ_MAX_BASE_ID + 1];   /* "": none */
    igj_spool_t         lines;
    uint32_t            unit_size[IGJ_INGEST_UNITS];
                                           /* bytes of each unit's lines */

    /* After IGJ_ERROR. */
    igj_problem_e       problem;
    char                detail[IGJ_INGEST_DETAIL_MAX];
    char                pointer[2 * IGJ_JSON_MAX_KEY + 8];

    /* The consumer's own. */
    igj_ingest_inside_e  inside;
    int                  member;           /* whose value comes, or -1 */
    int                  field;            /* likewise, in an element */
    uint8_t              in_object;        /* the element is one */
    uint8_t              has_profiles;
    igj_scan_type_e      body_type;        /* of the outermost value */
    igj_scan_t           scan;
    igj_ingest_value_t   value[IGJ_INGEST_FIELDS];
    char                 text[IGJ_INGEST_TEXT_MAX];     /* never zeroed */
} igj_ingest_t;


/* mem must outlive the object, which must not be moved: some 9 KiB. */
void igj_ingest_init(igj_ingest_t *ingest, const igj_mem_t *mem);

/* Takes the next slice of the body. */
IGJ_MUST_CHECK int igj_ingest_feed(igj_ingest_t *ingest, const void *data,
    size_t len);

/* The body has ended: judges it as a whole. */
IGJ_MUST_CHECK int igj_ingest_finish(igj_ingest_t *ingest);

/* Gives the memory of the lines back; safe at any time after init. */
void igj_ingest_free(igj_ingest_t *ingest);

/* Units of IGJ_INGEST_UNIT elements each, the last maybe less. */
uint32_t igj_ingest_units(const igj_ingest_t *ingest);

/* What to answer after IGJ_ERROR; *doc refers to the object. */
void igj_ingest_problem(const igj_ingest_t *ingest, igj_problem_doc_t *doc);


#endif /* IGJ_INGEST_H */
