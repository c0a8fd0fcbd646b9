/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Accounts of a run; at most a few dozen, so that a walk is a lookup. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "igj_sources.h"


static int igj_sources_find(const igj_sources_t *s, const char *name);
static igj_source_state_t igj_sources_state(const cJSON *outcomes,
    const char *name);
static const char *igj_sources_word(const igj_sources_t *s, int i,
    igj_source_state_t state, int64_t max_count);
static bool igj_sources_done(const igj_sources_t *s, int i,
    int64_t max_count);


static const char *const  igj_source_words[] = {
    [IGJ_SOURCE_SILENT] = "empty",
    [IGJ_SOURCE_PARTIAL] = "partial",
    [IGJ_SOURCE_EMPTY] = "empty",
    [IGJ_SOURCE_BLOCKED] = "blocked",
    [IGJ_SOURCE_PRIVATE] = "private",
    [IGJ_SOURCE_NOT_FOUND] = "not_found",
    [IGJ_SOURCE_OK] = "ok",
    [IGJ_SOURCE_FAILED] = "failed",
    [IGJ_SOURCE_REJECTED] = "rejected"
};


int
igj_sources_init(igj_sources_t *s, const char *accounts,
    const cJSON *outcomes)
{
    int      i;
    char    *at;
    size_t   n;

    memset(s, 0, sizeof(igj_sources_t));
    s->last = -1;
    s->text = strdup(accounts);

    n = 1;
    for (at = s->text; at != NULL && *at != '\0'; at++) {
        n += (*at == '\n');
    }

    s->names = calloc(n, sizeof(char *));
    s->states = calloc(n, sizeof(igj_source_state_t));
    s->counts = calloc(n, sizeof(int64_t));

    if (s->text == NULL || s->names == NULL || s->states == NULL
        || s->counts == NULL)
    {
        igj_sources_free(s);
        return IGJ_ERROR;
    }

    for (at = s->text; at != NULL; /* void */ ) {
        s->names[s->n++] = strsep(&at, "\n");
    }

    for (i = 0; i < s->n; i++) {
        s->states[i] = igj_sources_state(outcomes, s->names[i]);
        s->named |= (s->states[i] != IGJ_SOURCE_SILENT);
    }

    return IGJ_OK;
}


static igj_source_state_t
igj_sources_state(const cJSON *outcomes, const char *name)
{
    size_t       i;
    const char  *word;

    word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(outcomes,
                                                                 name));

    if (word != NULL
        && (strcmp(word, "full") == 0 || strcmp(word, "whole") == 0))
    {
        return IGJ_SOURCE_OK;
    }

    for (i = IGJ_SOURCE_PARTIAL; word != NULL && i <= IGJ_SOURCE_REJECTED; i++)
    {
        if (strcmp(igj_source_words[i], word) == 0) {
            return (igj_source_state_t) i;
        }
    }

    return IGJ_SOURCE_SILENT;
}


void
igj_sources_free(igj_sources_t *s)
{
    free(s->text);
    free(s->names);
    free(s->states);
    free(s->counts);
    memset(s, 0, sizeof(igj_sources_t));
}


/* The newest name is tried first: items come account by account. */

static int
igj_sources_find(const igj_sources_t *s, const char *name)
{
    int  i;

    if (name[0] == '\0') {
        return s->n == 1 ? 0 : -1;
    }

    if (s->last >= 0 && strcasecmp(s->names[s->last], name) == 0) {
        return s->last;
    }

    for (i = 0; i < s->n; i++) {
        if (strcasecmp(s->names[i], name) == 0) {
            return i;
        }
    }

    return -1;
}


const char *
igj_sources_profile(igj_sources_t *s, const char *name)
{
    int  i;

    s->data = true;
    i = igj_sources_find(s, name);

    if (i < 0) {
        return NULL;
    }

    s->named = true;
    s->last = i;
    s->counts[i]++;

    return s->names[i];
}


bool
igj_sources_takes(igj_sources_t *s, const char *name, int64_t max,
    const char **source)
{
    int  i;

    i = igj_sources_find(s, name);

    if (i < 0 ? name[0] != '\0' : max > 0 && s->counts[i] >= max) {
        return false;
    }

    *source = igj_sources_profile(s, name);

    return true;
}


void
igj_sources_fault(igj_sources_t *s, const char *name,
    igj_source_state_t state)
{
    int  i;

    i = igj_sources_find(s, name);

    if (i < 0) {
        if (s->unnamed == IGJ_SOURCE_SILENT || s->unnamed > state) {
            s->unnamed = state;
        }
        return;
    }

    /* profiles count for more than a fault beside them */

    if (s->counts[i] == 0 && s->states[i] < state) {
        s->named = true;
        s->states[i] = state;
    }
}


void
igj_sources_give_up(igj_sources_t *s, int64_t max_count,
    igj_source_state_t end)
{
    int  i;

    for (i = 0; i < s->n; i++) {
        if (!s->named || !igj_sources_done(s, i, max_count)) {
            s->states[i] = end;
        }
    }
}


bool
igj_sources_barren(const igj_sources_t *s)
{
    int   i;
    bool  fault;

    fault = (s->unnamed != IGJ_SOURCE_SILENT);

    for (i = 0; i < s->n; i++) {
        if (s->counts[i] > 0 || s->states[i] == IGJ_SOURCE_PARTIAL
            || s->states[i] > IGJ_SOURCE_BLOCKED)
        {
            return false;
        }
        fault |= (s->states[i] != IGJ_SOURCE_SILENT);
    }

    return fault && !s->data && s->unnamed <= IGJ_SOURCE_BLOCKED;
}


static bool
igj_sources_done(const igj_sources_t *s, int i, int64_t max_count)
{
    if (s->states[i] > IGJ_SOURCE_PARTIAL) {
        return true;
    }

    if (s->counts[i] >= max_count) {
        return true;
    }

    return i != s->last
           && (s->counts[i] > 0 || s->states[i] == IGJ_SOURCE_PARTIAL);
}


char *
igj_sources_missing(const igj_sources_t *s, int64_t max_count, int *n,
    bool *failed)
{
    int     i;
    char   *out, *at;

    *n = 0;
    *failed = false;
    out = malloc(1 + strlen(s->names[s->n - 1])
                 + (size_t) (s->names[s->n - 1] - s->text));

    if (out == NULL) {
        *failed = true;
        return NULL;
    }

    at = out;

    for (i = 0; i < s->n; i++) {
        if (s->named && igj_sources_done(s, i, max_count)) {
            continue;
        }

        if (at != out) {
            *at++ = '\n';
        }

        at = stpcpy(at, s->names[i]);
        (*n)++;
    }

    if (*n == 0) {
        free(out);
        return NULL;
    }

    return out;
}


cJSON *
igj_sources_partial(igj_sources_t *s)
{
    int     i;
    cJSON  *out;

    out = cJSON_CreateObject();

    for (i = 0; i < s->n; i++) {
        if (s->counts[i] > 0 && s->states[i] < IGJ_SOURCE_PARTIAL) {
            s->states[i] = IGJ_SOURCE_PARTIAL;
            cJSON_AddStringToObject(out, s->names[i],
                                    igj_source_words[IGJ_SOURCE_PARTIAL]);
        }
    }

    if (out != NULL && out->child == NULL) {
        cJSON_Delete(out);
        return NULL;
    }

    return out;
}


cJSON *
igj_sources_final(igj_sources_t *s, int64_t max_count, bool only_done,
    int *given_up)
{
    int                  i;
    cJSON               *out;
    igj_source_state_t   state;

    *given_up = 0;
    out = cJSON_CreateObject();

    for (i = 0; i < s->n; i++) {
        if (only_done && !(s->named && igj_sources_done(s, i, max_count))) {
            continue;
        }

        state = s->states[i];

        if (state < IGJ_SOURCE_FAILED
            && (s->counts[i] > 0 || state == IGJ_SOURCE_PARTIAL
                || (state == IGJ_SOURCE_SILENT && s->data && !s->named)))
        {
            state = IGJ_SOURCE_OK;

        } else if (state == IGJ_SOURCE_SILENT && !s->data) {
            state = s->unnamed;
        }

        *given_up += (state == IGJ_SOURCE_BLOCKED
                      || state >= IGJ_SOURCE_FAILED);
        cJSON_AddStringToObject(out, s->names[i],
                                igj_sources_word(s, i, state, max_count));
    }

    return out;
}


/* Of an account whose items are known to be its own and to be all, the word
 * says whether there are more. */

static const char *
igj_sources_word(const igj_sources_t *s, int i, igj_source_state_t state,
    int64_t max_count)
{
    if (state != IGJ_SOURCE_OK || !s->counted || s->counts[i] == 0) {
        return igj_source_words[state];
    }

    return s->counts[i] >= max_count ? "full" : "whole";
}
