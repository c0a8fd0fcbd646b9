/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What a provider implements, and the small helpers that all of them share.
 * Only the files of worker/provider/ include it.
 */

#ifndef IGJ_PROVIDER_PRIVATE_H
#define IGJ_PROVIDER_PRIVATE_H

#include "igj_provider.h"


#define IGJ_PROVIDER_CLOCK_SKEW_MS  30000   /* allowed for in find */


/* One row per kind; the functions are those of igj_provider.h. */
typedef struct {
    const char              *kind;
    size_t                   size;      /* of its object, igj_provider_t first;
                                           zeroed before init */

    /* checks p->conf and prepares; IGJ_ERROR with *err */
    int                    (*init)(igj_provider_t *p,
                                   igj_provider_error_t *err);
    /* frees what the object owns, also after a failed init */
    void                   (*clear)(igj_provider_t *p);

    igj_provider_class_t   (*start)(igj_provider_t *p, const igj_start_t *start,
                                    igj_run_t *run, igj_provider_error_t *err);
    igj_provider_class_t   (*wait)(igj_provider_t *p, igj_run_t *run,
                                   int64_t timeout_ms,
                                   igj_provider_error_t *err);
    igj_provider_class_t   (*read_page)(igj_provider_t *p, igj_run_t *run,
                                        const igj_page_sink_t *sink,
                                        igj_page_t *page, int limit,
                                        igj_provider_error_t *err);
    igj_provider_class_t   (*abort)(igj_provider_t *p, igj_run_t *run,
                                    igj_provider_error_t *err);
    igj_provider_class_t   (*cost)(igj_provider_t *p, igj_run_t *run,
                                   igj_provider_error_t *err);
    igj_find_t             (*find)(igj_provider_t *p,
                                   const igj_search_t *search,
                                   igj_found_t *found,
                                   igj_provider_error_t *err);
    /* lines for people; IGJ_ERROR with *err */
    int                    (*check)(igj_provider_t *p, FILE *out,
                                    igj_provider_error_t *err);
} igj_provider_ops_t;


/* The head of every provider's own object. */
struct igj_provider_s {
    const igj_provider_ops_t  *ops;
    igj_provider_conf_t        conf;
    igj_http_t                *http;       /* borrowed */
    const _Atomic int         *stop;       /* borrowed, may be NULL */
};


extern const igj_provider_ops_t  igj_apify_ops;


void igj_provider_error_init(igj_provider_error_t *err);

/*
 * Fills *err and returns class.  The text is cleaned: valid UTF-8, no control
 * characters, and no secret even if a peer sent ours back.
 */
igj_provider_class_t igj_provider_fail(igj_provider_t *p,
    igj_provider_error_t *err, igj_provider_class_t class,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif /* IGJ_PROVIDER_PRIVATE_H */
