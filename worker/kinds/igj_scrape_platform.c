/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The settings of each platform's actor. */

#include <string.h>

#include "igj_item.h"
#include "igj_kind_scrape_followers.h"


const char *
igj_scrape_platform_actor(const igj_settings_t *s, igj_platform_e platform)
{
    const char *const  actors[IGJ_PLATFORMS] = {
        [IGJ_PLATFORM_INSTAGRAM] = s->apify_actor_id,
        [IGJ_PLATFORM_TIKTOK] = s->tiktok_actor_id,
        [IGJ_PLATFORM_THREADS] = s->threads_actor_id,
        [IGJ_PLATFORM_X] = s->x_actor_id
    };

    return actors[platform];
}


const char *
igj_scrape_actor(const igj_kind_t *kind, const igj_settings_t *settings)
{
    return igj_scrape_platform_actor(settings, kind->platform);
}


void
igj_scrape_provider_conf(const igj_settings_t *s, igj_platform_e platform,
    igj_provider_conf_t *conf)
{
    const char *const  extra[IGJ_PLATFORMS] = {
        [IGJ_PLATFORM_INSTAGRAM] = s->apify_extra_input,
        [IGJ_PLATFORM_TIKTOK] = s->tiktok_extra_input,
        [IGJ_PLATFORM_THREADS] = s->threads_extra_input,
        [IGJ_PLATFORM_X] = s->x_extra_input
    };

    igj_provider_conf_defaults(conf);
    igj_provider_conf_platform(conf, platform);

    if (platform == IGJ_PLATFORM_INSTAGRAM) {
        conf->usernames_field = s->apify_usernames_field;
        conf->max_count_field = s->apify_max_count_field;
    }

    conf->api_key = s->apify_api_key;
    conf->actor = igj_scrape_platform_actor(s, platform);
    conf->base_url = s->apify_base_url;
    conf->path_prefix = s->apify_path_prefix;
    conf->token_field = s->apify_token_field;
    conf->extra_input = extra[platform];
    conf->fields = strcmp(s->apify_fields, "stored") == 0
                   ? igj_item_fields(platform)
                   : strcmp(s->apify_fields, "all") == 0 ? NULL
                   : s->apify_fields;
    conf->memory_mb = (int) s->apify_memory_mb;
    conf->run_timeout_s = (int) (s->apify_run_timeout / 1000);
    conf->page_size = (int) s->page_size;
    conf->max_charge_usd = s->apify_max_charge_usd;
    conf->cap_items = s->apify_cap_items;
}
