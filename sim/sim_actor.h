/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The actors that can be run: two of our own and those of --actor. */

#ifndef SIM_ACTOR_H
#define SIM_ACTOR_H

#define SIM_ID_LENGTH  17        /* characters of an Apify id */

enum sim_dialect {
    SIM_PLAIN_ITEMS,             /* id, username, full_name, ... */
    SIM_SOURCE_ITEMS             /* sourceUsername, type, userId, ... */
};

struct sim_actor {
    char              *name;     /* owner~name */
    enum sim_dialect   dialect;
    char               id[SIM_ID_LENGTH + 1];
};

/* Reads --actor; a mistake in it ends the program (2). */
void sim_actors_init(void);
void sim_actors_free(void);

/* By owner~name or id; NULL if there is none. */
const struct sim_actor *sim_actor_find(const char *reference);

#endif
