/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The table of actors; constant after sim_actors_init(). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_actor.h"
#include "sim_conf.h"
#include "sim_id.h"
#include "sim_world.h"

#define SIM_ACTORS_MAX  (SIM_LIST_OPTIONS + 5)


static const struct sim_input  sim_inputs[SIM_DIALECTS] = {
    { "usernames", "max_count", "resultsLimit", NULL },
    { "usernames", "max_count", "resultsLimit", NULL },
    { "usernames", "numFollowers", NULL, NULL },
    { "user_names", "maxFollowers", NULL, "getFollowers" }
};

static const char *const  sim_dialects[SIM_DIALECTS] = {
    "plain", "source", "tiktok", "x"
};

static struct sim_actor  sim_actors[SIM_ACTORS_MAX];
static int               sim_actors_n;


/* name becomes the table's. */

static void
sim_actor_add(char *name, enum sim_dialect dialect)
{
    struct sim_actor  *actor;

    actor = &sim_actors[sim_actors_n++];

    actor->name = name;
    actor->dialect = dialect;
    sim_id_write(actor->id, SIM_ID_ACTOR, sim_fnv(name) & 0xffffffff);
}


static void
sim_actor_option(const char *option)
{
    int    dialect;
    char  *name, *colon;

    name = sim_strdup(option);
    colon = strrchr(name, ':');

    for (dialect = 0; colon != NULL && dialect < SIM_DIALECTS; dialect++) {
        if (strcmp(colon + 1, sim_dialects[dialect]) == 0) {
            *colon = '\0';
            sim_actor_add(name, (enum sim_dialect) dialect);
            return;
        }
    }

    (void) fprintf(stderr, "igjobs-sim: --actor takes NAME:source, NAME:plain, "
                   "NAME:tiktok or NAME:x, not \"%s\"\n", option);
    exit(2);
}


void
sim_actors_init(void)
{
    int  i;

    sim_actor_add(sim_strdup("igjobs~followers"), SIM_PLAIN_ITEMS);
    sim_actor_add(sim_strdup("igjobs~followers-with-source"),
                  SIM_SOURCE_ITEMS);
    sim_actor_add(sim_strdup("igjobs~tiktok-followers"), SIM_TIKTOK_ITEMS);
    sim_actor_add(sim_strdup("igjobs~threads-followers"), SIM_PLAIN_ITEMS);
    sim_actor_add(sim_strdup("igjobs~x-followers"), SIM_X_ITEMS);

    for (i = 0; i < sim_conf.actors.n; i++) {
        sim_actor_option(sim_conf.actors.value[i]);
    }
}


void
sim_actors_free(void)
{
    while (sim_actors_n > 0) {
        free(sim_actors[--sim_actors_n].name);
    }
}


const struct sim_input *
sim_actor_input(const struct sim_actor *actor)
{
    return &sim_inputs[actor != NULL ? actor->dialect : SIM_PLAIN_ITEMS];
}


const struct sim_actor *
sim_actor_find(const char *reference)
{
    int  i;

    for (i = 0; i < sim_actors_n; i++) {
        if (strcmp(reference, sim_actors[i].name) == 0
            || strcmp(reference, sim_actors[i].id) == 0)
        {
            return &sim_actors[i];
        }
    }

    return NULL;
}
