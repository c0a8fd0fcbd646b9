/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A request's way: identify -> ask the fault rules -> perform (unless the fault
 * forbids it) -> fault's own answer -> journal -> wire.
 */

#include <stdio.h>
#include <string.h>

#include "sim_airtable.h"
#include "sim_apify.h"
#include "sim_conf.h"
#include "sim_control.h"
#include "sim_http.h"


static const struct sim_provider *const  sim_providers[] = {
    &sim_apify,
    &sim_airtable,
};


static const struct sim_provider *
sim_serve_provider(const char *path)
{
    size_t  i;

    for (i = 0; i < sizeof(sim_providers) / sizeof(sim_providers[0]); i++) {
        if (strncmp(path, sim_providers[i]->prefix,
                    strlen(sim_providers[i]->prefix)) == 0)
        {
            return sim_providers[i];
        }
    }

    return NULL;
}


/* Appends name=value of the query, but for the token. */

static enum MHD_Result
sim_serve_argument(void *cls, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
    size_t               n;
    struct sim_request  *r = cls;

    (void) kind;

    if (strcmp(name, "token") == 0) {
        return MHD_YES;
    }

    n = strlen(r->entry.query);

    (void) snprintf(r->entry.query + n, sizeof(r->entry.query) - n,
                    "%s%s=%s", n > 0 ? "&" : "", name,
                    value != NULL ? value : "");

    return MHD_YES;
}


/* What the journal notes of every request. */

static void
sim_serve_note(struct sim_request *r, const struct sim_provider *provider)
{
    const char        *value;
    struct sim_entry  *e = &r->entry;

    e->provider = provider->name;
    e->token = "none";

    (void) snprintf(e->method, sizeof(e->method), "%s", r->method);
    (void) snprintf(e->path, sizeof(e->path), "%.*s", SIM_ENTRY_PATH - 1,
                    r->path);
    (void) MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND,
                                     sim_serve_argument, r);

    value = sim_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);
    (void) snprintf(e->content_type, sizeof(e->content_type), "%s",
                    value != NULL ? value : "");

    value = sim_header(r, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    e->gzip = value != NULL && strstr(value, "gzip") != NULL;
}


static void
sim_serve_delay(const struct sim_request *r)
{
    int64_t           ms;
    static _Atomic uint64_t  requests;

    ms = sim_conf.delay_ms;

    if (sim_conf.jitter_ms > 0) {
        ms += (int64_t) (sim_mix((uint64_t) sim_conf.seed ^ sim_mix(++requests))
                         % (uint64_t) (sim_conf.jitter_ms + 1));
    }

    if (r->rule != NULL) {
        ms += r->rule->action.delay_ms;
    }

    sim_sleep(ms);
}


/* Whether the request is carried out although there is a fault. */

static int
sim_serve_effect(const struct sim_action *a)
{
    if (a->effect >= 0) {
        return (int) a->effect;
    }

    return !(a->status.on || a->drop_before || a->raw != NULL
             || a->redirect != NULL || a->limit.on);
}


/* The answer that the fault gives instead of the provider. */

static void
sim_serve_fault_answer(const struct sim_provider *provider,
    const struct sim_action *a, struct sim_answer *answer)
{
    if (a->status.on && a->status.body != NULL) {
        sim_answer_clear(answer);
        answer->code = (int) a->status.code;
        answer->type = a->status.content_type != NULL
                       ? a->status.content_type : "text/html";
        sim_text_puts(&answer->text, a->status.body);

    } else if (a->status.on) {
        sim_answer_clear(answer);
        provider->error(answer, (int) a->status.code, a->status.type,
                        a->status.message != NULL ? a->status.message
                        : "This error was ordered by a fault rule");

    } else if (a->limit.on) {
        sim_answer_clear(answer);
        provider->error(answer, 429, NULL,
                        "You have exceeded the rate limit of requests per "
                        "second");

    } else if (a->redirect != NULL) {
        sim_answer_clear(answer);
        answer->code = 302;
        answer->type = "text/plain";
        sim_answer_header(answer, "Location", "%s", a->redirect);
    }
}


static void
sim_serve_fault(struct sim_request *r, const struct sim_provider *provider,
    struct sim_answer *answer)
{
    int                       i;
    const struct sim_action  *a;

    if (r->rule == NULL) {
        return;
    }

    a = &r->rule->action;
    sim_serve_fault_answer(provider, a, answer);

    for (i = 0; i < a->headers; i++) {
        sim_answer_header(answer, a->header[i].name, "%s", a->header[i].value);
    }
}


static void
sim_serve_name_fault(struct sim_request *r)
{
    if (r->rule != NULL) {
        (void) snprintf(r->entry.fault, sizeof(r->entry.fault), "%s",
                        r->rule->name);
    }
}


/* Asks the rules; the input is read for them if there are any. */

static struct sim_verdict
sim_serve_ask(struct sim_request *r, const struct sim_provider *provider)
{
    struct sim_ask      ask;
    struct sim_verdict  none = { NULL, 0, 0 };

    if (!sim_faults_any()) {
        return none;
    }

    if (r->plan.accounts == 0 && r->entry.run != NULL) {
        (void) sim_plan_read(&r->plan, r->entry.run->actor,
                             r->entry.run->input, r->entry.run->input_n);
    }

    ask.provider = provider->name;
    ask.op = r->entry.op;
    ask.method = r->method;
    ask.path = r->path;
    ask.run = r->entry.run != NULL ? r->entry.run->id : NULL;
    ask.plan = r->plan.accounts > 0 ? &r->plan : NULL;
    ask.offset = r->entry.offset;
    ask.json = r->json;

    return sim_fault_ask(&ask);
}


/* The status that goes out: 0 if the fault lets nothing out. */

static int
sim_serve_status(const struct sim_request *r, const struct sim_answer *answer)
{
    const struct sim_action  *a;

    a = r->rule != NULL ? &r->rule->action : NULL;

    if (a != NULL && (a->drop_before || a->drop_after || a->raw != NULL
                      || (a->rst.on && a->rst.at == 0)))
    {
        return 0;
    }

    return answer->code;
}


static enum MHD_Result
sim_serve_provided(struct sim_request *r, const struct sim_provider *provider)
{
    const char          *override;
    enum MHD_Result      rc;
    struct sim_answer    answer = { 0 };
    struct sim_verdict   verdict;

    override = sim_query(r, "method");

    if (override != NULL && strcmp(override, "POST") == 0) {
        r->method = "POST";
    }

    sim_serve_note(r, provider);
    sim_request_split(r);
    provider->identify(r);

    verdict = sim_serve_ask(r, provider);
    r->rule = verdict.rule;
    sim_serve_name_fault(r);
    r->entry.effect = r->rule == NULL || sim_serve_effect(&r->rule->action);

    sim_serve_delay(r);

    if (r->entry.effect) {
        provider->perform(r, &verdict, &answer);
    }

    sim_serve_fault(r, provider, &answer);
    sim_request_note(r, sim_serve_status(r, &answer));

    rc = sim_wire_send(r, &answer);
    sim_answer_clear(&answer);

    return rc;
}


enum MHD_Result
sim_serve(struct sim_request *r)
{
    enum MHD_Result             rc;
    struct sim_answer           answer = { 0 };
    const struct sim_provider  *provider;

    provider = sim_serve_provider(r->path);

    if (provider != NULL) {
        return sim_serve_provided(r, provider);
    }

    sim_control(r, &answer);

    rc = sim_wire_send(r, &answer);
    sim_answer_clear(&answer);

    return rc;
}
