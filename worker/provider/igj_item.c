/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Dataset items, see igj_item.h.
 *
 * The strict scanner of common/ reads the line, so that what would be trouble
 * further on never gets there: trailing bytes, invalid UTF-8 and deep nesting
 * fail the item, ids above 2^53 keep every digit, "\u0000" and half surrogate
 * pairs are flagged on the string that holds them.
 */

#include "igj_item.h"
#include "igj_number.h"
#include "igj_scan.h"
#include "igj_username.h"

#include <string.h>


#define IGJ_ITEM_USERNAME_MAX   128
#define IGJ_ITEM_ID_MAX         64
#define IGJ_ITEM_NAME_MAX       512
#define IGJ_ITEM_MESSAGE_MAX    200


/* Members that hold the profile, where it is not the item itself. */
static const char *const  igj_item_wrappers[] = {
    "following_user", "details", NULL
};


/* One object: the item, or the profile nested in it. */
typedef struct {
    const char   *text[IGJ_FIELD_TEXTS];   /* NULL: absent or of no use */
    int64_t       number[IGJ_FIELDS];      /* -1: absent; booleans are 0, 1 */
    size_t        rank[IGJ_FIELDS];        /* of the name taken */
    bool          spoilt;                  /* identity that cannot be stored */
    bool          has_error;               /* there is an "error" */
} igj_object_t;


typedef struct {
    igj_item_t     *item;
    igj_object_t    outer;
    igj_object_t    inner;
    int             members;               /* of the outer object */
    bool            is_object;
    bool            request_failed;        /* requestErrorMessages not empty */
} igj_reader_t;


static void
igj_object_init(igj_object_t *o)
{
    int  i;

    memset(o, 0, sizeof(igj_object_t));

    for (i = 0; i < IGJ_FIELDS; i++) {
        o->number[i] = -1;
        o->rank[i] = SIZE_MAX;
    }
}


/* A NUL-terminated copy, or NULL when the arena is full. */
static const char *
igj_item_keep(igj_item_t *item, const char *text, size_t len)
{
    char  *copy;

    if (len >= sizeof(item->arena) - item->used) {
        return NULL;
    }

    copy = item->arena + item->used;
    memcpy(copy, text, len);
    copy[len] = '\0';
    item->used += len + 1;

    return copy;
}


static bool
igj_item_visible(igj_str_t text)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < text.len; i++) {
        c = (unsigned char) text.data[i];

        if (c <= 0x20 || c == 0x7f) {
            return false;
        }
    }

    return true;
}


static bool
igj_item_digits(igj_str_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }

    return true;
}


/* Whether the value can stand in the field. */
static bool
igj_item_text_fits(igj_field_t field, const igj_scan_event_t *e)
{
    switch (field) {

    case IGJ_FIELD_USERNAME:
        return e->text.len <= IGJ_ITEM_USERNAME_MAX
               && !(e->flags & IGJ_SCAN_UNSAFE) && igj_item_visible(e->text);

    case IGJ_FIELD_ID:
        return e->text.len <= IGJ_ITEM_ID_MAX
               && !(e->flags & IGJ_SCAN_UNSAFE) && igj_item_visible(e->text);

    case IGJ_FIELD_NAME:
        /* half a surrogate pair has become U+FFFD: still a name */
        return e->text.len <= IGJ_ITEM_NAME_MAX
               && !(e->flags & (IGJ_SCAN_CUT|IGJ_SCAN_NUL));

    default:
        return !(e->flags & (IGJ_SCAN_CUT|IGJ_SCAN_NUL));
    }
}


/* True if the field has a value now. */
static bool
igj_object_text(igj_object_t *o, igj_item_t *item, igj_field_t field,
    const igj_scan_event_t *e)
{
    if (!igj_item_text_fits(field, e)) {
        o->spoilt = o->spoilt || field <= IGJ_FIELD_NAME;
        return false;
    }

    if (e->text.len == 0) {
        return false;
    }

    o->text[field] = igj_item_keep(item, e->text.data, e->text.len);

    return o->text[field] != NULL;
}


static bool
igj_object_number(igj_object_t *o, igj_item_t *item, igj_field_t field,
    const igj_scan_event_t *e)
{
    int64_t  n;
    int      fraction;

    if (field == IGJ_FIELD_ID) {
        /* the digits as they stand: a double would change those above 2^53 */
        return igj_item_digits(e->text)
               && igj_object_text(o, item, field, e);
    }

    if (field < IGJ_FIELD_FOLLOWERS
        || igj_number_whole(e->text, &n, &fraction) != IGJ_OK || n < 0)
    {
        return false;
    }

    o->number[field] = n;

    return true;
}


static bool
igj_object_value(igj_object_t *o, igj_item_t *item, igj_field_t field,
    const igj_scan_event_t *e)
{
    switch (e->type) {

    case IGJ_SCAN_STRING:
        return field < IGJ_FIELD_TEXTS && igj_object_text(o, item, field, e);

    case IGJ_SCAN_NUMBER:
        return igj_object_number(o, item, field, e);

    case IGJ_SCAN_TRUE:
    case IGJ_SCAN_FALSE:
        if (field < IGJ_FIELD_PRIVATE || field > IGJ_FIELD_ANONYMOUS) {
            return false;
        }

        o->number[field] = (e->type == IGJ_SCAN_TRUE);
        return true;

    default:
        return false;
    }
}


/* Whatever is not nothing: null, false and "" are no error. */
static bool
igj_item_says_error(const igj_scan_event_t *e)
{
    return e->type != IGJ_SCAN_NULL && e->type != IGJ_SCAN_FALSE
           && !(e->type == IGJ_SCAN_STRING && e->text.len == 0);
}


static bool
igj_frame_is(const igj_scan_frame_t *frame, const char *key)
{
    return !frame->is_array && frame->key_len == strlen(key)
           && memcmp(frame->key, key, frame->key_len) == 0;
}


/* A member of the object o. */
static void
igj_object_member(igj_object_t *o, igj_item_t *item,
    const igj_scan_frame_t *frame, const igj_scan_event_t *e)
{
    igj_field_t           field;
    size_t                rank;
    const igj_dialect_t  *dialect;

    dialect = igj_dialect(item->platform);

    for (rank = 0; rank < dialect->n; rank++) {
        if (dialect->names[rank].len == frame->key_len
            && memcmp(dialect->names[rank].name, frame->key, frame->key_len)
               == 0)
        {
            break;
        }
    }

    if (rank == dialect->n) {
        return;
    }

    field = dialect->names[rank].field;

    if (field == IGJ_FIELD_ERROR && igj_item_says_error(e)) {
        o->has_error = true;
    }

    /* null and "" say as little as no member; of a name twice the first
     * counts */
    if (rank < o->rank[field] && igj_object_value(o, item, field, e)) {
        o->rank[field] = rank;
    }
}


static bool
igj_frame_is_wrapper(const igj_scan_frame_t *frame)
{
    const char *const  *name;

    for (name = igj_item_wrappers; *name != NULL; name++) {
        if (igj_frame_is(frame, *name)) {
            return true;
        }
    }

    return false;
}


/*
 * frame[0] is the array that igj_item_parse() puts around the line, frame[1]
 * the item, frame[2] what is nested in it.
 */
static int
igj_reader_event(void *data, const igj_scan_t *scan, const igj_scan_event_t *e)
{
    igj_reader_t            *r = data;
    const igj_scan_frame_t  *frame;

    frame = scan->frame;

    switch (scan->depth) {

    case 1:
        if (frame[0].index > 0 || e->type > IGJ_SCAN_OBJECT_END) {
            return IGJ_ERROR;
        }

        r->is_object = true;
        break;

    case 2:
        if (e->type == IGJ_SCAN_KEY) {
            r->members++;

        } else {
            igj_object_member(&r->outer, r->item, &frame[1], e);
        }
        break;

    case 3:
        if (e->type == IGJ_SCAN_KEY) {
            break;
        }

        if (frame[2].is_array) {
            r->request_failed = r->request_failed
                            || igj_frame_is(&frame[1], "requestErrorMessages");

        } else if (igj_frame_is_wrapper(&frame[1])) {
            igj_object_member(&r->inner, r->item, &frame[2], e);
        }
        break;

    default:
        break;
    }

    return IGJ_OK;
}


/* The account as the batch spells it, "" if it is none. */
static const char *
igj_item_account(igj_item_t *item, const char *text)
{
    igj_username_t   name;
    const char      *copy;

    if (text == NULL
        || igj_username(item->platform, text, strlen(text), &name)
           != IGJ_USERNAME_OK)
    {
        return "";
    }

    copy = igj_item_keep(item, name.text, name.len);

    return copy ? copy : "";
}


static igj_account_fault_t
igj_item_fault(const igj_reader_t *r, const char *word, const char *text)
{
    if (!r->outer.has_error || r->request_failed
        || strcasestr(text, "blocked") != NULL)
    {
        return IGJ_ACCOUNT_BLOCKED;
    }

    if (strcasecmp(word, "not_found") == 0
        || strcasestr(text, "does not exist") != NULL
        || strcasestr(text, "not found") != NULL)
    {
        return IGJ_ACCOUNT_NOT_FOUND;
    }

    if (strcasestr(word, "private") != NULL
        || strcasestr(text, "is private") != NULL)
    {
        return IGJ_ACCOUNT_PRIVATE;
    }

    return IGJ_ACCOUNT_EMPTY;
}


/* text lies in the arena; it is cut there, between characters. */
static const char *
igj_item_bound(igj_item_t *item, const char *text, size_t max)
{
    if (strlen(text) > max) {
        item->arena[(text - item->arena) + igj_utf8_valid(text, max)] = '\0';
    }

    return text;
}


static igj_item_kind_t
igj_item_account_error(igj_reader_t *r)
{
    static const igj_field_t  where[] = {
        IGJ_FIELD_SOURCE, IGJ_FIELD_USERNAME, IGJ_FIELD_INPUT_URL,
        IGJ_FIELD_URL
    };

    igj_account_error_t  *error;
    const char           *word, *text;
    size_t                i;

    error = &r->item->error;
    word = r->outer.text[IGJ_FIELD_ERROR];
    text = r->outer.text[IGJ_FIELD_DESCRIPTION];
    word = word ? word : "";
    text = text ? text : "";

    error->fault = igj_item_fault(r, word, text);
    error->message = igj_item_bound(r->item, text[0] ? text : word,
                                    IGJ_ITEM_MESSAGE_MAX);

    for (i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
        error->account = igj_item_account(r->item, r->outer.text[where[i]]);

        if (error->account[0] != '\0') {
            break;
        }
    }

    return IGJ_ITEM_ACCOUNT_ERROR;
}


/* An item of a name and a link alone: the actor got nothing and says nothing
 * of it. */
static bool
igj_item_is_silent_failure(const igj_reader_t *r)
{
    return r->members == 2 && r->outer.text[IGJ_FIELD_USERNAME] != NULL
           && (r->outer.text[IGJ_FIELD_URL] != NULL
               || r->outer.text[IGJ_FIELD_INPUT_URL] != NULL);
}


static void
igj_item_profile(igj_reader_t *r, const igj_object_t *o)
{
    igj_profile_t  *p;
    const char     *source;

    p = &r->item->profile;

    p->username = o->text[IGJ_FIELD_USERNAME];
    p->id = o->text[IGJ_FIELD_ID] ? o->text[IGJ_FIELD_ID] : p->username;

    if (o->text[IGJ_FIELD_NAME] != NULL) {
        p->full_name = o->text[IGJ_FIELD_NAME];
    }

    if (o->text[IGJ_FIELD_PICTURE] != NULL) {
        p->picture_url = o->text[IGJ_FIELD_PICTURE];
    }

    source = r->outer.text[IGJ_FIELD_SOURCE];

    if (source == NULL && o == &r->inner) {
        source = o->text[IGJ_FIELD_SOURCE] ? o->text[IGJ_FIELD_SOURCE]
                                           : r->outer.text[IGJ_FIELD_USERNAME];
    }

    p->source_account = igj_item_account(r->item, source);

    p->is_private = (int) o->number[IGJ_FIELD_PRIVATE];
    p->is_verified = (int) o->number[IGJ_FIELD_VERIFIED];
    p->followers = o->number[IGJ_FIELD_FOLLOWERS];
    p->following = o->number[IGJ_FIELD_FOLLOWING];
    p->posts = o->number[IGJ_FIELD_POSTS];

    if (o->number[IGJ_FIELD_ANONYMOUS] >= 0) {
        p->has_picture = !o->number[IGJ_FIELD_ANONYMOUS];
    }
}


static void
igj_item_init(igj_item_t *item)
{
    item->used = 0;

    item->profile = (igj_profile_t) {
        .id = "", .username = "", .full_name = "", .source_account = "",
        .picture_url = "", .is_private = -1, .is_verified = -1,
        .has_picture = -1, .followers = -1, .following = -1, .posts = -1
    };

    item->error = (igj_account_error_t) { .account = "", .message = "" };
}


/*
 * The line is scanned as the only element of an array: in the outermost object
 * the scanner refuses a key that comes twice, which is right for a request and
 * too strict for an actor's item.
 */
static bool
igj_reader_run(igj_reader_t *r, const char *line, size_t len)
{
    igj_scan_t  scan;

    igj_scan_init(&scan, r->item->string, sizeof(r->item->string),
                  IGJ_SCAN_MAX_DEPTH, igj_reader_event, r);

    return igj_scan_feed(&scan, "[", 1) == IGJ_SCAN_OK
           && igj_scan_feed(&scan, line, len) == IGJ_SCAN_OK
           && igj_scan_feed(&scan, "]", 1) == IGJ_SCAN_OK
           && igj_scan_finish(&scan) == IGJ_SCAN_OK
           && r->is_object;
}


igj_item_kind_t
igj_item_parse(igj_item_t *item, igj_platform_e platform, const char *line,
    size_t len)
{
    igj_reader_t  r;

    igj_item_init(item);

    item->platform = platform;
    r.item = item;
    r.members = 0;
    r.is_object = false;
    r.request_failed = false;
    igj_object_init(&r.outer);
    igj_object_init(&r.inner);

    if (!igj_reader_run(&r, line, len)) {
        return IGJ_ITEM_MALFORMED;
    }

    if (r.outer.has_error || igj_item_is_silent_failure(&r)) {
        return igj_item_account_error(&r);
    }

    if (r.inner.text[IGJ_FIELD_USERNAME] != NULL && !r.inner.spoilt) {
        igj_item_profile(&r, &r.inner);
        return IGJ_ITEM_PROFILE;
    }

    if (r.outer.text[IGJ_FIELD_USERNAME] != NULL && !r.outer.spoilt
        && !r.inner.spoilt)
    {
        igj_item_profile(&r, &r.outer);
        return IGJ_ITEM_PROFILE;
    }

    return IGJ_ITEM_MALFORMED;
}


const char *
igj_item_fields(igj_platform_e platform)
{
    return igj_dialect(platform)->stored;
}
