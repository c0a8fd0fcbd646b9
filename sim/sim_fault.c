/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The list of fault rules and which of them fires. */

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "sim_conf.h"
#include "sim_fault.h"


static struct sim_rule  *sim_rules[SIM_RULES_MAX];
static int               sim_rules_n;
static uint32_t          sim_rules_named;    /* number of the last "rule N" */


void
sim_rule_release(struct sim_rule *rule)
{
    if (rule != NULL && --rule->refs == 0) {
        sim_rule_free(rule);
    }
}


static int
sim_faults_append(struct sim_rule **rules, int n, struct sim_text *error)
{
    int              i;
    struct sim_text  name = { 0 };

    sim_lock();

    if (sim_rules_n + n > SIM_RULES_MAX) {
        sim_unlock();
        sim_text_printf(error, "more than %d rules", SIM_RULES_MAX);
        return -1;
    }

    for (i = 0; i < n; i++) {
        sim_rules_named++;

        if (rules[i]->name == NULL) {
            sim_text_printf(&name, "rule %u", sim_rules_named);
            rules[i]->name = name.data;
            memset(&name, 0, sizeof(name));
        }

        sim_rules[sim_rules_n++] = rules[i];
    }

    sim_unlock();

    return n;
}


static int
sim_faults_add_json(const cJSON *json, struct sim_text *error)
{
    int               n, added;
    const cJSON      *element;
    struct sim_rule  *rules[SIM_RULES_MAX];

    n = 0;
    added = 0;
    element = cJSON_IsArray(json) ? json->child : json;

    for ( /* void */ ; element != NULL; element = element->next) {
        if (n == SIM_RULES_MAX) {
            sim_text_printf(error, "more than %d rules", SIM_RULES_MAX);
            added = -1;
            break;
        }

        rules[n] = sim_rule_parse(element, error);

        if (rules[n] == NULL) {
            added = -1;
            break;
        }

        n++;
    }

    if (added == 0) {
        added = sim_faults_append(rules, n, error);
    }

    while (added < 0 && n > 0) {
        sim_rule_free(rules[--n]);
    }

    return added;
}


int
sim_faults_add(const char *text, size_t n, struct sim_text *error)
{
    int     added;
    cJSON  *json;

    json = cJSON_ParseWithLength(text, n);

    if (json == NULL) {
        sim_text_puts(error, "not valid JSON");
        return -1;
    }

    added = sim_faults_add_json(json, error);
    cJSON_Delete(json);

    return added;
}


void
sim_faults_clear(void)
{
    int               i, n;
    struct sim_rule  *rules[SIM_RULES_MAX];

    sim_lock();
    n = sim_rules_n;
    memcpy(rules, sim_rules, (size_t) n * sizeof(rules[0]));
    sim_rules_n = 0;
    sim_unlock();

    for (i = 0; i < n; i++) {
        sim_rule_release(rules[i]);
    }
}


void
sim_faults_list(struct sim_text *out)
{
    int                     i;
    const struct sim_rule  *rule;

    sim_text_puts(out, "[");
    sim_lock();

    for (i = 0; i < sim_rules_n; i++) {
        rule = sim_rules[i];

        sim_text_puts(out, i > 0 ? ",\n{\"name\":" : "{\"name\":");
        sim_text_json(out, rule->name);
        sim_text_printf(out, ",\"seen\":%llu,\"fired\":%llu,\"rule\":%s}",
                        (unsigned long long) rule->seen,
                        (unsigned long long) rule->fired, rule->json);
    }

    sim_unlock();
    sim_text_puts(out, "]\n");
}


int
sim_faults_any(void)
{
    int  n;

    sim_lock();
    n = sim_rules_n;
    sim_unlock();

    return n > 0;
}


static int
sim_fault_same(const char *wanted, const char *given)
{
    return wanted == NULL || (given != NULL && strcmp(wanted, given) == 0);
}


/* Whether some text in it, however deep, matches the pattern. */

static int
sim_fault_text(const cJSON *json, const char *pattern)
{
    const cJSON  *element;

    if (cJSON_IsString(json)) {
        return fnmatch(pattern, json->valuestring, 0) == 0;
    }

    cJSON_ArrayForEach(element, json) {
        if (sim_fault_text(element, pattern)) {
            return 1;
        }
    }

    return 0;
}


/* The records of a write: all of them, or the fields of one. */

static int
sim_fault_record(const struct sim_ask *ask, const char *pattern)
{
    return sim_fault_text(cJSON_GetObjectItemCaseSensitive(ask->json,
                                                           "records"),
                          pattern)
           || sim_fault_text(cJSON_GetObjectItemCaseSensitive(ask->json,
                                                              "fields"),
                             pattern);
}


/* Everything in a match but the counting. */

static int
sim_fault_concerns(const struct sim_match *match, const struct sim_ask *ask)
{
    if (!sim_fault_same(match->provider, ask->provider)
        || !sim_fault_same(match->op, ask->op)
        || !sim_fault_same(match->run, ask->run)
        || (match->method != NULL
            && strcasecmp(match->method, ask->method) != 0)
        || (match->path != NULL && fnmatch(match->path, ask->path, 0) != 0))
    {
        return 0;
    }

    if (match->offset_from >= 0 && ask->offset < match->offset_from) {
        return 0;
    }

    if (match->offset_to >= 0
        && (ask->offset < 0 || ask->offset > match->offset_to))
    {
        return 0;
    }

    if (match->record != NULL && !sim_fault_record(ask, match->record)) {
        return 0;
    }

    return match->account == NULL
           || (ask->plan != NULL && sim_plan_has(ask->plan, match->account));
}


/* Takes a token from the rule's bucket; 0 if there is none. */

static int
sim_fault_token(struct sim_rule *rule)
{
    double   size;
    int64_t  now;

    now = sim_clock_unix();
    size = rule->action.limit.burst > 0 ? rule->action.limit.burst
                                        : rule->action.limit.per_second;

    rule->bucket += (double) (now - rule->filled) / 1000
                    * rule->action.limit.per_second;
    rule->filled = now;

    if (rule->bucket > size) {
        rule->bucket = size;
    }

    if (rule->bucket < 1) {
        return 0;
    }

    rule->bucket -= 1;

    return 1;
}


/* The counting: whether the rule, which concerns the request, fires now. */

static int
sim_fault_fires(struct sim_rule *rule)
{
    uint64_t                 n;
    const struct sim_match  *m = &rule->match;

    n = ++rule->seen;

    if (n <= (uint64_t) m->after
        || (m->nth > 0 && n != (uint64_t) m->nth)
        || (m->every > 0 && n % (uint64_t) m->every != 0)
        || (m->times > 0 && rule->fired >= (uint64_t) m->times))
    {
        return 0;
    }

    if (m->probability >= 0
        && (double) (sim_mix(rule->salt ^ sim_mix((uint64_t) sim_conf.seed + n))
                     >> 11) * 0x1p-53 >= m->probability)
    {
        return 0;
    }

    return rule->action.limit.per_second <= 0 || !sim_fault_token(rule);
}


/* Limits on runs and memory, which do not end the search. */

static int
sim_fault_collect(const struct sim_rule *rule, struct sim_verdict *verdict)
{
    if (rule->action.limit.concurrent_runs > 0) {
        verdict->limit_runs = rule->action.limit.concurrent_runs;
    }

    if (rule->action.limit.memory_mb > 0) {
        verdict->limit_memory = rule->action.limit.memory_mb;
    }

    return rule->action.limit.concurrent_runs > 0
           || rule->action.limit.memory_mb > 0;
}


struct sim_verdict
sim_fault_ask(const struct sim_ask *ask)
{
    int                  i;
    struct sim_rule     *rule;
    struct sim_verdict   verdict = { NULL, 0, 0 };

    sim_lock();

    for (i = 0; i < sim_rules_n; i++) {
        rule = sim_rules[i];

        if (!sim_fault_concerns(&rule->match, ask) || !sim_fault_fires(rule)) {
            continue;
        }

        rule->fired++;

        if (!sim_fault_collect(rule, &verdict)) {
            rule->refs++;
            verdict.rule = rule;
            break;
        }
    }

    sim_unlock();

    return verdict;
}


int
sim_fault_meant(uint64_t i, int64_t every, int64_t from, int64_t to)
{
    if (i < (uint64_t) from || (to >= 0 && i > (uint64_t) to)) {
        return 0;
    }

    return every <= 1 || (i - (uint64_t) from) % (uint64_t) every == 0;
}
