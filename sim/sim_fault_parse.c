/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Fault rules from JSON, by tables of their members. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "sim_fault.h"


enum sim_member_kind {
    SIM_M_INTEGER,
    SIM_M_NUMBER,
    SIM_M_FLAG,
    SIM_M_TEXT,
    SIM_M_WORD,                  /* one of words, stored as its index */
    SIM_M_GROUP                  /* an object; a scalar sets its first member */
};

struct sim_member {
    const char                *name;
    enum sim_member_kind       kind;
    size_t                     offset;   /* in sim_match or sim_action */
    const char *const         *words;
    const struct sim_member   *group;
};

#define SIM_END  { NULL, SIM_M_FLAG, 0, NULL, NULL }

#define M(name, kind)                                                         \
    { #name, kind, offsetof(struct sim_match, name), NULL, NULL }
#define A(name, kind)                                                         \
    { #name, kind, offsetof(struct sim_action, name), NULL, NULL }
#define G(group, name, kind)                                                  \
    { #name, kind, offsetof(struct sim_action, group.name), NULL, NULL }
#define GW(group, name, words)                                                \
    { #name, SIM_M_WORD, offsetof(struct sim_action, group.name), words, NULL }
#define GROUP(name)                                                           \
    { #name, SIM_M_GROUP, offsetof(struct sim_action, name), NULL,            \
      sim_members_##name }


static const char *const  sim_words_mutation[] = {
    "none", "type", "null", "duplicate", "unicode", "surrogate", "nul", "utf8",
    "huge", "deep", "number_id", "garbage", NULL
};

static const char *const  sim_words_error[] = {
    "", "", "private", "missing", "empty", "blocked", "broken", NULL
};

static const char *const  sim_words_end[] = {
    "", "", "", "", "SUCCEEDED", "FAILED", "TIMED-OUT", "ABORTED", NULL
};

static const char *const  sim_words_bad_gzip[] = {
    "", "crc", "plain", "cut", NULL
};


static const struct sim_member  sim_members_match[] = {
    M(provider, SIM_M_TEXT),
    M(op, SIM_M_TEXT),
    M(method, SIM_M_TEXT),
    M(path, SIM_M_TEXT),
    M(run, SIM_M_TEXT),
    M(account, SIM_M_TEXT),
    M(record, SIM_M_TEXT),
    M(nth, SIM_M_INTEGER),
    M(every, SIM_M_INTEGER),
    M(after, SIM_M_INTEGER),
    M(times, SIM_M_INTEGER),
    M(probability, SIM_M_NUMBER),
    M(offset_from, SIM_M_INTEGER),
    M(offset_to, SIM_M_INTEGER),
    SIM_END
};

static const struct sim_member  sim_members_status[] = {
    G(status, code, SIM_M_INTEGER),
    G(status, type, SIM_M_TEXT),
    G(status, message, SIM_M_TEXT),
    G(status, body, SIM_M_TEXT),
    G(status, content_type, SIM_M_TEXT),
    SIM_END
};

static const struct sim_member  sim_members_mutate_item[] = {
    GW(mutate_item, how, sim_words_mutation),
    G(mutate_item, every, SIM_M_INTEGER),
    G(mutate_item, from, SIM_M_INTEGER),
    G(mutate_item, to, SIM_M_INTEGER),
    G(mutate_item, bytes, SIM_M_INTEGER),
    SIM_END
};

static const struct sim_member  sim_members_error_item[] = {
    GW(error_item, kind, sim_words_error),
    G(error_item, every, SIM_M_INTEGER),
    G(error_item, from, SIM_M_INTEGER),
    G(error_item, to, SIM_M_INTEGER),
    SIM_END
};

static const struct sim_member  sim_members_fail_run[] = {
    GW(fail_run, status, sim_words_end),
    G(fail_run, after_accounts, SIM_M_INTEGER),
    G(fail_run, after_items, SIM_M_INTEGER),
    G(fail_run, message, SIM_M_TEXT),
    SIM_END
};

static const struct sim_member  sim_members_stay_running[] = {
    G(stay_running, ms, SIM_M_INTEGER),
    G(stay_running, status, SIM_M_TEXT),
    SIM_END
};

static const struct sim_member  sim_members_run_404[] = {
    G(run_404, calls, SIM_M_INTEGER),
    G(run_404, ms, SIM_M_INTEGER),
    SIM_END
};

static const struct sim_member  sim_members_limit[] = {
    G(limit, per_second, SIM_M_NUMBER),
    G(limit, burst, SIM_M_NUMBER),
    G(limit, concurrent_runs, SIM_M_INTEGER),
    G(limit, memory_mb, SIM_M_INTEGER),
    SIM_END
};

static const struct sim_member  sim_members_hang[] = {
    G(hang, ms, SIM_M_INTEGER),
    G(hang, at, SIM_M_INTEGER),
    SIM_END
};

static const struct sim_member  sim_members_rst[] = {
    G(rst, at, SIM_M_INTEGER),
    SIM_END
};

static const struct sim_member  sim_members_truncate_at[] = {
    G(truncate_at, bytes, SIM_M_INTEGER),
    G(truncate_at, clean, SIM_M_FLAG),
    G(truncate_at, body, SIM_M_FLAG),
    SIM_END
};

static const struct sim_member  sim_members_action[] = {
    GROUP(status),
    GROUP(mutate_item),
    GROUP(error_item),
    GROUP(fail_run),
    GROUP(stay_running),
    GROUP(run_404),
    GROUP(limit),
    GROUP(hang),
    GROUP(rst),
    GROUP(truncate_at),
    A(redirect, SIM_M_TEXT),
    A(raw, SIM_M_TEXT),
    A(drop_before, SIM_M_FLAG),
    A(drop_after, SIM_M_FLAG),
    A(twice, SIM_M_FLAG),
    A(no_length, SIM_M_FLAG),
    A(drip, SIM_M_INTEGER),
    A(delay_ms, SIM_M_INTEGER),
    A(lag_items, SIM_M_INTEGER),
    A(effect, SIM_M_FLAG),
    A(gzip, SIM_M_FLAG),
    { "bad_gzip", SIM_M_WORD, offsetof(struct sim_action, bad_gzip),
      sim_words_bad_gzip, NULL },
    SIM_END
};


static int sim_member_parse(void *base, const cJSON *json,
    const struct sim_member *member, struct sim_text *error);
static int sim_members_parse(void *base, const cJSON *json,
    const struct sim_member *members, struct sim_text *error);


static int
sim_wrong(struct sim_text *error, const char *name, const char *expected)
{
    sim_text_printf(error, "\"%s\" must be %s", name, expected);
    return 0;
}


static int
sim_member_word(int64_t *target, const cJSON *json,
    const struct sim_member *member, struct sim_text *error)
{
    int          i;
    const char  *word;

    word = cJSON_GetStringValue(json);

    for (i = 0; word != NULL && member->words[i] != NULL; i++) {
        if (*word != '\0' && strcmp(word, member->words[i]) == 0) {
            *target = i;
            return 1;
        }
    }

    sim_text_printf(error, "\"%s\" must be one of", member->name);

    for (i = 0; member->words[i] != NULL; i++) {
        if (member->words[i][0] != '\0') {
            sim_text_printf(error, " %s", member->words[i]);
        }
    }

    return 0;
}


/* An object, or a scalar for its first member; true only switches it on. */

static int
sim_member_group(void *base, const cJSON *json,
    const struct sim_member *member, struct sim_text *error)
{
    *(int64_t *) ((char *) base + member->offset) = !cJSON_IsFalse(json);

    if (cJSON_IsObject(json)) {
        return sim_members_parse(base, json, member->group, error);
    }

    if (cJSON_IsBool(json)) {
        return 1;
    }

    return sim_member_parse(base, json, &member->group[0], error);
}


static int
sim_member_parse(void *base, const cJSON *json,
    const struct sim_member *member, struct sim_text *error)
{
    void   *target;
    char  **text;

    target = (char *) base + member->offset;

    switch (member->kind) {

    case SIM_M_GROUP:
        return sim_member_group(base, json, member, error);

    case SIM_M_WORD:
        return sim_member_word(target, json, member, error);

    case SIM_M_TEXT:
        if (!cJSON_IsString(json)) {
            return sim_wrong(error, member->name, "a string");
        }

        text = target;
        free(*text);
        *text = sim_strdup(json->valuestring);
        return 1;

    case SIM_M_FLAG:
        if (!cJSON_IsBool(json)) {
            return sim_wrong(error, member->name, "true or false");
        }

        *(int64_t *) target = cJSON_IsTrue(json);
        return 1;

    default:
        break;
    }

    if (!cJSON_IsNumber(json)
        || !(json->valuedouble >= 0 && json->valuedouble < 1e15))
    {
        return sim_wrong(error, member->name, "a number, 0 or more");
    }

    if (member->kind == SIM_M_NUMBER) {
        *(double *) target = json->valuedouble;

    } else {
        *(int64_t *) target = (int64_t) json->valuedouble;
    }

    return 1;
}


static int
sim_members_parse(void *base, const cJSON *json,
    const struct sim_member *members, struct sim_text *error)
{
    const cJSON              *element;
    const struct sim_member  *member;

    cJSON_ArrayForEach(element, json) {
        for (member = members; member->name != NULL; member++) {
            if (strcmp(member->name, element->string) == 0) {
                break;
            }
        }

        if (member->name == NULL) {
            sim_text_printf(error, "unknown member \"%s\"", element->string);
            return 0;
        }

        if (!sim_member_parse(base, element, member, error)) {
            return 0;
        }
    }

    return 1;
}


static void
sim_members_free(void *base, const struct sim_member *members)
{
    const struct sim_member  *member;

    for (member = members; member->name != NULL; member++) {
        if (member->kind == SIM_M_GROUP) {
            sim_members_free(base, member->group);

        } else if (member->kind == SIM_M_TEXT) {
            free(*(char **) ((char *) base + member->offset));
        }
    }
}


static void
sim_rule_defaults(struct sim_rule *rule)
{
    struct sim_match   *m = &rule->match;
    struct sim_action  *a = &rule->action;

    m->probability = -1;
    m->offset_from = -1;
    m->offset_to = -1;

    a->status.code = 500;
    a->mutate_item.every = 1;
    a->mutate_item.to = -1;
    a->mutate_item.bytes = 10 * 1024 * 1024;
    a->error_item.kind = SIM_ACCOUNT_BLOCKED;
    a->error_item.every = 1;
    a->error_item.to = -1;
    a->fail_run.status = SIM_FAILED;
    a->fail_run.after_accounts = -1;
    a->fail_run.after_items = -1;
    a->stay_running.ms = SIM_NEVER;
    a->hang.ms = 60000;
    a->hang.at = -1;
    a->effect = -1;
}


static int
sim_rule_headers(struct sim_action *action, const cJSON *json,
    struct sim_text *error)
{
    const cJSON        *element;
    struct sim_header  *header;

    cJSON_ArrayForEach(element, json) {
        if (!cJSON_IsString(element) || element->string == NULL) {
            return sim_wrong(error, "headers", "an object of strings");
        }

        if (action->headers == SIM_HEADERS_MAX) {
            return sim_wrong(error, "headers", "16 at most");
        }

        header = &action->header[action->headers++];
        header->name = sim_strdup(element->string);
        header->value = sim_strdup(element->valuestring);
    }

    return 1;
}


static int
sim_rule_action(struct sim_rule *rule, const cJSON *json,
    struct sim_text *error)
{
    int     ok;
    cJSON  *action, *headers;

    if (!cJSON_IsObject(json)) {
        return sim_wrong(error, "action", "an object");
    }

    action = cJSON_Duplicate(json, 1);
    headers = cJSON_DetachItemFromObjectCaseSensitive(action, "headers");

    ok = sim_rule_headers(&rule->action, headers, error)
         && sim_members_parse(&rule->action, action, sim_members_action,
                              error);

    cJSON_Delete(headers);
    cJSON_Delete(action);

    return ok;
}


static int
sim_rule_read(struct sim_rule *rule, const cJSON *json, struct sim_text *error)
{
    int           action;
    const cJSON  *element;

    action = 0;

    cJSON_ArrayForEach(element, json) {
        if (strcasecmp(element->string, "name") == 0
            && cJSON_IsString(element))
        {
            free(rule->name);
            rule->name = sim_strdup(element->valuestring);

        } else if (strcmp(element->string, "match") == 0
                   && cJSON_IsObject(element))
        {
            if (!sim_members_parse(&rule->match, element, sim_members_match,
                                   error))
            {
                return 0;
            }

        } else if (strcmp(element->string, "action") == 0) {
            action = 1;

            if (!sim_rule_action(rule, element, error)) {
                return 0;
            }

        } else {
            sim_text_printf(error, "a rule has name (text), match and action "
                            "(objects), not this \"%s\"", element->string);
            return 0;
        }
    }

    if (rule->action.status.code < 200 || rule->action.status.code > 999) {
        return sim_wrong(error, "code", "a number from 200 to 999");
    }

    return action ? 1 : sim_wrong(error, "action", "there");
}


struct sim_rule *
sim_rule_parse(const cJSON *json, struct sim_text *error)
{
    struct sim_rule  *rule;

    if (!cJSON_IsObject(json)) {
        sim_text_puts(error, "a rule must be an object");
        return NULL;
    }

    rule = sim_alloc(sizeof(struct sim_rule));
    rule->refs = 1;
    sim_rule_defaults(rule);

    if (!sim_rule_read(rule, json, error)) {
        sim_rule_free(rule);
        return NULL;
    }

    rule->json = cJSON_PrintUnformatted(json);
    rule->salt = sim_fnv(rule->json);
    rule->bucket = rule->action.limit.burst > 0
                   ? rule->action.limit.burst : rule->action.limit.per_second;
    rule->filled = sim_clock_unix();

    return rule;
}


void
sim_rule_free(struct sim_rule *rule)
{
    int  i;

    sim_members_free(&rule->match, sim_members_match);
    sim_members_free(&rule->action, sim_members_action);

    for (i = 0; i < rule->action.headers; i++) {
        free(rule->action.header[i].name);
        free(rule->action.header[i].value);
    }

    cJSON_free(rule->json);
    free(rule->name);
    free(rule);
}
