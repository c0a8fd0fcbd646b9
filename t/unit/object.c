/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Small objects that go on to jsonb: what is refused, and where. */

#include "igj_object.h"
#include "tap.h"

#include <string.h>


typedef struct {
    const char     *text;
    igj_problem_e   problem;
    const char     *pointer;
} object_t;

static const object_t  objects[] = {
    { "{}", IGJ_PROBLEM_NONE, "" },
    { " {\"a\":[{\"b\":null},true,1.5e-9,\"\\ud83d\\ude00\"]} ",
      IGJ_PROBLEM_NONE, "" },
    { "{\"a\":1e9999,\"b\":-1E+0000,\"c\":1e-9999}", IGJ_PROBLEM_NONE, "" },
    { "", IGJ_PROBLEM_NONE, "" },
    { " \n\t", IGJ_PROBLEM_NONE, "" },

    { "[]", IGJ_PROBLEM_NONE, "" },
    { " [ ] ", IGJ_PROBLEM_NONE, "" },
    { "null", IGJ_PROBLEM_NONE, "" },

    { "12", IGJ_PROBLEM_NOT_AN_OBJECT, "" },
    { "false", IGJ_PROBLEM_NOT_AN_OBJECT, "" },
    { "\"\"", IGJ_PROBLEM_NOT_AN_OBJECT, "" },
    { "[[]]", IGJ_PROBLEM_NOT_AN_OBJECT, "" },
    { "[{}]", IGJ_PROBLEM_NOT_AN_OBJECT, "" },
    { "[null]", IGJ_PROBLEM_NOT_AN_OBJECT, "" },
    { "[1]", IGJ_PROBLEM_NOT_AN_OBJECT, "" },
    { "[", IGJ_PROBLEM_MALFORMED_JSON, "" },
    { "[]{}", IGJ_PROBLEM_MALFORMED_JSON, "" },
    { "nul", IGJ_PROBLEM_MALFORMED_JSON, "" },
    { "{", IGJ_PROBLEM_MALFORMED_JSON, "" },
    { "{}{}", IGJ_PROBLEM_MALFORMED_JSON, "" },
    { "{\"a\":1,\"a\":1}", IGJ_PROBLEM_DUPLICATE_MEMBER, "" },
    { "{\"a\":\"\xff\"}", IGJ_PROBLEM_INVALID_UTF8, "" },
    { "{\"a\":[[[[[[[[1]]]]]]]]}", IGJ_PROBLEM_TOO_DEEP, "" },
    { "{\"a\":\"x\\u0000\"}", IGJ_PROBLEM_INVALID_MEMBER, "#/a" },
    { "{\"a\":{\"b\":[0,\"\\ude00\"]}}", IGJ_PROBLEM_INVALID_MEMBER,
      "#/a/b/1" },
    { "{\"n\":1e10000}", IGJ_PROBLEM_INVALID_MEMBER, "#/n" },
    { "{\"n\":1e-10000}", IGJ_PROBLEM_INVALID_MEMBER, "#/n" },
};

static const char  *nothing[] = { "", " ", "null", "[]", " [ \t] " };


static void
read_object(igj_object_t *object, const char *text, size_t slice)
{
    size_t  i, len;

    igj_object_init(object);
    len = strlen(text);

    for (i = 0; i < len; i += slice) {
        if (igj_object_feed(object, text + i,
                            (len - i < slice) ? len - i : slice)
            != IGJ_OK)
        {
            return;
        }
    }

    if (igj_object_finish(object) != IGJ_OK) {
        return;
    }
}


int
main(void)
{
    size_t             i, slice;
    igj_object_t       object;
    const object_t    *row;
    igj_problem_doc_t  doc;

    for (i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        row = &objects[i];

        for (slice = 1; slice <= 64; slice *= 64) {
            read_object(&object, row->text, slice);
            is(object.problem, row->problem, "%s", row->text);
            is_text(object.pointer, row->pointer, "where");
        }

        igj_object_problem(&object, &doc);
        is(doc.errors != NULL, row->pointer[0] != '\0', "a pointer");
    }

    for (i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        read_object(&object, nothing[i], 1);
        ok(object.empty, "'%s' is nothing", nothing[i]);
    }

    read_object(&object, "{}", 1);
    ok(!object.empty, "something");
    read_object(&object, "{\"a\":[],\"b\":null}", 1);
    ok(!object.empty, "something that holds nothing");

    return done_testing();
}
