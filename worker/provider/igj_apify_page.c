/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One page of a dataset, as JSON Lines, item by item in constant memory.
 *
 * A body that was cut can look like success: a page is taken for whole only
 * if as many lines came as the dataset's length promised, and if the last one
 * was ended (or, where the length is known, is a good item).  Lines are
 * counted: the pagination headers' own count is wrong at times.  The dataset's
 * length never shrinks for us, since an older replica may answer.
 */

#include "igj_apify.h"
#include "igj_item.h"
#include "igj_jsonl.h"

#include <string.h>


typedef struct {
    igj_apify_t              *a;
    const igj_page_sink_t    *sink;
    igj_page_t               *page;
    int64_t                   total_seen;   /* before this page */
    bool                      final;        /* the run has ended */
    int                       limit;
    bool                      total_known;
    const char               *problem;      /* why the page was refused */
    igj_jsonl_t               jsonl;
    igj_item_t                item;
} igj_pager_t;


static int
igj_pager_line(void *data, const char *line, size_t len)
{
    igj_pager_t  *r = data;
    int           rc;

    if (r->jsonl.lines > (uint64_t) r->limit) {
        r->problem = "more items than asked for";
        return -1;
    }

    switch (igj_item_parse(&r->item, r->a->head.conf.platform, line, len)) {

    case IGJ_ITEM_PROFILE:
        r->page->profiles++;
        rc = r->sink->profile(r->sink->data, &r->item.profile);
        break;

    case IGJ_ITEM_ACCOUNT_ERROR:
        r->page->account_errors++;
        rc = r->sink->account_error(r->sink->data, &r->item.error);
        break;

    default:
        r->page->malformed++;
        return 0;
    }

    if (rc != 0) {
        r->problem = "the page buffer refused an item";
    }

    return rc;
}


static int
igj_pager_begin(void *data)
{
    igj_pager_t  *r = data;

    igj_jsonl_init(&r->jsonl, r->a->line, IGJ_JSONL_LINE_MAX, igj_pager_line,
                   r);

    r->page->profiles = 0;
    r->page->account_errors = 0;
    r->page->malformed = 0;
    r->problem = NULL;

    return r->sink->begin(r->sink->data);
}


static int
igj_pager_bytes(void *data, const char *bytes, size_t len)
{
    igj_pager_t  *r = data;

    return igj_jsonl_feed(&r->jsonl, bytes, len);
}


/* How many lines this page must have at least. */
static int64_t
igj_pager_promised(const igj_pager_t *r)
{
    int64_t  rest;

    if (!r->total_known) {
        return 0;
    }

    rest = r->page->total - r->page->offset;

    return rest < 0 ? 0 : rest < r->limit ? rest : r->limit;
}


/* NULL if the page is whole. */
static const char *
igj_pager_judge(igj_pager_t *r, igj_http_t *h)
{
    const char  *type;
    int64_t      lines;
    bool         ended;
    int          malformed;

    type = igj_http_header(h, "Content-Type");
    if (type != NULL && strcasestr(type, "json") == NULL) {
        return "the answer is not JSON";
    }

    r->page->total = igj_http_header_int(h, "X-Apify-Pagination-Total");
    r->total_known = r->page->total >= 0;

    ended = igj_jsonl_ended(&r->jsonl);
    malformed = r->page->malformed;

    if (igj_jsonl_flush(&r->jsonl) != 0) {
        return r->problem;
    }

    if (!ended && (!r->total_known || r->page->malformed > malformed)) {
        return "the page ends inside a line";
    }

    lines = (int64_t) r->jsonl.lines;

    if (lines < igj_pager_promised(r)) {
        return "the page has fewer items than the dataset";
    }

    /* while the run works, one may look beyond the end */
    if (r->final && lines == 0
        && (r->page->offset < r->total_seen
            || (r->total_known && r->page->total < r->page->offset)))
    {
        return "an older copy of the dataset answered";
    }

    return NULL;
}


static int
igj_pager_verify(void *data, igj_http_t *h, const igj_http_response_t *resp)
{
    igj_pager_t  *r = data;

    (void) resp;

    r->problem = igj_pager_judge(r, h);

    return r->problem == NULL ? 0 : -1;
}


static int
igj_pager_url(igj_apify_t *a, const igj_run_t *run, const igj_page_t *page,
    int limit, char *url)
{
    const char  *fields, *equals, *id;

    id = run->dataset_id[0] ? run->dataset_id : run->id;
    if (!igj_apify_id_valid(id)) {
        return IGJ_ERROR;
    }

    fields = a->head.conf.fields;
    equals = (fields && fields[0]) ? "&fields=" : "";
    fields = fields ? fields : "";

    return igj_apify_url(a, url, "/%s/%s/%s?format=jsonl&offset=%lld&limit=%d"
                         "%s%s", run->dataset_id[0] ? "datasets" : "actor-runs",
                         id, run->dataset_id[0] ? "items" : "dataset/items",
                         (long long) page->offset, limit, equals, fields);
}


static void
igj_pager_finish(igj_pager_t *r, igj_run_t *run)
{
    igj_page_t  *page;

    page = r->page;

    page->malformed += (int) r->jsonl.too_long;
    page->items = (int) r->jsonl.lines;
    page->next_offset = page->offset + page->items;

    if (page->items > 0 && page->total < page->next_offset) {
        page->total = page->next_offset;
    }

    if (page->total > run->total_seen) {
        run->total_seen = page->total;
    }

    if (page->total < 0) {
        page->total = run->total_seen;
    }

    page->end = r->final
                && (r->total_known ? page->next_offset >= run->total_seen
                                   : page->items < r->limit);
}


igj_provider_class_t
igj_apify_read_page(igj_provider_t *p, igj_run_t *run,
    const igj_page_sink_t *sink, igj_page_t *page, int limit,
    igj_provider_error_t *err)
{
    igj_provider_class_t   class;
    igj_http_response_t    resp;
    igj_http_request_t     req = { 0 };
    igj_apify_t           *a = (igj_apify_t *) p;
    igj_pager_t            r;
    char                   url[IGJ_APIFY_URL_MAX];

    if (igj_pager_url(a, run, page, limit, url) != IGJ_OK) {
        return igj_provider_fail(p, err, IGJ_PROVIDER_GIVE_UP,
                                 "read: not a dataset id");
    }

    r.a = a;
    r.sink = sink;
    r.page = page;
    r.total_seen = run->total_seen;
    r.final = igj_run_final(run);
    r.limit = limit;
    r.total_known = false;
    r.problem = NULL;

    req.url = url;
    req.kind = IGJ_HTTP_DOWNLOAD;
    req.stop = p->stop;
    req.begin = igj_pager_begin;
    req.sink = igj_pager_bytes;
    req.verify = igj_pager_verify;
    req.data = &r;

    class = igj_apify_call(a, &req, run->old ? 0 : IGJ_APIFY_GRACE_MS, "read",
                           &resp, err);

    if (class == IGJ_PROVIDER_OK) {
        igj_pager_finish(&r, run);
        return class;
    }

    if (r.problem != NULL && class != IGJ_PROVIDER_CANCELED) {
        return igj_provider_fail(p, err, class, "read: %s", r.problem);
    }

    return class;
}
