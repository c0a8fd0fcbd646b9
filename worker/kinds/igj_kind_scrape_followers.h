/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Kind scrape_followers: the followers of a batch of accounts. */

#ifndef IGJ_KIND_SCRAPE_FOLLOWERS_H
#define IGJ_KIND_SCRAPE_FOLLOWERS_H

#include "igj_kind.h"
#include "igj_provider.h"


extern const igj_kind_t  igj_kind_scrape_followers;


/* The provider's configuration as the settings have it; strings are the
 * settings'. */
void igj_scrape_provider_conf(const igj_settings_t *settings,
    igj_provider_conf_t *conf);


#endif /* IGJ_KIND_SCRAPE_FOLLOWERS_H */
