/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Birth and end of the engine.  Threads end in the order of their work: first
 * taker and lanes (drain), then deliverer, reaper and housekeeper, then the
 * renewer, which must beat as long as a lane holds anything, last the hints.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_clock.h"
#include "igj_log.h"
#include "igj_threads.h"


#define IGJ_ENGINE_WEBHOOKS_MS  5000     /* of a statement; others wait */


static int igj_engine_fail(char *error, const char *text);
static int igj_engine_kinds(igj_engine_t *e, char *error);
static int igj_engine_first_runs(igj_engine_t *e, char *error);
static char *igj_engine_words(const igj_engine_t *e,
    void (*word)(FILE *out, const igj_engine_t *e, const igj_kind_t *kind));
static void igj_engine_kind_name(FILE *out, const igj_engine_t *e,
    const igj_kind_t *kind);
static void igj_engine_provider(FILE *out, const igj_engine_t *e,
    const igj_kind_t *kind);
static void igj_engine_actor(FILE *out, const igj_engine_t *e,
    const igj_kind_t *kind);
static void igj_engine_memory(FILE *out, const igj_engine_t *e,
    const igj_kind_t *kind);
static int igj_engine_redis(igj_engine_t *e, char *error);
static igj_pg_t *igj_engine_pg(igj_engine_t *e, const char *purpose,
    int connections, int64_t call_ms, bool retry);
static int igj_engine_taker(igj_engine_t *e, char *error);
static int igj_engine_lanes(igj_engine_t *e, char *error);
static void igj_engine_stop_upkeep(igj_engine_t *e);
static void igj_engine_join(pthread_t thread, bool started);


igj_engine_t *
igj_engine_create(const igj_settings_t *settings,
    char error[IGJ_BATCH_ERROR_MAX])
{
    igj_engine_t  *e;

    error[0] = '\0';
    e = calloc(1, sizeof(igj_engine_t));

    if (e == NULL) {
        (void) igj_engine_fail(error, "out of memory");
        return NULL;
    }

    e->settings = settings;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->wake, NULL);

    e->pg = igj_engine_pg(e, "lanes", (int) settings->pg_connections,
                          IGJ_PG_CALL_MS, true);
    e->pg_renewer = igj_engine_pg(e, "leases", 1, settings->lease / 3, false);
    e->pg_upkeep = igj_engine_pg(e, "upkeep", 1, IGJ_PG_CALL_MS, false);
    e->pg_webhooks = igj_engine_pg(e, "webhooks", 1, IGJ_ENGINE_WEBHOOKS_MS,
                                   false);
    e->leases = igj_leases_create((int) settings->lanes);

    if (e->pg == NULL || e->pg_renewer == NULL || e->pg_upkeep == NULL
        || e->pg_webhooks == NULL || e->leases == NULL)
    {
        (void) igj_engine_fail(error, "out of memory");

    } else if (igj_engine_kinds(e, error) == IGJ_OK
               && igj_engine_first_runs(e, error) == IGJ_OK
               && igj_engine_redis(e, error) == IGJ_OK
               && igj_engine_taker(e, error) == IGJ_OK
               && igj_engine_lanes(e, error) == IGJ_OK)
    {
        return e;
    }

    igj_engine_destroy(e);

    return NULL;
}


static int
igj_engine_fail(char *error, const char *text)
{
    snprintf(error, IGJ_BATCH_ERROR_MAX, "%s", text);

    return IGJ_ERROR;
}


static igj_pg_t *
igj_engine_pg(igj_engine_t *e, const char *purpose, int connections,
    int64_t call_ms, bool retry)
{
    igj_pg_conf_t  conf;

    conf.url = e->settings->database_url;
    conf.purpose = purpose;
    conf.connections = connections;
    conf.call_ms = (int) call_ms;
    conf.prepare = e->settings->pg_prepare;
    conf.retry = retry;

    return igj_pg_create(&conf);
}


/* The name of a kind, or what stands before its dot. */

static bool
igj_engine_names(const char *name, size_t len, const igj_kind_t *kind)
{
    return strncmp(kind->name, name, len) == 0
           && (kind->name[len] == '\0' || kind->name[len] == '.');
}


/* Adds what a name of the settings stands for, but kinds without an actor. */

static int
igj_engine_add_kinds(igj_engine_t *e, int *n, const char *name, size_t len,
    char *error)
{
    int                 before;
    bool                known;
    const igj_kind_t   *kind, *const *next;

    before = *n;
    known = false;

    for (next = igj_kinds; *next != NULL; next++) {
        kind = *next;

        if (!igj_engine_names(name, len, kind)
            || igj_engine_kind(e, kind->name) != NULL)
        {
            continue;
        }

        known = true;

        if (kind->provider == NULL || kind->actor(kind, e->settings) != NULL) {
            e->kinds[*n] = kind;
            e->kind_names[(*n)++] = kind->name;
        }
    }

    if (!known) {
        snprintf(error, IGJ_BATCH_ERROR_MAX,
                 "kinds: \"%.*s\" is unknown or named twice",
                 (int) (len < 80 ? len : 80), name);
        return IGJ_ERROR;
    }

    return *n > before ? IGJ_OK : igj_engine_fail(error,
        "INSTAGRAM_APIFY_ACTOR_ID or APIFY_ACTOR_ID environment variable is "
        "required to work on scrape_followers, or that of another platform: "
        "TIKTOK_APIFY_ACTOR_ID, THREADS_APIFY_ACTOR_ID, X_APIFY_ACTOR_ID");
}


/* Names the settings list, each of them compiled in. */

static int
igj_engine_kinds(igj_engine_t *e, char *error)
{
    int          n;
    size_t       len;
    const char  *name;

    for (n = 0; igj_kinds[n] != NULL; n++) { /* void */ }

    e->kinds = calloc((size_t) n + 1, sizeof(igj_kind_t *));
    e->kind_names = calloc((size_t) n + 1, sizeof(char *));

    if (e->kinds == NULL || e->kind_names == NULL) {
        return igj_engine_fail(error, "out of memory");
    }

    n = 0;

    for (name = e->settings->kinds; *name != '\0'; name += len) {
        name += (*name == ',');
        len = strcspn(name, ",");

        if (igj_engine_add_kinds(e, &n, name, len, error) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    return n > 0 ? IGJ_OK : igj_engine_fail(error, "kinds: is empty");
}


/* What a claim is told of the kinds and their first runs. */

static int
igj_engine_first_runs(igj_engine_t *e, char *error)
{
    e->kind_list = igj_engine_words(e, igj_engine_kind_name);
    e->providers = igj_engine_words(e, igj_engine_provider);
    e->actors = igj_engine_words(e, igj_engine_actor);
    e->memory = igj_engine_words(e, igj_engine_memory);

    return (e->kind_list != NULL && e->providers != NULL && e->actors != NULL
            && e->memory != NULL)
           ? IGJ_OK : igj_engine_fail(error, "out of memory");
}


/* A word of each kind, with commas between; NULL: no memory. */

static char *
igj_engine_words(const igj_engine_t *e,
    void (*word)(FILE *out, const igj_engine_t *e, const igj_kind_t *kind))
{
    int      i;
    char    *text;
    FILE    *out;
    size_t   len;

    text = NULL;
    out = open_memstream(&text, &len);

    if (out == NULL) {
        return NULL;
    }

    for (i = 0; e->kinds[i] != NULL; i++) {
        fputs(i ? "," : "", out);

        word(out, e, e->kinds[i]);
    }

    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }

    return text;
}


static void
igj_engine_kind_name(FILE *out, const igj_engine_t *e, const igj_kind_t *kind)
{
    (void) e;

    fputs(kind->name, out);
}


static void
igj_engine_provider(FILE *out, const igj_engine_t *e, const igj_kind_t *kind)
{
    (void) e;

    fputs(kind->provider ? kind->provider : "", out);
}


static void
igj_engine_actor(FILE *out, const igj_engine_t *e, const igj_kind_t *kind)
{
    fputs(kind->provider ? kind->actor(kind, e->settings) : "", out);
}


static void
igj_engine_memory(FILE *out, const igj_engine_t *e, const igj_kind_t *kind)
{
    if (kind->provider != NULL) {
        fprintf(out, "%lld", (long long) kind->memory(e->settings));
    }
}


static int
igj_engine_redis(igj_engine_t *e, char *error)
{
    const char  *why;

    if (e->settings->direct) {
        return IGJ_OK;
    }

    if (igj_redis_url_parse(&e->redis_url, e->settings->redis_url,
                            strlen(e->settings->redis_url), &why)
        != IGJ_OK)
    {
        snprintf(error, IGJ_BATCH_ERROR_MAX, "REDIS_URL: %s", why);
        return IGJ_ERROR;
    }

    e->hints = igj_hints_create(&e->redis_url);
    e->seen = igj_seen_create(&e->redis_url);

    if (e->hints == NULL || e->seen == NULL) {
        return igj_engine_fail(error, "out of memory");
    }

    return IGJ_OK;
}


static int
igj_engine_taker(igj_engine_t *e, char *error)
{
    igj_taker_conf_t  conf;

    conf.kinds = e->kind_names;
    conf.redis = e->hints ? &e->redis_url : NULL;
    conf.hints = e->hints;
    conf.direct_poll_ms = e->settings->direct_poll;

    e->taker = igj_taker_create(&conf);

    return e->taker ? IGJ_OK : igj_engine_fail(error, "out of memory");
}


static int
igj_engine_lanes(igj_engine_t *e, char *error)
{
    int  i;

    e->lanes = calloc((size_t) e->settings->lanes, sizeof(igj_lane_t));

    if (e->lanes == NULL) {
        return igj_engine_fail(error, "out of memory");
    }

    for (i = 0; i < e->settings->lanes; i++) {
        e->lanes[i].engine = e;
        e->lanes[i].number = i;

        if (igj_lane_open(&e->lanes[i], error) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    return IGJ_OK;
}


int
igj_engine_start(igj_engine_t *e)
{
    int  i;

    if (e->hints != NULL && igj_hints_start(e->hints) != IGJ_OK) {
        return IGJ_ERROR;
    }

    if (pthread_create(&e->renewer, NULL, igj_renewer_main, e) != 0) {
        return IGJ_ERROR;
    }
    e->renewer_started = true;

    if (pthread_create(&e->housekeeper, NULL, igj_housekeeper_main, e) != 0) {
        return IGJ_ERROR;
    }
    e->housekeeper_started = true;

    if (pthread_create(&e->reaper, NULL, igj_reaper_main, e) != 0) {
        return IGJ_ERROR;
    }
    e->reaper_started = true;

    if (e->settings->webhooks) {
        if (pthread_create(&e->deliverer, NULL, igj_deliverer_main, e) != 0) {
            return IGJ_ERROR;
        }
        e->deliverer_started = true;
    }
    if (pthread_create(&e->settler, NULL, igj_settler_main, e) != 0) {
        return IGJ_ERROR;
    }
    e->settler_started = true;

    for (i = 0; i < e->settings->lanes; i++) {
        if (pthread_create(&e->lanes[i].thread, NULL, igj_lane_main,
                           &e->lanes[i])
            != 0)
        {
            return IGJ_ERROR;
        }
        e->lanes[i].started = true;
    }

    return igj_taker_start(e->taker);
}


void
igj_engine_drain(igj_engine_t *e)
{
    igj_taker_close(e->taker);
    atomic_store(&e->deliverer_stop, IGJ_DELIVERER_DRAIN);
}


void
igj_engine_interrupt(igj_engine_t *e)
{
    igj_leases_stop_all(e->leases);
    atomic_store(&e->deliverer_stop, IGJ_DELIVERER_LEAVE);
}


bool
igj_engine_drained(igj_engine_t *e)
{
    int  i;

    for (i = 0; i < e->settings->lanes; i++) {
        if (e->lanes[i].started && !atomic_load(&e->lanes[i].ended)) {
            return false;
        }
    }

    return !e->deliverer_started || atomic_load(&e->deliverer_ended);
}


void
igj_engine_destroy(igj_engine_t *e)
{
    int  i;

    if (e->taker != NULL) {
        igj_taker_close(e->taker);
    }

    if (e->pg != NULL) {
        igj_pg_close(e->pg);
    }

    for (i = 0; e->lanes != NULL && i < e->settings->lanes; i++) {
        igj_engine_join(e->lanes[i].thread, e->lanes[i].started);
        igj_lane_close(&e->lanes[i]);
    }

    igj_taker_destroy(e->taker);
    igj_engine_stop_upkeep(e);
    igj_hints_destroy(e->hints);
    igj_seen_destroy(e->seen);

    igj_pg_destroy(e->pg);
    igj_pg_destroy(e->pg_renewer);
    igj_pg_destroy(e->pg_upkeep);
    igj_pg_destroy(e->pg_webhooks);
    igj_leases_destroy(e->leases);
    pthread_cond_destroy(&e->wake);
    pthread_mutex_destroy(&e->lock);
    free(e->lanes);
    free(e->kinds);
    free(e->kind_names);
    free(e->kind_list);
    free(e->providers);
    free(e->actors);
    free(e->memory);
    free(e);
}


static void
igj_engine_stop_upkeep(igj_engine_t *e)
{
    atomic_store(&e->upkeep_stop, 1);
    atomic_store(&e->deliverer_stop, IGJ_DELIVERER_LEAVE);

    pthread_mutex_lock(&e->lock);
    e->closing = true;
    pthread_cond_broadcast(&e->wake);
    pthread_mutex_unlock(&e->lock);

    igj_engine_join(e->deliverer, e->deliverer_started);
    igj_engine_join(e->settler, e->settler_started);
    igj_engine_join(e->reaper, e->reaper_started);
    igj_engine_join(e->housekeeper, e->housekeeper_started);
    igj_engine_join(e->renewer, e->renewer_started);
}


static void
igj_engine_join(pthread_t thread, bool started)
{
    if (started) {
        pthread_join(thread, NULL);
    }
}


bool
igj_engine_sleep(igj_engine_t *e, int64_t ms)
{
    bool             open;
    struct timespec  until;

    until = igj_clock_after(ms > 0 ? ms : 0);

    pthread_mutex_lock(&e->lock);

    while (!e->closing
           && pthread_cond_clockwait(&e->wake, &e->lock, CLOCK_MONOTONIC,
                                     &until)
              != ETIMEDOUT)
    {
        /* void */
    }

    open = !e->closing;
    pthread_mutex_unlock(&e->lock);

    return open;
}


const igj_kind_t *
igj_engine_kind(igj_engine_t *e, const char *name)
{
    int  i;

    for (i = 0; e->kinds[i] != NULL; i++) {
        if (strcmp(e->kinds[i]->name, name) == 0) {
            return e->kinds[i];
        }
    }

    return NULL;
}


void
igj_engine_publish(igj_engine_t *e, const char *tenant, const char *job,
    const char *version, const char *doc, bool final)
{
    if (version == NULL || doc == NULL) {
        return;
    }

    if (final) {
        igj_log(IGJ_LOG_INFO, "job ended", igj_s("job", job),
                igj_s("tenant", tenant), igj_s("version", version));
    }

    if (e->hints != NULL) {
        igj_hints_status(e->hints, tenant, job, version, doc, final);
    }
}


void **
igj_kinds_open(igj_engine_t *e, const _Atomic int *stop,
    char error[IGJ_BATCH_ERROR_MAX])
{
    int     i, n;
    void  **data;

    for (n = 0; e->kinds[n] != NULL; n++) { /* void */ }

    data = calloc((size_t) n + 1, sizeof(void *));

    if (data == NULL) {
        (void) igj_engine_fail(error, "out of memory");
        return NULL;
    }

    for (i = 0; i < n; i++) {
        data[i] = e->kinds[i]->open(e->kinds[i], e->settings, stop, error);

        if (data[i] == NULL) {
            igj_kinds_close(e, data);
            return NULL;
        }
    }

    return data;
}


void
igj_kinds_close(igj_engine_t *e, void **data)
{
    int  i;

    for (i = 0; data != NULL && e->kinds[i] != NULL; i++) {
        if (data[i] != NULL) {
            e->kinds[i]->close(data[i]);
        }
    }

    free(data);
}
