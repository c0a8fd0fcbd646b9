/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The body of POST /api/ingest.  What stands in it but is not kept costs no
 * memory: an element may have any number of members of any length.
 */

#include "igj_ingest.h"

#include <stdio.h>
#include <string.h>


/* Depths at which the outermost members, elements and their members come. */
#define IGJ_INGEST_MEMBER_DEPTH   1
#define IGJ_INGEST_ELEMENT_DEPTH  2
#define IGJ_INGEST_FIELD_DEPTH    3


enum {
    IGJ_INGEST_MEMBER_PROFILES = 0,
    IGJ_INGEST_MEMBER_BASE_ID
};

static const char *const  igj_ingest_members[] = {
    [IGJ_INGEST_MEMBER_PROFILES] = "profiles",
    [IGJ_INGEST_MEMBER_BASE_ID] = "base_id",
    NULL
};


static const char *const  igj_ingest_fields[] = {
    [IGJ_INGEST_ID] = "id",
    [IGJ_INGEST_USERNAME] = "username",
    [IGJ_INGEST_FULL_NAME] = "full_name",
    NULL
};

_Static_assert(IGJ_PROFILE_ID_MAX <= IGJ_FULL_NAME_MAX
               && IGJ_PROFILE_USERNAME_MAX <= IGJ_FULL_NAME_MAX
               && IGJ_FULL_NAME_MAX < IGJ_INGEST_TEXT_MAX
               && IGJ_MAX_BASE_ID < IGJ_INGEST_TEXT_MAX,
               "values fit where they are kept");


static int igj_ingest_event(void *data, const igj_scan_t *scan,
    const igj_scan_event_t *event);


void
igj_ingest_init(igj_ingest_t *ingest, const igj_mem_t *mem)
{
    memset(ingest, 0, offsetof(igj_ingest_t, text));

    ingest->member = -1;
    ingest->field = -1;

    igj_spool_init(&ingest->lines, mem);
    igj_scan_init(&ingest->scan, ingest->text, sizeof(ingest->text),
                  IGJ_SCAN_MAX_DEPTH, igj_ingest_event, ingest);
}


void
igj_ingest_free(igj_ingest_t *ingest)
{
    igj_spool_free(&ingest->lines);
}


uint32_t
igj_ingest_units(const igj_ingest_t *ingest)
{
    return (ingest->given + IGJ_INGEST_UNIT - 1) / IGJ_INGEST_UNIT;
}


static int
igj_ingest_refuse(igj_ingest_t *ingest, igj_problem_e problem,
    const char *pointer)
{
    ingest->problem = problem;
    (void) snprintf(ingest->pointer, sizeof(ingest->pointer), "%s", pointer);

    return IGJ_ERROR;
}


/* The place of a key among names, or -1. */
static int
igj_ingest_find(const char *const *names, const igj_scan_event_t *event)
{
    int  i;

    for (i = 0; names[i] != NULL; i++) {
        if (event->total == strlen(names[i])
            && memcmp(event->text.data, names[i], event->total) == 0)
        {
            return i;
        }
    }

    return -1;
}


/* A scalar as text; of null and of what is no scalar data is NULL. */
static igj_str_t
igj_ingest_scalar(const igj_scan_event_t *event)
{
    igj_str_t  text;

    switch (event->type) {

    case IGJ_SCAN_STRING:
    case IGJ_SCAN_NUMBER:
        return event->text;

    case IGJ_SCAN_TRUE:
        text.data = "true";
        text.len = 4;
        return text;

    case IGJ_SCAN_FALSE:
        text.data = "false";
        text.len = 5;
        return text;

    default:
        text.data = NULL;
        text.len = 0;
        return text;
    }
}


static int
igj_ingest_has_control(igj_str_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if ((unsigned char) text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return 1;
        }
    }

    return 0;
}


static igj_str_t
igj_ingest_trim(igj_str_t text)
{
    while (text.len > 0 && text.data[0] == ' ') {
        text.data++;
        text.len--;
    }

    while (text.len > 0 && text.data[text.len - 1] == ' ') {
        text.len--;
    }

    return text;
}


/* A key of the pool: as it is, or of no use. */
static void
igj_ingest_key(igj_ingest_value_t *value, const igj_scan_event_t *event,
    size_t max)
{
    igj_str_t  text;

    value->state = IGJ_INGEST_ABSENT;
    value->len = 0;

    if (event->type == IGJ_SCAN_NULL) {
        return;
    }

    text = igj_ingest_trim(igj_ingest_scalar(event));

    if (text.data == NULL || text.len > max
        || (event->type == IGJ_SCAN_STRING
            && (event->flags & IGJ_SCAN_UNSAFE))
        || igj_ingest_has_control(text))
    {
        value->state = IGJ_INGEST_BAD;
        return;
    }

    if (text.len == 0) {
        return;
    }

    memcpy(value->text, text.data, text.len);
    value->len = text.len;
    value->state = IGJ_INGEST_GOOD;
}


/* A name of a person: made to fit, never of no use. */
static void
igj_ingest_name(igj_ingest_value_t *value, const igj_scan_event_t *event)
{
    size_t     i;
    igj_str_t  text;

    text = igj_ingest_scalar(event);

    if (text.len > IGJ_FULL_NAME_MAX) {
        text.len = IGJ_FULL_NAME_MAX;

        /* between two characters */

        while (text.len > 0 && (text.data[text.len] & 0xc0) == 0x80) {
            text.len--;
        }
    }

    for (i = 0; i < text.len; i++) {
        value->text[i] = ((unsigned char) text.data[i] < 0x20
                          || text.data[i] == 0x7f) ? ' ' : text.data[i];
    }

    value->len = text.len;
    value->state = IGJ_INGEST_GOOD;
}


/* An event of a member of an element. */
static int
igj_ingest_field(igj_ingest_t *ingest, const igj_scan_event_t *event)
{
    if (event->type == IGJ_SCAN_KEY) {
        ingest->field = igj_ingest_find(igj_ingest_fields, event);
        return IGJ_OK;
    }

    if (event->type == IGJ_SCAN_ARRAY_END
        || event->type == IGJ_SCAN_OBJECT_END)
    {
        return IGJ_OK;
    }

    switch (ingest->field) {

    case IGJ_INGEST_ID:
        igj_ingest_key(&ingest->value[IGJ_INGEST_ID], event,
                       IGJ_PROFILE_ID_MAX);
        break;

    case IGJ_INGEST_USERNAME:
        igj_ingest_key(&ingest->value[IGJ_INGEST_USERNAME], event,
                       IGJ_PROFILE_USERNAME_MAX);
        break;

    case IGJ_INGEST_FULL_NAME:
        igj_ingest_name(&ingest->value[IGJ_INGEST_FULL_NAME], event);
        break;

    default:
        break;
    }

    return IGJ_OK;
}


/* An element has ended: keeps its line. */
static int
igj_ingest_line(igj_ingest_t *ingest)
{
    int                  i;
    char                 line[3 * IGJ_FULL_NAME_MAX + IGJ_INGEST_FIELDS];
    char                *p;
    igj_ingest_value_t  *value;

    value = ingest->value;

    if (value[IGJ_INGEST_ID].state != IGJ_INGEST_GOOD
        || value[IGJ_INGEST_USERNAME].state != IGJ_INGEST_GOOD)
    {
        ingest->invalid += value[IGJ_INGEST_ID].state == IGJ_INGEST_BAD
                           || value[IGJ_INGEST_USERNAME].state
                              == IGJ_INGEST_BAD;
        return IGJ_OK;
    }

    p = line;

    for (i = 0; i < IGJ_INGEST_FIELDS; i++) {
        memcpy(p, value[i].text, value[i].len);
        p += value[i].len;
        *p++ = (i + 1 < IGJ_INGEST_FIELDS) ? '\t' : '\n';
    }

    if (igj_spool_add(&ingest->lines, line, (size_t) (p - line)) != IGJ_OK) {
        return igj_ingest_refuse(ingest, IGJ_PROBLEM_OVERLOADED, "");
    }

    ingest->unit_size[(ingest->given - 1) / IGJ_INGEST_UNIT]
        += (uint32_t) (p - line);
    ingest->kept++;

    return IGJ_OK;
}


/* An element of "profiles" begins, of any type, or ends. */
static int
igj_ingest_element(igj_ingest_t *ingest, const igj_scan_event_t *event)
{
    int  i;

    if (event->type == IGJ_SCAN_OBJECT_END) {
        return igj_ingest_line(ingest);
    }

    if (event->type == IGJ_SCAN_ARRAY_END) {
        return IGJ_OK;
    }

    if (ingest->given == IGJ_MAX_PROFILES) {
        return igj_ingest_refuse(ingest, IGJ_PROBLEM_TOO_MANY_PROFILES,
                                 "#/profiles");
    }

    ingest->given++;
    ingest->in_object = (event->type == IGJ_SCAN_OBJECT_BEGIN);

    for (i = 0; i < IGJ_INGEST_FIELDS; i++) {
        ingest->value[i].state = IGJ_INGEST_ABSENT;
        ingest->value[i].len = 0;
    }

    return IGJ_OK;
}


/* Checked by igjobs.base_problem: here it is only made to fit. */
static void
igj_ingest_base(igj_ingest_t *ingest, const igj_scan_event_t *event)
{
    size_t     i;
    igj_str_t  text;

    text = igj_ingest_scalar(event);

    if (event->type == IGJ_SCAN_ARRAY_BEGIN
        || event->type == IGJ_SCAN_OBJECT_BEGIN)
    {
        text.data = (event->type == IGJ_SCAN_ARRAY_BEGIN) ? "[]" : "{}";
        text.len = 2;
    }

    for (i = 0; i < text.len && i < IGJ_MAX_BASE_ID; i++) {
        ingest->base_id[i] = ((unsigned char) text.data[i] < 0x20
                              || (unsigned char) text.data[i] > 0x7e)
                             ? '?' : text.data[i];
    }

    ingest->base_id[i] = '\0';
}


/* An event of the outermost object. */
static int
igj_ingest_member(igj_ingest_t *ingest, const igj_scan_event_t *event)
{
    if (event->type == IGJ_SCAN_KEY) {
        ingest->member = igj_ingest_find(igj_ingest_members, event);
        return IGJ_OK;
    }

    if (event->type == IGJ_SCAN_ARRAY_END
        || event->type == IGJ_SCAN_OBJECT_END)
    {
        ingest->inside = IGJ_INGEST_OTHER;
        return IGJ_OK;
    }

    switch (ingest->member) {

    case IGJ_INGEST_MEMBER_PROFILES:

        if (event->type != IGJ_SCAN_ARRAY_BEGIN) {
            return igj_ingest_refuse(ingest, IGJ_PROBLEM_PROFILES_NOT_A_LIST,
                                     "#/profiles");
        }

        ingest->inside = IGJ_INGEST_PROFILES;
        ingest->has_profiles = 1;
        break;

    case IGJ_INGEST_MEMBER_BASE_ID:
        igj_ingest_base(ingest, event);
        break;

    default:
        break;
    }

    return IGJ_OK;
}


static int
igj_ingest_event(void *data, const igj_scan_t *scan,
    const igj_scan_event_t *event)
{
    igj_ingest_t  *ingest;

    ingest = data;

    switch (scan->depth) {

    case 0:
        ingest->body_type = event->type;
        return IGJ_OK;

    case IGJ_INGEST_MEMBER_DEPTH:
        return igj_ingest_member(ingest, event);

    case IGJ_INGEST_ELEMENT_DEPTH:
        return (ingest->inside == IGJ_INGEST_PROFILES)
               ? igj_ingest_element(ingest, event) : IGJ_OK;

    case IGJ_INGEST_FIELD_DEPTH:
        return (ingest->inside == IGJ_INGEST_PROFILES && ingest->in_object)
               ? igj_ingest_field(ingest, event) : IGJ_OK;

    default:
        return IGJ_OK;
    }
}


/* The scanner or the consumer has refused the body. */
static int
igj_ingest_refused(igj_ingest_t *ingest)
{
    if (ingest->problem != IGJ_PROBLEM_NONE) {
        return IGJ_ERROR;
    }

    if (igj_scan_pointer(&ingest->scan, ingest->pointer,
                         sizeof(ingest->pointer)) == 1)
    {
        ingest->pointer[0] = '\0';  /* the whole document: no news */
    }

    ingest->problem = igj_problem_of_scan(&ingest->scan, ingest->detail,
                                          sizeof(ingest->detail));
    return IGJ_ERROR;
}


int
igj_ingest_feed(igj_ingest_t *ingest, const void *data, size_t len)
{
    if (igj_scan_feed(&ingest->scan, data, len) != IGJ_SCAN_OK) {
        return igj_ingest_refused(ingest);
    }

    return IGJ_OK;
}


/*
 * JSON without "profiles": the original says so of null and of arrays, too,
 * but not of other things.
 */
static int
igj_ingest_no_profiles(igj_ingest_t *ingest)
{
    switch (ingest->body_type) {

    case IGJ_SCAN_OBJECT_END:
    case IGJ_SCAN_ARRAY_END:
    case IGJ_SCAN_NULL:
        return igj_ingest_refuse(ingest, IGJ_PROBLEM_PROFILES_MISSING, "");

    default:
        return igj_ingest_refuse(ingest, IGJ_PROBLEM_NOT_AN_OBJECT, "");
    }
}


int
igj_ingest_finish(igj_ingest_t *ingest)
{
    if (igj_scan_finish(&ingest->scan) != IGJ_SCAN_OK) {
        return igj_ingest_refused(ingest);
    }

    return ingest->has_profiles ? IGJ_OK : igj_ingest_no_profiles(ingest);
}


static void
igj_ingest_errors(igj_json_t *json, const void *data)
{
    const igj_ingest_t  *ingest;

    ingest = data;

    igj_problem_pointer(json, ingest->pointer,
                        (ingest->detail[0] != '\0')
                        ? ingest->detail
                        : igj_problem(ingest->problem)->advice);
}


void
igj_ingest_problem(const igj_ingest_t *ingest, igj_problem_doc_t *doc)
{
    memset(doc, 0, sizeof(igj_problem_doc_t));

    doc->problem = ingest->problem;
    doc->detail = (ingest->detail[0] != '\0') ? ingest->detail : NULL;

    if (ingest->pointer[0] != '\0') {
        doc->errors = igj_ingest_errors;
        doc->data = ingest;
    }
}
