/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The one place where settings become a provider's configuration.
 */

#include "igj_provider_conf.h"


void
igj_provider_conf(igj_provider_conf_t *conf, const igj_settings_t *s)
{
    igj_provider_conf_defaults(conf);

    conf->api_key = s->apify_api_key;
    conf->actor = s->apify_actor_id;
    conf->base_url = s->apify_base_url;
    conf->path_prefix = s->apify_path_prefix;
    conf->usernames_field = s->apify_usernames_field;
    conf->max_count_field = s->apify_max_count_field;
    conf->token_field = s->apify_token_field;
    conf->extra_input = s->apify_extra_input;
    conf->fields = s->apify_fields;
    conf->memory_mb = (int) s->apify_memory_mb;
    conf->run_timeout_s = (int) (s->apify_run_timeout / 1000);
    conf->max_charge_usd = s->apify_max_charge_usd;
    conf->cap_items = s->apify_cap_items;
    conf->page_size = (int) s->page_size;
}
