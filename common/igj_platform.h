/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The platforms whose accounts are scraped, and the kinds of jobs that do it:
 * one kind a platform, since each has an actor of its own, and a worker takes
 * the kinds that it has an actor for.
 */

#ifndef IGJ_PLATFORM_H
#define IGJ_PLATFORM_H

#include "igj_base.h"


typedef enum {
    IGJ_PLATFORM_INSTAGRAM = 0,
    IGJ_PLATFORM_TIKTOK,
    IGJ_PLATFORM_THREADS,
    IGJ_PLATFORM_X,
    IGJ_PLATFORMS
} igj_platform_e;


/* "instagram", ...; NULL ends. */
extern const char *const  igj_platform_names[IGJ_PLATFORMS + 1];

const char *igj_platform_name(igj_platform_e platform);

#define IGJ_KIND_SCRAPE  "scrape_followers"

/* "scrape_followers", and for the others "scrape_followers.tiktok", ... */
const char *igj_platform_kind(igj_platform_e platform);


#endif /* IGJ_PLATFORM_H */
