/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The body of POST /api/scrape-followers.  One table declares the members of
 * the body, that of igj_options.c further ones; what stands in the body but in
 * neither is ignored.  Faulty accounts are counted and judged at the end,
 * because skip_invalid may come after them; everything else that is wrong ends
 * the reading at once.
 */

#include "igj_submit_inner.h"
#include "igj_number.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>


/* How much of a wrong value an answer repeats. */
#define IGJ_SUBMIT_QUOTE_MAX  40


typedef struct igj_submit_member_s  igj_submit_member_t;

struct igj_submit_member_s {
    const char         *name;

    /* Takes the value; IGJ_ERROR: it is wrong. */
    int               (*read)(igj_submit_t *submit,
                           const igj_submit_member_t *member,
                           const igj_scan_event_t *event);

    size_t              offset;    /* of the field in igj_submit_t */
    const char *const  *words;     /* what read_word accepts, then NULL */
    int                 null;      /* null is as good as leaving it out */
    igj_problem_e       problem;   /* the value is wrong */
    const char         *wanted;    /* what to send instead */
};


static int igj_submit_read_accounts(igj_submit_t *submit,
    const igj_submit_member_t *member, const igj_scan_event_t *event);
static int igj_submit_read_word(igj_submit_t *submit,
    const igj_submit_member_t *member, const igj_scan_event_t *event);
static int igj_submit_read_total(igj_submit_t *submit,
    const igj_submit_member_t *member, const igj_scan_event_t *event);
static int igj_submit_read_flag(igj_submit_t *submit,
    const igj_submit_member_t *member, const igj_scan_event_t *event);
static int igj_submit_read_platform(igj_submit_t *submit,
    const igj_submit_member_t *member, const igj_scan_event_t *event);


static const char *const  igj_submit_genders[] = {
    [IGJ_GENDER_MALE] = "male",
    [IGJ_GENDER_FEMALE] = "female",
    [IGJ_GENDER_ANY] = "any",
    NULL
};


static const igj_submit_member_t  igj_submit_members[] = {

    { "accounts", igj_submit_read_accounts, 0, NULL, 0,
      IGJ_PROBLEM_ACCOUNTS_NOT_A_LIST,
      "an array of 1 to 500000 user names" },

    { "targetGender", igj_submit_read_word,
      offsetof(igj_submit_t, target_gender), igj_submit_genders, 0,
      IGJ_PROBLEM_BAD_TARGET_GENDER,
      "\"male\", \"female\" or \"any\", or leave the field out: male" },

    { "totalScrapeCount", igj_submit_read_total, 0, NULL, 1,
      IGJ_PROBLEM_TOTAL_NOT_A_NUMBER,
      "a positive number without quotes, or leave the field out: "
      "5 for each account" },

    { "skip_invalid", igj_submit_read_flag,
      offsetof(igj_submit_t, skip_invalid), NULL, 1,
      IGJ_PROBLEM_INVALID_MEMBER,
      "true or false, or leave the field out: false" },

    { "keep_unknown", igj_submit_read_flag,
      offsetof(igj_submit_t, keep_unknown), NULL, 1,
      IGJ_PROBLEM_INVALID_MEMBER,
      "true or false, or leave the field out: true" },

    { "dry_run", igj_submit_read_flag,
      offsetof(igj_submit_t, dry_run), NULL, 1,
      IGJ_PROBLEM_BAD_OPTION,
      "true or false, or leave the field out: false" },

    { "platform", igj_submit_read_platform,
      offsetof(igj_submit_t, platform), igj_platform_names, 1,
      IGJ_PROBLEM_BAD_PLATFORM,
      "\"instagram\", \"tiktok\", \"threads\" or \"x\", or leave the field "
      "out: instagram" }
};

#define IGJ_SUBMIT_MEMBERS                                                    \
    (sizeof(igj_submit_members) / sizeof(igj_submit_member_t))

_Static_assert(IGJ_MAX_ACCOUNTS == 500000 && IGJ_DEFAULT_PER_ACCOUNT == 5,
               "these limits are spelt out in texts");


static int igj_submit_event(void *data, const igj_scan_t *scan,
    const igj_scan_event_t *event);


void
igj_submit_init(igj_submit_t *submit, const igj_mem_t *mem, uint64_t seed)
{
    memset(submit, 0, offsetof(igj_submit_t, text));

    submit->target_gender = IGJ_GENDER_MALE;
    submit->platform = IGJ_PLATFORM_INSTAGRAM;
    submit->keep_unknown = 1;

    igj_accounts_init(&submit->accounts, mem, seed);
    igj_scan_init(&submit->scan, submit->text, sizeof(submit->text),
                  IGJ_JSON_MAX_DEPTH, igj_submit_event, submit);
}


void
igj_submit_free(igj_submit_t *submit)
{
    igj_accounts_free(&submit->accounts);
    igj_submit_drop_links(submit);
}


size_t
igj_submit_memory(const igj_submit_t *submit)
{
    return submit->accounts.held
           + (submit->links ? submit->links->held + sizeof(igj_accounts_t) : 0);
}


void
igj_submit_params(igj_json_t *json, const igj_submit_t *submit)
{
    igj_json_object_begin(json);
    igj_json_member_text(json, "target_gender",
                         igj_gender_name(submit->target_gender));
    igj_json_member_integer(json, "max_count_per_account",
                            submit->per_account);
    igj_json_member_boolean(json, "keep_unknown", submit->keep_unknown);
    igj_options_members(json, &submit->options);
    igj_json_object_end(json);
}


const char *
igj_gender_name(igj_gender_e gender)
{
    return igj_submit_genders[gender];
}


/* The value in a few words, for the answer to a wrong one. */
static void
igj_submit_describe(const igj_scan_event_t *event, char *out, size_t size)
{
    int  n;

    n = (event->text.len < IGJ_SUBMIT_QUOTE_MAX) ? (int) event->text.len
                                                 : IGJ_SUBMIT_QUOTE_MAX;
    switch (event->type) {

    case IGJ_SCAN_STRING:
        (void) snprintf(out, size, "\"%.*s%s\"", n, event->text.data,
                        ((size_t) n < event->total) ? "..." : "");
        break;

    case IGJ_SCAN_NUMBER:
        (void) snprintf(out, size, "%.*s", n, event->text.data);
        break;

    case IGJ_SCAN_TRUE:
        (void) snprintf(out, size, "true");
        break;

    case IGJ_SCAN_FALSE:
        (void) snprintf(out, size, "false");
        break;

    case IGJ_SCAN_NULL:
        (void) snprintf(out, size, "null");
        break;

    case IGJ_SCAN_ARRAY_BEGIN:
        (void) snprintf(out, size, "an array");
        break;

    default:
        (void) snprintf(out, size, "an object");
    }
}


/* What stands at this path of the body is wrong. */
static int
igj_submit_wrong(igj_submit_t *submit, igj_problem_e problem,
    const char *path, const char *wanted, const igj_scan_event_t *event)
{
    char  value[IGJ_SUBMIT_QUOTE_MAX + 8];

    igj_submit_describe(event, value, sizeof(value));

    (void) snprintf(submit->detail, sizeof(submit->detail),
                    "%s is %s; send %s.", path, value, wanted);
    (void) snprintf(submit->pointer, sizeof(submit->pointer), "#/%s", path);

    return igj_submit_refuse(submit, problem);
}


static int
igj_submit_read_accounts(igj_submit_t *submit,
    const igj_submit_member_t *member, const igj_scan_event_t *event)
{
    (void) member;

    if (event->type != IGJ_SCAN_ARRAY_BEGIN) {
        return IGJ_ERROR;
    }

    submit->inside = IGJ_SUBMIT_ACCOUNTS;
    submit->has_accounts = 1;
    submit->late_platform = !submit->has_platform;

    return IGJ_OK;
}


static int
igj_submit_read_word(igj_submit_t *submit, const igj_submit_member_t *member,
    const igj_scan_event_t *event)
{
    int        *field;
    unsigned    i;
    igj_str_t   text;

    if (event->type != IGJ_SCAN_STRING) {
        return IGJ_ERROR;
    }

    text = event->text;
    field = (int *) ((char *) submit + member->offset);

    for (i = 0; member->words[i] != NULL; i++) {
        if (text.len == strlen(member->words[i])
            && strncasecmp(text.data, member->words[i], text.len) == 0)
        {
            *field = (int) i;
            return IGJ_OK;
        }
    }

    return IGJ_ERROR;
}


/* What depends on the number of accounts is checked at the end. */
static int
igj_submit_read_total(igj_submit_t *submit, const igj_submit_member_t *member,
    const igj_scan_event_t *event)
{
    int  fraction;

    (void) member;

    if (event->type != IGJ_SCAN_NUMBER
        || igj_number_whole(event->text, &submit->total, &fraction) != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    if (event->text.data[0] == '-' || (submit->total == 0 && !fraction)) {
        (void) snprintf(submit->pointer, sizeof(submit->pointer),
                        "#/totalScrapeCount");
        return igj_submit_refuse(submit, IGJ_PROBLEM_TOTAL_NOT_POSITIVE);
    }

    submit->has_total = 1;

    return IGJ_OK;
}


static int
igj_submit_read_flag(igj_submit_t *submit, const igj_submit_member_t *member,
    const igj_scan_event_t *event)
{
    int  *field;

    if (event->type != IGJ_SCAN_TRUE && event->type != IGJ_SCAN_FALSE) {
        return IGJ_ERROR;
    }

    field = (int *) ((char *) submit + member->offset);
    *field = (event->type == IGJ_SCAN_TRUE);

    return IGJ_OK;
}


static int
igj_submit_read_platform(igj_submit_t *submit,
    const igj_submit_member_t *member, const igj_scan_event_t *event)
{
    submit->has_platform = 1;

    return igj_submit_read_word(submit, member, event);
}


/* The beginning of an element of "accounts", of any type. */
static int
igj_submit_account(igj_submit_t *submit, const igj_scan_event_t *event)
{
    if (submit->given == IGJ_MAX_ACCOUNTS) {
        (void) snprintf(submit->pointer, sizeof(submit->pointer), "#/accounts");
        return igj_submit_refuse(submit, IGJ_PROBLEM_TOO_MANY_ACCOUNTS);
    }

    submit->given++;

    return igj_submit_name(submit, event);
}


static const igj_submit_member_t *
igj_submit_find(igj_str_t name)
{
    size_t  i;

    for (i = 0; i < IGJ_SUBMIT_MEMBERS; i++) {
        if (name.len == strlen(igj_submit_members[i].name)
            && memcmp(name.data, igj_submit_members[i].name, name.len) == 0)
        {
            return &igj_submit_members[i];
        }
    }

    return NULL;
}


/* The value of a member that igj_options.c knows. */
static int
igj_submit_option(igj_submit_t *submit, const igj_option_t *option,
    const igj_scan_event_t *event)
{
    if (igj_option_read(&submit->options, option, event) != IGJ_OK) {
        return igj_submit_wrong(submit, IGJ_PROBLEM_BAD_OPTION,
                                igj_option_path(option),
                                igj_option_wanted(option), event);
    }

    if (igj_option_has_members(option) && event->type != IGJ_SCAN_NULL) {
        submit->inside = IGJ_SUBMIT_OPTION;
    }

    return IGJ_OK;
}


/*
 * An event of an object of options.  What is not known there must not be
 * ignored: it would be a limit that its sender relies on.
 */
static int
igj_submit_inner_option(igj_submit_t *submit, const igj_scan_event_t *event)
{
    const igj_option_t  *option;

    if (event->type == IGJ_SCAN_KEY) {
        submit->inner = igj_option_find(submit->option, event->text);
        return IGJ_OK;
    }

    option = submit->inner;

    if (option == NULL) {
        (void) igj_scan_pointer(&submit->scan, submit->pointer,
                                sizeof(submit->pointer));
        (void) snprintf(submit->detail, sizeof(submit->detail),
                        "Nothing of this name is known; %s is %s.",
                        igj_option_path(submit->option),
                        igj_option_wanted(submit->option));
        return igj_submit_refuse(submit, IGJ_PROBLEM_BAD_OPTION);
    }

    if (igj_option_was_read(&submit->options, option)) {
        (void) snprintf(submit->pointer, sizeof(submit->pointer), "#/%s",
                        igj_option_path(option));
        return igj_submit_refuse(submit, IGJ_PROBLEM_DUPLICATE_MEMBER);
    }

    return igj_submit_option(submit, option, event);
}


/* An event of the outermost object. */
static int
igj_submit_member(igj_submit_t *submit, const igj_scan_event_t *event)
{
    const igj_submit_member_t  *member;

    if (event->type == IGJ_SCAN_KEY) {
        submit->member = igj_submit_find(event->text);
        submit->option = (submit->member == NULL)
                         ? igj_option_find(NULL, event->text) : NULL;
        return IGJ_OK;
    }

    if (event->type == IGJ_SCAN_ARRAY_END
        || event->type == IGJ_SCAN_OBJECT_END)
    {
        submit->inside = IGJ_SUBMIT_OTHER;
        return IGJ_OK;
    }

    if (submit->option != NULL) {
        return igj_submit_option(submit, submit->option, event);
    }

    member = submit->member;

    if (member == NULL || (event->type == IGJ_SCAN_NULL && member->null)) {
        return IGJ_OK;
    }

    if (member->read(submit, member, event) == IGJ_OK) {
        return IGJ_OK;
    }

    return (submit->problem == IGJ_PROBLEM_NONE)
           ? igj_submit_wrong(submit, member->problem, member->name,
                              member->wanted, event)
           : IGJ_ERROR;
}


/* An event of what an object or array of the outermost object holds. */
static int
igj_submit_inner(igj_submit_t *submit, const igj_scan_event_t *event)
{
    if (event->type == IGJ_SCAN_ARRAY_END
        || event->type == IGJ_SCAN_OBJECT_END)
    {
        return IGJ_OK;
    }

    switch (submit->inside) {

    case IGJ_SUBMIT_ACCOUNTS:
        return igj_submit_account(submit, event);

    case IGJ_SUBMIT_OPTION:
        return igj_submit_inner_option(submit, event);

    default:
        return IGJ_OK;
    }
}


static int
igj_submit_event(void *data, const igj_scan_t *scan,
    const igj_scan_event_t *event)
{
    igj_submit_t  *submit;

    submit = data;

    if (scan->depth == 2) {
        return igj_submit_inner(submit, event);
    }

    if (scan->depth == 1) {
        return igj_submit_member(submit, event);
    }

    if (scan->depth == 0) {
        submit->body_type = event->type;
    }

    return IGJ_OK;
}


/* The scanner or the consumer has refused the body. */
static int
igj_submit_refused(igj_submit_t *submit)
{
    if (submit->problem != IGJ_PROBLEM_NONE) {
        return IGJ_ERROR;
    }

    if (igj_scan_pointer(&submit->scan, submit->pointer,
                         sizeof(submit->pointer)) == 1)
    {
        submit->pointer[0] = '\0';  /* the whole document: no news */
    }

    return igj_submit_refuse(submit,
                             igj_problem_of_scan(&submit->scan, submit->detail,
                                                 sizeof(submit->detail)));
}


int
igj_submit_feed(igj_submit_t *submit, const void *data, size_t len)
{
    if (igj_scan_feed(&submit->scan, data, len) != IGJ_SCAN_OK) {
        return igj_submit_refused(submit);
    }

    return IGJ_OK;
}


int
igj_submit_finish(igj_submit_t *submit)
{
    if (igj_scan_finish(&submit->scan) != IGJ_SCAN_OK) {
        return igj_submit_refused(submit);
    }

    if (!submit->has_accounts) {
        return igj_submit_no_accounts(submit);
    }

    if (igj_submit_settle_names(submit) != IGJ_OK) {
        return IGJ_ERROR;
    }

    if (igj_accounts_finish(&submit->accounts) != IGJ_OK) {
        return igj_submit_refuse(submit, IGJ_PROBLEM_OVERLOADED);
    }

    if (igj_submit_judge_accounts(submit) != IGJ_OK) {
        return IGJ_ERROR;
    }

    return igj_submit_judge_total(submit);
}
