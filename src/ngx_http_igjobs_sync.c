/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * See ngx_http_igjobs_sync.h.  The request is held until its job has ended and
 * its rows are then streamed.  What takes too long or is too large is answered
 * with the 202 of any submission and the reason; the job goes on.
 */

#include "ngx_http_igjobs_status.h"
#include "ngx_http_igjobs_stream.h"
#include "ngx_http_igjobs_submission.h"
#include "ngx_http_igjobs_sync.h"

#include <cjson/cJSON.h>


typedef struct {
    ngx_http_igjobs_stream_t  stream;
    int64_t                   scraped;
    int64_t                   kept;
    int64_t                   genders[3];
} ngx_http_igjobs_sync_t;


static ngx_uint_t ngx_http_igjobs_sync_enough(ngx_http_igjobs_hold_t *hold,
    const ngx_str_t *doc);
static void ngx_http_igjobs_sync_over(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc);
static void ngx_http_igjobs_sync_ended(ngx_http_igjobs_hold_t *hold,
    const cJSON *status);
static ngx_int_t ngx_http_igjobs_sync_failed(ngx_http_igjobs_hold_t *hold,
    const cJSON *status);
static void ngx_http_igjobs_sync_rows(ngx_http_igjobs_hold_t *hold,
    const cJSON *status);
static ngx_int_t ngx_http_igjobs_sync_fall_back(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over);
static ngx_int_t ngx_http_igjobs_sync_instead(
    ngx_http_igjobs_stream_t *stream);
static void ngx_http_igjobs_sync_head(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_sync_row(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static void ngx_http_igjobs_sync_tail(ngx_http_igjobs_stream_t *stream,
    igj_json_t *json);
static int64_t ngx_http_igjobs_sync_number(const cJSON *object,
    const char *name);


static const char *const  ngx_http_igjobs_sync_genders[3] = {
    "male", "female", "unknown"
};

/* name of the reason, and what it means */

typedef struct {
    const char  *name;
    const char  *text;
} ngx_http_igjobs_sync_reason_t;

static const ngx_http_igjobs_sync_reason_t  ngx_http_igjobs_sync_reasons[] = {

    [NGX_HTTP_IGJOBS_HOLD_ENOUGH] = {
        "rows",
        "The result has more rows than one answer may have. "
        "Read results_url page by page when the job is completed." },

    [NGX_HTTP_IGJOBS_HOLD_TIMEOUT] = {
        "timeout",
        "The job takes longer than this answer may take. It goes on." },

    [NGX_HTTP_IGJOBS_HOLD_RESTART] = {
        "restart",
        "The service is being restarted. The job goes on." },

    [NGX_HTTP_IGJOBS_HOLD_REFUSED] = {
        "unavailable",
        "The job cannot be followed at present. It goes on." },

    [NGX_HTTP_IGJOBS_HOLD_FULL] = {
        "busy",
        "Too many clients wait at present. The job goes on." },
};


void
ngx_http_igjobs_sync_prepare(ngx_http_request_t *r,
    ngx_http_igjobs_hold_t *hold)
{
    ngx_http_igjobs_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_igjobs_module);

    hold->time = lcf->sync_timeout;
    hold->handler = ngx_http_igjobs_sync_over;
    hold->enough = ngx_http_igjobs_sync_enough;
    hold->wish.for_change = 0;

    if (hold->wish.seconds > 0) {
        hold->time = ngx_min(hold->time,
                             (ngx_msec_t) hold->wish.seconds * 1000);
        hold->wish.seconds = hold->time / 1000;
    }
}


/* more rows than may be answered, before the job has ended */

static ngx_uint_t
ngx_http_igjobs_sync_enough(ngx_http_igjobs_hold_t *hold, const ngx_str_t *doc)
{
    cJSON                       *status;
    int64_t                      kept;
    ngx_http_igjobs_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(hold->request, ngx_http_igjobs_module);

    status = cJSON_ParseWithLength((char *) doc->data, doc->len);
    kept = ngx_http_igjobs_sync_number(status, "profiles_scraped");
    cJSON_Delete(status);

    return kept > (int64_t) lcf->sync_max_rows;
}


static void
ngx_http_igjobs_sync_over(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over, ngx_http_igjobs_document_e found,
    const ngx_str_t *doc)
{
    cJSON  *status;

    (void) found;

    if (over != NGX_HTTP_IGJOBS_HOLD_ENDED) {
        ngx_http_igjobs_hold_finish(hold,
                            ngx_http_igjobs_sync_fall_back(hold, over));
        return;
    }

    status = cJSON_ParseWithLength((char *) doc->data, doc->len);

    if (status == NULL) {
        ngx_http_igjobs_hold_finish(hold,
                            ngx_http_igjobs_sync_fall_back(hold,
                                            NGX_HTTP_IGJOBS_HOLD_REFUSED));
        return;
    }

    ngx_http_igjobs_sync_ended(hold, status);
    cJSON_Delete(status);
}


static void
ngx_http_igjobs_sync_ended(ngx_http_igjobs_hold_t *hold, const cJSON *status)
{
    char                        *word;
    ngx_int_t                    rc;
    ngx_http_igjobs_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(hold->request, ngx_http_igjobs_module);
    word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status,
                                                                 "status"));

    if (word != NULL && ngx_strcmp(word, "failed") == 0) {
        rc = ngx_http_igjobs_sync_failed(hold, status);

    } else if (ngx_http_igjobs_sync_number(status, "total_filtered")
               > (int64_t) lcf->sync_max_rows)
    {
        rc = ngx_http_igjobs_sync_fall_back(hold, NGX_HTTP_IGJOBS_HOLD_ENOUGH);

    } else {
        ngx_http_igjobs_sync_rows(hold, status);
        return;
    }

    ngx_http_igjobs_hold_finish(hold, rc);
}


/* as the original, which answered with the text of the exception */

static ngx_int_t
ngx_http_igjobs_sync_failed(ngx_http_igjobs_hold_t *hold, const cJSON *status)
{
    char               *message;
    char                error[512], instance[64];
    igj_problem_doc_t   doc;

    message = cJSON_GetStringValue(
                  cJSON_GetObjectItemCaseSensitive(status, "error_message"));

    *ngx_snprintf((u_char *) error, sizeof(error) - 1,
                  "Failed to scrape followers: %s",
                  message ? message : "the job was ended") = '\0';

    ngx_memcpy(instance, NGX_HTTP_IGJOBS_STATUS_PATH,
               sizeof(NGX_HTTP_IGJOBS_STATUS_PATH) - 1);
    igj_uuid_print(&hold->job,
                   instance + sizeof(NGX_HTTP_IGJOBS_STATUS_PATH) - 1);
    instance[sizeof(NGX_HTTP_IGJOBS_STATUS_PATH) - 1 + IGJ_UUID_TEXT_LEN]
        = '\0';

    ngx_memzero(&doc, sizeof(igj_problem_doc_t));
    doc.problem = IGJ_PROBLEM_JOB_FAILED;
    doc.error = error;
    doc.instance = instance;

    return ngx_http_igjobs_problem_doc(hold->request, &doc);
}


/* the 202, with the reason as a header and as a member behind the others */

static ngx_int_t
ngx_http_igjobs_sync_fall_back(ngx_http_igjobs_hold_t *hold,
    ngx_http_igjobs_hold_over_e over)
{
    size_t                                size;
    ngx_str_t                             body;
    const ngx_http_igjobs_sync_reason_t  *reason;

    reason = &ngx_http_igjobs_sync_reasons[over];

    size = hold->accepted.len + sizeof(",\"fallback\":\"\"")
           + ngx_strlen(reason->text);

    body.data = ngx_pnalloc(hold->request->pool, size);

    if (body.data == NULL
        || ngx_http_igjobs_header_text(hold->request, "Igjobs-Fallback",
                                       reason->name)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = ngx_sprintf(body.data, "%*s,\"fallback\":\"%s\"}\n",
                           hold->accepted.len - 2, hold->accepted.data,
                           reason->text)
               - body.data;

    return ngx_http_igjobs_submit_accept(hold->request, &hold->job, &body);
}


static void
ngx_http_igjobs_sync_rows(ngx_http_igjobs_hold_t *hold, const cJSON *status)
{
    ngx_uint_t               i;
    const cJSON             *genders;
    ngx_http_request_t      *r;
    ngx_http_igjobs_sync_t  *sync;

    r = hold->request;

    sync = ngx_pcalloc(r->pool, sizeof(ngx_http_igjobs_sync_t)
                                + IGJ_UUID_TEXT_LEN + 1);

    if (sync == NULL || ngx_http_igjobs_hold_applied(hold, 1) != NGX_OK) {
        ngx_http_igjobs_hold_finish(hold, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    genders = cJSON_GetObjectItemCaseSensitive(status, "genders");

    for (i = 0; i < 3; i++) {
        sync->genders[i] = ngx_http_igjobs_sync_number(genders,
                                            ngx_http_igjobs_sync_genders[i]);
    }

    sync->scraped = ngx_http_igjobs_sync_number(status, "total_scraped");
    sync->kept = ngx_http_igjobs_sync_number(status, "total_filtered");

    sync->stream.job.data = (u_char *) (sync + 1);
    sync->stream.job.len = IGJ_UUID_TEXT_LEN;
    igj_uuid_print(&hold->job, (char *) sync->stream.job.data);

    sync->stream.end = sync->kept;
    sync->stream.data = hold;
    sync->stream.instead = ngx_http_igjobs_sync_instead;
    sync->stream.head = ngx_http_igjobs_sync_head;
    sync->stream.row = ngx_http_igjobs_sync_row;
    sync->stream.tail = ngx_http_igjobs_sync_tail;

    ngx_http_igjobs_hold_leave(hold);
    ngx_http_igjobs_stream(r, &sync->stream);
}


/* a 503 would be taken for an invitation to submit the job again */

static ngx_int_t
ngx_http_igjobs_sync_instead(ngx_http_igjobs_stream_t *stream)
{
    ngx_http_igjobs_hold_t  *hold;

    hold = stream->data;
    ngx_http_igjobs_hold_not_applied(hold);

    return ngx_http_igjobs_sync_fall_back(hold, NGX_HTTP_IGJOBS_HOLD_REFUSED);
}


static void
ngx_http_igjobs_sync_head(ngx_http_igjobs_stream_t *stream, igj_json_t *json)
{
    igj_json_object_begin(json);
    igj_json_member_boolean(json, "success", 1);
    igj_json_member_text(json, "job_id", (char *) stream->job.data);
    igj_json_key(json, "data");
    igj_json_object_begin(json);
    igj_json_key(json, "accounts");
    igj_json_array_begin(json);
}


static void
ngx_http_igjobs_sync_row(ngx_http_igjobs_stream_t *stream, igj_json_t *json)
{
    ngx_str_t                *value;
    ngx_uint_t                i;
    static const char *const  keys[] = { "id", "username", "fullName" };

    igj_json_object_begin(json);

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        value = &stream->rows.value[i];
        igj_json_key(json, keys[i]);
        igj_json_string(json, (char *) value->data, value->len);
    }

    igj_json_object_end(json);
}


/* a gender that nobody has is absent, as in the original */

static void
ngx_http_igjobs_sync_tail(ngx_http_igjobs_stream_t *stream, igj_json_t *json)
{
    ngx_uint_t               i;
    ngx_http_igjobs_sync_t  *sync;

    sync = (ngx_http_igjobs_sync_t *) stream;

    igj_json_array_end(json);
    igj_json_member_integer(json, "totalFiltered", sync->kept);
    igj_json_member_integer(json, "totalScraped", sync->scraped);

    igj_json_key(json, "genderDistribution");
    igj_json_object_begin(json);

    for (i = 0; i < 3; i++) {
        if (sync->genders[i] > 0) {
            igj_json_member_integer(json, ngx_http_igjobs_sync_genders[i],
                                    sync->genders[i]);
        }
    }

    igj_json_object_end(json);
    igj_json_object_end(json);
    igj_json_object_end(json);
    igj_json_raw(json, "\n", 1);
}


/* 0 for what is no number, and for no object */

static int64_t
ngx_http_igjobs_sync_number(const cJSON *object, const char *name)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? (int64_t) item->valuedouble : 0;
}


void
ngx_http_igjobs_sync_refused(ngx_http_request_t *r, const igj_submit_t *submit,
    igj_problem_doc_t *doc, char *error)
{
    uint32_t                n;
    ngx_http_igjobs_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_igjobs_module);

    if (ctx->hold == NULL || !ctx->hold->wish.sync) {
        return;
    }

    if (doc->problem == IGJ_PROBLEM_TOTAL_NOT_POSITIVE) {
        doc->error = "totalScrapeCount must be greater than 0";

    } else if (doc->problem == IGJ_PROBLEM_TOTAL_TOO_SMALL) {
        n = submit->accounts.count;
        *ngx_snprintf((u_char *) error, NGX_HTTP_IGJOBS_SYNC_ERROR_MAX - 1,
                      "totalScrapeCount (%L) is too small for %uD accounts. "
                      "Need at least %uD total.", submit->total, n, n) = '\0';
        doc->error = error;
    }
}
