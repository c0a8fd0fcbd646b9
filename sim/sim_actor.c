/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The table of actors; constant after sim_actors_init(). */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_actor.h"
#include "sim_conf.h"
#include "sim_id.h"
#include "sim_world.h"

#define SIM_ACTORS_MAX  (SIM_LIST_OPTIONS + 2)


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
    char              *name, *colon;
    enum sim_dialect   dialect;

    name = sim_strdup(option);
    colon = strrchr(name, ':');

    if (colon != NULL && strcmp(colon, ":source") == 0) {
        dialect = SIM_SOURCE_ITEMS;

    } else if (colon != NULL && strcmp(colon, ":plain") == 0) {
        dialect = SIM_PLAIN_ITEMS;

    } else {
        (void) fprintf(stderr, "igjobs-sim: --actor takes NAME:source or "
                       "NAME:plain, not \"%s\"\n", option);
        exit(2);
    }

    *colon = '\0';
    sim_actor_add(name, dialect);
}


void
sim_actors_init(void)
{
    int  i;

    sim_actor_add(sim_strdup("igjobs~followers"), SIM_PLAIN_ITEMS);
    sim_actor_add(sim_strdup("igjobs~followers-with-source"),
                  SIM_SOURCE_ITEMS);

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
