/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The Airtable API: routes, tokens, scopes, limits, errors. */

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_airtable.h"
#include "sim_conf.h"

#define SIM_AIR_URL_MAX  16000       /* characters of an address */


enum sim_air_input {
    SIM_AIR_QUERY,
    SIM_AIR_BODY
};

struct sim_air_route {
    const char          *method;
    const char          *path;       /* below /v0/, see sim_request_matches() */
    const char          *op;
    const char          *scope;      /* of the token, NULL if none is needed */
    enum sim_air_input   input;
    int                  base;       /* segments that name base and table, */
    int                  table;      /* 0 if there is none */
    void               (*answer)(struct sim_air_call *c);
};

#define SIM_AIR_READ    "data.records:read"
#define SIM_AIR_WRITE   "data.records:write"
#define SIM_AIR_SCHEMA  "schema.bases:read"
#define SIM_AIR_CHANGE  "schema.bases:write"

static const struct sim_air_route  sim_air_routes[] = {
    { "GET", "meta/whoami", "whoami", NULL, SIM_AIR_QUERY, 0, 0,
      sim_air_whoami },
    { "GET", "meta/bases", "bases", SIM_AIR_SCHEMA, SIM_AIR_QUERY, 0, 0,
      sim_air_base_list },
    { "GET", "meta/bases/*/tables", "schema", SIM_AIR_SCHEMA, SIM_AIR_QUERY,
      3, 0, sim_air_schema },
    { "POST", "meta/bases/*/tables", "create_table", SIM_AIR_CHANGE,
      SIM_AIR_BODY, 3, 0, sim_air_table_create },
    { "PATCH", "meta/bases/*/tables/*", "update_table", SIM_AIR_CHANGE,
      SIM_AIR_BODY, 3, 5, sim_air_table_update },
    { "POST", "meta/bases/*/tables/*/fields", "create_field", SIM_AIR_CHANGE,
      SIM_AIR_BODY, 3, 5, sim_air_field_create },
    { "PATCH", "meta/bases/*/tables/*/fields/*", "update_field",
      SIM_AIR_CHANGE, SIM_AIR_BODY, 3, 5, sim_air_field_update },
    { "GET", "app*/*", "list", SIM_AIR_READ, SIM_AIR_QUERY, 1, 2,
      sim_air_list },
    { "POST", "app*/*/listRecords", "list", SIM_AIR_READ, SIM_AIR_BODY, 1, 2,
      sim_air_list },
    { "POST", "app*/*", "create", SIM_AIR_WRITE, SIM_AIR_BODY, 1, 2,
      sim_air_create },
    { "PATCH", "app*/*", "update", SIM_AIR_WRITE, SIM_AIR_BODY, 1, 2,
      sim_air_update },
    { "PUT", "app*/*", "update", SIM_AIR_WRITE, SIM_AIR_BODY, 1, 2,
      sim_air_update },
    { "DELETE", "app*/*", "delete", SIM_AIR_WRITE, SIM_AIR_QUERY, 1, 2,
      sim_air_delete },
    { "GET", "app*/*/rec*", "get", SIM_AIR_READ, SIM_AIR_QUERY, 1, 2,
      sim_air_get },
    { "PATCH", "app*/*/rec*", "update", SIM_AIR_WRITE, SIM_AIR_BODY, 1, 2,
      sim_air_update_one },
    { "PUT", "app*/*/rec*", "update", SIM_AIR_WRITE, SIM_AIR_BODY, 1, 2,
      sim_air_update_one },
    { "DELETE", "app*/*/rec*", "delete", SIM_AIR_WRITE, SIM_AIR_QUERY, 1, 2,
      sim_air_delete_one },
};


/* The usual type of an error. */

static const char *
sim_air_usual(int code)
{
    switch (code) {

    case 400:
        return "INVALID_REQUEST_BODY";

    case 401:
        return "AUTHENTICATION_REQUIRED";

    case 403:
        return "INVALID_PERMISSIONS";

    case 404:
        return "NOT_FOUND";

    case 413:
        return "REQUEST_TOO_LARGE";

    case 429:
        return "RATE_LIMIT_REACHED";

    case 503:
        return "SERVICE_UNAVAILABLE";

    default:
        return code < 500 ? "INVALID_REQUEST_UNKNOWN" : "SERVER_ERROR";
    }
}


static void
sim_air_error(struct sim_answer *answer, int code, const char *type,
    const char *message)
{
    struct sim_text  *out = &answer->text;

    type = type != NULL ? type : sim_air_usual(code);
    answer->code = code;
    answer->type = "application/json; charset=utf-8";

    if (strcmp(type, "NOT_FOUND") == 0) {
        sim_text_puts(out, "{\"error\":\"NOT_FOUND\"}");
        return;
    }

    if (strcmp(type, "RATE_LIMIT_REACHED") == 0
        || strcmp(type, "PUBLIC_API_BILLING_LIMIT_EXCEEDED") == 0)
    {
        sim_text_puts(out, "{\"errors\":[{\"error\":");
        sim_text_json(out, type);
        sim_text_puts(out, ",\"message\":");
        sim_text_json(out, message);
        sim_text_puts(out, "}]}");
        return;
    }

    sim_text_puts(out, "{\"error\":{\"type\":");
    sim_text_json(out, type);

    if (message != NULL && *message != '\0') {
        sim_text_puts(out, ",\"message\":");
        sim_text_json(out, message);
    }

    sim_text_puts(out, "}}");
}


void
sim_air_refuse(struct sim_answer *answer, int code, const char *type,
    const char *format, ...)
{
    char     message[1024];
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(message, sizeof(message), format, args);
    va_end(args);

    sim_air_error(answer, code, type, message);
}


void
sim_air_refuse_request(struct sim_answer *answer, const char *why)
{
    sim_air_refuse(answer, 422, "INVALID_REQUEST_UNKNOWN",
                   "Invalid request: parameter validation failed. Check your "
                   "request data. (%s)", why);
}


void
sim_air_refuse_model(struct sim_answer *answer)
{
    sim_air_refuse(answer, 403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
                   "Invalid permissions, or the requested model was not "
                   "found. Check that both your user and your token have the "
                   "required permissions, and that the model names and/or "
                   "ids are correct.");
}


int
sim_air_only(const cJSON *object, const char *const *names)
{
    int           i;
    const cJSON  *member;

    cJSON_ArrayForEach(member, object) {
        for (i = 0; names[i] != NULL; i++) {
            if (strcmp(names[i], member->string) == 0) {
                break;
            }
        }

        if (names[i] == NULL) {
            return 0;
        }
    }

    return 1;
}


static enum MHD_Result
sim_air_query_add(void *cls, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
    char    key[SIM_AIR_URL_MAX];
    size_t  n;
    cJSON  *object = cls, *list;

    (void) kind;

    n = strcspn(name, "[");
    value = value != NULL ? value : "";
    (void) snprintf(key, sizeof(key), "%.*s", (int) n, name);

    if (name[n] == '\0') {
        (void) cJSON_AddStringToObject(object, key, value);
        return MHD_YES;
    }

    list = cJSON_GetObjectItemCaseSensitive(object, key);

    if (list == NULL) {
        list = cJSON_AddArrayToObject(object, key);
    }

    if (cJSON_IsArray(list)) {
        (void) cJSON_AddItemToArray(list, cJSON_CreateString(value));
    }

    return MHD_YES;
}


cJSON *
sim_air_query(const struct sim_request *r)
{
    cJSON  *object;

    object = cJSON_CreateObject();
    (void) MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND,
                                     sim_air_query_add, object);

    return object;
}


static size_t
sim_air_encoded(const char *s)
{
    size_t  n;

    for (n = 0; s != NULL && *s != '\0'; s++) {
        n += isalnum((unsigned char) *s) || strchr("-_.~", *s) != NULL ? 1 : 3;
    }

    return n;
}


static enum MHD_Result
sim_air_url_add(void *cls, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
    size_t  *n = cls;

    (void) kind;

    *n += sim_air_encoded(name) + sim_air_encoded(value) + 2;

    return MHD_YES;
}


/* How long the address is, all that must be encoded being so. */

static size_t
sim_air_url(const struct sim_request *r)
{
    size_t  n;

    n = strlen(r->path);
    (void) MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND,
                                     sim_air_url_add, &n);

    return n;
}


static const struct sim_air_route *
sim_air_find(const struct sim_request *r)
{
    size_t                       i;
    const struct sim_air_route  *route;

    for (i = 0; i < sizeof(sim_air_routes) / sizeof(sim_air_routes[0]); i++) {
        route = &sim_air_routes[i];

        if (strcmp(r->method, route->method) == 0
            && sim_request_matches(r, route->path))
        {
            return route;
        }
    }

    return NULL;
}


static void
sim_air_token(struct sim_request *r)
{
    const char  *header;

    header = sim_header(r, MHD_HTTP_HEADER_AUTHORIZATION);

    sim_request_token(r, header != NULL
                         && strncasecmp(header, "Bearer ", 7) == 0
                         ? header + 7 : NULL,
                      sim_conf.airtable_token,
                      sim_query(r, "api_key") != NULL);
}


/* Every request of a token counts, also one that a fault then meets. */

static void
sim_air_count(struct sim_request *r, const struct sim_air_route *route)
{
    struct sim_air_base  *base;

    if (strcmp(r->entry.token, "valid") != 0) {
        return;
    }

    sim_lock();

    r->limited = !sim_air_rate_take(&sim_air_user_rate,
                                    sim_conf.airtable_user_rate);
    base = route->base > 0 ? sim_air_base_find(r->segment[route->base]) : NULL;

    if (base != NULL && !sim_air_rate_take(&base->rate, sim_conf.airtable_rate))
    {
        r->limited = 1;
    }

    sim_unlock();
}


static void
sim_air_identify(struct sim_request *r)
{
    const struct sim_air_route  *route;

    sim_air_token(r);

    route = r->n > 1 ? sim_air_find(r) : NULL;
    r->route = route;

    if (route == NULL) {
        return;
    }

    r->entry.op = route->op;

    if (route->input == SIM_AIR_QUERY) {
        r->json = sim_air_query(r);

    } else if (r->body.len > 0) {
        r->json = cJSON_ParseWithLengthOpts(r->body.data, r->body.len + 1,
                                            NULL, 1);
    }

    if (route->answer == sim_air_update
        && cJSON_GetObjectItemCaseSensitive(r->json, "performUpsert") != NULL)
    {
        r->entry.op = "upsert";
    }

    if (route->answer == sim_air_list) {
        r->entry.offset = sim_air_position(r->json);
    }

    sim_air_count(r, route);
}


/* Answers who may not ask; 1 if all is well. */

static int
sim_air_admit(struct sim_request *r, const struct sim_air_route *route,
    struct sim_answer *answer)
{
    if (strcmp(r->entry.token, "none") == 0) {
        sim_air_refuse(answer, 401, NULL, "Authentication required");
        return 0;
    }

    if (strcmp(r->entry.token, "invalid") == 0) {
        sim_air_refuse(answer, 401, "UNAUTHORIZED",
                       "Invalid authentication token");
        return 0;
    }

    if (route == NULL) {
        sim_air_refuse(answer, 404, NULL, "%s", "");
        return 0;
    }

    if (r->limited) {
        sim_air_refuse(answer, 429, NULL,
                       "Rate limit exceeded. Please try again later");
        return 0;
    }

    if (r->too_large || sim_air_url(r) > SIM_AIR_URL_MAX) {
        sim_air_refuse(answer, 413, NULL, "Request too large");
        return 0;
    }

    if (route->scope != NULL
        && strstr(sim_conf.airtable_scopes, route->scope) == NULL)
    {
        sim_air_refuse(answer, 403, NULL, "You are not permitted to perform "
                       "this operation");
        return 0;
    }

    return 1;
}


/* Answers what cannot be read; 1 if all is well. */

static int
sim_air_readable(struct sim_request *r, const struct sim_air_route *route,
    struct sim_answer *answer)
{
    if (route->input == SIM_AIR_QUERY) {
        return 1;
    }

    if (strncasecmp(r->entry.content_type, "application/json", 16) != 0) {
        sim_air_refuse(answer, 422, "INVALID_REQUEST_MISSING_FIELDS",
                       "Could not find field \"fields\" in the request body");
        return 0;
    }

    if (!cJSON_IsObject(r->json)) {
        sim_air_refuse(answer, 400, NULL, "Could not parse request body");
        return 0;
    }

    return 1;
}


/* Finds base and table; 1 if they are there. */

static int
sim_air_exists(struct sim_air_call *c, const struct sim_air_route *route)
{
    const char  *id;

    if (route->base == 0) {
        return 1;
    }

    id = c->r->segment[route->base];

    if (!sim_air_base_formed(id)) {
        sim_air_refuse(c->answer, 404, NULL, "%s", "");
        return 0;
    }

    c->base = sim_air_base_find(id);

    if (c->base != NULL && route->table > 0) {
        c->table = sim_air_table_find(c->base, c->r->segment[route->table]);
    }

    if (c->base == NULL || (route->table > 0 && c->table == NULL)) {
        sim_air_refuse_model(c->answer);
        return 0;
    }

    return 1;
}


static void
sim_air_perform(struct sim_request *r, const struct sim_verdict *verdict,
    struct sim_answer *answer)
{
    const struct sim_air_route  *route = r->route;
    struct sim_air_call          call = { r, answer, NULL, NULL, r->json };

    (void) verdict;

    if (!sim_air_admit(r, route, answer)
        || !sim_air_readable(r, route, answer))
    {
        return;
    }

    answer->code = 200;
    answer->type = "application/json; charset=utf-8";

    sim_lock();

    if (sim_air_exists(&call, route)) {
        route->answer(&call);
    }

    sim_unlock();
}


const struct sim_provider  sim_airtable = {
    "airtable", "/v0/", sim_air_identify, sim_air_perform, sim_air_error
};
