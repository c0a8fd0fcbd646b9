/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* From an actor's input to the rows of its dataset. */

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "sim_conf.h"
#include "sim_plan.h"

#define SIM_ADDRESS  "instagram.com/"


const char  sim_plan_not_json[] = "Input is not a JSON object";


/* The bare name inside "@Name", "https://www.instagram.com/name/?x=y". */

static size_t
sim_plan_bare(const char **name)
{
    const char  *p;

    p = strstr(*name, SIM_ADDRESS);

    if (p != NULL) {
        *name = p + strlen(SIM_ADDRESS);
    }

    *name += **name == '@';

    return strcspn(*name, p != NULL ? "/?#" : "");
}


static const char *
sim_plan_names(struct sim_text *names, const cJSON *list)
{
    size_t        i, n;
    const char   *name;
    const cJSON  *element;

    cJSON_ArrayForEach(element, list) {
        name = cJSON_GetStringValue(element);

        if (name == NULL) {
            return "Input is not valid: items in input.usernames must be "
                   "strings";
        }

        n = sim_plan_bare(&name);

        if (n == 0 || n > SIM_NAME_MAX) {
            return "Input is not valid: items in input.usernames must have "
                   "1 to 200 bytes";
        }

        sim_text_room(names, n + 1);

        for (i = 0; i < n; i++) {
            names->data[names->len++] = (char) tolower((unsigned char) name[i]);
        }

        names->data[names->len++] = '\0';
    }

    return NULL;
}


/* Appends each name once more as JSON text. */

static void
sim_plan_quote(struct sim_text *names, uint32_t n)
{
    size_t    at;
    uint32_t  i;

    /* sim_text_json() may move the text while it reads it, so room first */

    sim_text_room(names, names->len * 6 + (size_t) n * 3 + 16);

    for (at = 0, i = 0; i < n; i++) {
        sim_text_json(names, names->data + at);
        names->len++;
        at += strlen(names->data + at) + 1;
    }
}


static uint64_t
sim_plan_source_rows(const struct sim_account *account, uint64_t max_count)
{
    uint64_t  followers;

    if (account->kind != SIM_ACCOUNT_PLAIN
        && account->kind != SIM_ACCOUNT_OFFICIALS)
    {
        return 1;
    }

    followers = account->followers < max_count ? account->followers : max_count;

    if (followers == 0) {
        return 0;
    }

    return (followers - 1) * 100 / (100 - (uint64_t) sim_conf.duplicates) + 1;
}


static void
sim_plan_sources(struct sim_plan *plan, uint64_t max_count)
{
    uint32_t            i;
    const char         *name, *json;
    struct sim_source  *source;

    plan->source = sim_alloc(plan->accounts * sizeof(struct sim_source));

    for (json = plan->names, i = 0; i < plan->accounts; i++) {
        json += strlen(json) + 1;
    }

    for (name = plan->names, i = 0; i < plan->accounts; i++) {
        source = &plan->source[i];

        source->name = name;
        source->json = json;
        source->account = sim_world_account(name);
        source->first = plan->rows;
        source->rows = sim_plan_source_rows(&source->account, max_count);

        plan->rows += source->rows;
        plan->hash += sim_mix(sim_fnv(name));

        name += strlen(name) + 1;
        json += strlen(json) + 1;
    }
}


static const char *
sim_plan_max_count(const struct sim_input *names, const cJSON *input,
    uint64_t *max_count)
{
    double        n;
    const cJSON  *member;

    member = cJSON_GetObjectItemCaseSensitive(input, names->count);

    if (member == NULL && names->count_too != NULL) {
        member = cJSON_GetObjectItemCaseSensitive(input, names->count_too);
    }

    if (member == NULL) {
        *max_count = (uint64_t) sim_conf.default_max_count;
        return NULL;
    }

    n = cJSON_IsNumber(member) ? member->valuedouble : 0;

    if (!(n >= 1)) {
        return "Input is not valid: input.max_count must be >= 1";
    }

    *max_count = n < SIM_FOLLOWERS_MAX ? (uint64_t) n : SIM_FOLLOWERS_MAX;

    return NULL;
}


static void
sim_plan_marker(struct sim_plan *plan, const cJSON *input)
{
    const cJSON  *member;

    cJSON_ArrayForEach(member, input) {
        if (cJSON_IsString(member) && strcasestr(member->string, "token")) {
            (void) snprintf(plan->marker, sizeof(plan->marker), "%s",
                            member->valuestring);
            return;
        }
    }
}


static const char *
sim_plan_from(struct sim_plan *plan, const struct sim_input *shape,
    const cJSON *input)
{
    uint64_t          max_count;
    const char       *error;
    const cJSON      *list;
    struct sim_text   names = { 0 };

    list = cJSON_GetObjectItemCaseSensitive(input, shape->usernames);

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
        return shape->wanted == NULL
               ? "Input is not valid: Field input.usernames is required"
               : "Input is not valid: Field input.user_names is required";
    }

    if (shape->wanted != NULL
        && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(input,
                                                          shape->wanted)))
    {
        return "Input is not valid: nothing is wanted";
    }

    error = sim_plan_max_count(shape, input, &max_count);

    if (error == NULL) {
        error = sim_plan_names(&names, list);
    }

    if (error != NULL) {
        sim_text_free(&names);
        return error;
    }

    plan->accounts = (uint32_t) cJSON_GetArraySize(list);
    sim_plan_quote(&names, plan->accounts);
    plan->names = names.data;

    sim_plan_sources(plan, max_count);
    sim_plan_marker(plan, input);

    return NULL;
}


const char *
sim_plan_read(struct sim_plan *plan, const struct sim_actor *actor,
    const char *input, size_t n)
{
    cJSON       *json;
    const char  *error;

    memset(plan, 0, sizeof(struct sim_plan));

    json = cJSON_ParseWithLength(input, n);

    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        return sim_plan_not_json;
    }

    error = sim_plan_from(plan, sim_actor_input(actor), json);
    cJSON_Delete(json);

    return error;
}


uint64_t
sim_plan_rows_of(const struct sim_plan *plan, uint64_t accounts)
{
    return accounts < plan->accounts ? plan->source[accounts].first
                                     : plan->rows;
}


struct sim_row
sim_plan_row(const struct sim_plan *plan, uint64_t row)
{
    uint32_t                  low, high, middle;
    uint64_t                  q, d, original;
    struct sim_row            found;
    const struct sim_source  *source;

    low = 0;
    high = plan->accounts - 1;

    while (low < high) {
        middle = low + (high - low + 1) / 2;

        if (plan->source[middle].first <= row) {
            low = middle;

        } else {
            high = middle - 1;
        }
    }

    source = &plan->source[low];
    q = row - source->first;
    d = (uint64_t) sim_conf.duplicates;
    original = q - q * d / 100;

    if ((q + 1) * d / 100 > q * d / 100) {
        original = sim_mix(source->account.key ^ q) % original;
    }

    found.source = source;
    found.follower = original;

    return found;
}


int
sim_plan_has(const struct sim_plan *plan, const char *pattern)
{
    uint32_t  i;

    for (i = 0; i < plan->accounts; i++) {
        if (fnmatch(pattern, plan->source[i].name, 0) == 0) {
            return 1;
        }
    }

    return 0;
}


void
sim_plan_free(struct sim_plan *plan)
{
    free(plan->source);
    free(plan->names);
    memset(plan, 0, sizeof(struct sim_plan));
}
