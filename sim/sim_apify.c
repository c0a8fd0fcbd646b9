/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The Apify API: routes, tokens, errors, and the endpoints of storages. */

#include <string.h>

#include "sim_apify.h"
#include "sim_apify_json.h"
#include "sim_apify_runs.h"
#include "sim_conf.h"
#include "sim_dataset.h"


enum sim_apify_object {
    SIM_A_NOTHING,
    SIM_A_ACTOR,
    SIM_A_RUN,
    SIM_A_DATASET,
    SIM_A_STORE
};

struct sim_apify_route {
    const char              *method;
    const char              *path;       /* below /v2/; * is the object's id */
    const char              *op;
    enum sim_apify_object    object;
    int                      token;      /* cannot be done without one */
    int                      rate;       /* X-RateLimit-Limit, per second */
    void                   (*answer)(struct sim_request *r,
                                     const struct sim_verdict *verdict,
                                     struct sim_answer *answer);
};


void
sim_apify_error(struct sim_answer *answer, int code, const char *type,
    const char *message)
{
    answer->code = code;
    answer->type = "application/json; charset=utf-8";

    if (type == NULL) {
        type = code == 429 ? "rate-limit-exceeded" : "internal-server-error";
    }

    sim_text_puts(&answer->text, "{\"error\":{\"type\":");
    sim_text_json(&answer->text, type);
    sim_text_puts(&answer->text, ",\"message\":");
    sim_text_json(&answer->text, message);
    sim_text_puts(&answer->text, "}}");
}


static void
sim_apify_actor(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    (void) verdict;

    answer->code = 200;
    answer->type = "application/json; charset=utf-8";
    sim_text_puts(&answer->text, "{\"data\":");
    sim_apify_actor_json(&answer->text, r->entry.actor);
    sim_text_puts(&answer->text, "}");
}


static void
sim_apify_items(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    const char  *error;

    (void) verdict;

    error = sim_dataset_items(r, answer);

    if (error != NULL) {
        sim_apify_error(answer, 400, "invalid-request", error);
    }
}


static void
sim_apify_dataset(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    struct sim_view  view;

    (void) verdict;

    view = sim_run_look(r->entry.run);

    answer->code = 200;
    answer->type = "application/json; charset=utf-8";
    sim_text_puts(&answer->text, "{\"data\":");
    sim_apify_dataset_json(&answer->text, r->entry.run, &view);
    sim_text_puts(&answer->text, "}");
}


static void
sim_apify_input(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    (void) verdict;

    answer->code = 200;
    answer->type = "application/json; charset=utf-8";
    sim_text_add(&answer->text, r->entry.run->input, r->entry.run->input_n);
}


static void
sim_apify_run_log(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    struct sim_view  view;

    (void) verdict;

    view = sim_run_look(r->entry.run);

    answer->code = 200;
    answer->type = "text/plain; charset=utf-8";
    sim_apify_log(&answer->text, r->entry.run, &view);
}


static void
sim_apify_user(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    (void) r;
    (void) verdict;

    answer->code = 200;
    answer->type = "application/json; charset=utf-8";
    sim_text_puts(&answer->text, "{\"data\":");
    sim_apify_user_json(&answer->text);
    sim_text_puts(&answer->text, "}");
}


static const struct sim_apify_route  sim_apify_routes[] = {
    { "GET", "actors/*", "actor", SIM_A_ACTOR, 1, 60, sim_apify_actor },
    { "POST", "actors/*/runs", "start", SIM_A_ACTOR, 1, 400, sim_apify_start },
    { "GET", "actors/*/runs", "runs", SIM_A_ACTOR, 1, 60, sim_apify_list },
    { "GET", "actor-runs", "runs", SIM_A_NOTHING, 1, 60, sim_apify_list },
    { "GET", "actor-runs/*", "run", SIM_A_RUN, 0, 60, sim_apify_run },
    { "POST", "actor-runs/*/abort", "abort", SIM_A_RUN, 1, 60,
      sim_apify_abort },
    { "POST", "actor-runs/*/resurrect", "resurrect", SIM_A_RUN, 1, 60,
      sim_apify_resurrect },
    { "GET", "actor-runs/*/dataset", "dataset", SIM_A_RUN, 0, 60,
      sim_apify_dataset },
    { "GET", "actor-runs/*/dataset/items", "items", SIM_A_RUN, 0, 60,
      sim_apify_items },
    { "GET", "actor-runs/*/log", "log", SIM_A_RUN, 0, 60, sim_apify_run_log },
    { "GET", "logs/*", "log", SIM_A_RUN, 0, 60, sim_apify_run_log },
    { "GET", "datasets/*", "dataset", SIM_A_DATASET, 0, 60,
      sim_apify_dataset },
    { "GET", "datasets/*/items", "items", SIM_A_DATASET, 0, 60,
      sim_apify_items },
    { "GET", "key-value-stores/*/records/INPUT", "input", SIM_A_STORE, 0, 200,
      sim_apify_input },
    { "GET", "users/me", "user", SIM_A_NOTHING, 1, 60, sim_apify_user },
};


static const struct sim_apify_route *
sim_apify_find(const struct sim_request *r, const char *method)
{
    size_t                         i;
    const struct sim_apify_route  *route;

    for (i = 0; i < sizeof(sim_apify_routes) / sizeof(sim_apify_routes[0]);
         i++)
    {
        route = &sim_apify_routes[i];

        if ((method == NULL || strcmp(method, route->method) == 0)
            && sim_request_matches(r, route->path))
        {
            return route;
        }
    }

    return NULL;
}


static void
sim_apify_token(struct sim_request *r)
{
    const char  *header, *query;

    header = sim_header(r, MHD_HTTP_HEADER_AUTHORIZATION);
    query = sim_query(r, "token");

    if (header != NULL && strncasecmp(header, "Bearer ", 7) == 0) {
        header += 7;

    } else {
        header = NULL;
    }

    sim_request_token(r, header != NULL ? header : query, sim_conf.token,
                      query != NULL);
}


static void
sim_apify_identify(struct sim_request *r)
{
    const struct sim_apify_route  *route;

    sim_apify_token(r);

    if (r->n > 1 && strcmp(r->segment[1], "acts") == 0) {
        r->segment[1] = "actors";
    }

    route = r->n > 1 ? sim_apify_find(r, r->method) : NULL;
    r->route = route;

    if (route == NULL) {
        return;
    }

    r->entry.op = route->op;

    switch (route->object) {

    case SIM_A_ACTOR:
        r->entry.actor = sim_actor_find(r->segment[2]);
        break;

    case SIM_A_RUN:
        r->entry.run = sim_run_find(r->segment[2], SIM_ID_RUN);
        break;

    case SIM_A_DATASET:
        r->entry.run = sim_run_find(r->segment[2], SIM_ID_DATASET);
        break;

    case SIM_A_STORE:
        r->entry.run = sim_run_find(r->segment[2], SIM_ID_STORE);
        break;

    default:
        break;
    }

    if (r->entry.run != NULL) {
        r->entry.actor = r->entry.run->actor;
        r->entry.accounts = r->entry.run->accounts;
    }

    if (route->answer == sim_apify_start) {
        r->refusal = sim_plan_read(&r->plan, r->entry.actor, r->body.data,
                                   r->body.len);
        r->entry.accounts = r->plan.accounts;
    }

    if (route->answer == sim_apify_items) {
        r->entry.offset = sim_query_number(r, "offset", 0);
    }
}


/* Answers what cannot be found or may not be asked; 1 if all is well. */

static int
sim_apify_admit(struct sim_request *r, const struct sim_apify_route *route,
    struct sim_answer *answer)
{
    if (route == NULL) {
        if (r->n > 1 && sim_apify_find(r, NULL) != NULL) {
            sim_apify_error(answer, 405, "method-not-allowed",
                            "This method is not allowed here");
            return 0;
        }

        sim_apify_error(answer, 404, "page-not-found",
                        "We have bad news: there is no API endpoint here");
        return 0;
    }

    if (r->too_large) {
        sim_apify_error(answer, 413, "request-too-large",
                        "The request is larger than the limit of 9437184 "
                        "bytes");
        return 0;
    }

    if (strcmp(r->entry.token, "invalid") == 0) {
        sim_apify_error(answer, 401, "user-or-token-not-found",
                        "User was not found or authentication token is not "
                        "valid");
        return 0;
    }

    if (route->token && strcmp(r->entry.token, "none") == 0) {
        sim_apify_error(answer, 401, "token-not-provided",
                        "Authentication token was not provided");
        return 0;
    }

    return 1;
}


static int
sim_apify_exists(const struct sim_request *r,
    const struct sim_apify_route *route, struct sim_answer *answer)
{
    if (route->object == SIM_A_NOTHING) {
        return 1;
    }

    if (route->object == SIM_A_ACTOR) {
        if (r->entry.actor == NULL) {
            sim_apify_error(answer, 404, "actor-not-found",
                            "Actor was not found");
        }

        return r->entry.actor != NULL;
    }

    if (r->entry.run == NULL
        || sim_run_hidden(r->entry.run, route->answer == sim_apify_run))
    {
        sim_apify_error(answer, 404, "record-not-found",
                        "Record was not found");
        return 0;
    }

    return 1;
}


static void
sim_apify_perform(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    const struct sim_apify_route  *route = r->route;

    if (!sim_apify_admit(r, route, answer)
        || !sim_apify_exists(r, route, answer))
    {
        return;
    }

    sim_answer_header(answer, "X-RateLimit-Limit", "%d", route->rate);
    route->answer(r, verdict, answer);
}


const struct sim_provider  sim_apify = {
    "apify", "/v2/", sim_apify_identify, sim_apify_perform, sim_apify_error
};
