/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The provider interface: picks the implementation by its kind, checks what
 * every kind needs, and hands the call on.
 */

#include "igj_dialect.h"
#include "igj_provider.h"
#include "igj_provider_private.h"
#include "igj_safe_text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>


static const igj_provider_ops_t *const  igj_provider_kinds[] = {
    &igj_apify_ops,
    NULL
};


void
igj_provider_conf_defaults(igj_provider_conf_t *conf)
{
    memset(conf, 0, sizeof(igj_provider_conf_t));

    conf->base_url = "https://api.apify.com";
    conf->path_prefix = "actors";
    igj_provider_conf_platform(conf, IGJ_PLATFORM_INSTAGRAM);
    conf->token_field = "igjobs_token";
    conf->page_size = IGJ_PROVIDER_PAGE_DEFAULT;
    conf->max_retries = IGJ_PROVIDER_RETRIES;
    conf->long_poll_s = IGJ_PROVIDER_LONG_POLL_S;
}


void
igj_provider_conf_platform(igj_provider_conf_t *conf, igj_platform_e platform)
{
    conf->platform = platform;
    conf->usernames_field = igj_dialect(platform)->usernames_field;
    conf->max_count_field = igj_dialect(platform)->max_count_field;
}


void
igj_provider_error_init(igj_provider_error_t *err)
{
    memset(err, 0, sizeof(igj_provider_error_t));
    err->retry_after_ms = -1;
}


igj_provider_class_t
igj_provider_fail(igj_provider_t *p, igj_provider_error_t *err,
    igj_provider_class_t class, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    igj_safe_text(err->message, sizeof(err->message), p->conf.api_key, format,
                  args);
    va_end(args);

    err->class = class;

    return class;
}


igj_provider_t *
igj_provider_create(const char *kind, const igj_provider_conf_t *conf,
    igj_http_t *http, const _Atomic int *stop, igj_provider_error_t *err)
{
    const igj_provider_ops_t *const  *ops;
    igj_provider_t                   *p;

    igj_provider_error_init(err);

    for (ops = igj_provider_kinds; *ops != NULL; ops++) {
        if (strcmp((*ops)->kind, kind) == 0) {
            break;
        }
    }

    p = (*ops == NULL) ? NULL : calloc(1, (*ops)->size);
    if (p == NULL) {
        err->class = IGJ_PROVIDER_STOP;
        snprintf(err->message, sizeof(err->message), "%s",
                 *ops ? "out of memory" : "unknown kind of provider");
        return NULL;
    }

    p->ops = *ops;
    p->conf = *conf;
    p->http = http;
    p->stop = stop;

    if (p->ops->init(p, err) != IGJ_OK) {
        igj_provider_destroy(p);
        return NULL;
    }

    return p;
}


void
igj_provider_destroy(igj_provider_t *p)
{
    if (p != NULL) {
        p->ops->clear(p);
        free(p);
    }
}


void
igj_run_init(igj_run_t *run, const char *id, const char *dataset_id)
{
    memset(run, 0, sizeof(igj_run_t));
    run->cost_usd = -1;

    snprintf(run->id, sizeof(run->id), "%s", id ? id : "");
    snprintf(run->dataset_id, sizeof(run->dataset_id), "%s",
             dataset_id ? dataset_id : "");
}


bool
igj_run_final(const igj_run_t *run)
{
    return run->state != IGJ_RUN_RUNNING;
}


igj_provider_class_t
igj_provider_start(igj_provider_t *p, const igj_start_t *start, igj_run_t *run,
    igj_provider_error_t *err)
{
    igj_provider_error_init(err);
    igj_run_init(run, NULL, NULL);

    if (start->n <= 0 || start->max_count <= 0 || start->token[0] == '\0'
        || strlen(start->token) >= IGJ_PROVIDER_TOKEN_MAX)
    {
        return igj_provider_fail(p, err, IGJ_PROVIDER_GIVE_UP,
                                 "start: no accounts, no count or bad token");
    }

    return p->ops->start(p, start, run, err);
}


igj_provider_class_t
igj_provider_wait(igj_provider_t *p, igj_run_t *run, int64_t timeout_ms,
    igj_provider_error_t *err)
{
    igj_provider_error_init(err);

    return p->ops->wait(p, run, timeout_ms, err);
}


igj_provider_class_t
igj_provider_read_page(igj_provider_t *p, igj_run_t *run, int64_t offset,
    int limit, const igj_page_sink_t *sink, igj_page_t *page,
    igj_provider_error_t *err)
{
    igj_provider_error_init(err);

    memset(page, 0, sizeof(igj_page_t));
    page->offset = offset;
    page->next_offset = offset;

    if (limit <= 0) {
        limit = p->conf.page_size;
    }

    if (limit <= 0 || limit > IGJ_PROVIDER_PAGE_MAX) {
        limit = IGJ_PROVIDER_PAGE_MAX;
    }

    return p->ops->read_page(p, run, sink, page, limit, err);
}


igj_provider_class_t
igj_provider_abort(igj_provider_t *p, igj_run_t *run,
    igj_provider_error_t *err)
{
    igj_provider_error_init(err);

    return p->ops->abort(p, run, err);
}


igj_provider_class_t
igj_provider_cost(igj_provider_t *p, igj_run_t *run, igj_provider_error_t *err)
{
    igj_provider_error_init(err);

    return p->ops->cost(p, run, err);
}


igj_find_t
igj_provider_find(igj_provider_t *p, const igj_search_t *search,
    igj_found_t *found, igj_provider_error_t *err)
{
    int  i;

    igj_provider_error_init(err);
    found->n = 0;

    for (i = 0; i < IGJ_FOUND_MAX; i++) {
        igj_run_init(&found->runs[i], NULL, NULL);
    }

    return p->ops->find(p, search, found, err);
}


const char *
igj_provider_class_name(igj_provider_class_t class)
{
    static const char *const  names[] = {
        "ok", "retry", "split", "park", "stop", "give_up", "canceled",
        "unknown"
    };

    return names[class];
}


const char *
igj_run_state_name(igj_run_state_t state)
{
    static const char *const  names[] = {
        "running", "succeeded", "failed", "timed_out", "aborted", "lost"
    };

    return names[state];
}


const char *
igj_account_fault_name(igj_account_fault_t fault)
{
    static const char *const  names[] = {
        "not_found", "private", "empty", "blocked"
    };

    return names[fault];
}
