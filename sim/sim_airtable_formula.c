/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Formulas of the form {field}='text', looked up by hash. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim_airtable_formula.h"
#include "sim_airtable_record.h"


struct sim_air_reader {
    const char              *p;
    struct sim_air_table    *table;
    struct sim_air_numbers  *numbers;
    struct sim_text         *error;
};


static void
sim_air_skip(struct sim_air_reader *reader)
{
    reader->p += strspn(reader->p, " \t\r\n");
}


/* Takes a character; 0 if there is another. */

static int
sim_air_take(struct sim_air_reader *reader, char c)
{
    sim_air_skip(reader);

    if (*reader->p != c) {
        return 0;
    }

    reader->p++;

    return 1;
}


/* Reads up to the closing character, undoing backslashes. */

static int
sim_air_until(struct sim_air_reader *reader, char end, struct sim_text *text)
{
    sim_text_puts(text, "");

    while (*reader->p != '\0' && *reader->p != end) {
        if (*reader->p == '\\' && reader->p[1] != '\0') {
            reader->p++;
        }

        sim_text_add(text, reader->p++, 1);
    }

    return sim_air_take(reader, end);
}


/* The empty text means records without a value; no index has those. */

static void
sim_air_add_empty(struct sim_air_reader *reader, int field)
{
    size_t                        i, n;
    const struct sim_air_table   *table = reader->table;
    const struct sim_air_record  *record;

    for (i = 0; i < table->numbers; i++) {
        record = sim_air_record_at(table->number[i]);

        if (record != NULL && sim_air_record_value(record, field, &n) == NULL) {
            sim_air_numbers_add(reader->numbers, record->number);
        }
    }
}


static void
sim_air_add_equal(struct sim_air_reader *reader, int field, const char *text)
{
    size_t               i, n;
    const uint32_t      *found;
    struct sim_text      json = { 0 };
    struct sim_air_row   key = { 0 };

    sim_text_json(&json, text);
    sim_air_row_set(&key, field, json.data);
    found = sim_air_record_match(reader->table, &key, &n);

    for (i = 0; i < n; i++) {
        sim_air_numbers_add(reader->numbers, found[i]);
    }

    sim_air_row_free(&key);
}


/* Reads {field}='text' and adds its records. */

static int
sim_air_equation(struct sim_air_reader *reader)
{
    int              field, ok;
    char             quote;
    struct sim_text  name = { 0 }, text = { 0 };

    field = -1;
    ok = sim_air_take(reader, '{') && sim_air_until(reader, '}', &name)
         && sim_air_take(reader, '=');

    if (ok) {
        sim_air_skip(reader);
        quote = *reader->p;
        ok = (quote == '\'' || quote == '"') && sim_air_take(reader, quote)
             && sim_air_until(reader, quote, &text);
        field = sim_air_field_find(reader->table, name.data);
    }

    if (ok && field < 0) {
        sim_text_printf(reader->error, "Unknown field names: %s", name.data);
        ok = 0;

    } else if (!ok) {
        sim_text_puts(reader->error, "Please check your formula text.");

    } else if (text.len == 0) {
        sim_air_add_empty(reader, field);

    } else {
        sim_air_add_equal(reader, field, text.data);
    }

    sim_text_free(&name);
    sim_text_free(&text);

    return ok;
}


static int
sim_air_by_number(const void *a, const void *b)
{
    uint32_t  x = *(const uint32_t *) a, y = *(const uint32_t *) b;

    return x < y ? -1 : x > y;
}


/* Ascending, each one once. */

static void
sim_air_numbers_order(struct sim_air_numbers *numbers)
{
    size_t  i, n;

    if (numbers->n < 2) {
        return;
    }

    qsort(numbers->number, numbers->n, sizeof(uint32_t), sim_air_by_number);

    for (n = 1, i = 1; i < numbers->n; i++) {
        if (numbers->number[i] != numbers->number[n - 1]) {
            numbers->number[n++] = numbers->number[i];
        }
    }

    numbers->n = n;
}


int
sim_air_formula(struct sim_air_table *table, const char *formula,
    struct sim_air_numbers *numbers, struct sim_text *error)
{
    int                    ok, several;
    struct sim_air_reader  reader = { formula, table, numbers, error };

    sim_air_skip(&reader);
    several = strncasecmp(reader.p, "OR", 2) == 0;
    reader.p += several ? 2 : 0;
    ok = !several || sim_air_take(&reader, '(');

    do {
        ok = ok && sim_air_equation(&reader);
    } while (ok && several && sim_air_take(&reader, ','));

    ok = ok && (!several || sim_air_take(&reader, ')'));
    sim_air_skip(&reader);

    if (!ok || *reader.p != '\0') {
        if (error->len == 0) {
            sim_text_puts(error, "Please check your formula text.");
        }

        return 0;
    }

    sim_air_numbers_order(numbers);

    return 1;
}
