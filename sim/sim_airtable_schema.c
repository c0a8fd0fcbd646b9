/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * /v0/meta/: who asks, bases, tables, fields.  Tables and fields can be made
 * and renamed, choices of a field cannot be changed: as with the original.
 */

#include <stdlib.h>
#include <string.h>

#include "sim_airtable.h"
#include "sim_conf.h"

#define SIM_AIR_NAME_MAX  255


void
sim_air_whoami(struct sim_air_call *c)
{
    char              id[SIM_ID_LENGTH + 1];
    char             *scopes, *scope, *save;
    struct sim_text  *out = &c->answer->text;

    sim_id_prefixed(id, "usr", 1);
    sim_text_printf(out, "{\"id\":\"%s\",\"scopes\":[", id);

    scopes = sim_strdup(sim_conf.airtable_scopes);

    for (scope = strtok_r(scopes, " ,", &save); scope != NULL;
         scope = strtok_r(NULL, " ,", &save))
    {
        sim_text_puts(out, out->data[out->len - 1] == '[' ? "" : ",");
        sim_text_json(out, scope);
    }

    free(scopes);
    sim_text_puts(out, "]}");
}


void
sim_air_base_list(struct sim_air_call *c)
{
    int                         i;
    struct sim_text            *out = &c->answer->text;
    const struct sim_air_base  *base;

    sim_text_puts(out, "{\"bases\":[");

    for (i = 0; i < sim_air_bases(); i++) {
        base = sim_air_base_at(i);
        sim_text_printf(out, "%s{\"id\":\"%s\"", i > 0 ? "," : "", base->id);
        sim_text_key(out, "name");
        sim_text_json(out, base->name);
        sim_text_puts(out, ",\"permissionLevel\":\"create\"}");
    }

    sim_text_puts(out, "]}");
}


static void
sim_air_choices_write(struct sim_text *out, const struct sim_air_field *field)
{
    int  i;

    sim_text_puts(out, ",\"options\":{\"choices\":[");

    for (i = 0; i < field->choices; i++) {
        sim_text_printf(out, "%s{\"id\":\"%s\",\"name\":%s,"
                        "\"color\":\"blueLight2\"}", i > 0 ? "," : "",
                        field->choice[i].id, field->choice[i].json);
    }

    sim_text_puts(out, "]}");
}


static void
sim_air_field_write(struct sim_text *out, const struct sim_air_field *field)
{
    sim_text_printf(out, "{\"id\":\"%s\",\"name\":", field->id);
    sim_text_json(out, field->name);
    sim_text_printf(out, ",\"type\":\"%s\"", field->type);

    if (field->kind == SIM_AIR_SELECT || field->kind == SIM_AIR_SELECTS) {
        sim_air_choices_write(out, field);

    } else if (field->options != NULL) {
        sim_text_printf(out, ",\"options\":%s", field->options);
    }

    sim_text_puts(out, "}");
}


static void
sim_air_table_write(struct sim_text *out, const struct sim_air_table *table)
{
    int                          i, n;
    const struct sim_air_field  *field;

    sim_text_printf(out, "{\"id\":\"%s\",\"name\":", table->id);
    sim_text_json(out, table->name);

    if (table->description != NULL) {
        sim_text_key(out, "description");
        sim_text_json(out, table->description);
    }

    sim_text_printf(out, ",\"primaryFieldId\":\"%s\",\"fields\":[",
                    table->fields > 0 ? table->field[0].id : "");

    for (n = 0, i = 0; i < table->fields; i++) {
        field = &table->field[i];

        if (field->name != NULL) {
            sim_text_puts(out, n++ > 0 ? "," : "");
            sim_air_field_write(out, field);
        }
    }

    sim_text_printf(out, "],\"views\":[{\"id\":\"%s\",\"name\":\"Grid view\","
                    "\"type\":\"grid\"}]}", table->view);
}


void
sim_air_schema(struct sim_air_call *c)
{
    int               i;
    struct sim_text  *out = &c->answer->text;

    sim_text_puts(out, "{\"tables\":[");

    for (i = 0; i < c->base->tables; i++) {
        sim_text_puts(out, i > 0 ? "," : "");
        sim_air_table_write(out, c->base->table[i]);
    }

    sim_text_puts(out, "]}");
}


/* The name of something; NULL if it cannot be one. */

static const char *
sim_air_name(const cJSON *object)
{
    const char  *name;

    name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object,
                                                                 "name"));

    return name != NULL && *name != '\0' && strlen(name) <= SIM_AIR_NAME_MAX
           ? name : NULL;
}


static int
sim_air_options_refuse(struct sim_answer *answer,
    const struct sim_air_field *field, const char *why)
{
    sim_air_refuse(answer, 422, "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE",
                   "Invalid options for field %s: %s", field->name, why);
    return 0;
}


/* Reads the choices of a select. */

static int
sim_air_options_choices(struct sim_answer *answer,
    struct sim_air_field *field, const cJSON *options)
{
    const char       *name;
    const cJSON      *choices, *choice;
    struct sim_text   json = { 0 };

    choices = cJSON_GetObjectItemCaseSensitive(options, "choices");

    if (!cJSON_IsArray(choices)) {
        return sim_air_options_refuse(answer, field, "choices are missing");
    }

    cJSON_ArrayForEach(choice, choices) {
        name = sim_air_name(choice);

        if (name == NULL) {
            sim_text_free(&json);
            return sim_air_options_refuse(answer, field,
                                          "a choice has no name");
        }

        json.len = 0;
        sim_text_json(&json, name);
        sim_air_choice_add(field, json.data);
    }

    sim_text_free(&json);

    return 1;
}


/* Whether the options have what the type cannot do without. */

static const char *
sim_air_options_lack(const struct sim_air_field *field, const cJSON *options)
{
    size_t  i;

    static const struct {
        const char  *type, *member;
    }  needed[] = {
        { "number", "precision" },
        { "percent", "precision" },
        { "currency", "precision" },
        { "currency", "symbol" },
        { "rating", "max" },
        { "duration", "durationFormat" },
        { "checkbox", "icon" },
        { "checkbox", "color" },
        { "date", "dateFormat" },
        { "dateTime", "dateFormat" },
        { "dateTime", "timeFormat" },
        { "dateTime", "timeZone" }
    };

    for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (strcmp(needed[i].type, field->type) == 0
            && cJSON_GetObjectItemCaseSensitive(options, needed[i].member)
               == NULL)
        {
            return needed[i].member;
        }
    }

    return NULL;
}


static int
sim_air_options(struct sim_answer *answer, struct sim_air_field *field,
    const cJSON *options)
{
    char        *text;
    const char  *lack;

    if (field->kind == SIM_AIR_SELECT || field->kind == SIM_AIR_SELECTS) {
        return sim_air_options_choices(answer, field, options);
    }

    lack = sim_air_options_lack(field, options);

    if (lack != NULL) {
        return sim_air_options_refuse(answer, field, lack);
    }

    if (options != NULL && field->kind == SIM_AIR_TEXT) {
        return sim_air_options_refuse(answer, field, "the type has none");
    }

    if (options != NULL) {
        text = cJSON_PrintUnformatted(options);
        field->options = sim_strdup(text);
        cJSON_free(text);
    }

    return 1;
}


/* Adds a field as a request describes it. */

static int
sim_air_field_read(struct sim_answer *answer, struct sim_air_table *table,
    const cJSON *json)
{
    const char         *name, *type, *word;
    enum sim_air_kind   kind;

    static const char *const  members[] = {
        "name", "type", "options", "description", NULL
    };

    name = sim_air_name(json);
    type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json,
                                                                 "type"));

    if (type == NULL || !sim_air_only(json, members)) {
        sim_air_refuse_request(answer, "a field is not made as it must");
        return 0;
    }

    if (name == NULL || sim_air_field_find(table, name) >= 0) {
        sim_air_refuse(answer, 422, "DUPLICATE_OR_EMPTY_FIELD_NAME", "%s", "");
        return 0;
    }

    if (!sim_air_type(type, &word, &kind)) {
        sim_air_refuse(answer, 422, "UNSUPPORTED_FIELD_TYPE_FOR_CREATE",
                       "Creating %s fields is not supported at this time",
                       type);
        return 0;
    }

    if (table->fields == 0 && (kind == SIM_AIR_SELECT || kind == SIM_AIR_SELECTS
                               || kind == SIM_AIR_CHECKBOX))
    {
        sim_air_refuse(answer, 422, "INVALID_PRIMARY_FIELD_TYPE",
                       "A field of the type %s cannot be the first one", type);
        return 0;
    }

    if (table->fields == SIM_AIR_FIELDS_MAX) {
        sim_air_refuse_request(answer, "the table has too many fields");
        return 0;
    }

    return sim_air_options(answer,
                           sim_air_field_add(table, name, word, kind),
                           cJSON_GetObjectItemCaseSensitive(json, "options"));
}


static int
sim_air_table_name(struct sim_air_call *c, const char *name)
{
    if (name == NULL) {
        sim_air_refuse_request(c->answer, "a table needs a name");
        return 0;
    }

    if (sim_air_table_find(c->base, name) != NULL) {
        sim_air_refuse(c->answer, 422, "DUPLICATE_TABLE_NAME",
                       "Cannot create or rename table to %s: a table with "
                       "this name already exists", name);
        return 0;
    }

    return 1;
}


/* The table is thrown away if one of its fields is not understood. */

void
sim_air_table_create(struct sim_air_call *c)
{
    const char            *name, *description;
    const cJSON           *fields, *field;
    struct sim_air_table  *table;

    static const char *const  members[] = {
        "name", "description", "fields", NULL
    };

    name = sim_air_name(c->body);
    description = cJSON_GetStringValue(
                      cJSON_GetObjectItemCaseSensitive(c->body,
                                                       "description"));
    fields = cJSON_GetObjectItemCaseSensitive(c->body, "fields");

    if (!cJSON_IsArray(fields) || fields->child == NULL
        || !sim_air_only(c->body, members))
    {
        sim_air_refuse_request(c->answer, "a table needs fields");
        return;
    }

    if (!sim_air_table_name(c, name)) {
        return;
    }

    table = sim_air_table_add(c->base, name);

    if (table == NULL) {
        sim_air_refuse_request(c->answer, "the base has too many tables");
        return;
    }

    table->description = sim_strdup(description);

    cJSON_ArrayForEach(field, fields) {
        if (!sim_air_field_read(c->answer, table, field)) {
            sim_air_table_remove(table);
            return;
        }
    }

    sim_air_table_write(&c->answer->text, table);
}


void
sim_air_table_update(struct sim_air_call *c)
{
    const char   *name;
    const cJSON  *description;

    static const char *const  members[] = { "name", "description", NULL };

    description = cJSON_GetObjectItemCaseSensitive(c->body, "description");

    if (!sim_air_only(c->body, members)
        || (description != NULL && !cJSON_IsString(description)))
    {
        sim_air_refuse_request(c->answer, "only name and description change");
        return;
    }

    if (cJSON_GetObjectItemCaseSensitive(c->body, "name") != NULL) {
        name = sim_air_name(c->body);

        if (!sim_air_table_name(c, name)) {
            return;
        }

        free(c->table->name);
        c->table->name = sim_strdup(name);
    }

    if (description != NULL) {
        free(c->table->description);
        c->table->description = sim_strdup(description->valuestring);
    }

    sim_air_table_write(&c->answer->text, c->table);
}


void
sim_air_field_create(struct sim_air_call *c)
{
    int                    before;
    struct sim_air_table  *table = c->table;

    before = table->fields;

    if (sim_air_field_read(c->answer, table, c->body)) {
        sim_air_field_write(&c->answer->text, &table->field[before]);

    } else if (table->fields > before) {
        sim_air_field_remove(&table->field[before]);
        table->fields--;
    }
}


void
sim_air_field_update(struct sim_air_call *c)
{
    int                    i;
    const char            *name;
    struct sim_air_field  *field;

    static const char *const  members[] = { "name", "description", NULL };

    i = sim_air_field_find(c->table, c->r->segment[7]);

    if (i < 0) {
        sim_air_refuse_model(c->answer);
        return;
    }

    if (!sim_air_only(c->body, members)) {
        sim_air_refuse_request(c->answer, "only name and description change");
        return;
    }

    field = &c->table->field[i];

    if (cJSON_GetObjectItemCaseSensitive(c->body, "name") != NULL) {
        name = sim_air_name(c->body);

        if (name == NULL || sim_air_field_find(c->table, name) >= 0) {
            sim_air_refuse(c->answer, 422, "DUPLICATE_OR_EMPTY_FIELD_NAME",
                           "%s", "");
            return;
        }

        free(field->name);
        field->name = sim_strdup(name);
    }

    sim_air_field_write(&c->answer->text, field);
}
