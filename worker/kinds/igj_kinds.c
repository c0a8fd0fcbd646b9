/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The kinds that are compiled in. */

#include "igj_kind.h"
#include "igj_kind_scrape_followers.h"
#include "igj_operation.h"


const igj_kind_t *const  igj_kinds[] = {
    &igj_kinds_scrape[IGJ_PLATFORM_INSTAGRAM],
    &igj_kinds_scrape[IGJ_PLATFORM_TIKTOK],
    &igj_kinds_scrape[IGJ_PLATFORM_THREADS],
    &igj_kinds_scrape[IGJ_PLATFORM_X],
    &igj_kind_operation,
    NULL
};
