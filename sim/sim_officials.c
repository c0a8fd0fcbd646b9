/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Reads the followers of public_officials, a few hundred lines, at start. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "sim_conf.h"
#include "sim_officials.h"
#include "sim_world.h"

#define SIM_OFFICIALS_FILE  "data/public-officials.jsonl"
#define SIM_OFFICIAL_MAX    1500     /* bytes of one as JSON */


static struct sim_official  *sim_officials;
static uint32_t              sim_officials_n;


/* The member as JSON text, or other as it is. */

static char *
sim_official_member(const cJSON *line, const char *name, const char *other)
{
    const char        *value;
    struct sim_text    text = { 0 };

    value = cJSON_GetStringValue(cJSON_GetObjectItem(line, name));
    sim_text_json(&text, value != NULL ? value : other);

    return text.data;
}


static void __attribute__((noreturn))
sim_official_wrong(const char *file, const char *what)
{
    (void) fprintf(stderr, "igjobs-sim: %s: line %u: %s\n", file,
                   (unsigned) sim_officials_n + 1, what);
    exit(1);
}


static void
sim_official_add(const char *file, const char *text)
{
    cJSON                *line;
    const char           *username;
    struct sim_official  *o;

    line = cJSON_Parse(text);
    username = cJSON_GetStringValue(cJSON_GetObjectItem(line, "username"));

    if (username == NULL) {
        sim_official_wrong(file, "no user name");
    }

    sim_officials = sim_realloc(sim_officials, (sim_officials_n + 1)
                                               * sizeof(struct sim_official));
    o = &sim_officials[sim_officials_n];

    o->id = sim_official_member(line, "id", username);
    o->username = sim_official_member(line, "username", username);
    o->full_name = sim_official_member(line, "full_name", "");
    o->gender = sim_official_member(line, "gender", "unknown");

    if (strlen(o->id) + strlen(o->username) + strlen(o->full_name)
        + strlen(o->gender) > SIM_OFFICIAL_MAX)
    {
        sim_official_wrong(file, "too long");
    }

    sim_officials_n++;
    cJSON_Delete(line);
}


void
sim_officials_load(void)
{
    FILE        *f;
    char        *line;
    size_t       size;
    const char  *file;

    file = sim_conf.officials != NULL ? sim_conf.officials : SIM_OFFICIALS_FILE;
    f = fopen(file, "re");

    if (f == NULL) {
        if (sim_conf.officials == NULL) {
            return;
        }

        (void) fprintf(stderr, "igjobs-sim: %s: %s\n", file, strerror(errno));
        exit(1);
    }

    line = NULL;
    size = 0;

    while (getline(&line, &size, f) > 0) {
        sim_official_add(file, line);
    }

    free(line);
    (void) fclose(f);
}


void
sim_officials_free(void)
{
    uint32_t  i;

    for (i = 0; i < sim_officials_n; i++) {
        free(sim_officials[i].id);
        free(sim_officials[i].username);
        free(sim_officials[i].full_name);
        free(sim_officials[i].gender);
    }

    free(sim_officials);
    sim_officials = NULL;
    sim_officials_n = 0;
}


uint32_t
sim_world_officials(void)
{
    return sim_officials_n;
}


const struct sim_official *
sim_world_official(uint32_t k)
{
    return &sim_officials[k];
}
