/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The deliverer: sends webhooks.  A thread of its own in every process; which
 * of them sends what is decided by leases in Postgres, which run out when a
 * process ends in the middle: then another one sends the same event under the
 * same id.  What cannot be recorded, because Postgres is away, is kept until
 * it can, or comes again when its lease has run out.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igj_clock.h"
#include "igj_log.h"
#include "igj_statements.h"
#include "igj_threads.h"
#include "igj_webhook.h"


#define IGJ_DELIVERER_TICK_MS     100     /* reaction to the end */
#define IGJ_DELIVERER_AWAY_MS     1000    /* after a failed statement */
#define IGJ_DELIVERER_LEASES      2       /* time-outs that a lease lasts */


/* A leased delivery, from its lease until its result is recorded. */
typedef struct igj_delivery_s  igj_delivery_t;

struct igj_delivery_s {
    igj_delivery_t        *next;              /* in the list of results */
    igj_webhook_result_t   result;
    char                   job[IGJ_UUID_TEXT_LEN + 1];
    char                   type[32];
    char                  *origin;
    int64_t                seq;
    int64_t                attempt;
};


typedef struct {
    igj_engine_t    *engine;
    igj_webhooks_t  *webhooks;
    igj_delivery_t  *ended;                   /* whose results are to be
                                                 recorded */
    int              leased;                  /* under way and ended */
    int64_t          lease_at;
    int64_t          record_at;
    char            *after_tenant;            /* of the last one that was */
    char            *after_origin;            /* leased; NULL: none */
} igj_deliverer_t;


static void igj_deliverer_work(igj_deliverer_t *d);
static void igj_deliverer_lease(igj_deliverer_t *d);
static void igj_deliverer_go_on_after(igj_deliverer_t *d, const PGresult *res);
static void igj_deliverer_send(igj_deliverer_t *d, const PGresult *res,
    int row);
static igj_delivery_t *igj_deliverer_delivery(const PGresult *res, int row);
static void igj_deliverer_collect(igj_deliverer_t *d);
static void igj_deliverer_return_all(igj_deliverer_t *d);
static void igj_deliverer_ended(igj_deliverer_t *d,
    const igj_webhook_result_t *result);
static void igj_deliverer_record_all(igj_deliverer_t *d);
static bool igj_deliverer_record(igj_deliverer_t *d,
    const igj_delivery_t *delivery);
static void igj_deliverer_log(const igj_delivery_t *delivery);
static void igj_deliverer_free(igj_delivery_t *delivery);


void *
igj_deliverer_main(void *data)
{
    igj_deliverer_t     d;
    igj_webhook_conf_t  conf;

    memset(&d, 0, sizeof(igj_deliverer_t));
    d.engine = data;

    conf.timeout_ms = d.engine->settings->webhook_timeout;
    conf.allow_private = d.engine->settings->webhook_allow_private;
    d.webhooks = igj_webhooks_create(&conf);

    if (d.webhooks == NULL) {
        igj_log(IGJ_LOG_ERROR, "the deliverer cannot work",
                igj_s("error", "out of memory"));
    } else {
        igj_deliverer_work(&d);
    }

    igj_webhooks_destroy(d.webhooks);
    free(d.after_tenant);
    free(d.after_origin);
    atomic_store(&d.engine->deliverer_ended, true);

    return NULL;
}


/* Drained: takes nothing more, and ends when the last has been answered. */

static void
igj_deliverer_work(igj_deliverer_t *d)
{
    int             stop;
    int64_t         left;
    igj_delivery_t *rest;

    do {
        stop = atomic_load(&d->engine->deliverer_stop);
        left = d->lease_at - igj_clock_ms();

        if (stop == IGJ_DELIVERER_WORK && left <= 0) {
            igj_deliverer_lease(d);
            left = d->lease_at - igj_clock_ms();
        }

        left = left < 0 ? 0 : left;
        igj_webhooks_turn(d->webhooks, left < IGJ_DELIVERER_TICK_MS
                                       ? (int) left : IGJ_DELIVERER_TICK_MS);
        igj_deliverer_collect(d);

        if (stop == IGJ_DELIVERER_LEAVE) {
            igj_deliverer_return_all(d);
        }

        igj_deliverer_record_all(d);

    } while (stop == IGJ_DELIVERER_WORK
             || (stop == IGJ_DELIVERER_DRAIN && d->leased > 0));

    while ((rest = d->ended) != NULL) {
        d->ended = rest->next;
        igj_deliverer_free(rest);
    }
}


static void
igj_deliverer_lease(igj_deliverer_t *d)
{
    int                    i, n;
    PGresult              *res;
    igj_pg_args_t          args;
    const igj_settings_t  *s;

    s = d->engine->settings;
    d->lease_at = igj_clock_ms() + s->webhook_poll;

    if (d->leased == IGJ_WEBHOOK_SLOTS) {
        return;
    }

    igj_pg_args_init(&args);
    igj_pg_text(&args, s->worker_id);
    igj_pg_number(&args, IGJ_WEBHOOK_SLOTS - d->leased);
    igj_pg_number(&args, IGJ_DELIVERER_LEASES * s->webhook_timeout);
    igj_pg_text(&args, d->after_tenant ? d->after_tenant : "");
    igj_pg_text(&args, d->after_tenant ? d->after_origin : "");

    if (igj_pg_call(d->engine->pg_webhooks,
                    igj_statement(IGJ_SQL_LEASE_DELIVERIES), &args, &res, NULL)
        != IGJ_PG_OK)
    {
        d->lease_at = igj_clock_ms() + s->webhook_poll + IGJ_DELIVERER_AWAY_MS;
        return;
    }

    n = PQntuples(res);

    for (i = 0; i < n; i++) {
        igj_deliverer_send(d, res, i);
    }

    igj_deliverer_go_on_after(d, res);
    PQclear(res);
}


/* Without memory it begins anew, which is only less fair. */

static void
igj_deliverer_go_on_after(igj_deliverer_t *d, const PGresult *res)
{
    int  last;

    last = PQntuples(res) - 1;
    free(d->after_tenant);
    free(d->after_origin);
    d->after_tenant = NULL;
    d->after_origin = NULL;

    if (last < 0) {
        return;
    }

    d->after_origin = strdup(igj_pg_get_text(res, last, IGJ_LEASED_ORIGIN));

    if (d->after_origin != NULL) {
        d->after_tenant = strdup(igj_pg_get_text(res, last,
                                                 IGJ_LEASED_TENANT));
    }
}


static void
igj_deliverer_send(igj_deliverer_t *d, const PGresult *res, int row)
{
    igj_delivery_t         *delivery;
    igj_webhook_result_t    result;
    igj_webhook_request_t   request;

    delivery = igj_deliverer_delivery(res, row);

    if (delivery == NULL) {
        return;                 /* its lease runs out */
    }

    request.url = igj_pg_get_text(res, row, IGJ_LEASED_URL);
    request.id = igj_pg_get_text(res, row, IGJ_LEASED_EVENT_ID);
    request.payload = igj_pg_get_text(res, row, IGJ_LEASED_PAYLOAD);
    request.secrets = igj_pg_get_text(res, row, IGJ_LEASED_SECRETS);
    request.data = delivery;
    d->leased++;

    if (!igj_webhooks_send(d->webhooks, &request, &result)) {
        igj_deliverer_ended(d, &result);
    }
}


static igj_delivery_t *
igj_deliverer_delivery(const PGresult *res, int row)
{
    igj_delivery_t  *delivery;

    delivery = calloc(1, sizeof(igj_delivery_t));
    if (delivery == NULL) {
        return NULL;
    }

    delivery->origin = strdup(igj_pg_get_text(res, row, IGJ_LEASED_ORIGIN));
    if (delivery->origin == NULL) {
        free(delivery);
        return NULL;
    }

    snprintf(delivery->job, sizeof(delivery->job), "%s",
             igj_pg_get_text(res, row, IGJ_LEASED_JOB_ID));
    snprintf(delivery->type, sizeof(delivery->type), "%s",
             igj_pg_get_text(res, row, IGJ_LEASED_TYPE));
    delivery->seq = igj_pg_get_number(res, row, IGJ_LEASED_SEQ);
    delivery->attempt = igj_pg_get_number(res, row, IGJ_LEASED_ATTEMPT);

    return delivery;
}


static void
igj_deliverer_collect(igj_deliverer_t *d)
{
    igj_webhook_result_t  result;

    while (igj_webhooks_next(d->webhooks, &result)) {
        igj_deliverer_ended(d, &result);
    }
}


static void
igj_deliverer_return_all(igj_deliverer_t *d)
{
    igj_webhook_result_t  result;

    while (igj_webhooks_return(d->webhooks, &result)) {
        igj_deliverer_ended(d, &result);
    }
}


static void
igj_deliverer_ended(igj_deliverer_t *d, const igj_webhook_result_t *result)
{
    igj_delivery_t  *delivery;

    delivery = result->data;
    delivery->result = *result;
    delivery->next = d->ended;
    d->ended = delivery;
    d->record_at = 0;

    igj_deliverer_log(delivery);
}


/* What has ended lets others go: they are asked for at once. */

static void
igj_deliverer_record_all(igj_deliverer_t *d)
{
    igj_delivery_t  *delivery;

    while ((delivery = d->ended) != NULL && igj_clock_ms() >= d->record_at) {

        if (!igj_deliverer_record(d, delivery)) {
            d->record_at = igj_clock_ms() + IGJ_DELIVERER_AWAY_MS;
            return;
        }

        d->ended = delivery->next;
        d->leased--;
        d->lease_at = 0;
        igj_deliverer_free(delivery);
    }
}


/* False: Postgres is away. */

static bool
igj_deliverer_record(igj_deliverer_t *d, const igj_delivery_t *delivery)
{
    static const char *const  outcomes[] = {
        [IGJ_WEBHOOK_DELIVERED] = "delivered", [IGJ_WEBHOOK_GONE] = "gone",
        [IGJ_WEBHOOK_FAILED] = "failed", [IGJ_WEBHOOK_REFUSED] = "refused",
        [IGJ_WEBHOOK_RETURNED] = "returned"
    };

    PGresult                    *res;
    igj_pg_rc_t                  rc;
    igj_pg_args_t                args;
    const igj_webhook_result_t  *result;

    result = &delivery->result;
    igj_pg_args_init(&args);
    igj_pg_text(&args, delivery->job);
    igj_pg_number(&args, delivery->seq);
    igj_pg_number(&args, delivery->attempt);
    igj_pg_text(&args, outcomes[result->outcome]);

    if (result->status > 0) {
        igj_pg_number(&args, result->status);
    } else {
        igj_pg_text(&args, NULL);
    }

    igj_pg_number(&args, result->ms);
    igj_pg_text(&args, result->error[0] ? result->error : NULL);
    igj_pg_text(&args, result->status > 0 ? result->answer : NULL);
    igj_pg_number(&args, result->wait_ms);

    rc = igj_pg_call(d->engine->pg_webhooks,
                     igj_statement(IGJ_SQL_DELIVERY_RESULT), &args, &res,
                     NULL);
    if (rc == IGJ_PG_OK) {
        PQclear(res);
    }

    return rc != IGJ_PG_AWAY;
}


/* Neither the path, which may hold a secret of the endpoint, nor the body. */

static void
igj_deliverer_log(const igj_delivery_t *delivery)
{
    igj_log_level_t  level;

    level = delivery->result.outcome == IGJ_WEBHOOK_DELIVERED
            ? IGJ_LOG_DEBUG : IGJ_LOG_WARN;

    igj_log(level, "webhook", igj_s("job", delivery->job),
            igj_s("type", delivery->type), igj_s("to", delivery->origin),
            igj_i("attempt", delivery->attempt),
            igj_i("status", delivery->result.status),
            igj_i("ms", delivery->result.ms),
            igj_s("error", delivery->result.error));
}


static void
igj_deliverer_free(igj_delivery_t *delivery)
{
    free(delivery->origin);
    free(delivery);
}
