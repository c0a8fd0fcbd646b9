/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* A client of Apify before a scripted peer. */

#ifndef APIFY_PEER_H
#define APIFY_PEER_H

#include "igj_provider.h"
#include "peer.h"
#include "tap.h"

#include <curl/curl.h>


#define SECRET  "apify_api_sEcReT"


static igj_provider_conf_t    conf;
static igj_http_t            *http;
static igj_provider_t        *provider;
static igj_provider_error_t   err;
static igj_run_t              run;
static _Atomic int            stop;
static char                   base[64];


static void
setup(const igj_http_sys_t *sys)
{
    peer_open();
    snprintf(base, sizeof(base), "http://127.0.0.1:%d", peer.port);
    memset(&fake, 0, sizeof(fake));
    atomic_store(&stop, 0);
    igj_run_init(&run, "run1", "ds1");

    igj_provider_conf_defaults(&conf);
    conf.api_key = SECRET;
    conf.actor = "owner/actor";
    conf.base_url = base;
    conf.long_poll_s = 2;

    http = igj_http_create(sys);
    provider = igj_provider_create("apify", &conf, http, &stop, &err);
}


static void
teardown(void)
{
    igj_provider_destroy(provider);
    igj_http_destroy(http);
    peer_close();
}


#endif /* APIFY_PEER_H */
