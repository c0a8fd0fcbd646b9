/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The table of dialects.  Threads' actors speak Instagram's. */

#include "igj_dialect.h"


#define IGJ_NAME(name, field)  { name, sizeof(name) - 1, field }

#define igj_dialect_n(names)   (sizeof(names) / sizeof(igj_item_name_t))


static const igj_item_name_t  igj_instagram_names[] = {
    IGJ_NAME("username",                       IGJ_FIELD_USERNAME),
    IGJ_NAME("id",                             IGJ_FIELD_ID),
    IGJ_NAME("userId",                         IGJ_FIELD_ID),
    IGJ_NAME("user_id",                        IGJ_FIELD_ID),
    IGJ_NAME("pk_id",                          IGJ_FIELD_ID),
    IGJ_NAME("pk",                             IGJ_FIELD_ID),
    IGJ_NAME("full_name",                      IGJ_FIELD_NAME),
    IGJ_NAME("fullname",                       IGJ_FIELD_NAME),
    IGJ_NAME("fullName",                       IGJ_FIELD_NAME),
    IGJ_NAME("sourceUsername",                 IGJ_FIELD_SOURCE),
    IGJ_NAME("source_username",                IGJ_FIELD_SOURCE),
    IGJ_NAME("username_scrape",                IGJ_FIELD_SOURCE),
    IGJ_NAME("following_of",                   IGJ_FIELD_SOURCE),
    IGJ_NAME("sourceAccount",                  IGJ_FIELD_SOURCE),
    IGJ_NAME("source_account",                 IGJ_FIELD_SOURCE),
    IGJ_NAME("profilePicUrl",                  IGJ_FIELD_PICTURE),
    IGJ_NAME("profile_pic_url",                IGJ_FIELD_PICTURE),
    IGJ_NAME("isPrivate",                      IGJ_FIELD_PRIVATE),
    IGJ_NAME("is_private",                     IGJ_FIELD_PRIVATE),
    IGJ_NAME("private",                        IGJ_FIELD_PRIVATE),
    IGJ_NAME("isVerified",                     IGJ_FIELD_VERIFIED),
    IGJ_NAME("is_verified",                    IGJ_FIELD_VERIFIED),
    IGJ_NAME("verified",                       IGJ_FIELD_VERIFIED),
    IGJ_NAME("has_anonymous_profile_picture",  IGJ_FIELD_ANONYMOUS),
    IGJ_NAME("followersCount",                 IGJ_FIELD_FOLLOWERS),
    IGJ_NAME("follower_count",                 IGJ_FIELD_FOLLOWERS),
    IGJ_NAME("followsCount",                   IGJ_FIELD_FOLLOWING),
    IGJ_NAME("following_count",                IGJ_FIELD_FOLLOWING),
    IGJ_NAME("postsCount",                     IGJ_FIELD_POSTS),
    IGJ_NAME("posts_count",                    IGJ_FIELD_POSTS),
    IGJ_NAME("error",                          IGJ_FIELD_ERROR),
    IGJ_NAME("errorDescription",               IGJ_FIELD_DESCRIPTION),
    IGJ_NAME("inputUrl",                       IGJ_FIELD_INPUT_URL),
    IGJ_NAME("url",                            IGJ_FIELD_URL),
};

static const char  igj_instagram_stored[] =
    "username,id,userId,user_id,pk_id,pk,full_name,fullname,fullName,"
    "sourceUsername,source_username,username_scrape,following_of,"
    "sourceAccount,source_account,error,errorDescription,inputUrl,url,"
    "requestErrorMessages,following_user,details";

/* Where the account is named that an item belongs to, and what went wrong. */
#define IGJ_COMMON_NAMES                                                      \
    IGJ_NAME("sourceUsername",                 IGJ_FIELD_SOURCE),             \
    IGJ_NAME("source_username",                IGJ_FIELD_SOURCE),             \
    IGJ_NAME("sourceAccount",                  IGJ_FIELD_SOURCE),             \
    IGJ_NAME("source_account",                 IGJ_FIELD_SOURCE),             \
    IGJ_NAME("error",                          IGJ_FIELD_ERROR),              \
    IGJ_NAME("errorDescription",               IGJ_FIELD_DESCRIPTION),        \
    IGJ_NAME("inputUrl",                       IGJ_FIELD_INPUT_URL),          \
    IGJ_NAME("url",                            IGJ_FIELD_URL)

#define IGJ_COMMON_STORED                                                     \
    "sourceUsername,source_username,sourceAccount,source_account,error,"      \
    "errorDescription,inputUrl,url,requestErrorMessages"


static const igj_item_name_t  igj_tiktok_names[] = {
    IGJ_NAME("uniqueId",                       IGJ_FIELD_USERNAME),
    IGJ_NAME("unique_id",                      IGJ_FIELD_USERNAME),
    IGJ_NAME("username",                       IGJ_FIELD_USERNAME),
    IGJ_NAME("id",                             IGJ_FIELD_ID),
    IGJ_NAME("userId",                         IGJ_FIELD_ID),
    IGJ_NAME("user_id",                        IGJ_FIELD_ID),
    IGJ_NAME("nickname",                       IGJ_FIELD_NAME),
    IGJ_NAME("privateAccount",                 IGJ_FIELD_PRIVATE),
    IGJ_NAME("verified",                       IGJ_FIELD_VERIFIED),
    IGJ_COMMON_NAMES,
};

static const igj_item_name_t  igj_x_names[] = {
    IGJ_NAME("screen_name",                    IGJ_FIELD_USERNAME),
    IGJ_NAME("username",                       IGJ_FIELD_USERNAME),
    IGJ_NAME("id_str",                         IGJ_FIELD_ID),
    IGJ_NAME("id",                             IGJ_FIELD_ID),
    IGJ_NAME("name",                           IGJ_FIELD_NAME),
    IGJ_NAME("protected",                      IGJ_FIELD_PRIVATE),
    IGJ_NAME("verified",                       IGJ_FIELD_VERIFIED),
    IGJ_NAME("followers_count",                IGJ_FIELD_FOLLOWERS),
    IGJ_NAME("friends_count",                  IGJ_FIELD_FOLLOWING),
    IGJ_NAME("statuses_count",                 IGJ_FIELD_POSTS),
    IGJ_COMMON_NAMES,
};


static const igj_dialect_t  igj_dialects[IGJ_PLATFORMS] = {

    [IGJ_PLATFORM_INSTAGRAM] = {
        "usernames", "max_count", NULL, { { NULL, false } },
        igj_instagram_names, igj_dialect_n(igj_instagram_names),
        igj_instagram_stored },

    [IGJ_PLATFORM_TIKTOK] = {
        "usernames", "numFollowers", NULL, { { NULL, false } },
        igj_tiktok_names, igj_dialect_n(igj_tiktok_names),
        "uniqueId,unique_id,username,id,userId,user_id,nickname,"
        IGJ_COMMON_STORED },

    [IGJ_PLATFORM_THREADS] = {
        "usernames", "max_count", NULL, { { NULL, false } },
        igj_instagram_names, igj_dialect_n(igj_instagram_names),
        igj_instagram_stored },

    /* a limit of those that are not asked for, since some refuse 0 */
    [IGJ_PLATFORM_X] = {
        "user_names", "maxFollowers", "maxFollowings",
        { { "getFollowers", true }, { "getFollowing", false },
          { NULL, false } },
        igj_x_names, igj_dialect_n(igj_x_names),
        "screen_name,username,id_str,id,name," IGJ_COMMON_STORED },
};


const igj_dialect_t *
igj_dialect(igj_platform_e platform)
{
    return &igj_dialects[platform];
}
