/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The Airtable API, version 0: routes, tokens, limits and errors. */

#ifndef SIM_AIRTABLE_H
#define SIM_AIRTABLE_H

#include <cjson/cJSON.h>

#include "sim_airtable_base.h"
#include "sim_http.h"

extern const struct sim_provider  sim_airtable;

/* A call that was admitted; endpoints run under sim_lock(). */
struct sim_air_call {
    struct sim_request    *r;
    struct sim_answer     *answer;
    struct sim_air_base   *base;         /* NULL if the path names none */
    struct sim_air_table  *table;        /* likewise */
    const cJSON           *body;         /* an object; or sim_air_query() */
};

/*
 * The query as an object: name=value as a string, name[]=value and
 * name[0]=value as elements of an array.  The caller frees it.
 */
cJSON *sim_air_query(const struct sim_request *r);

/*
 * Answers with an error.  A type of NULL is the usual one of the code.  The
 * API has several shapes of errors; the code and the type decide.
 */
void sim_air_refuse(struct sim_answer *answer, int code, const char *type,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* 422: the request is not made as the API wants it. */
void sim_air_refuse_request(struct sim_answer *answer, const char *why);

/* 403: no such base or table, or not for this token. */
void sim_air_refuse_model(struct sim_answer *answer);

/* 1 if the object has only members of these names, which end with NULL. */
int sim_air_only(const cJSON *object, const char *const *names);

/* Endpoints. */
void sim_air_list(struct sim_air_call *c);
void sim_air_get(struct sim_air_call *c);
void sim_air_create(struct sim_air_call *c);
void sim_air_update(struct sim_air_call *c);
void sim_air_update_one(struct sim_air_call *c);
void sim_air_delete(struct sim_air_call *c);
void sim_air_delete_one(struct sim_air_call *c);
void sim_air_whoami(struct sim_air_call *c);
void sim_air_base_list(struct sim_air_call *c);
void sim_air_schema(struct sim_air_call *c);
void sim_air_table_create(struct sim_air_call *c);
void sim_air_table_update(struct sim_air_call *c);
void sim_air_field_create(struct sim_air_call *c);
void sim_air_field_update(struct sim_air_call *c);

/* How many records the pages before the one asked for had. */
int64_t sim_air_position(const cJSON *query);

/* All page iterators become unknown; under sim_lock(). */
void sim_air_iterators_expire(void);

#endif
