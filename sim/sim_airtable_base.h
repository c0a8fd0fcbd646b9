/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Airtable's bases, tables and fields.  Everything here is read and changed
 * under sim_lock(); pointers are good as long as it is held.
 *
 * A base is made when it is first used, unless --airtable-closed.  Tables,
 * fields and choices have ids that carry a number and are never used twice.
 */

#ifndef SIM_AIRTABLE_BASE_H
#define SIM_AIRTABLE_BASE_H

#include <stddef.h>
#include <stdint.h>

#include "sim_airtable_index.h"
#include "sim_airtable_rate.h"
#include "sim_id.h"

#define SIM_AIR_BASES_MAX   1000
#define SIM_AIR_TABLES_MAX  1000     /* of a base */
#define SIM_AIR_FIELDS_MAX  500      /* of a table */
#define SIM_AIR_BASE_ID_MAX 64

/* How values of a field are read; many types of the API share one. */
enum sim_air_kind {
    SIM_AIR_TEXT,
    SIM_AIR_NUMBER,
    SIM_AIR_SELECT,
    SIM_AIR_SELECTS,
    SIM_AIR_CHECKBOX,
    SIM_AIR_DATE,
    SIM_AIR_DATE_TIME
};

struct sim_air_choice {
    char    id[SIM_ID_LENGTH + 1];
    char   *json;                    /* its name as a JSON string */
};

struct sim_air_field {
    char                     id[SIM_ID_LENGTH + 1];
    char                    *name;   /* NULL: the field was removed */
    const char              *type;   /* the API's word, never freed */
    enum sim_air_kind        kind;
    char                    *options;    /* JSON but for choices, or NULL */
    int                      choices;
    struct sim_air_choice   *choice;
};

struct sim_air_table {
    char                     id[SIM_ID_LENGTH + 1];
    char                     view[SIM_ID_LENGTH + 1];
    char                    *name;
    char                    *description;    /* or NULL */
    struct sim_air_base     *base;
    int                      fields;
    struct sim_air_field    *field;

    size_t                   records;    /* that there are */
    size_t                   numbers;    /* of records that there were: */
    size_t                   numbers_max;
    uint32_t                *number;     /* ascending; some may be gone */
    struct sim_air_index    *index;      /* a list */

    uint64_t                 created;    /* records, since the start */
    uint64_t                 updated;
    uint64_t                 deleted;
    uint64_t                 writes;     /* requests */
};

struct sim_air_base {
    char                     id[SIM_AIR_BASE_ID_MAX + 1];
    char                    *name;
    int                      tables;
    struct sim_air_table   **table;
    struct sim_air_rate      rate;
};

/* Makes the bases of --airtable-base; called once, before any thread. */
void sim_air_init(void);

/* Forgets all bases; those of --airtable-base are there anew, empty. */
void sim_air_reset(void);
void sim_air_free(void);

/* Whether this may be a base's id at all. */
int sim_air_base_formed(const char *id);

/* The base, made if that is allowed; NULL if there is none. */
struct sim_air_base *sim_air_base_find(const char *id);
int sim_air_bases(void);
struct sim_air_base *sim_air_base_at(int i);

/* By name or id; NULL if there is none. */
struct sim_air_table *sim_air_table_find(const struct sim_air_base *base,
    const char *name);

/* A table without fields; NULL if the base is full. */
struct sim_air_table *sim_air_table_add(struct sim_air_base *base,
    const char *name);
void sim_air_table_remove(struct sim_air_table *table);

/* Tables Daily_Outreach_Table_01 to n, those that are missing; their count. */
int sim_air_outreach_add(struct sim_air_base *base, int n);

/* The kind of one of the API's types; 0 if it is unknown. */
int sim_air_type(const char *word, const char **type, enum sim_air_kind *kind);

/* Appends a field, given one of sim_air_type()'s answers. */
struct sim_air_field *sim_air_field_add(struct sim_air_table *table,
    const char *name, const char *type, enum sim_air_kind kind);
void sim_air_field_remove(struct sim_air_field *field);

/* Number of the field of that name or id; -1 if there is none. */
int sim_air_field_find(const struct sim_air_table *table, const char *name);

/* Choices by their names as JSON strings; adding what is there does nothing. */
int sim_air_choice_find(const struct sim_air_field *field, const char *json);
void sim_air_choice_add(struct sim_air_field *field, const char *json);

#endif
