/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The table of problems and the error document.
 */

#include "igj_problem.h"

#include <stdio.h>
#include <string.h>


#define IGJ_PROBLEM_POINTER_MAX  128


static const igj_problem_row_t  igj_problem_rows[IGJ_PROBLEM_COUNT] = {
#define IGJ_PROBLEM_ROW(name, code, status, slug, title, advice)              \
    [IGJ_PROBLEM_##name] = { code, status, slug, title, advice },
    IGJ_PROBLEMS(IGJ_PROBLEM_ROW)
#undef IGJ_PROBLEM_ROW
};

_Static_assert(IGJ_MAX_ACCOUNTS == 500000 && IGJ_MAX_PROFILES == 500000
               && IGJ_MAX_PER_ACCOUNT == 1000000
               && IGJ_JSON_MAX_DEPTH == 8 && IGJ_JSON_MAX_MEMBERS == 64
               && IGJ_JSON_MAX_NUMBER == 128
               && IGJ_PAGE_MAX_LIMIT == 5000,
               "these limits are spelt out in the table");


const igj_problem_row_t *
igj_problem(igj_problem_e problem)
{
    return &igj_problem_rows[problem];
}


igj_problem_e
igj_problem_find(const char *slug, size_t len)
{
    unsigned  i;

    for (i = IGJ_PROBLEM_NONE + 1; i < IGJ_PROBLEM_COUNT; i++) {
        if (strlen(igj_problem_rows[i].slug) == len
            && memcmp(igj_problem_rows[i].slug, slug, len) == 0)
        {
            return (igj_problem_e) i;
        }
    }

    return IGJ_PROBLEM_NONE;
}


igj_problem_e
igj_problem_of_scan(const igj_scan_t *scan, char *detail, size_t size)
{
    char  pointer[IGJ_PROBLEM_POINTER_MAX];

    if (igj_scan_pointer(scan, pointer, sizeof(pointer)) == 1) {
        pointer[0] = '\0';          /* the whole document: no news */
    }

    (void) snprintf(detail, size, "At offset %llu%s%s: %s.",
                    (unsigned long long) scan->offset,
                    (pointer[0] != '\0') ? ", in " : "", pointer,
                    igj_scan_error_text(scan->error));

    switch (scan->error) {

    case IGJ_SCAN_EMPTY:
        detail[0] = '\0';
        return IGJ_PROBLEM_EMPTY_BODY;

    case IGJ_SCAN_BAD_UTF8:
        return IGJ_PROBLEM_INVALID_UTF8;

    case IGJ_SCAN_TOO_DEEP:
        return IGJ_PROBLEM_TOO_DEEP;

    case IGJ_SCAN_DUPLICATE:
        return IGJ_PROBLEM_DUPLICATE_MEMBER;

    case IGJ_SCAN_TOO_MANY_MEMBERS:
        return IGJ_PROBLEM_TOO_MANY_MEMBERS;

    case IGJ_SCAN_LONG_NUMBER:
        return IGJ_PROBLEM_NUMBER_TOO_LONG;

    default:
        return IGJ_PROBLEM_MALFORMED_JSON;
    }
}


static void
igj_problem_type(igj_json_t *json, const igj_problem_row_t *row)
{
    int   n;
    char  type[128];

    if (strstr(row->slug, "://") != NULL) {
        igj_json_member_text(json, "type", row->slug);
        return;
    }

    n = snprintf(type, sizeof(type), IGJ_PROBLEM_TYPE_BASE "%s", row->slug);

    igj_json_key(json, "type");
    igj_json_string(json, type, (size_t) n);
}


void
igj_problem_write(igj_json_t *json, const igj_problem_doc_t *doc)
{
    const char               *error;
    const igj_problem_row_t  *row;

    row = igj_problem(doc->problem);
    error = (doc->error != NULL) ? doc->error : row->title;

    igj_json_object_begin(json);

    igj_json_member_boolean(json, "success", 0);
    igj_json_member_text(json, "error", error);

    if (doc->error_message) {
        igj_json_member_text(json, "error_message", error);
    }

    igj_problem_type(json, row);
    igj_json_member_text(json, "title", row->title);
    igj_json_member_integer(json, "status", row->status);
    igj_json_member_text(json, "detail",
                         (doc->detail != NULL) ? doc->detail : row->advice);

    if (doc->instance != NULL) {
        igj_json_member_text(json, "instance", doc->instance);
    }

    igj_json_member_text(json, "code", row->code);

    if (doc->errors != NULL) {
        igj_json_key(json, "errors");
        igj_json_array_begin(json);
        doc->errors(json, doc->data);
        igj_json_array_end(json);
    }

    if (doc->members != NULL) {
        doc->members(json, doc->data);
    }

    igj_json_object_end(json);
}


void
igj_problem_pointer(igj_json_t *json, const char *pointer, const char *detail)
{
    igj_json_object_begin(json);
    igj_json_member_text(json, "pointer", pointer);
    igj_json_member_text(json, "detail", detail);
    igj_json_object_end(json);
}
