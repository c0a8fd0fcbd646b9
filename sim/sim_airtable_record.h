/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Records: each one piece of memory that holds its values as JSON.  Numbers of
 * records count up over all tables, so a record is found by its id without a
 * search, and a table lists its records by ascending number.  Under
 * sim_lock().
 */

#ifndef SIM_AIRTABLE_RECORD_H
#define SIM_AIRTABLE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "sim_airtable_base.h"
#include "sim_text.h"

struct sim_air_record {
    struct sim_air_table  *table;
    int64_t                created;      /* Unix ms */
    uint32_t               number;
    uint32_t               len;
    char                   data[];       /* of values, see the .c file */
};

/* A value that a field gets; json NULL empties it.  The holder frees json. */
struct sim_air_cell {
    int    field;
    char  *json;
};

struct sim_air_row {
    int                   n;
    struct sim_air_cell  *cell;
};

void sim_air_row_set(struct sim_air_row *row, int field, char *json);
void sim_air_row_free(struct sim_air_row *row);

/* NULL if there is no such record in the table. */
struct sim_air_record *sim_air_record_find(const struct sim_air_table *table,
    const char *id);
struct sim_air_record *sim_air_record_at(uint32_t number);
void sim_air_record_id(char id[SIM_ID_LENGTH + 1], uint32_t number);

/* Choices that a value needs and the field lacks are added. */
struct sim_air_record *sim_air_record_create(struct sim_air_table *table,
    const struct sim_air_row *row);

/* Returns the record, which has moved; replace empties all other fields. */
struct sim_air_record *sim_air_record_update(struct sim_air_record *record,
    const struct sim_air_row *row, int replace);
void sim_air_record_delete(struct sim_air_record *record);

/* A value's JSON, *n bytes; NULL if the field is empty. */
const char *sim_air_record_value(const struct sim_air_record *record,
    int field, size_t *n);

/*
 * {"id":...,"createdTime":...,"fields":{...}}; only the fields with a nonzero
 * in wanted, unless that is NULL.
 */
void sim_air_record_write(struct sim_text *out,
    const struct sim_air_record *record, const unsigned char *wanted,
    int by_id);

/*
 * Numbers of the records that have these values in these fields, *n of them,
 * good until the table changes.  Makes an index for the fields if needed.
 */
const uint32_t *sim_air_record_match(struct sim_air_table *table,
    const struct sim_air_row *key, size_t *n);

/* The index of one field, made if needed. */
struct sim_air_index *sim_air_record_index(struct sim_air_table *table,
    int field);

/*
 * Where in the table's list the first number above after stands; numbers of
 * records that are gone may follow.
 */
size_t sim_air_records_after(const struct sim_air_table *table,
    uint32_t after);

/* Frees a table's records, or the list of all. */
void sim_air_records_drop(struct sim_air_table *table);
void sim_air_records_free(void);

#endif
