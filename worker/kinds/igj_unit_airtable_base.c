/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Units of a base (sql/038_bases.sql): a look at its outreach tables, and the
 * making of one.
 */

#include <stdio.h>
#include <string.h>

#include "igj_operation.h"


#define IGJ_OUTREACH_PREFIX  "Daily_Outreach_Table_"


static cJSON *igj_base_result(const cJSON *tables);
static bool igj_base_add(cJSON *found, const cJSON *table);
static bool igj_base_add_missing(cJSON *entry, const cJSON *table);
static bool igj_base_has_field(const cJSON *table, const char *name);
static bool igj_base_table_there(igj_operation_t *k, igj_airtable_t *airtable,
    char id[IGJ_AIRTABLE_ID_MAX], igj_airtable_error_t *err);
static void igj_base_table_end(igj_operation_t *k, const char *id);
static void igj_base_no_memory(igj_operation_t *k);


/* fields that rows are written to */
static const char *const  igj_base_fields[] = {
    IGJ_AIRTABLE_KEY, "username", "full_name", "position", "campaign_date",
    IGJ_AIRTABLE_STATUS
};


void
igj_unit_airtable_base(igj_operation_t *k)
{
    cJSON                 *tables, *result;
    igj_airtable_t        *airtable;
    igj_airtable_error_t   err;

    airtable = igj_operation_airtable(k);

    if (airtable == NULL) {
        return;
    }

    if (igj_airtable_schema(airtable, igj_operation_text(k, "airtable_base"),
                            &tables, &err)
        != IGJ_AIRTABLE_OK)
    {
        igj_operation_airtable_leave(k, &err);
        return;
    }

    result = igj_base_result(tables);
    cJSON_Delete(tables);

    if (result == NULL) {
        igj_base_no_memory(k);
        return;
    }

    igj_operation_end(k, result);
    cJSON_Delete(result);
}


/* {"tables": {name: {"id", "missing_fields": [...]}}}; NULL: no memory */

static cJSON *
igj_base_result(const cJSON *tables)
{
    bool          ok;
    cJSON        *result, *found;
    const cJSON  *table;
    const char   *name;

    result = cJSON_CreateObject();
    found = cJSON_AddObjectToObject(result, "tables");
    ok = (found != NULL);

    cJSON_ArrayForEach(table, tables) {
        name = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(table, "name"));

        if (ok && name != NULL
            && strncmp(name, IGJ_OUTREACH_PREFIX,
                       sizeof(IGJ_OUTREACH_PREFIX) - 1) == 0)
        {
            ok = igj_base_add(found, table);
        }
    }

    if (!ok) {
        cJSON_Delete(result);
        return NULL;
    }

    return result;
}


static bool
igj_base_add(cJSON *found, const cJSON *table)
{
    cJSON       *entry;
    const char  *id;

    id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(table, "id"));

    entry = cJSON_AddObjectToObject(
        found, cJSON_GetObjectItemCaseSensitive(table, "name")->valuestring);

    return cJSON_AddStringToObject(entry, "id", id ? id : "") != NULL
           && igj_base_add_missing(entry, table);
}


static bool
igj_base_add_missing(cJSON *entry, const cJSON *table)
{
    cJSON   *missing;
    size_t   i;

    missing = cJSON_AddArrayToObject(entry, "missing_fields");

    for (i = 0; i < sizeof(igj_base_fields) / sizeof(igj_base_fields[0]); i++)
    {
        if (!igj_base_has_field(table, igj_base_fields[i])
            && !cJSON_AddItemToArray(missing,
                                     cJSON_CreateString(igj_base_fields[i])))
        {
            return false;
        }
    }

    return missing != NULL;
}


static bool
igj_base_has_field(const cJSON *table, const char *name)
{
    const cJSON  *field;
    const char   *is;

    cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(table,
                                                               "fields"))
    {
        is = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(field, "name"));

        if (is != NULL && strcmp(is, name) == 0) {
            return true;
        }
    }

    return false;
}


/*
 * The look before has not found the table.  Airtable refuses a second one of
 * the same name, which may be ours of an attempt whose answer was lost.
 */

void
igj_unit_airtable_table(igj_operation_t *k)
{
    char                    id[IGJ_AIRTABLE_ID_MAX];
    igj_airtable_t         *airtable;
    igj_airtable_error_t    err;
    igj_airtable_class_t    class;

    airtable = igj_operation_airtable(k);

    if (airtable == NULL) {
        return;
    }

    class = igj_airtable_create_table(airtable,
                                      igj_operation_text(k, "airtable_base"),
                                      igj_operation_text(k, "table"), id,
                                      &err);

    if (class == IGJ_AIRTABLE_OK
        || (class == IGJ_AIRTABLE_REFUSED
            && igj_base_table_there(k, airtable, id, &err)))
    {
        igj_base_table_end(k, id);
        return;
    }

    igj_operation_airtable_leave(k, &err);
}


/* Is it there?  *err stays what it was, unless this look cannot tell. */

static bool
igj_base_table_there(igj_operation_t *k, igj_airtable_t *airtable,
    char id[IGJ_AIRTABLE_ID_MAX], igj_airtable_error_t *err)
{
    cJSON                 *tables;
    const cJSON           *table;
    const char            *name, *is, *text;
    igj_airtable_error_t   other;

    if (igj_airtable_schema(airtable, igj_operation_text(k, "airtable_base"),
                            &tables, &other)
        != IGJ_AIRTABLE_OK)
    {
        *err = other;
        return false;
    }

    name = igj_operation_text(k, "table");
    id[0] = '\0';

    cJSON_ArrayForEach(table, tables) {
        is = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(table, "name"));
        text = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(table, "id"));

        if (is != NULL && text != NULL && strcmp(is, name) == 0) {
            snprintf(id, IGJ_AIRTABLE_ID_MAX, "%s", text);
        }
    }

    cJSON_Delete(tables);

    return id[0] != '\0';
}


static void
igj_base_table_end(igj_operation_t *k, const char *id)
{
    cJSON  *result;

    result = cJSON_CreateObject();

    if (cJSON_AddStringToObject(result, "table",
                                igj_operation_text(k, "table")) == NULL
        || cJSON_AddStringToObject(result, "id", id) == NULL)
    {
        igj_base_no_memory(k);

    } else {
        igj_operation_end(k, result);
    }

    cJSON_Delete(result);
}


static void
igj_base_no_memory(igj_operation_t *k)
{
    igj_operation_leave(k, IGJ_OUTCOME_RETRY, -1, NULL, "out of memory");
}
