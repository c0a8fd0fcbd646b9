/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Item rendering: shape -> fields -> values. */

#include <string.h>

#include "sim_conf.h"
#include "sim_item.h"

#define SIM_PIC_HEAD     "https://cdn.igjobs.invalid/v/t51.2885-19/"
#define SIM_PIC_MAX      1500
#define SIM_PIC_EXPIRY   0x6a000000      /* Unix time, May 2026 */
#define SIM_PIC_SPREAD   0x02000000
#define SIM_BLOCKED      "[\"Error: Request blocked, retrying it again with " \
                         "different session\"]"
#define SIM_LONG_ID      "17841409391783763"


enum sim_value {
    SIM_V_ID,
    SIM_V_USERNAME,
    SIM_V_FULL_NAME,
    SIM_V_PRIVATE,
    SIM_V_VERIFIED,
    SIM_V_PICTURE,
    SIM_V_FOLLOWERS,
    SIM_V_FOLLOWING,
    SIM_V_POSTS,
    SIM_V_STORY,
    SIM_V_ACCOUNT,
    SIM_V_TYPE,
    SIM_V_URL,
    SIM_V_MESSAGES,
    SIM_V_ERROR,
    SIM_V_DESCRIPTION
};

struct sim_field {
    const char      *name;
    enum sim_value   value;
};

/* In the order of enum sim_field_number. */

static const struct sim_field  sim_fields[] = {
    { "id", SIM_V_ID },
    { "username", SIM_V_USERNAME },
    { "full_name", SIM_V_FULL_NAME },
    { "is_private", SIM_V_PRIVATE },
    { "is_verified", SIM_V_VERIFIED },
    { "profile_pic_url", SIM_V_PICTURE },
    { "follower_count", SIM_V_FOLLOWERS },
    { "following_count", SIM_V_FOLLOWING },
    { "posts_count", SIM_V_POSTS },
    { "latest_story_ts", SIM_V_STORY },
    { "sourceUsername", SIM_V_ACCOUNT },
    { "type", SIM_V_TYPE },
    { "userId", SIM_V_ID },
    { "fullName", SIM_V_FULL_NAME },
    { "profilePicUrl", SIM_V_PICTURE },
    { "isVerified", SIM_V_VERIFIED },
    { "isPrivate", SIM_V_PRIVATE },
    { "url", SIM_V_URL },
    { "inputUrl", SIM_V_URL },
    { "username", SIM_V_ACCOUNT },
    { "requestErrorMessages", SIM_V_MESSAGES },
    { "error", SIM_V_ERROR },
    { "errorDescription", SIM_V_DESCRIPTION },
    { "uniqueId", SIM_V_USERNAME },
    { "nickname", SIM_V_FULL_NAME },
    { "privateAccount", SIM_V_PRIVATE },
    { "id_str", SIM_V_ID },
    { "screen_name", SIM_V_USERNAME },
    { "name", SIM_V_FULL_NAME },
    { "protected", SIM_V_PRIVATE },
    { "followers_count", SIM_V_FOLLOWERS },
    { "friends_count", SIM_V_FOLLOWING },
    { "verified", SIM_V_VERIFIED },
};

enum sim_field_number {
    SIM_F_ID,
    SIM_F_USERNAME,
    SIM_F_FULL_NAME,
    SIM_F_IS_PRIVATE,
    SIM_F_IS_VERIFIED,
    SIM_F_PROFILE_PIC_URL,
    SIM_F_FOLLOWER_COUNT,
    SIM_F_FOLLOWING_COUNT,
    SIM_F_POSTS_COUNT,
    SIM_F_LATEST_STORY_TS,
    SIM_F_SOURCE_USERNAME,
    SIM_F_TYPE,
    SIM_F_USER_ID,
    SIM_F_FULLNAME,
    SIM_F_PROFILEPICURL,
    SIM_F_ISVERIFIED,
    SIM_F_ISPRIVATE,
    SIM_F_URL,
    SIM_F_INPUT_URL,
    SIM_F_ACCOUNT,
    SIM_F_MESSAGES,
    SIM_F_ERROR,
    SIM_F_DESCRIPTION,
    SIM_F_UNIQUE_ID,
    SIM_F_NICKNAME,
    SIM_F_PRIVATE_ACCOUNT,
    SIM_F_ID_STR,
    SIM_F_SCREEN_NAME,
    SIM_F_NAME,
    SIM_F_PROTECTED,
    SIM_F_FOLLOWERS_COUNT,
    SIM_F_FRIENDS_COUNT,
    SIM_F_VERIFIED,
    SIM_F_END
};

enum sim_shape {
    SIM_S_PLAIN,                 /* a follower without its source */
    SIM_S_SOURCE,                /* a follower with it */
    SIM_S_NOT_FOUND,             /* errors that name the account ... */
    SIM_S_NO_ITEMS,
    SIM_S_SILENT,
    SIM_S_SHORT,                 /* ... and those that do not */
    SIM_S_MESSAGES,
    SIM_S_TIKTOK,                /* followers of other platforms */
    SIM_S_X
};

static const unsigned char  sim_shapes[SIM_SHAPES][SIM_FIELDS_MAX] = {
    { SIM_F_ID, SIM_F_USERNAME, SIM_F_FULL_NAME, SIM_F_IS_PRIVATE,
      SIM_F_IS_VERIFIED, SIM_F_PROFILE_PIC_URL, SIM_F_FOLLOWER_COUNT,
      SIM_F_FOLLOWING_COUNT, SIM_F_POSTS_COUNT, SIM_F_LATEST_STORY_TS,
      SIM_F_END },
    { SIM_F_SOURCE_USERNAME, SIM_F_TYPE, SIM_F_USER_ID, SIM_F_USERNAME,
      SIM_F_FULLNAME, SIM_F_PROFILEPICURL, SIM_F_ISVERIFIED, SIM_F_ISPRIVATE,
      SIM_F_END },
    { SIM_F_URL, SIM_F_ACCOUNT, SIM_F_ERROR, SIM_F_DESCRIPTION, SIM_F_END },
    { SIM_F_URL, SIM_F_INPUT_URL, SIM_F_MESSAGES, SIM_F_ERROR,
      SIM_F_DESCRIPTION, SIM_F_END },
    { SIM_F_ACCOUNT, SIM_F_URL, SIM_F_END },
    { SIM_F_ERROR, SIM_F_DESCRIPTION, SIM_F_END },
    { SIM_F_MESSAGES, SIM_F_ERROR, SIM_F_DESCRIPTION, SIM_F_END },
    { SIM_F_UNIQUE_ID, SIM_F_NICKNAME, SIM_F_PRIVATE_ACCOUNT, SIM_F_VERIFIED,
      SIM_F_END },
    { SIM_F_ID_STR, SIM_F_SCREEN_NAME, SIM_F_NAME, SIM_F_PROTECTED,
      SIM_F_VERIFIED, SIM_F_FOLLOWERS_COUNT, SIM_F_FRIENDS_COUNT, SIM_F_END },
    { SIM_F_END }
};

/* Whose values are written. */

struct sim_subject {
    enum sim_account_kind        kind;
    const struct sim_source     *source;
    const struct sim_official   *official;   /* NULL: a person */
    struct sim_person            person;
};

static char    sim_pic_fill[SIM_PIC_MAX];
static size_t  sim_key_len[SIM_F_END];


void
sim_item_init(void)
{
    size_t    i;
    uint64_t  bits;

    for (i = 0; i < sizeof(sim_pic_fill); i++) {
        bits = sim_mix(i) % 62;
        sim_pic_fill[i] = (char) (bits < 10 ? '0' + bits
                                  : bits < 36 ? 'A' + bits - 10
                                  : 'a' + bits - 36);
    }

    for (i = 0; i < SIM_F_END; i++) {
        sim_key_len[i] = strlen(sim_fields[i].name);
    }
}


/* Whether the name stands in a comma-separated list. */

static int
sim_listed(const char *list, const char *name)
{
    size_t       n;
    const char  *p;

    n = strlen(name);

    for (p = list; (p = strstr(p, name)) != NULL; p += n) {
        if ((p == list || p[-1] == ',') && (p[n] == ',' || p[n] == '\0')) {
            return 1;
        }
    }

    return 0;
}


static void
sim_layout_add(struct sim_layout *layout, int shape, unsigned char field,
    const char *omit)
{
    unsigned char  n;

    n = layout->shape[shape].n;

    if (n < SIM_FIELDS_MAX
        && (omit == NULL || !sim_listed(omit, sim_fields[field].name)))
    {
        layout->shape[shape].field[n] = field;
        layout->shape[shape].n = n + 1;
    }
}


/* Adds the shape's fields that are called name[0 ... n-1]; NULL = all. */

static void
sim_layout_take(struct sim_layout *layout, int shape, const char *name,
    size_t n, const char *omit)
{
    const unsigned char  *field;

    for (field = sim_shapes[shape]; *field != SIM_F_END; field++) {
        if (name == NULL
            || (sim_key_len[*field] == n
                && memcmp(sim_fields[*field].name, name, n) == 0))
        {
            sim_layout_add(layout, shape, *field, omit);
        }
    }
}


void
sim_layout_init(struct sim_layout *layout, const char *fields,
    const char *omit)
{
    int          shape;
    size_t       n;
    const char  *p;

    memset(layout, 0, sizeof(struct sim_layout));

    for (shape = 0; shape < SIM_SHAPES; shape++) {
        if (fields == NULL || *fields == '\0') {
            sim_layout_take(layout, shape, NULL, 0, omit);
            continue;
        }

        for (p = fields; *p != '\0'; p += n + (p[n] == ',')) {
            n = strcspn(p, ",");
            sim_layout_take(layout, shape, p, n, omit);
        }
    }
}


static enum sim_shape
sim_item_shape(enum sim_dialect dialect, enum sim_account_kind kind)
{
    switch (kind) {

    case SIM_ACCOUNT_MISSING:
        return dialect == SIM_SOURCE_ITEMS ? SIM_S_NOT_FOUND : SIM_S_SHORT;

    case SIM_ACCOUNT_PRIVATE:
        return dialect == SIM_SOURCE_ITEMS ? SIM_S_NO_ITEMS : SIM_S_SHORT;

    case SIM_ACCOUNT_EMPTY:
    case SIM_ACCOUNT_BLOCKED:
        return dialect == SIM_SOURCE_ITEMS ? SIM_S_NO_ITEMS : SIM_S_MESSAGES;

    case SIM_ACCOUNT_BROKEN:
        return SIM_S_SILENT;

    default:
        return dialect == SIM_SOURCE_ITEMS ? SIM_S_SOURCE
               : dialect == SIM_TIKTOK_ITEMS ? SIM_S_TIKTOK
               : dialect == SIM_X_ITEMS ? SIM_S_X : SIM_S_PLAIN;
    }
}


static enum sim_account_kind
sim_item_kind(const struct sim_row *row, enum sim_account_kind error)
{
    return error >= SIM_ACCOUNT_PRIVATE ? error : row->source->account.kind;
}


static void
sim_subject_init(struct sim_subject *subject, const struct sim_row *row,
    enum sim_account_kind error)
{
    subject->kind = sim_item_kind(row, error);
    subject->source = row->source;
    subject->official = NULL;

    if (subject->kind == SIM_ACCOUNT_PLAIN) {
        subject->person = sim_world_person(
            sim_world_follower(row->source->account.key, row->follower));

    } else if (subject->kind == SIM_ACCOUNT_OFFICIALS) {
        subject->official = sim_world_official((uint32_t) row->follower);
        subject->person.number = row->follower;
        subject->person.bits = sim_mix(row->follower) | 0xff00000000000000ULL;
    }
}


static char *
sim_put(char *p, const char *s)
{
    return sim_copy(p, s, strlen(s));
}


static char *
sim_value_picture(char *p, const struct sim_subject *subject)
{
    char    *start;
    size_t   n;

    start = p;
    *p++ = '"';
    p = sim_put(p, SIM_PIC_HEAD);
    p = sim_decimal(p, subject->person.number + 1);
    p = sim_put(p, ".jpg?oe=");
    p = sim_base16(p, SIM_PIC_EXPIRY + subject->person.bits % SIM_PIC_SPREAD);
    p = sim_put(p, "&oh=");

    n = (size_t) (p - start) - 1;

    if (n < (size_t) sim_conf.pic_url_bytes) {
        n = (size_t) sim_conf.pic_url_bytes - n;
        p = sim_copy(p, sim_pic_fill + (subject->person.bits & 31),
                     n < SIM_PIC_MAX - 32 ? n : SIM_PIC_MAX - 32);
    }

    *p++ = '"';

    return p;
}


/* The account's address; its name is JSON text already, less the quotes. */

static char *
sim_value_url(char *p, const struct sim_source *source)
{
    p = sim_put(p, "\"https://www.instagram.com/");
    p = sim_copy(p, source->json + 1, strlen(source->json) - 2);

    return sim_put(p, "/\"");
}


static char *
sim_value_description(char *p, const struct sim_subject *subject,
    enum sim_shape shape)
{
    if (shape == SIM_S_NOT_FOUND) {
        return sim_put(p, "\"Post does not exist\"");
    }

    if (shape == SIM_S_SHORT) {
        return sim_put(p, subject->kind == SIM_ACCOUNT_PRIVATE
                          ? "\"Profile is private\""
                          : "\"Profile does not exist\"");
    }

    return sim_put(p, "\"Empty or private data for provided input\"");
}


static char *
sim_value_name(char *p, const struct sim_subject *subject, enum sim_value value)
{
    if (subject->official != NULL) {
        return sim_put(p, value == SIM_V_ID ? subject->official->id
                          : value == SIM_V_USERNAME
                          ? subject->official->username
                          : subject->official->full_name);
    }

    *p++ = '"';

    p = value == SIM_V_ID ? sim_decimal(p, subject->person.number + 1)
        : value == SIM_V_USERNAME ? sim_world_username(&subject->person, p)
        : sim_world_full_name(&subject->person, p);

    *p++ = '"';

    return p;
}


static char *
sim_value_write(char *p, const struct sim_subject *subject,
    enum sim_value value, enum sim_shape shape)
{
    uint64_t  bits;

    bits = subject->person.bits;

    switch (value) {

    case SIM_V_ID:
    case SIM_V_USERNAME:
    case SIM_V_FULL_NAME:
        return sim_value_name(p, subject, value);

    case SIM_V_PRIVATE:
        return sim_put(p, bits >> 56 < 90 ? "true" : "false");

    case SIM_V_VERIFIED:
        return sim_put(p, bits >> 56 == 255 ? "true" : "false");

    case SIM_V_PICTURE:
        return sim_value_picture(p, subject);

    case SIM_V_FOLLOWERS:
        return sim_decimal(p, (bits & 0xfffff) >> (bits >> 60));

    case SIM_V_FOLLOWING:
        return sim_decimal(p, bits >> 20 & 0xfff);

    case SIM_V_POSTS:
        return sim_decimal(p, bits >> 32 & 0x3ff);

    case SIM_V_STORY:
        return sim_put(p, "null");

    case SIM_V_ACCOUNT:
        return sim_put(p, subject->source->json);

    case SIM_V_TYPE:
        return sim_put(p, "\"FOLLOWER\"");

    case SIM_V_URL:
        return sim_value_url(p, subject->source);

    case SIM_V_MESSAGES:
        return sim_put(p, subject->kind == SIM_ACCOUNT_BLOCKED
                          ? SIM_BLOCKED : "[]");

    case SIM_V_ERROR:
        return sim_put(p, shape == SIM_S_NOT_FOUND ? "\"not_found\""
                                                   : "\"no_items\"");

    default:
        return sim_value_description(p, subject, shape);
    }
}


static char *
sim_key_write(char *p, int i, unsigned char field)
{
    *p++ = i > 0 ? ',' : '{';
    *p++ = '"';
    p = sim_copy(p, sim_fields[field].name, sim_key_len[field]);

    return sim_copy(p, "\":", 2);
}


char *
sim_item_write(char *p, const struct sim_layout *layout,
    enum sim_dialect dialect, const struct sim_row *row,
    enum sim_account_kind error)
{
    int                  i;
    unsigned char        field;
    enum sim_shape       shape;
    struct sim_subject   subject = { 0 };

    sim_subject_init(&subject, row, error);
    shape = sim_item_shape(dialect, subject.kind);

    for (i = 0; i < layout->shape[shape].n; i++) {
        field = layout->shape[shape].field[i];
        p = sim_key_write(p, i, field);
        p = sim_value_write(p, &subject, sim_fields[field].value, shape);
    }

    if (i == 0) {
        *p++ = '{';
    }

    *p++ = '}';

    return p;
}


int
sim_item_empty(const struct sim_layout *layout, enum sim_dialect dialect,
    const struct sim_row *row, enum sim_account_kind error)
{
    enum sim_shape  shape;

    shape = sim_item_shape(dialect, sim_item_kind(row, error));

    return layout->shape[shape].n == 0;
}


static void
sim_mutate_repeat(struct sim_text *out, const char *s, uint64_t n)
{
    while (n-- > 0) {
        sim_text_puts(out, s);
    }
}


/* The mutations of the full name. */

static void
sim_mutate_full_name(struct sim_text *out, enum sim_mutation how,
    uint64_t bytes)
{
    switch (how) {

    case SIM_MUTATE_UNICODE:
        sim_text_puts(out, "\"Zo\u0308e\u0301 \u202eafo\u202c\u200d\u200b "
                      "👩🏽‍🚀 \u0627\u0644 ﷽ Z̸̢a̷l̶g̵o \U0001d4d0\ufeff\"");
        break;

    case SIM_MUTATE_SURROGATE:
        sim_text_puts(out, "\"half \\ud83d of a pair\"");
        break;

    case SIM_MUTATE_NUL:
        sim_text_puts(out, "\"before\\u0000after\"");
        break;

    case SIM_MUTATE_UTF8:
        sim_text_puts(out, "\"wrong \xc3\x28 \xff bytes\"");
        break;

    case SIM_MUTATE_DEEP:
        sim_mutate_repeat(out, "[", 2000);
        sim_mutate_repeat(out, "]", 2000);
        break;

    default:
        sim_text_puts(out, "\"");
        sim_mutate_repeat(out, "huge", bytes / 4);
        sim_text_puts(out, "\"");
        break;
    }
}


/* The value that a mutation puts in place; 0: the mutation spares it. */

static int
sim_mutate_value(struct sim_text *out, int i, enum sim_value value,
    enum sim_mutation how, uint64_t bytes)
{
    static const char *const  types[] = { "12345", "{\"x\":1}", "[\"x\"]" };

    if (how == SIM_MUTATE_NULL) {
        sim_text_puts(out, "null");
        return 1;
    }

    if (how == SIM_MUTATE_TYPE) {
        sim_text_puts(out, types[i % 3]);
        return 1;
    }

    if (how == SIM_MUTATE_NUMBER_ID) {
        sim_text_puts(out, value == SIM_V_ID ? SIM_LONG_ID : "");
        return value == SIM_V_ID;
    }

    if (value == SIM_V_FULL_NAME && how != SIM_MUTATE_DUPLICATE) {
        sim_mutate_full_name(out, how, bytes);
        return 1;
    }

    return 0;
}


void
sim_item_mutate(struct sim_text *out, const struct sim_layout *layout,
    enum sim_dialect dialect, const struct sim_row *row,
    enum sim_mutation how, uint64_t bytes)
{
    int                  i;
    char                *p;
    unsigned char        field;
    enum sim_shape       shape;
    struct sim_subject   subject = { 0 };

    if (how == SIM_MUTATE_GARBAGE) {
        sim_text_puts(out, "{\"id\":\"1\",\"username\":oops");
        return;
    }

    sim_subject_init(&subject, row, SIM_ACCOUNT_PLAIN);
    shape = sim_item_shape(dialect, subject.kind);
    sim_text_puts(out, layout->shape[shape].n == 0 ? "{" : "");

    for (i = 0; i < layout->shape[shape].n; i++) {
        field = layout->shape[shape].field[i];

        sim_text_room(out, SIM_ITEM_ROOM);
        p = sim_key_write(out->data + out->len, i, field);
        out->len = (size_t) (p - out->data);

        if (sim_mutate_value(out, i, sim_fields[field].value, how, bytes)) {
            continue;
        }

        sim_text_room(out, SIM_ITEM_ROOM);
        p = sim_value_write(out->data + out->len, &subject,
                            sim_fields[field].value, shape);
        out->len = (size_t) (p - out->data);
    }

    sim_text_puts(out, "}");
}
