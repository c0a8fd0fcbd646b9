/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs-worker: the life of the process from top to bottom.  The main thread
 * takes all signals, one after the other, by waiting for them; no other thread
 * sees any.
 *
 * Exit status: 0 drained after SIGTERM or SIGINT (or the command succeeded),
 * 1 a command failed, 2 a setting is unusable, 3 the engine did not start,
 * 4 ended before the drain was over.
 */

#include <curl/curl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "igj_airtable.h"
#include "igj_classify.h"
#include "igj_clock.h"
#include "igj_engine.h"
#include "igj_kind_scrape_followers.h"
#include "igj_log.h"
#include "igj_provider.h"
#include "igj_settings.h"
#include "igj_version.h"


#define IGJ_EXIT_OK          0
#define IGJ_EXIT_SETTINGS    2
#define IGJ_EXIT_START       3
#define IGJ_EXIT_FORCED      4

#define IGJ_TICK_MS          50
#define IGJ_GIVE_BACK_MS     2000      /* of the drain, for giving back */
#define IGJ_CLOSE_S          5         /* for closing after the drain */

#define IGJ_MAIN_ARENAS      2         /* of malloc, for all threads */
#define IGJ_MAIN_MAP_MIN     (128 * 1024)


static int igj_main_command(int argc, char **argv);
static int igj_main_settings(igj_settings_t *s, int argc, char **argv,
    int first);
static int igj_main_provider_check(int argc, char **argv);
static void igj_main_memory(void);
static void igj_main_signals(sigset_t *signals);
static int igj_main_serve(igj_engine_t *engine, const igj_settings_t *s,
    const sigset_t *signals);
static int igj_main_signal(const sigset_t *signals, int64_t ms);
static int igj_main_drain(igj_engine_t *engine, const igj_settings_t *s,
    const sigset_t *signals);
static void igj_main_close(igj_engine_t *engine);
static void igj_main_forced(int signo);


int
main(int argc, char **argv)
{
    int              rc;
    char             error[IGJ_BATCH_ERROR_MAX];
    sigset_t         signals;
    igj_engine_t    *engine;
    igj_settings_t   s;

    if (argc > 1) {
        rc = igj_main_command(argc, argv);
        if (rc >= 0) {
            return rc;
        }
    }

    if (igj_main_settings(&s, argc, argv, 1) != IGJ_OK) {
        return IGJ_EXIT_SETTINGS;
    }

    igj_main_memory();
    igj_main_signals(&signals);
    curl_global_init(CURL_GLOBAL_DEFAULT);

    igj_log(IGJ_LOG_INFO, "starting", igj_s("version", IGJ_VERSION),
            igj_s("worker", s.worker_id), igj_s("kinds", s.kinds),
            igj_i("lanes", s.lanes), igj_s("turns", s.direct ? "postgres"
                                                             : "redis"));

    engine = igj_engine_create(&s, error);

    if (engine == NULL) {
        igj_log(IGJ_LOG_ERROR, "cannot start", igj_s("error", error));
        igj_settings_free(&s);
        return IGJ_EXIT_SETTINGS;
    }

    rc = igj_main_serve(engine, &s, &signals);

    igj_main_close(engine);
    igj_log(IGJ_LOG_INFO, "ended", igj_i("status", rc));
    igj_settings_free(&s);
    curl_global_cleanup();

    return rc;
}


/* What is done without an engine; -1: nothing of the kind. */

static int
igj_main_command(int argc, char **argv)
{
    if (strcmp(argv[1], "classify") == 0) {
        return igj_classify_main(argc - 1, argv + 1);
    }

    if (strcmp(argv[1], "provider-check") == 0) {
        return igj_main_provider_check(argc, argv);
    }

    if (strcmp(argv[1], "--help") == 0) {
        igj_settings_help(stdout);
        return IGJ_EXIT_OK;
    }

    if (strcmp(argv[1], "--version") == 0) {
        puts("igjobs-worker " IGJ_VERSION);
        return IGJ_EXIT_OK;
    }

    if (strcmp(argv[1], "--print-settings") == 0) {
        igj_settings_manual(stdout);
        return IGJ_EXIT_OK;
    }

    return -1;
}


static int
igj_main_settings(igj_settings_t *s, int argc, char **argv, int first)
{
    char  error[IGJ_SETTINGS_ERROR_MAX], why[IGJ_PG_MESSAGE_MAX];

    if (igj_settings_read(s, argc, argv, first, error) != IGJ_OK) {
        igj_log(IGJ_LOG_ERROR, "unusable setting", igj_s("error", error));
        igj_settings_free(s);
        return IGJ_ERROR;
    }

    igj_log_open(STDERR_FILENO, (igj_log_level_t) s->log_level,
                 (igj_log_format_t) s->log_format);
    igj_log_hide(s->apify_api_key);
    igj_log_hide(s->airtable_access_token);

    if (igj_pg_check_url(s->database_url, why) != IGJ_OK) {
        igj_log(IGJ_LOG_ERROR, "unusable setting",
                igj_s("setting", "DATABASE_URL"), igj_s("error", why));
        igj_settings_free(s);
        return IGJ_ERROR;
    }

    return IGJ_OK;
}


static int
igj_main_provider_check(int argc, char **argv)
{
    int                  i, rc, checked;
    igj_settings_t       s;
    igj_provider_conf_t  conf;
    igj_airtable_conf_t  airtable;

    /* required of a worker, and of no use here */
    setenv("DATABASE_URL", "dbname=none", 0);

    if (igj_main_settings(&s, argc, argv, 2) != IGJ_OK) {
        return IGJ_EXIT_SETTINGS;
    }

    curl_global_init(CURL_GLOBAL_DEFAULT);
    rc = 0;
    checked = 0;

    for (i = 0; i < IGJ_PLATFORMS; i++) {
        igj_scrape_provider_conf(&s, (igj_platform_e) i, &conf);

        if (conf.actor != NULL) {
            printf("platform %s\n", igj_platform_name((igj_platform_e) i));
            rc |= igj_provider_check("apify", &conf, stdout);
            checked = 1;
        }
    }

    if (!checked) {
        printf("INSTAGRAM_APIFY_ACTOR_ID or another platform's is not set\n");
        rc = 1;
    }

    if (s.airtable_access_token != NULL) {
        airtable.token = s.airtable_access_token;
        airtable.base_url = s.airtable_base_url;
        rc |= igj_airtable_check(&airtable, stdout);
    }

    curl_global_cleanup();
    igj_settings_free(&s);

    return rc;
}


/*
 * Pages of profiles come and go as large blocks: they are mapped, so that they
 * leave nothing behind, and the threads share two arenas for the rest.
 */

static void
igj_main_memory(void)
{
    mallopt(M_ARENA_MAX, IGJ_MAIN_ARENAS);
    mallopt(M_MMAP_THRESHOLD, IGJ_MAIN_MAP_MIN);
}


/*
 * Blocked in all threads and waited for; as process 1 of a container they are
 * not ignored for that reason either.
 */

static void
igj_main_signals(sigset_t *signals)
{
    signal(SIGPIPE, SIG_IGN);

    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}


static int
igj_main_serve(igj_engine_t *engine, const igj_settings_t *s,
    const sigset_t *signals)
{
    int  signo;

    if (igj_engine_start(engine) != IGJ_OK) {
        igj_log(IGJ_LOG_ERROR, "cannot start", igj_s("error",
                                                     "no more threads"));
        return IGJ_EXIT_START;
    }

    igj_log(IGJ_LOG_INFO, "ready", igj_s("worker", s->worker_id));

    do {
        signo = igj_main_signal(signals, -1);
    } while (signo == SIGHUP);

    igj_log(IGJ_LOG_INFO, "draining", igj_i("signal", signo),
            igj_i("ms", s->drain));

    return igj_main_drain(engine, s, signals);
}


/* The next signal; 0 after ms (-1: for ever) without one. */

static int
igj_main_signal(const sigset_t *signals, int64_t ms)
{
    int              signo;
    struct timespec  ts;

    ts.tv_sec = (time_t) (ms / 1000);
    ts.tv_nsec = (long) (ms % 1000) * 1000000;

    do {
        signo = ms < 0 ? sigwaitinfo(signals, NULL)
                       : sigtimedwait(signals, NULL, &ts);
    } while (signo < 0 && ms < 0);

    return signo < 0 ? 0 : signo;
}


/*
 * Batches may end by themselves for most of the drain; what is left then is
 * given back.  A second signal ends the process where it stands, which is as
 * safe as a kill: leases run out, runs are resumed.
 */

static int
igj_main_drain(igj_engine_t *engine, const igj_settings_t *s,
    const sigset_t *signals)
{
    int      signo;
    bool     interrupted;
    int64_t  began, left;

    began = igj_clock_ms();
    interrupted = false;
    igj_engine_drain(engine);

    while (!igj_engine_drained(engine)) {
        left = began + s->drain - igj_clock_ms();

        if (!interrupted && left <= IGJ_GIVE_BACK_MS) {
            interrupted = true;
            igj_engine_interrupt(engine);
        }

        if (left <= 0 && interrupted
            && igj_clock_ms() - began > s->drain + IGJ_GIVE_BACK_MS)
        {
            igj_log(IGJ_LOG_WARN, "the drain is over, leases are left to "
                    "run out");
            _exit(IGJ_EXIT_FORCED);
        }

        signo = igj_main_signal(signals, IGJ_TICK_MS);

        if (signo == SIGTERM || signo == SIGINT) {
            igj_log(IGJ_LOG_WARN, "told twice, ends at once");
            _exit(IGJ_EXIT_FORCED);
        }
    }

    return IGJ_EXIT_OK;
}


/* Nothing of value is left to do: closing may not take for ever. */

static void
igj_main_close(igj_engine_t *engine)
{
    sigset_t          all;
    struct sigaction  action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = igj_main_forced;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    alarm(IGJ_CLOSE_S);

    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);

    igj_engine_destroy(engine);
    alarm(0);
}


static void
igj_main_forced(int signo)
{
    (void) signo;

    _exit(IGJ_EXIT_FORCED);
}
