/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Every limit and default of the product, in one place.  Each is described in
 * docs/api.md (what a client can meet) or docs/operations.md (what an operator
 * can set); what a directive or setting can change is named here as a default.
 * Times carry their unit in the name.
 */

#ifndef IGJ_LIMITS_H
#define IGJ_LIMITS_H


/* Submission: POST /api/scrape-followers */

#define IGJ_MAX_ACCOUNTS          500000   /* elements of "accounts" */
#define IGJ_BATCH_ACCOUNTS        50       /* accounts of one batch */
#define IGJ_MAX_BATCHES           (IGJ_MAX_ACCOUNTS / IGJ_BATCH_ACCOUNTS)
#define IGJ_DEFAULT_PER_ACCOUNT   5        /* without totalScrapeCount */
#define IGJ_MAX_PER_ACCOUNT       1000000  /* followers of one account */
#define IGJ_MAX_ERROR_POINTERS    100      /* faulty elements listed */
#define IGJ_MAX_TARGET_COUNT      (1LL << 53)
                                           /* target_count */
#define IGJ_MAX_COST_USD          10000000 /* max_cost_usd */
#define IGJ_MAX_SECONDS           (30 * 24 * 3600)
                                           /* max_seconds */
#define IGJ_MAX_AGE_S             (90 * 24 * 3600)
                                           /* max_age */
#define IGJ_CALLBACK_URL_MAX      2000     /* bytes of callback_url */
#define IGJ_RANDOM_SEED_MAX       64       /* bytes of random_seed */
#define IGJ_DRY_RUN_NAMES         20       /* names that a dry run shows */

/* Ingestion: POST /api/ingest */

#define IGJ_MAX_PROFILES          500000   /* elements of "profiles" */
#define IGJ_INGEST_UNIT           1000     /* taken in at once; more: 202 */
#define IGJ_PROFILE_ID_MAX        128      /* bytes of an id */
#define IGJ_PROFILE_USERNAME_MAX  128      /* bytes of a username */
#define IGJ_FULL_NAME_MAX         512      /* bytes of a full_name, then cut */
#define IGJ_MAX_INGEST_SIZE       (512 * 1024 * 1024)
                                           /* default: igjobs_max_ingest_size */

/* User names */

#define IGJ_USERNAME_MAX          30       /* bytes, all ASCII */
#define IGJ_ACCOUNT_TEXT_MAX      512      /* bytes of one element: links */

/* JSON bodies */

#define IGJ_MAX_BODY_SIZE         (32 * 1024 * 1024)
                                           /* default: igjobs_max_body_size */
#define IGJ_BODY_TURN_SIZE        (32 * 1024)
                                           /* bytes scanned in a loop turn */
#define IGJ_MIN_BODY_RATE         4096     /* bytes/s: igjobs_min_body_rate */
#define IGJ_BODY_PACE_MS          10000    /* over which it is measured */
#define IGJ_MAX_CALL_BODY         (64 * 1024)
                                           /* of an api function's call */
#define IGJ_MAX_SCHEDULE_BODY     (256 * 1024)
#define IGJ_SMALL_SUBMIT_BATCHES  20       /* stored by one statement */
#define IGJ_MAX_STORE_TRIES       3        /* of a large submission */
#define IGJ_JSON_MAX_DEPTH        8        /* open containers, request body */
#define IGJ_JSON_MAX_MEMBERS      64       /* members of the outermost object */
#define IGJ_JSON_MAX_NUMBER       128      /* characters of one number */
#define IGJ_JSON_MAX_KEY          64       /* bytes of a key that are kept */

/* Result pages: GET /api/job-results/<job> */

#define IGJ_PAGE_DEFAULT_LIMIT    1000     /* ?limit= absent */
#define IGJ_PAGE_MAX_LIMIT        5000     /* ?limit= above is lowered to it */
#define IGJ_PAGE_MAX_NUMBER       1000000000LL  /* ?page= above is refused */
#define IGJ_RANGE_ROWS            1000     /* rows of one statement */
#define IGJ_RANGE_AHEAD_BYTES     (512 * 1024)
                                           /* a larger range is sent alone */
#define IGJ_FILTER_ROWS           10000    /* looked at for a filtered page */
#define IGJ_PARAM_VALUE_MAX       256      /* decoded bytes of a query value */

/* Names that become part of a Redis key */

#define IGJ_TENANT_MAX            64       /* letters, digits, - _ . */
#define IGJ_TOKEN_MAX             64       /* kind, class, worker id */
#define IGJ_SCOPE_MAX             160      /* actor:<provider>/<actor> */
#define IGJ_KEY_MAX               320      /* longest Redis key, with its NUL */

/* Status documents and waiting */

#define IGJ_STATUS_CACHE_MS       20       /* per nginx worker */
#define IGJ_STATUS_LOOKUPS        16       /* in that time, of what is older */
#define IGJ_STATUS_TTL_S          5        /* in Redis, job not ended */
#define IGJ_STATUS_FINAL_TTL_S    60       /* in Redis, job ended */
#define IGJ_RETRY_AFTER_MIN_S     2        /* advised poll interval, first */
#define IGJ_RETRY_AFTER_MAX_S     15       /* and after a while */
#define IGJ_MAX_WAIT_S            60       /* default: igjobs_max_wait */
#define IGJ_SYNC_TIMEOUT_MS       55000    /* default: igjobs_sync_timeout */
#define IGJ_OPERATION_WAIT_MS     55000    /* default: igjobs_operation_wait */
#define IGJ_MAX_BASE_ID           128      /* bytes of X-Base-Id that count */
#define IGJ_SYNC_MAX_ROWS         10000    /* default: igjobs_sync_max_rows */

/* Postgres groups of an nginx worker */

#define IGJ_WRITES_PER_SYNC       32       /* small submissions sharing one */
#define IGJ_WRITES_COMPANY        12       /* so many go while others are */
#define IGJ_WRITES_HOLD_MS        20       /* under way; fewer wait so long */

/* Jobs and batches */

#define IGJ_CLASS_WEIGHT_SMALL    3        /* turns taken: small 3 to bulk 1 */
#define IGJ_CLASS_WEIGHT_BULK     1
#define IGJ_PROVIDER_PAGE_ITEMS   5000     /* items committed together */

/* Worker: the others are in worker/igj_settings_table.c */

#define IGJ_START_CALL_MS         8000
#define IGJ_INTENT_GRACE_MS       10000    /* "absent" is believed after it */


#endif /* IGJ_LIMITS_H */
