/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Values of fields by the fields' kinds. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_airtable_value.h"
#include "sim_clock.h"

#define SIM_AIR_DAY  10              /* characters of 2026-01-31 */


static char *
sim_air_quoted(const char *s)
{
    struct sim_text  text = { 0 };

    sim_text_json(&text, s);

    return text.data;
}


/* Characters of valid UTF-8. */

static size_t
sim_air_characters(const char *s)
{
    size_t  n;

    for (n = 0; *s != '\0'; s++) {
        n += ((unsigned char) *s & 0xc0) != 0x80;
    }

    return n;
}


/* A value as the text that it would be; NULL if it is none.  To be freed. */

static char *
sim_air_plain(const cJSON *value)
{
    if (cJSON_IsString(value)) {
        return sim_strdup(value->valuestring);
    }

    if (cJSON_IsNumber(value) || cJSON_IsBool(value)) {
        return cJSON_PrintUnformatted(value);
    }

    return NULL;
}


static enum sim_air_verdict
sim_air_text(const cJSON *value, int typecast, char **json)
{
    char  *text;

    text = cJSON_IsString(value) || typecast ? sim_air_plain(value) : NULL;

    if (text == NULL || sim_air_characters(text) > SIM_AIR_TEXT_MAX) {
        free(text);
        return SIM_AIR_REFUSED;
    }

    *json = *text != '\0' ? sim_air_quoted(text) : NULL;
    free(text);

    return SIM_AIR_TAKEN;
}


static enum sim_air_verdict
sim_air_number(const cJSON *value, int typecast, char **json)
{
    char    *end;
    cJSON    number = { 0 };

    if (cJSON_IsNumber(value)) {
        *json = isfinite(value->valuedouble) ? cJSON_PrintUnformatted(value)
                                             : NULL;
        return *json != NULL ? SIM_AIR_TAKEN : SIM_AIR_REFUSED;
    }

    if (!typecast || !cJSON_IsString(value)) {
        return SIM_AIR_REFUSED;
    }

    number.type = cJSON_Number;
    number.valuedouble = strtod(value->valuestring, &end);

    if (end != value->valuestring && *end == '\0'
        && isfinite(number.valuedouble))
    {
        *json = cJSON_PrintUnformatted(&number);
    }

    return SIM_AIR_TAKEN;
}


static enum sim_air_verdict
sim_air_select(const struct sim_air_field *field, const cJSON *value,
    int typecast, char **json)
{
    char  *text;

    text = cJSON_IsString(value) || typecast ? sim_air_plain(value) : NULL;

    if (text == NULL) {
        return SIM_AIR_REFUSED;
    }

    if (*text == '\0' && typecast) {
        free(text);
        return SIM_AIR_TAKEN;
    }

    *json = sim_air_quoted(text);
    free(text);

    if (!typecast && sim_air_choice_find(field, *json) < 0) {
        free(*json);
        *json = NULL;
        return SIM_AIR_NEW_CHOICE;
    }

    return SIM_AIR_TAKEN;
}


static enum sim_air_verdict
sim_air_selects(const struct sim_air_field *field, const cJSON *value,
    int typecast, char **json)
{
    char                  *one;
    const cJSON           *element;
    struct sim_text        text = { 0 };
    enum sim_air_verdict   verdict;

    if (!cJSON_IsArray(value)) {
        return SIM_AIR_REFUSED;
    }

    sim_text_puts(&text, "[");

    cJSON_ArrayForEach(element, value) {
        one = NULL;
        verdict = sim_air_select(field, element, typecast, &one);

        if (verdict != SIM_AIR_TAKEN || one == NULL) {
            sim_text_free(&text);
            return verdict != SIM_AIR_TAKEN ? verdict : SIM_AIR_REFUSED;
        }

        sim_text_printf(&text, "%s%s", text.len > 1 ? "," : "", one);
        free(one);
    }

    sim_text_puts(&text, "]");

    if (text.len == strlen("[]")) {
        sim_text_free(&text);
    }

    *json = text.data;

    return SIM_AIR_TAKEN;
}


static enum sim_air_verdict
sim_air_checkbox(const cJSON *value, int typecast, char **json)
{
    int  on;

    on = cJSON_IsTrue(value)
         || (typecast && cJSON_IsString(value)
             && (strcmp(value->valuestring, "true") == 0
                 || strcmp(value->valuestring, "1") == 0));

    if (!on && !typecast && !cJSON_IsBool(value)) {
        return SIM_AIR_REFUSED;
    }

    *json = on ? sim_strdup("true") : NULL;

    return SIM_AIR_TAKEN;
}


/* Dates are kept to the day, times to the millisecond, both in UTC. */

static enum sim_air_verdict
sim_air_date(const cJSON *value, int typecast, int time, char **json)
{
    char         date[SIM_DATE_LENGTH];
    int64_t      ms;
    const char  *text;

    text = cJSON_GetStringValue(value);
    ms = text != NULL ? sim_clock_parse(text) : -1;

    if (ms >= 0) {
        sim_clock_date(ms, date);
    }

    if (ms < 0 || strncmp(date, text, SIM_AIR_DAY) != 0
        || (text[SIM_AIR_DAY] != '\0' && text[SIM_AIR_DAY] != 'T'))
    {
        return typecast ? SIM_AIR_TAKEN : SIM_AIR_REFUSED;
    }

    if (!time) {
        date[SIM_AIR_DAY] = '\0';
    }

    *json = sim_air_quoted(date);

    return SIM_AIR_TAKEN;
}


enum sim_air_verdict
sim_air_value(const struct sim_air_field *field, const cJSON *value,
    int typecast, char **json)
{
    *json = NULL;

    if (cJSON_IsNull(value)) {
        return SIM_AIR_TAKEN;
    }

    switch (field->kind) {

    case SIM_AIR_NUMBER:
        return sim_air_number(value, typecast, json);

    case SIM_AIR_SELECT:
        return sim_air_select(field, value, typecast, json);

    case SIM_AIR_SELECTS:
        return sim_air_selects(field, value, typecast, json);

    case SIM_AIR_CHECKBOX:
        return sim_air_checkbox(value, typecast, json);

    case SIM_AIR_DATE:
        return sim_air_date(value, typecast, 0, json);

    case SIM_AIR_DATE_TIME:
        return sim_air_date(value, typecast, 1, json);

    default:
        return sim_air_text(value, typecast, json);
    }
}
