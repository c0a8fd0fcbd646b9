/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The one table of everything that can be wrong with a request, and the one
 * renderer of the error document: success and error for clients of the
 * original, the members of RFC 9457 for new ones.
 *
 * A code is IGJxxyy, xx being the area; codes are never used again for
 * something else.  docs/api.md describes each row.
 */

#ifndef IGJ_PROBLEM_H
#define IGJ_PROBLEM_H

#include "igj_base.h"
#include "igj_json.h"
#include "igj_scan.h"


/* `type` of a problem is this and the slug, unless the slug is a whole URI. */
#define IGJ_PROBLEM_TYPE_BASE  "/api/problems/"


/*
 * X(name, code, HTTP status, slug, title, advice)
 *
 * The title is also the text of `error` where the original has one; the advice
 * says what to do, and is the `detail` when there is nothing better.
 */
#define IGJ_PROBLEMS(X)                                                       \
                                                                              \
    /* 01: the request as such */                                             \
                                                                              \
    X(MALFORMED_JSON, "IGJ0101", 400, "malformed-json",                       \
      "The request body is not valid JSON",                                   \
      "Send one JSON document as RFC 8259 describes it.")                     \
    X(EMPTY_BODY, "IGJ0102", 400, "empty-body",                               \
      "The request body is empty",                                            \
      "Send a JSON object with the fields of this endpoint.")                 \
    X(INVALID_UTF8, "IGJ0103", 400, "invalid-utf8",                           \
      "The request body is not valid UTF-8",                                  \
      "Send the JSON document in UTF-8.")                                     \
    X(NOT_AN_OBJECT, "IGJ0104", 400, "not-an-object",                         \
      "The request body must be a JSON object",                               \
      "Send an object, such as {\"accounts\": [\"some.name\"]}.")             \
    X(TOO_DEEP, "IGJ0105", 400, "too-deep",                                   \
      "The request body is nested too deeply",                                \
      "Send at most 8 levels of arrays and objects.")                         \
    X(DUPLICATE_MEMBER, "IGJ0106", 400, "duplicate-member",                   \
      "The request body has a field twice",                                   \
      "Send each field once.")                                                \
    X(TOO_MANY_MEMBERS, "IGJ0107", 400, "too-many-members",                   \
      "The request body has too many fields",                                 \
      "Send at most 64 fields.")                                              \
    X(NUMBER_TOO_LONG, "IGJ0108", 400, "number-too-long",                     \
      "The request body has a number that is too long",                       \
      "Send numbers of at most 128 characters.")                              \
    X(INVALID_MEMBER, "IGJ0109", 400, "invalid-member",                       \
      "A field of the request body has a wrong value",                        \
      "Correct the field that detail and errors name.")                       \
    X(INVALID_PARAMETER, "IGJ0110", 400, "invalid-parameter",                 \
      "A parameter of the query string has a wrong value",                    \
      "Correct the parameter that detail names.")                             \
    X(BODY_TOO_LARGE, "IGJ0111", 413, "body-too-large",                       \
      "The request body is too large",                                        \
      "Send a smaller body, or several requests.")                            \
    X(UNSUPPORTED_MEDIA_TYPE, "IGJ0112", 415, "unsupported-media-type",       \
      "The media type of the request body is not supported",                  \
      "Send Content-Type: application/json.")                                 \
    X(UNSUPPORTED_CODING, "IGJ0113", 415, "unsupported-content-coding",       \
      "The content coding of the request body is not supported",              \
      "Send the body without Content-Encoding.")                              \
    X(BODY_TIMEOUT, "IGJ0114", 408, "body-timeout",                           \
      "The request body did not arrive in time",                              \
      "Send the request again over a faster connection.")                     \
    X(BAD_TRANSFER, "IGJ0116", 400, "bad-transfer",                           \
      "The request body could not be read",                                   \
      "Send it with a correct Content-Length or chunked coding.")             \
                                                                              \
    /* 02: paths and methods */                                               \
                                                                              \
    X(NOT_FOUND, "IGJ0201", 404, "not-found",                                 \
      "There is nothing at this path",                                        \
      "Compare the path with the API description.")                           \
    X(METHOD_NOT_ALLOWED, "IGJ0202", 405, "method-not-allowed",               \
      "This method is not allowed here",                                      \
      "Use one of the methods in the Allow header.")                          \
    X(CLEANUP_GONE, "IGJ0203", 410, "cleanup-gone",                           \
      "/api/cleanup has been replaced by three calls",                        \
      "Call POST /api/sync-airtable-statuses, POST /api/mark-unfollow-due "   \
      "and POST /api/delete-completed-after-delay, in this order.")           \
                                                                              \
    /* 03: submission */                                                      \
                                                                              \
    X(ACCOUNTS_MISSING, "IGJ0301", 400, "accounts-missing",                   \
      "Missing \"accounts\" field in request body",                           \
      "Send {\"accounts\": [\"some.name\", ...]}.")                           \
    X(ACCOUNTS_NOT_A_LIST, "IGJ0302", 400, "accounts-not-a-list",             \
      "Accounts must be a non-empty list",                                    \
      "Send an array of 1 to 500000 user names.")                             \
    X(TOO_MANY_ACCOUNTS, "IGJ0303", 422, "too-many-accounts",                 \
      "Too many accounts",                                                    \
      "Send at most 500000 accounts a job; split the list over several jobs.") \
    X(INVALID_ACCOUNTS, "IGJ0304", 422, "invalid-accounts",                   \
      "Some accounts are not valid",                                          \
      "Correct the elements listed in errors, or send "                       \
      "\"skip_invalid\": true to leave them out.")                            \
    X(NO_VALID_ACCOUNT, "IGJ0305", 422, "no-valid-account",                   \
      "None of the accounts is valid",                                        \
      "Correct the elements listed in errors.")                               \
    X(TOTAL_NOT_A_NUMBER, "IGJ0306", 400, "total-not-a-number",               \
      "totalScrapeCount must be a number",                                    \
      "Send a positive number without quotes, or leave the field out.")       \
    X(TOTAL_NOT_POSITIVE, "IGJ0307", 400, "total-not-positive",               \
      "totalScrapeCount must be positive",                                    \
      "Send the number of followers to scrape over all accounts.")            \
    X(TOTAL_TOO_SMALL, "IGJ0308", 400, "total-too-small",                     \
      "totalScrapeCount too small for number of accounts",                    \
      "Send at least the number of accounts.")                                \
    X(TOTAL_TOO_LARGE, "IGJ0309", 400, "total-too-large",                     \
      "totalScrapeCount too large for number of accounts",                    \
      "Send at most 1000000 for each account.")                               \
    X(BAD_TARGET_GENDER, "IGJ0310", 400, "bad-target-gender",                 \
      "targetGender must be \"male\", \"female\" or \"any\"",                 \
      "Send one of these words in any case, or leave the field out: male.")   \
    X(BAD_PLATFORM, "IGJ0311", 400, "bad-platform",                           \
      "platform must be \"instagram\", \"tiktok\", \"threads\" or \"x\"",     \
      "Send one of these words, or leave the field out: instagram.")          \
    X(BAD_OPTION, "IGJ0312", 400, "bad-option",                               \
      "An option of the job has a wrong value",                               \
      "Correct the field that detail and errors name.")                       \
    X(PLATFORM_TOO_LATE, "IGJ0313", 400, "platform-too-late",                 \
      "platform must come before accounts",                                   \
      "Send \"platform\" as the first field: without it, links among names, " \
      "and faulty accounts that are to be left out, were read for "           \
      "Instagram.")                                                           \
    X(PLATFORM_NOT_SERVED, "IGJ0314", 501, "platform-not-served",             \
      "No worker has an actor for this platform",                             \
      "Nothing was stored. The operator sets INSTAGRAM_APIFY_ACTOR_ID, "      \
      "TIKTOK_APIFY_ACTOR_ID, THREADS_APIFY_ACTOR_ID or X_APIFY_ACTOR_ID "    \
      "for the workers.")                                                     \
                                                                              \
    /* 04: jobs */                                                            \
                                                                              \
    X(JOB_NOT_FOUND, "IGJ0401", 404, "job-not-found",                         \
      "Job not found",                                                        \
      "Compare the id with the job_id of the submission.")                    \
    X(JOB_NOT_COMPLETED, "IGJ0402", 400, "job-not-completed",                 \
      "Job is not completed yet",                                             \
      "Poll the job's status until it is completed, or read what is there "   \
      "with ?partial=true.")                                                  \
    X(JOB_FAILED, "IGJ0403", 500, "job-failed",                               \
      "The job failed",                                                       \
      "Ask for the job's status, or read what it found before it failed with "\
      "?partial=true.")                                                       \
    X(DELIVERY_NOT_FOUND, "IGJ0404", 404, "delivery-not-found",               \
      "The job has no such delivery",                                         \
      "Compare the id with those of the job's deliveries; old ones are "      \
      "removed.")                                                             \
    X(JOB_STATE_CONFLICT, "IGJ0410", 409, "job-state-conflict",               \
      "The job's state does not allow this",                                  \
      "Ask for the job's status; detail says what stands in the way.")        \
    X(REDRIVE_LIMIT, "IGJ0411", 409, "redrive-limit",                         \
      "The job has been redriven too often",                                  \
      "Submit what failed as a new job, or have the operator raise the "      \
      "setting max_redrives.")                                                \
                                                                              \
    /* 05: pages */                                                           \
                                                                              \
    X(BAD_PAGE, "IGJ0501", 400, "bad-page",                                   \
      "page must be a positive integer",                                      \
      "Send ?page=1 or more, or leave it out.")                               \
    X(BAD_LIMIT, "IGJ0502", 400, "bad-limit",                                 \
      "limit must be a non-negative integer",                                 \
      "Send ?limit= from 0 to 5000, or leave it out.")                        \
    X(BAD_PAGE_TOKEN, "IGJ0503", 400, "bad-page-token",                       \
      "page_token belongs to another list",                                   \
      "Send next_page_token of the page before, with the filter of that "     \
      "page; without page_token the list begins anew.")                       \
    X(FILTER_NEEDS_TOKEN, "IGJ0504", 400, "filter-needs-token",               \
      "Filtered results have no page numbers",                                \
      "Send page_size and page_token instead of page and limit, or leave "    \
      "gender, source_account and min_confidence out.")                       \
                                                                              \
    /* 06: requests that are sent again */                                    \
                                                                              \
    X(BAD_IDEMPOTENCY_KEY, "IGJ0601", 400, "bad-idempotency-key",             \
      "The Idempotency-Key is not valid",                                     \
      "Send one Idempotency-Key of 1 to 255 visible ASCII characters, in "    \
      "quotes or without.")                                                   \
    X(IDEMPOTENCY_KEY_REUSED, "IGJ0602", 422, "idempotency-key-reused",       \
      "The Idempotency-Key belongs to another request",                       \
      "Use a new key for a new request, and repeat a request with exactly "   \
      "the same body.")                                                       \
    X(IDEMPOTENCY_IN_PROGRESS, "IGJ0603", 409,                                \
      "idempotency-key-in-progress",                                          \
      "The first request with this Idempotency-Key is still in progress",     \
      "Send the request again after the seconds of the Retry-After header.")  \
                                                                              \
    /* 07: load */                                                            \
                                                                              \
    X(TENANT_QUEUE_FULL, "IGJ0701", 429, "tenant-queue-full",                 \
      "Too much of yours is waiting",                                         \
      "Nothing was stored. Send the request again when some of the waiting "  \
      "jobs have ended, after the seconds of the Retry-After header at the "  \
      "earliest.")                                                            \
    X(OVERLOADED, "IGJ0702", 503,                                             \
      "https://iana.org/assignments/http-problem-types"                       \
      "#temporary-reduced-capacity",                                          \
      "The service is at its limit",                                          \
      "Send the request again after the seconds of the Retry-After header.")  \
    X(SHUTTING_DOWN, "IGJ0703", 503, "shutting-down",                         \
      "The service is being restarted",                                       \
      "Send the request again after the seconds of the Retry-After header.")  \
    X(QUEUE_FULL, "IGJ0704", 503, "queue-full",                               \
      "The queue is full",                                                    \
      "Nothing was stored. Send the request again after the seconds of the "  \
      "Retry-After header.")                                                  \
    X(TOO_MANY_CALLS, "IGJ0705", 429, "too-many-calls",                       \
      "Too many calls of this kind",                                          \
      "There is a limit for each hour. Send the request again after the "     \
      "seconds of the Retry-After header.")                                   \
                                                                              \
    /* 08: the service itself */                                              \
                                                                              \
    X(DATABASE_UNAVAILABLE, "IGJ0801", 503, "database-unavailable",           \
      "The database is not reachable",                                        \
      "Send the request again after the seconds of the Retry-After header.")  \
    X(DATABASE_TIMEOUT, "IGJ0802", 503, "database-timeout",                   \
      "The database did not answer in time",                                  \
      "Send the request again after the seconds of the Retry-After header.")  \
    X(SUBMIT_IN_DOUBT, "IGJ0805", 503, "submit-in-doubt",                     \
      "It is not known whether the job was stored",                           \
      "Ask for the status of the job that detail names before sending the "   \
      "request again.")                                                       \
    X(CALL_IN_DOUBT, "IGJ0806", 503, "call-in-doubt",                         \
      "It is not known whether this was done",                                \
      "The database was lost while it did it. Send the request again with "   \
      "its Idempotency-Key; without one look at GET /api/campaigns or GET "   \
      "/api/jobs first, since it is done anew.")                              \
    X(INTERNAL, "IGJ0803", 500, "internal",                                   \
      "The request could not be served",                                      \
      "Send the request again later; tell the operator if it stays.")         \
                                                                              \
    /* 09: who is asking */                                                   \
                                                                              \
    X(BAD_TENANT, "IGJ0903", 400, "bad-tenant",                               \
      "The request belongs to no valid tenant",                               \
      "Tenant names have 1 to 64 letters, digits, hyphens, underscores and "  \
      "dots; compare igjobs_tenant.")                                         \
                                                                              \
    /* 10: schedules */                                                       \
                                                                              \
    X(BAD_SCHEDULE, "IGJ1001", 400, "bad-schedule",                           \
      "The schedule has a wrong member",                                      \
      "Correct what detail names.")                                           \
    X(SCHEDULE_NOT_FOUND, "IGJ1002", 404, "schedule-not-found",               \
      "Schedule not found",                                                   \
      "Compare the id with GET /api/schedules.")                              \
    X(SCHEDULE_EXISTS, "IGJ1003", 409, "schedule-exists",                     \
      "There is another schedule of this name",                               \
      "Choose another name, or delete the schedule that has it.")             \
    X(SCHEDULE_LIMIT, "IGJ1004", 409, "schedule-limit",                       \
      "There are too many schedules",                                         \
      "Delete one that is not needed any more.")                              \
                                                                              \
    /* 11: campaigns */                                                       \
                                                                              \
    X(INVALID_BASE_ID, "IGJ1101", 400, "invalid-base-id",                     \
      "Invalid base_id format",                                               \
      "Send app and the letters and digits behind it, as in the address of "  \
      "the Airtable base.")                                                   \
    X(BASE_ID_REQUIRED, "IGJ1102", 400, "base-id-required",                   \
      "base_id is required",                                                  \
      "Send the header X-Base-Id, or base_id in the body.")                   \
    X(CAMPAIGN_NOT_FOUND, "IGJ1103", 404, "campaign-not-found",               \
      "Campaign not found",                                                   \
      "Compare the id with GET /api/campaigns, and the base with that"        \
      " of the campaign.")                                                    \
    X(NO_UNUSED_PROFILES, "IGJ1104", 400, "no-unused-profiles",               \
      "No unused profiles available in global_usernames",                     \
      "Take in more profiles with POST /api/ingest.")                         \
    X(SELECTION_BUSY, "IGJ1105", 503, "selection-busy",                       \
      "Others hold the last unused profiles",                                 \
      "Nothing was stored. Send the request again after the seconds "         \
      "of the Retry-After header.")                                           \
    X(NOTHING_TO_DISTRIBUTE, "IGJ1106", 400, "nothing-to-distribute",         \
      "No unassigned profiles found for this campaign. Already "              \
      "distributed?",                                                         \
      "A campaign is distributed once; GET "                                  \
      "/api/campaigns/{campaign_id} shows its tables.")                       \
    X(SOURCE_PROFILE_EXISTS, "IGJ1107", 409, "source-profile-exists",         \
      "Source profile already exists",                                        \
      "A user name stands in the list once, and so does an id.")              \
    X(SOURCE_PROFILE_NOT_FOUND, "IGJ1108", 404, "source-profile-not-found",   \
      "Source profile not found",                                             \
      "Compare the id with GET /api/source-profiles.")                        \
    X(DAILY_STEP_FAILED, "IGJ1120", 500, "daily-step-failed",                 \
      "A step of run-daily has failed",                                       \
      "Redrive the job of task_id when the cause is mended: it goes on with " \
      "that step, and makes no second campaign.")                             \
                                                                              \
    /* 12: operations */                                                      \
                                                                              \
    X(OPERATION_NOT_FOUND, "IGJ1201", 404, "operation-not-found",             \
      "Operation not found",                                                  \
      "Compare the id with the operation_id of the 202.")                     \
    X(OPERATION_CANCELED, "IGJ1202", 409, "operation-canceled",               \
      "The operation was canceled",                                           \
      "What it did until then stays; redrive its job to do the rest.")         \
                                                                              \
    /* 13: ingestion */                                                       \
                                                                              \
    X(PROFILES_MISSING, "IGJ1301", 400, "profiles-missing",                   \
      "Missing \"profiles\" field in request body",                           \
      "Send {\"profiles\": [{\"id\": \"1\", \"username\": "                   \
      "\"some.name\"}, ...]}.")                                               \
    X(PROFILES_NOT_A_LIST, "IGJ1302", 400, "profiles-not-a-list",             \
      "Profiles must be a list",                                              \
      "Send an array of up to 500000 objects with id, username and "          \
      "full_name.")                                                           \
    X(TOO_MANY_PROFILES, "IGJ1303", 422, "too-many-profiles",                 \
      "Too many profiles",                                                    \
      "Send at most 500000 profiles a request; nothing was taken in.")        \
    X(INGEST_NOT_FOUND, "IGJ1304", 404, "ingest-not-found",                   \
      "Ingestion not found",                                                  \
      "Compare the id with the batch_id of the answer 202.")                  \
    X(INGEST_INCOMPLETE, "IGJ1305", 500, "ingest-incomplete",                 \
      "Some of the profiles could not be taken in",                           \
      "Ask /api/ingest/{batch_id} for the counts; to send all of it again "   \
      "adds to the pool only what is missing.")                               \
    X(INGEST_IN_DOUBT, "IGJ1306", 503, "ingest-in-doubt",                     \
      "It is not known whether the profiles were taken in",                   \
      "Send the request again: the pool has each profile once, whatever "     \
      "became of the first. With an Idempotency-Key nothing is done twice.")  \
                                                                              \
    /* 14: Airtable */                                                        \
                                                                              \
    X(CAMPAIGN_NOT_DISTRIBUTED, "IGJ1401", 400, "campaign-not-distributed",   \
      "No assigned profiles found for this campaign. Run distribution first.",\
      "Call POST /api/distribute/{campaign_id} before.")                      \
    X(AIRTABLE_BASE_MISSING, "IGJ1402", 500, "airtable-base-missing",         \
      "AIRTABLE_BASE_ID environment variable not set",                        \
      "The operator sets airtable_base_id in igjobs.settings, or requests "   \
      "name the base: X-Base-Id, base_id, airtable_base_id.")                 \
    X(AIRTABLE_BASE_UNKNOWN, "IGJ1403", 400, "airtable-base-unknown",         \
      "Missing Airtable base ID",                                             \
      "Send airtable_base_id, or the base as X-Base-Id.")                     \
    X(AIRTABLE_TOKEN_MISSING, "IGJ1404", 500, "airtable-token-missing",       \
      "AIRTABLE_ACCESS_TOKEN environment variable is required.",              \
      "The operator gives the workers AIRTABLE_ACCESS_TOKEN.")                \
    X(DUPLICATE_BASE_ID, "IGJ1405", 409, "duplicate-base-id",                 \
      "duplicate_base_id",                                                    \
      "The base is set up already: existing_job says for whom.")              \
    X(AIRTABLE_REFUSED, "IGJ1406", 500, "airtable-refused",                   \
      "Airtable has refused it",                                              \
      "The error says what Airtable said. Call again when that is mended: "   \
      "what is there already is left as it is.")                              \
    X(AIRTABLE_BASE_TAKEN, "IGJ1407", 403, "airtable-base-taken",             \
      "This Airtable base is another tenant's",                               \
      "Name a base of your own, or ask the operator whose it is.")


typedef enum {
    IGJ_PROBLEM_NONE = 0,
#define IGJ_PROBLEM_NAME(name, code, status, slug, title, advice)             \
    IGJ_PROBLEM_##name,
    IGJ_PROBLEMS(IGJ_PROBLEM_NAME)
#undef IGJ_PROBLEM_NAME
    IGJ_PROBLEM_COUNT
} igj_problem_e;


typedef struct {
    const char  *code;
    unsigned     status;
    const char  *slug;
    const char  *title;
    const char  *advice;
} igj_problem_row_t;


/*
 * What one error answer says.  NULL stands for: error, the title; detail, the
 * advice; instance, absent; errors, absent; members, none.  retry_after is not
 * written: it is a header.
 */
typedef struct {
    igj_problem_e   problem;
    const char     *error;         /* contract's text with its values */
    const char     *detail;
    const char     *instance;      /* path of the request or the job */
    int             error_message; /* repeat error under that name, too */
    unsigned        retry_after;   /* seconds; of 429 and 503; 0: as usual */

    /* Writes the elements of `errors` with igj_problem_pointer(). */
    void          (*errors)(igj_json_t *json, const void *data);

    /* Writes members that only this answer has. */
    void          (*members)(igj_json_t *json, const void *data);

    const void     *data;          /* of both */
} igj_problem_doc_t;


/*
 * The problem of a body that the scanner refused, and a detail for people
 * ("at byte 17, in #/accounts/3: ..."), NUL-terminated.
 */
igj_problem_e igj_problem_of_scan(const igj_scan_t *scan, char *detail,
    size_t size);

/* The row; problem is neither NONE nor COUNT. */
const igj_problem_row_t *igj_problem(igj_problem_e problem);

/* The problem of a slug, for a page about it; IGJ_PROBLEM_NONE if unknown. */
igj_problem_e igj_problem_find(const char *slug, size_t len);

/* Writes the whole document. */
void igj_problem_write(igj_json_t *json, const igj_problem_doc_t *doc);

/* One element of `errors`. */
void igj_problem_pointer(igj_json_t *json, const char *pointer,
    const char *detail);


#endif /* IGJ_PROBLEM_H */
