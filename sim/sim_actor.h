/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The actors that can be run: some of our own and those of --actor. */

#ifndef SIM_ACTOR_H
#define SIM_ACTOR_H

#define SIM_ID_LENGTH  17        /* characters of an Apify id */

enum sim_dialect {
    SIM_PLAIN_ITEMS,             /* id, username, full_name, ... */
    SIM_SOURCE_ITEMS,            /* sourceUsername, type, userId, ... */
    SIM_TIKTOK_ITEMS,            /* uniqueId, nickname, ... */
    SIM_X_ITEMS,                 /* id_str, screen_name, name, ... */
    SIM_DIALECTS
};

/* Names of an actor's input. */
struct sim_input {
    const char  *usernames;
    const char  *count;          /* a number from 1 on, or left out */
    const char  *count_too;      /* its other name, or NULL */
    const char  *wanted;         /* must be true, or NULL */
};

struct sim_actor {
    char              *name;     /* owner~name */
    enum sim_dialect   dialect;
    char               id[SIM_ID_LENGTH + 1];
};

/* Reads --actor; a mistake in it ends the program (2). */
void sim_actors_init(void);
void sim_actors_free(void);

/* Of an actor; NULL has those of the first dialect. */
const struct sim_input *sim_actor_input(const struct sim_actor *actor);

/* By owner~name or id; NULL if there is none. */
const struct sim_actor *sim_actor_find(const char *reference);

#endif
