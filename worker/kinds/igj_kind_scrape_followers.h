/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Kinds scrape_followers, scrape_followers.tiktok, ...: the followers of a
 * batch of accounts. */

#ifndef IGJ_KIND_SCRAPE_FOLLOWERS_H
#define IGJ_KIND_SCRAPE_FOLLOWERS_H

#include "igj_kind.h"
#include "igj_provider.h"


extern const igj_kind_t  igj_kinds_scrape[IGJ_PLATFORMS];


/* The platform's actor; NULL: none is set. */
const char *igj_scrape_platform_actor(const igj_settings_t *settings,
    igj_platform_e platform);

/* The same for a kind. */
const char *igj_scrape_actor(const igj_kind_t *kind,
    const igj_settings_t *settings);

/* The provider's configuration for a platform as the settings have it; strings
 * are the settings'. */
void igj_scrape_provider_conf(const igj_settings_t *settings,
    igj_platform_e platform, igj_provider_conf_t *conf);


#endif /* IGJ_KIND_SCRAPE_FOLLOWERS_H */
