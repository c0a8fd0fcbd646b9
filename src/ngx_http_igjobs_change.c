/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The way of a change into Redis, after its commit.  Nobody waits for any of
 * it: a status copy lives for a minute at most, watched jobs are read again
 * by and by, turns are issued again by the sweeper.
 */

#include "ngx_http_igjobs_change.h"

#include "igj_keys.h"


/* columns of an answer that tells of a change, see ngx_http_igjobs_sql.c */
typedef enum {
    NGX_HTTP_IGJOBS_CHANGE_JOB = 2,
    NGX_HTTP_IGJOBS_CHANGE_DOC,
    NGX_HTTP_IGJOBS_CHANGE_KIND,
    NGX_HTTP_IGJOBS_CHANGE_CLASS,
    NGX_HTTP_IGJOBS_CHANGE_TURNS,
    NGX_HTTP_IGJOBS_CHANGE_COLUMNS
} ngx_http_igjobs_change_column_e;


static ngx_int_t ngx_http_igjobs_turn_keys(
    const ngx_http_igjobs_queued_t *queued, igj_key_t *keys);


void
ngx_http_igjobs_changed(ngx_http_igjobs_main_conf_t *mcf,
    const ngx_str_t *tenant, ngx_http_igjobs_pg_result_t *result)
{
    ngx_int_t                 turns;
    ngx_str_t                 doc, text;
    ngx_http_igjobs_queued_t  queued;

    if (ngx_http_igjobs_pg_columns(result) < NGX_HTTP_IGJOBS_CHANGE_COLUMNS
        || ngx_http_igjobs_pg_rows(result) != 1
        || ngx_http_igjobs_pg_is_null(result, 0, NGX_HTTP_IGJOBS_CHANGE_DOC))
    {
        return;
    }

    queued.tenant = *tenant;
    queued.job = ngx_http_igjobs_pg_value(result, 0,
                                          NGX_HTTP_IGJOBS_CHANGE_JOB);
    doc = ngx_http_igjobs_pg_value(result, 0, NGX_HTTP_IGJOBS_CHANGE_DOC);

    ngx_http_igjobs_document_publish(mcf->documents, tenant, &queued.job,
                                     &doc);

    text = ngx_http_igjobs_pg_value(result, 0, NGX_HTTP_IGJOBS_CHANGE_TURNS);
    turns = ngx_atoi(text.data, text.len);

    if (turns > 0) {
        queued.kind = ngx_http_igjobs_pg_value(result, 0,
                                               NGX_HTTP_IGJOBS_CHANGE_KIND);
        queued.class_name = ngx_http_igjobs_pg_value(result, 0,
                                               NGX_HTTP_IGJOBS_CHANGE_CLASS);
        ngx_http_igjobs_issue_turns(mcf, &queued, turns);
    }
}


/* only the first slots of the job are looked at, as many as are wanted */

void
ngx_http_igjobs_issue_turns(ngx_http_igjobs_main_conf_t *mcf,
    const ngx_http_igjobs_queued_t *queued, ngx_uint_t turns)
{
    u_char      number[NGX_INT_T_LEN];
    u_char      queue[IGJ_KEY_MAX];
    igj_key_t   keys[4];
    ngx_str_t   argv[10];
    ngx_uint_t  i;

    if (mcf->rds == NULL
        || ngx_http_igjobs_turn_keys(queued, keys) != NGX_OK)
    {
        return;
    }

    for (i = 0; i < 4; i++) {
        argv[i].data = (u_char *) keys[i].text;
        argv[i].len = keys[i].len;
    }

    argv[4].data = queue;
    argv[4].len = ngx_snprintf(queue, sizeof(queue), "%V:%V", &queued->kind,
                               &queued->class_name)
                  - queue;
    argv[5] = queued->tenant;
    argv[6] = queued->job;
    argv[7].data = number;
    argv[7].len = ngx_sprintf(number, "%ui", turns) - number;
    argv[8] = argv[7];
    ngx_str_set(&argv[9], "1");

    (void) ngx_http_igjobs_redis_script(mcf->rds, IGJ_SCRIPT_ISSUE, argv,
                                        NULL, NULL);
}


static ngx_int_t
ngx_http_igjobs_turn_keys(const ngx_http_igjobs_queued_t *queued,
    igj_key_t *keys)
{
    char  kind[IGJ_TOKEN_MAX + 1], class_name[IGJ_TOKEN_MAX + 1];

    if (queued->kind.len > IGJ_TOKEN_MAX
        || queued->class_name.len > IGJ_TOKEN_MAX)
    {
        return NGX_ERROR;
    }

    ngx_cpystrn((u_char *) kind, queued->kind.data, queued->kind.len + 1);
    ngx_cpystrn((u_char *) class_name, queued->class_name.data,
                queued->class_name.len + 1);

    if (!igj_key_turns(&keys[0], kind, class_name)
        || !igj_key_clocks(&keys[1], kind, class_name)
        || !igj_key_later(&keys[2])
        || !igj_key_parked_index(&keys[3]))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
