/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Status documents: a small table of the last ones, and one lookup at a time
 * for each job, in Redis first, then in Postgres.  What Postgres knew and Redis
 * did not is written back by the script that keeps the higher version.
 *
 * An entry is either being looked up (loading, waiters in its queue, never
 * evicted) or known (in the queue of use, evicted oldest first).
 */

#include "ngx_http_igjobs_document.h"

#include "igj_keys.h"


#define NGX_HTTP_IGJOBS_DOCUMENT_PREFIX  "{\"version\":"
#define NGX_HTTP_IGJOBS_DOCUMENT_ERASED  ",\"erased\":true"

/* bytes that hold a document's version, id and status */
#define NGX_HTTP_IGJOBS_DOCUMENT_HEAD    160

/* a copy of which so much has passed is old: this part of its time */
#define NGX_HTTP_IGJOBS_DOCUMENT_YOUNG   10


typedef struct {
    ngx_queue_t                     chain;      /* of the bucket */
    ngx_queue_t                     use;        /* if known, oldest first */
    ngx_queue_t                     waiters;    /* if loading */
    ngx_http_igjobs_documents_t    *documents;

    igj_uuid_t                      job;
    char                            id[IGJ_UUID_TEXT_LEN + 1];
    ngx_str_t                       tenant;     /* NUL-terminated */

    ngx_str_t                       doc;
    ngx_http_igjobs_document_e      found;
    ngx_msec_t                      expires;
    unsigned                        loading:1;
} ngx_http_igjobs_document_t;


struct ngx_http_igjobs_documents_s {
    ngx_queue_t                    *buckets;
    ngx_uint_t                      mask;
    ngx_queue_t                     use;
    ngx_uint_t                      count;
    ngx_uint_t                      size;       /* most entries */
    ngx_msec_t                      keep;
    ngx_msec_t                      turn;       /* lookups are counted to */
    ngx_uint_t                      lookups;

    ngx_http_igjobs_pg_t           *pg;
    ngx_http_igjobs_redis_t        *redis;
    ngx_log_t                      *log;
};


static ngx_http_igjobs_document_t *ngx_http_igjobs_document_find(
    ngx_http_igjobs_documents_t *documents, const ngx_str_t *tenant,
    const igj_uuid_t *job, ngx_queue_t **bucket);
static ngx_uint_t ngx_http_igjobs_document_serves(
    const ngx_http_igjobs_document_t *entry);
static ngx_http_igjobs_document_t *ngx_http_igjobs_document_create(
    ngx_http_igjobs_documents_t *documents, const ngx_str_t *tenant,
    const igj_uuid_t *job, ngx_queue_t *bucket);
static void ngx_http_igjobs_document_free(ngx_http_igjobs_document_t *entry);
static ngx_int_t ngx_http_igjobs_document_load(
    ngx_http_igjobs_document_t *entry);
static void ngx_http_igjobs_document_from_redis(void *data,
    ngx_http_igjobs_redis_reply_t *reply);
static ngx_int_t ngx_http_igjobs_document_ask_pg(
    ngx_http_igjobs_document_t *entry);
static void ngx_http_igjobs_document_from_pg(void *data,
    ngx_http_igjobs_pg_reply_t *reply);
static void ngx_http_igjobs_document_known(ngx_http_igjobs_document_t *entry,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc);
static ngx_int_t ngx_http_igjobs_document_keep(
    ngx_http_igjobs_document_t *entry, const ngx_str_t *doc);
static ngx_uint_t ngx_http_igjobs_document_erased(const ngx_str_t *doc);
static void ngx_http_igjobs_document_renew(
    ngx_http_igjobs_documents_t *documents, const ngx_str_t *tenant,
    const igj_uuid_t *job, const ngx_str_t *doc, ngx_uint_t news);
static void ngx_http_igjobs_document_send(
    ngx_http_igjobs_documents_t *documents, const char *tenant,
    const char *job, const ngx_str_t *doc, ngx_uint_t news);


ngx_http_igjobs_documents_t *
ngx_http_igjobs_documents_start(ngx_cycle_t *cycle, ngx_uint_t size,
    ngx_msec_t keep, ngx_http_igjobs_pg_t *pg, ngx_http_igjobs_redis_t *redis)
{
    ngx_uint_t                    i, n;
    ngx_http_igjobs_documents_t  *documents;

    for (n = 16; n < size; n *= 2) { /* void */ }

    documents = ngx_pcalloc(cycle->pool, sizeof(ngx_http_igjobs_documents_t));
    if (documents == NULL) {
        return NULL;
    }

    documents->buckets = ngx_palloc(cycle->pool, n * sizeof(ngx_queue_t));
    if (documents->buckets == NULL) {
        return NULL;
    }

    for (i = 0; i < n; i++) {
        ngx_queue_init(&documents->buckets[i]);
    }

    ngx_queue_init(&documents->use);

    documents->mask = n - 1;
    documents->size = size;
    documents->keep = keep;
    documents->pg = pg;
    documents->redis = redis;
    documents->log = cycle->log;

    return documents;
}


ngx_int_t
ngx_http_igjobs_document_get(ngx_http_igjobs_documents_t *documents,
    const ngx_str_t *tenant, const igj_uuid_t *job,
    ngx_http_igjobs_document_waiter_t *waiter)
{
    ngx_queue_t                 *bucket;
    ngx_http_igjobs_document_t  *entry;

    entry = ngx_http_igjobs_document_find(documents, tenant, job, &bucket);

    if (entry != NULL && !entry->loading) {

        if (ngx_http_igjobs_document_serves(entry)) {
            waiter->handler(waiter->data, entry->found, &entry->doc);
            return NGX_OK;
        }

        ngx_http_igjobs_document_free(entry);
        entry = NULL;
    }

    if (entry == NULL) {
        entry = ngx_http_igjobs_document_create(documents, tenant, job,
                                                bucket);
        if (entry == NULL) {
            return NGX_ERROR;
        }

        if (ngx_http_igjobs_document_load(entry) != NGX_OK) {
            ngx_http_igjobs_document_free(entry);
            return NGX_ERROR;
        }
    }

    ngx_queue_insert_tail(&entry->waiters, &waiter->queue);
    waiter->waiting = 1;

    return NGX_AGAIN;
}


void
ngx_http_igjobs_document_leave(ngx_http_igjobs_document_waiter_t *waiter)
{
    if (waiter->waiting) {
        waiter->waiting = 0;
        ngx_queue_remove(&waiter->queue);
    }
}


/* also says which bucket the job belongs to */

static ngx_http_igjobs_document_t *
ngx_http_igjobs_document_find(ngx_http_igjobs_documents_t *documents,
    const ngx_str_t *tenant, const igj_uuid_t *job, ngx_queue_t **bucket)
{
    uint32_t                     hash;
    ngx_queue_t                 *q;
    ngx_http_igjobs_document_t  *entry;

    hash = ngx_murmur_hash2((u_char *) job->bytes, sizeof(job->bytes));
    *bucket = &documents->buckets[hash & documents->mask];

    for (q = ngx_queue_head(*bucket);
         q != ngx_queue_sentinel(*bucket);
         q = ngx_queue_next(q))
    {
        entry = ngx_queue_data(q, ngx_http_igjobs_document_t, chain);

        if (ngx_memcmp(entry->job.bytes, job->bytes, sizeof(job->bytes)) == 0
            && entry->tenant.len == tenant->len
            && ngx_memcmp(entry->tenant.data, tenant->data, tenant->len) == 0)
        {
            return entry;
        }
    }

    return NULL;
}


/*
 * A young copy always, an old one where lookups are many: who polls alone sees
 * a change at once, and however many poll, they cost no more than this.
 */

static ngx_uint_t
ngx_http_igjobs_document_serves(const ngx_http_igjobs_document_t *entry)
{
    ngx_msec_int_t                      left;
    const ngx_http_igjobs_documents_t  *documents;

    documents = entry->documents;
    left = (ngx_msec_int_t) (entry->expires - ngx_current_msec);

    if (left <= 0) {
        return 0;
    }

    if (documents->keep - left
        < documents->keep / NGX_HTTP_IGJOBS_DOCUMENT_YOUNG)
    {
        return 1;
    }

    return documents->lookups >= IGJ_STATUS_LOOKUPS
           && (ngx_msec_int_t) (documents->turn - ngx_current_msec) > 0;
}


static ngx_http_igjobs_document_t *
ngx_http_igjobs_document_create(ngx_http_igjobs_documents_t *documents,
    const ngx_str_t *tenant, const igj_uuid_t *job, ngx_queue_t *bucket)
{
    ngx_queue_t                 *q;
    ngx_http_igjobs_document_t  *entry;

    if (documents->count >= documents->size) {

        if (ngx_queue_empty(&documents->use)) {
            return NULL;
        }

        q = ngx_queue_head(&documents->use);
        entry = ngx_queue_data(q, ngx_http_igjobs_document_t, use);
        ngx_http_igjobs_document_free(entry);
    }

    entry = ngx_alloc(sizeof(ngx_http_igjobs_document_t) + tenant->len + 1,
                      documents->log);
    if (entry == NULL) {
        return NULL;
    }

    ngx_memzero(entry, sizeof(ngx_http_igjobs_document_t));

    entry->documents = documents;
    entry->loading = 1;
    entry->job = *job;
    igj_uuid_print(job, entry->id);

    entry->tenant.data = (u_char *) (entry + 1);
    entry->tenant.len = tenant->len;
    *ngx_cpymem(entry->tenant.data, tenant->data, tenant->len) = '\0';

    ngx_queue_init(&entry->waiters);

    /* clang's analyser does not see that what was freed has left the chain */

    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    ngx_queue_insert_head(bucket, &entry->chain);
    documents->count++;

    return entry;
}


static void
ngx_http_igjobs_document_free(ngx_http_igjobs_document_t *entry)
{
    if (!entry->loading) {
        ngx_queue_remove(&entry->use);
    }

    ngx_queue_remove(&entry->chain);
    entry->documents->count--;

    if (entry->doc.data) {
        ngx_free(entry->doc.data);
    }

    ngx_free(entry);
}


static ngx_int_t
ngx_http_igjobs_document_load(ngx_http_igjobs_document_t *entry)
{
    igj_key_t                     key;
    ngx_str_t                     words[2];
    ngx_http_igjobs_documents_t  *documents;

    documents = entry->documents;

    if ((ngx_msec_int_t) (documents->turn - ngx_current_msec) <= 0) {
        documents->turn = ngx_current_msec + documents->keep;
        documents->lookups = 0;
    }

    documents->lookups++;

    if (ngx_http_igjobs_redis_ready(documents->redis)
        && igj_key_status(&key, (char *) entry->tenant.data, entry->id) != 0)
    {
        ngx_str_set(&words[0], "GET");
        words[1].data = (u_char *) key.text;
        words[1].len = key.len;

        if (ngx_http_igjobs_redis_command(documents->redis, 2, words,
                                  ngx_http_igjobs_document_from_redis, entry)
            != NULL)
        {
            return NGX_OK;
        }
    }

    return ngx_http_igjobs_document_ask_pg(entry);
}


static void
ngx_http_igjobs_document_from_redis(void *data,
    ngx_http_igjobs_redis_reply_t *reply)
{
    ngx_http_igjobs_document_t  *entry = data;

    if (reply->type == NGX_HTTP_IGJOBS_REDIS_TEXT
        && ngx_http_igjobs_document_version(&reply->text) > 0)
    {
        if (ngx_http_igjobs_document_erased(&reply->text)) {
            ngx_http_igjobs_document_known(entry,
                                     NGX_HTTP_IGJOBS_DOCUMENT_UNKNOWN, NULL);
            return;
        }

        ngx_http_igjobs_document_known(entry, NGX_HTTP_IGJOBS_DOCUMENT_FOUND,
                                       &reply->text);
        return;
    }

    if (ngx_http_igjobs_document_ask_pg(entry) != NGX_OK) {
        ngx_http_igjobs_document_known(entry,
                                       NGX_HTTP_IGJOBS_DOCUMENT_UNAVAILABLE,
                                       NULL);
    }
}


static ngx_int_t
ngx_http_igjobs_document_ask_pg(ngx_http_igjobs_document_t *entry)
{
    ngx_http_igjobs_pg_param_t  params[2];

    ngx_memzero(params, sizeof(params));

    params[0].data = entry->tenant.data;
    params[0].len = entry->tenant.len;
    params[0].binary = 1;
    params[1].data = entry->job.bytes;
    params[1].len = sizeof(entry->job.bytes);
    params[1].binary = 1;

    if (ngx_http_igjobs_pg_query(entry->documents->pg,
                                 NGX_HTTP_IGJOBS_SQL_DOCUMENTS, params,
                                 ngx_http_igjobs_document_from_pg, entry)
        == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_igjobs_document_from_pg(void *data, ngx_http_igjobs_pg_reply_t *reply)
{
    ngx_http_igjobs_document_t  *entry = data;

    ngx_str_t  doc;

    if (reply->outcome != NGX_HTTP_IGJOBS_PG_OK) {
        ngx_log_error(NGX_LOG_ERR, entry->documents->log, 0,
                      "igjobs: status of a job not read: %s %V",
                      reply->sqlstate, &reply->message);
        ngx_http_igjobs_document_known(entry,
                         (reply->outcome == NGX_HTTP_IGJOBS_PG_REFUSED)
                         ? NGX_HTTP_IGJOBS_DOCUMENT_FAILED
                         : NGX_HTTP_IGJOBS_DOCUMENT_UNAVAILABLE,
                         NULL);
        return;
    }

    if (reply->row >= ngx_http_igjobs_pg_rows(reply->result)
        || ngx_http_igjobs_pg_is_null(reply->result, reply->row, 0))
    {
        ngx_http_igjobs_document_known(entry, NGX_HTTP_IGJOBS_DOCUMENT_UNKNOWN,
                                       NULL);
        return;
    }

    doc = ngx_http_igjobs_pg_value(reply->result, reply->row, 0);

    /* it is no news */

    ngx_http_igjobs_document_send(entry->documents,
                                  (char *) entry->tenant.data, entry->id,
                                  &doc, 0);
    ngx_http_igjobs_document_known(entry, NGX_HTTP_IGJOBS_DOCUMENT_FOUND,
                                   &doc);
}


/* the end of a lookup: answers all waiters, those that come meanwhile too */

static void
ngx_http_igjobs_document_known(ngx_http_igjobs_document_t *entry,
    ngx_http_igjobs_document_e found, const ngx_str_t *doc)
{
    ngx_queue_t                        *q;
    ngx_http_igjobs_documents_t        *documents;
    ngx_http_igjobs_document_waiter_t  *waiter;

    if (doc != NULL && ngx_http_igjobs_document_keep(entry, doc) != NGX_OK) {
        found = NGX_HTTP_IGJOBS_DOCUMENT_UNAVAILABLE;
    }

    while (!ngx_queue_empty(&entry->waiters)) {
        q = ngx_queue_head(&entry->waiters);
        waiter = ngx_queue_data(q, ngx_http_igjobs_document_waiter_t, queue);

        ngx_http_igjobs_document_leave(waiter);
        waiter->handler(waiter->data, found, &entry->doc);
    }

    if (found != NGX_HTTP_IGJOBS_DOCUMENT_FOUND
        && found != NGX_HTTP_IGJOBS_DOCUMENT_UNKNOWN)
    {
        ngx_http_igjobs_document_free(entry);
        return;
    }

    documents = entry->documents;

    entry->found = found;
    entry->loading = 0;
    entry->expires = ngx_current_msec + documents->keep;
    ngx_queue_insert_tail(&documents->use, &entry->use);
}


static ngx_int_t
ngx_http_igjobs_document_keep(ngx_http_igjobs_document_t *entry,
    const ngx_str_t *doc)
{
    entry->doc.data = ngx_alloc(doc->len, entry->documents->log);
    if (entry->doc.data == NULL) {
        return NGX_ERROR;
    }

    entry->doc.len = doc->len;
    ngx_memcpy(entry->doc.data, doc->data, doc->len);

    return NGX_OK;
}


void
ngx_http_igjobs_document_publish(ngx_http_igjobs_documents_t *documents,
    const ngx_str_t *tenant, const ngx_str_t *job, const ngx_str_t *doc)
{
    igj_uuid_t  uuid;

    if (igj_uuid_parse((char *) job->data, job->len, &uuid) == IGJ_OK) {
        ngx_http_igjobs_document_renew(documents, tenant, &uuid, doc, 1);
    }
}


void
ngx_http_igjobs_document_told(ngx_http_igjobs_documents_t *documents,
    const ngx_str_t *tenant, const igj_uuid_t *job, const ngx_str_t *doc)
{
    ngx_http_igjobs_document_renew(documents, tenant, job, doc, 0);
}


static void
ngx_http_igjobs_document_renew(ngx_http_igjobs_documents_t *documents,
    const ngx_str_t *tenant, const igj_uuid_t *job, const ngx_str_t *doc,
    ngx_uint_t news)
{
    char                         id[IGJ_UUID_TEXT_LEN + 1];
    ngx_queue_t                 *bucket;
    ngx_http_igjobs_document_t  *entry;

    igj_uuid_print(job, id);
    id[IGJ_UUID_TEXT_LEN] = '\0';

    ngx_http_igjobs_document_send(documents, (char *) tenant->data, id, doc,
                                  news);

    entry = ngx_http_igjobs_document_find(documents, tenant, job, &bucket);

    if (entry != NULL && !entry->loading) {
        ngx_http_igjobs_document_free(entry);
    }
}


/* to Redis, where a higher version stays; lost is lost */

static void
ngx_http_igjobs_document_send(ngx_http_igjobs_documents_t *documents,
    const char *tenant, const char *job, const ngx_str_t *doc,
    ngx_uint_t news)
{
    u_char      version[NGX_INT64_LEN], ttl[NGX_INT64_LEN];
    igj_key_t   key, channel;
    ngx_str_t   words[5];
    ngx_uint_t  seconds;

    if (!ngx_http_igjobs_redis_ready(documents->redis)
        || igj_key_status(&key, tenant, job) == 0
        || igj_key_events(&channel, tenant, job) == 0)
    {
        return;
    }

    seconds = ngx_http_igjobs_document_final(doc) ? IGJ_STATUS_FINAL_TTL_S
                                                  : IGJ_STATUS_TTL_S;

    words[0].data = (u_char *) key.text;
    words[0].len = key.len;
    words[1].data = version;
    words[1].len = ngx_sprintf(version, "%uL",
                               ngx_http_igjobs_document_version(doc))
                   - version;
    words[2] = *doc;
    words[3].data = ttl;
    words[3].len = ngx_sprintf(ttl, "%ui", seconds * 1000) - ttl;
    words[4].data = (u_char *) channel.text;
    words[4].len = news ? channel.len : 0;

    (void) ngx_http_igjobs_redis_script(documents->redis, IGJ_SCRIPT_STATUS,
                                        words, NULL, NULL);
}


uint64_t
ngx_http_igjobs_document_version(const ngx_str_t *doc)
{
    u_char    *p, *last;
    size_t     len;
    uint64_t   version;

    len = sizeof(NGX_HTTP_IGJOBS_DOCUMENT_PREFIX) - 1;

    if (doc->len <= len
        || ngx_strncmp(doc->data, NGX_HTTP_IGJOBS_DOCUMENT_PREFIX, len) != 0)
    {
        return 0;
    }

    version = 0;
    last = doc->data + doc->len;

    for (p = doc->data + len; p < last && *p >= '0' && *p <= '9'; p++) {
        version = version * 10 + (*p - '0');
    }

    return version;
}


/* stands right behind the version; Postgres knows no such job any more */

static ngx_uint_t
ngx_http_igjobs_document_erased(const ngx_str_t *doc)
{
    u_char  *p, *last;
    size_t   len;

    len = sizeof(NGX_HTTP_IGJOBS_DOCUMENT_ERASED) - 1;
    p = doc->data + sizeof(NGX_HTTP_IGJOBS_DOCUMENT_PREFIX) - 1;
    last = doc->data + doc->len;

    while (p < last && *p >= '0' && *p <= '9') {
        p++;
    }

    return (size_t) (last - p) > len
           && ngx_strncmp(p, NGX_HTTP_IGJOBS_DOCUMENT_ERASED, len) == 0;
}


/* status stands in the first part, before any text of users */

ngx_uint_t
ngx_http_igjobs_document_final(const ngx_str_t *doc)
{
    u_char      *p;
    size_t       len;
    static char  key[] = "\"status\":\"";

    len = ngx_min(doc->len, NGX_HTTP_IGJOBS_DOCUMENT_HEAD);
    p = memmem(doc->data, len, key, sizeof(key) - 1);

    if (p == NULL) {
        return 0;
    }

    p += sizeof(key) - 1;
    len = doc->data + doc->len - p;

    return (len > 9 && ngx_strncmp(p, "completed", 9) == 0)
           || (len > 6 && ngx_strncmp(p, "failed", 6) == 0);
}


ngx_str_t
ngx_http_igjobs_document_stage(const ngx_str_t *doc)
{
    u_char       *end;
    ngx_str_t     stage;
    static char   first[] = "\"state\":\"", next[] = "\"progress\":";

    ngx_str_null(&stage);

    if (doc->len == 0) {
        return stage;
    }

    stage.data = memmem(doc->data, doc->len, first, sizeof(first) - 1);

    if (stage.data != NULL) {
        stage.len = doc->data + doc->len - stage.data;
        end = memmem(stage.data, stage.len, next, sizeof(next) - 1);
        stage.len = end ? (size_t) (end - stage.data) : 0;
    }

    return stage;
}
