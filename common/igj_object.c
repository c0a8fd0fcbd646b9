/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What jsonb refuses of a valid document is refused here, with a pointer to
 * it: zero bytes, halves of surrogate pairs, numbers beyond numeric.
 */

#include "igj_object.h"

#include <stdio.h>
#include <string.h>


/* digits of an exponent; numeric goes to 131072 */
#define IGJ_OBJECT_EXPONENT_MAX  4


static int igj_object_event(void *data, const igj_scan_t *scan,
    const igj_scan_event_t *event);
static int igj_object_outermost(igj_object_t *object,
    igj_scan_type_e type);
static int igj_object_refuse(igj_object_t *object, const igj_scan_t *scan,
    const char *what);
static int igj_object_exponent_long(igj_str_t number);
static int igj_object_result(igj_object_t *object, igj_scan_error_e error);
static void igj_object_errors(igj_json_t *json, const void *data);


void
igj_object_init(igj_object_t *object)
{
    memset(object, 0, sizeof(igj_object_t));
    igj_scan_init(&object->scan, object->text, sizeof(object->text),
                  IGJ_JSON_MAX_DEPTH, igj_object_event, object);
}


int
igj_object_feed(igj_object_t *object, const void *data, size_t len)
{
    return igj_object_result(object, igj_scan_feed(&object->scan, data, len));
}


int
igj_object_finish(igj_object_t *object)
{
    igj_scan_error_e  error;

    error = igj_scan_finish(&object->scan);

    if (error == IGJ_SCAN_EMPTY) {
        object->empty = 1;
        return IGJ_OK;
    }

    return igj_object_result(object, error);
}


static int
igj_object_result(igj_object_t *object, igj_scan_error_e error)
{
    if (error == IGJ_SCAN_OK) {
        return IGJ_OK;
    }

    if (object->problem == IGJ_PROBLEM_NONE) {
        object->problem = igj_problem_of_scan(&object->scan, object->detail,
                                              sizeof(object->detail));
    }

    return IGJ_ERROR;
}


static int
igj_object_event(void *data, const igj_scan_t *scan,
    const igj_scan_event_t *event)
{
    igj_object_t  *object;

    object = data;

    if ((scan->depth == 0 || object->array)
        && igj_object_outermost(object, event->type) != IGJ_OK)
    {
        object->problem = IGJ_PROBLEM_NOT_AN_OBJECT;
        return IGJ_ERROR;
    }

    if (event->flags & IGJ_SCAN_NUL) {
        return igj_object_refuse(object, scan, "holds \\u0000");
    }

    if (event->flags & IGJ_SCAN_SURROGATE) {
        return igj_object_refuse(object, scan,
                                 "holds half of a surrogate pair");
    }

    if (event->type == IGJ_SCAN_NUMBER
        && igj_object_exponent_long(event->text))
    {
        return igj_object_refuse(object, scan, "is out of range");
    }

    return IGJ_OK;
}


/* the value itself, and whatever stands in an array */

static int
igj_object_outermost(igj_object_t *object, igj_scan_type_e type)
{
    if (object->array) {
        object->empty = (type == IGJ_SCAN_ARRAY_END);
        return object->empty ? IGJ_OK : IGJ_ERROR;
    }

    switch (type) {

    case IGJ_SCAN_OBJECT_BEGIN:
    case IGJ_SCAN_OBJECT_END:
        return IGJ_OK;

    case IGJ_SCAN_ARRAY_BEGIN:
        object->array = 1;
        return IGJ_OK;

    case IGJ_SCAN_NULL:
        object->empty = 1;
        return IGJ_OK;

    default:
        return IGJ_ERROR;
    }
}


static int
igj_object_refuse(igj_object_t *object, const igj_scan_t *scan,
    const char *what)
{
    object->problem = IGJ_PROBLEM_INVALID_MEMBER;

    (void) igj_scan_pointer(scan, object->pointer, sizeof(object->pointer));
    (void) snprintf(object->detail, sizeof(object->detail), "%s %s.",
                    object->pointer, what);

    return IGJ_ERROR;
}


static int
igj_object_exponent_long(igj_str_t number)
{
    size_t       i;
    const char  *p;

    for (i = 0; i < number.len; i++) {

        if (number.data[i] == 'e' || number.data[i] == 'E') {
            p = &number.data[i + 1];
            i += 1 + (*p == '+' || *p == '-');

            return number.len - i > IGJ_OBJECT_EXPONENT_MAX;
        }
    }

    return 0;
}


void
igj_object_problem(const igj_object_t *object, igj_problem_doc_t *doc)
{
    memset(doc, 0, sizeof(igj_problem_doc_t));

    doc->problem = object->problem;
    doc->detail = (object->detail[0] != '\0') ? object->detail : NULL;

    if (object->pointer[0] != '\0') {
        doc->errors = igj_object_errors;
        doc->data = object;
    }
}


static void
igj_object_errors(igj_json_t *json, const void *data)
{
    const igj_object_t  *object;

    object = data;

    igj_problem_pointer(json, object->pointer, object->detail);
}
