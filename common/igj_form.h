/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Query strings: finds a parameter, decodes it, reads numbers and switches.
 * The first of several parameters of one name counts, unless a function says
 * otherwise.
 */

#ifndef IGJ_FORM_H
#define IGJ_FORM_H

#include "igj_base.h"
#include "igj_limits.h"


typedef enum {
    IGJ_FORM_OK = 0,
    IGJ_FORM_ABSENT,               /* the value is left as it was */
    IGJ_FORM_BAD_ESCAPE,           /* %XY without two hex digits, or %00 */
    IGJ_FORM_LONG,                 /* does not fit */
    IGJ_FORM_NOT_INTEGER,
    IGJ_FORM_RANGE,                /* below min or above max */
    IGJ_FORM_NOT_BOOLEAN,
    IGJ_FORM_TWICE
} igj_form_e;


/*
 * Value of the parameter, decoded ("+" is a space), NUL-terminated in out.
 * *len may be NULL.  "?name" and "?name=" are the empty value.
 */
IGJ_MUST_CHECK igj_form_e igj_form_text(igj_str_t query, const char *name,
    char *out, size_t size, size_t *len);

/* The same, but a name that is there twice is an error: for filters. */
IGJ_MUST_CHECK igj_form_e igj_form_single(igj_str_t query, const char *name,
    char *out, size_t size, size_t *len);

/*
 * Decimal digits with an optional sign, white space around them allowed.  What
 * is beyond int64 is held at its end before the range is checked.
 */
IGJ_MUST_CHECK igj_form_e igj_form_integer(igj_str_t query, const char *name,
    int64_t min, int64_t max, int64_t *value);

/* true, 1, yes, on or nothing; false, 0, no, off; any case. */
IGJ_MUST_CHECK igj_form_e igj_form_boolean(igj_str_t query, const char *name,
    int *value);


/* ?page= and ?limit= of the result pages. */
typedef struct {
    int64_t  page;                 /* from 1, default 1 */
    int64_t  limit;                /* default 1000, lowered to 5000 */
} igj_form_page_t;

/* On an error *bad is "page" or "limit". */
IGJ_MUST_CHECK igj_form_e igj_form_page(igj_str_t query,
    igj_form_page_t *page, const char **bad);

/* What is wrong with the value, to follow "page ". */
const char *igj_form_error_text(igj_form_e error);


#endif /* IGJ_FORM_H */
