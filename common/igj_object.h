/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A small JSON object that goes on to Postgres as it is: whether it is one,
 * and whether jsonb takes all of it.  It is read in slices of any size; the
 * caller keeps the bytes.  null and [] say nothing, like no bytes at all: so
 * clients of the original say it.  No globals.
 */

#ifndef IGJ_OBJECT_H
#define IGJ_OBJECT_H

#include "igj_base.h"
#include "igj_problem.h"
#include "igj_scan.h"


#define IGJ_OBJECT_DETAIL_MAX   192
#define IGJ_OBJECT_POINTER_MAX  96


/* Read problem and empty; the rest is the reader's own. */
typedef struct {
    igj_problem_e   problem;
    int             empty;         /* nothing, null or []: no members */

    igj_scan_t      scan;
    int             array;         /* it began with [ */
    char            text[IGJ_JSON_MAX_NUMBER];
    char            detail[IGJ_OBJECT_DETAIL_MAX];
    char            pointer[IGJ_OBJECT_POINTER_MAX];
} igj_object_t;


void igj_object_init(igj_object_t *object);

/* IGJ_ERROR: problem says why, for good.  Nothing at all is no error. */
IGJ_MUST_CHECK int igj_object_feed(igj_object_t *object, const void *data,
    size_t len);
IGJ_MUST_CHECK int igj_object_finish(igj_object_t *object);

/* The document about the problem; it points into object. */
void igj_object_problem(const igj_object_t *object, igj_problem_doc_t *doc);


#endif /* IGJ_OBJECT_H */
