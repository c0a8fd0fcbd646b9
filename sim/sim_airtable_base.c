/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Bases, tables, fields and choices.  Under sim_lock(). */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim_airtable_base.h"
#include "sim_airtable_record.h"
#include "sim_clock.h"
#include "sim_conf.h"
#include "sim_text.h"


struct sim_air_type {
    const char         *word;
    enum sim_air_kind   kind;
};

static const struct sim_air_type  sim_air_types[] = {
    { "singleLineText", SIM_AIR_TEXT },
    { "multilineText", SIM_AIR_TEXT },
    { "richText", SIM_AIR_TEXT },
    { "url", SIM_AIR_TEXT },
    { "email", SIM_AIR_TEXT },
    { "phoneNumber", SIM_AIR_TEXT },
    { "number", SIM_AIR_NUMBER },
    { "percent", SIM_AIR_NUMBER },
    { "currency", SIM_AIR_NUMBER },
    { "rating", SIM_AIR_NUMBER },
    { "duration", SIM_AIR_NUMBER },
    { "singleSelect", SIM_AIR_SELECT },
    { "multipleSelects", SIM_AIR_SELECTS },
    { "checkbox", SIM_AIR_CHECKBOX },
    { "date", SIM_AIR_DATE },
    { "dateTime", SIM_AIR_DATE_TIME }
};


static int                   sim_air_bases_n;
static struct sim_air_base  *sim_air_base[SIM_AIR_BASES_MAX];
static uint64_t              sim_air_ids;    /* the last one given */


static void
sim_air_id(char id[SIM_ID_LENGTH + 1], const char *prefix)
{
    sim_id_prefixed(id, prefix, ++sim_air_ids);
}


int
sim_air_base_formed(const char *id)
{
    size_t  n;

    if (strncmp(id, "app", 3) != 0) {
        return 0;
    }

    for (n = 3; isalnum((unsigned char) id[n]) || id[n] == '_'; n++) {
        /* as far as it goes */
    }

    return n > 3 && n <= SIM_AIR_BASE_ID_MAX && id[n] == '\0';
}


static struct sim_air_base *
sim_air_base_add(const char *id)
{
    struct sim_text       name = { 0 };
    struct sim_air_base  *base;

    if (sim_air_bases_n == SIM_AIR_BASES_MAX) {
        return NULL;
    }

    base = sim_alloc(sizeof(struct sim_air_base));
    memcpy(base->id, id, strlen(id) + 1);
    sim_text_printf(&name, "Base %d", sim_air_bases_n + 1);
    base->name = name.data;

    sim_air_base[sim_air_bases_n++] = base;
    (void) sim_air_outreach_add(base, (int) sim_conf.airtable_tables);

    return base;
}


struct sim_air_base *
sim_air_base_find(const char *id)
{
    int  i;

    for (i = 0; i < sim_air_bases_n; i++) {
        if (strcmp(sim_air_base[i]->id, id) == 0) {
            return sim_air_base[i];
        }
    }

    return sim_air_base_formed(id) && !sim_conf.airtable_closed
           ? sim_air_base_add(id) : NULL;
}


int
sim_air_bases(void)
{
    return sim_air_bases_n;
}


struct sim_air_base *
sim_air_base_at(int i)
{
    return sim_air_base[i];
}


void
sim_air_init(void)
{
    int  i;

    for (i = 0; i < sim_conf.airtable_bases.n; i++) {
        (void) sim_air_base_add(sim_conf.airtable_bases.value[i]);
    }
}


void
sim_air_free(void)
{
    struct sim_air_base  *base;

    while (sim_air_bases_n > 0) {
        base = sim_air_base[--sim_air_bases_n];

        while (base->tables > 0) {
            sim_air_table_remove(base->table[base->tables - 1]);
        }

        free(base->table);
        free(base->name);
        free(base);
    }

    sim_air_records_free();
    memset(&sim_air_user_rate, 0, sizeof(sim_air_user_rate));
}


void
sim_air_reset(void)
{
    sim_lock();
    sim_air_free();
    sim_air_init();
    sim_unlock();
}


struct sim_air_table *
sim_air_table_find(const struct sim_air_base *base, const char *name)
{
    int  i;

    for (i = 0; i < base->tables; i++) {
        if (strcmp(base->table[i]->name, name) == 0
            || strcmp(base->table[i]->id, name) == 0)
        {
            return base->table[i];
        }
    }

    return NULL;
}


struct sim_air_table *
sim_air_table_add(struct sim_air_base *base, const char *name)
{
    struct sim_air_table  *table;

    if (base->tables == SIM_AIR_TABLES_MAX) {
        return NULL;
    }

    table = sim_alloc(sizeof(struct sim_air_table));
    table->base = base;
    table->name = sim_strdup(name);
    sim_air_id(table->id, "tbl");
    sim_air_id(table->view, "viw");

    base->table = sim_realloc(base->table, ((size_t) base->tables + 1)
                                           * sizeof(*base->table));
    base->table[base->tables++] = table;

    return table;
}


static void
sim_air_field_free(struct sim_air_field *field)
{
    int  i;

    for (i = 0; i < field->choices; i++) {
        free(field->choice[i].json);
    }

    free(field->choice);
    free(field->options);
    free(field->name);
}


void
sim_air_table_remove(struct sim_air_table *table)
{
    int                    i;
    struct sim_air_base   *base = table->base;
    struct sim_air_index  *index;

    for (i = 0; base->table[i] != table; i++) {
        /* it is there */
    }

    base->tables--;
    memmove(base->table + i, base->table + i + 1,
            (size_t) (base->tables - i) * sizeof(*base->table));

    sim_air_records_drop(table);

    while (table->index != NULL) {
        index = table->index;
        table->index = index->next;
        sim_air_index_free(index);
    }

    for (i = 0; i < table->fields; i++) {
        sim_air_field_free(&table->field[i]);
    }

    free(table->field);
    free(table->number);
    free(table->name);
    free(table->description);
    free(table);
}


int
sim_air_type(const char *word, const char **type, enum sim_air_kind *kind)
{
    size_t  i;

    for (i = 0; i < sizeof(sim_air_types) / sizeof(sim_air_types[0]); i++) {
        if (strcmp(sim_air_types[i].word, word) == 0) {
            *type = sim_air_types[i].word;
            *kind = sim_air_types[i].kind;
            return 1;
        }
    }

    return 0;
}


struct sim_air_field *
sim_air_field_add(struct sim_air_table *table, const char *name,
    const char *type, enum sim_air_kind kind)
{
    struct sim_air_field  *field;

    table->field = sim_realloc(table->field, ((size_t) table->fields + 1)
                                             * sizeof(*table->field));
    field = &table->field[table->fields++];
    memset(field, 0, sizeof(*field));

    field->name = sim_strdup(name);
    field->type = type;
    field->kind = kind;
    sim_air_id(field->id, "fld");

    return field;
}


void
sim_air_field_remove(struct sim_air_field *field)
{
    sim_air_field_free(field);

    field->name = NULL;
    field->options = NULL;
    field->choice = NULL;
    field->choices = 0;
}


int
sim_air_field_find(const struct sim_air_table *table, const char *name)
{
    int                          i;
    const struct sim_air_field  *field;

    for (i = 0; i < table->fields; i++) {
        field = &table->field[i];

        if (field->name != NULL && (strcmp(field->name, name) == 0
                                    || strcmp(field->id, name) == 0))
        {
            return i;
        }
    }

    return -1;
}


int
sim_air_choice_find(const struct sim_air_field *field, const char *json)
{
    int  i;

    for (i = 0; i < field->choices; i++) {
        if (strcmp(field->choice[i].json, json) == 0) {
            return i;
        }
    }

    return -1;
}


void
sim_air_choice_add(struct sim_air_field *field, const char *json)
{
    struct sim_air_choice  *choice;

    if (sim_air_choice_find(field, json) >= 0) {
        return;
    }

    field->choice = sim_realloc(field->choice, ((size_t) field->choices + 1)
                                               * sizeof(*field->choice));
    choice = &field->choice[field->choices++];
    choice->json = sim_strdup(json);
    sim_air_id(choice->id, "sel");
}


/* The fields of an outreach table. */

static void
sim_air_outreach_fields(struct sim_air_table *table)
{
    size_t                 i;
    struct sim_air_field  *field;

    static const char *const  platforms[] = {
        "\"instagram\"", "\"tiktok\"", "\"threads\"", "\"x\""
    };
    static const char *const  progress[] = {
        "\"pending\"", "\"followed\"", "\"unfollowed\"", "\"completed\""
    };

    (void) sim_air_field_add(table, "id", "singleLineText", SIM_AIR_TEXT);
    (void) sim_air_field_add(table, "username", "singleLineText",
                             SIM_AIR_TEXT);
    (void) sim_air_field_add(table, "full_name", "singleLineText",
                             SIM_AIR_TEXT);

    field = sim_air_field_add(table, "platform", "singleSelect",
                              SIM_AIR_SELECT);

    for (i = 0; i < sizeof(platforms) / sizeof(platforms[0]); i++) {
        sim_air_choice_add(field, platforms[i]);
    }

    field = sim_air_field_add(table, "position", "number", SIM_AIR_NUMBER);
    field->options = sim_strdup("{\"precision\":0}");

    field = sim_air_field_add(table, "campaign_date", "date", SIM_AIR_DATE);
    field->options = sim_strdup("{\"dateFormat\":{\"name\":\"iso\","
                                "\"format\":\"YYYY-MM-DD\"}}");

    field = sim_air_field_add(table, "progress_status", "singleSelect",
                              SIM_AIR_SELECT);

    for (i = 0; i < sizeof(progress) / sizeof(progress[0]); i++) {
        sim_air_choice_add(field, progress[i]);
    }
}


int
sim_air_outreach_add(struct sim_air_base *base, int n)
{
    int                    i, added;
    struct sim_text        name = { 0 };
    struct sim_air_table  *table;

    added = 0;

    for (i = 1; i <= n; i++) {
        name.len = 0;
        sim_text_printf(&name, "Daily_Outreach_Table_%02d", i);

        if (sim_air_table_find(base, name.data) != NULL) {
            continue;
        }

        table = sim_air_table_add(base, name.data);

        if (table == NULL) {
            break;
        }

        sim_air_outreach_fields(table);
        added++;
    }

    sim_text_free(&name);

    return added;
}
