/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What a committed change of a job is followed by in Redis: its status copy,
 * the news for those who watch it, turns for the workers.  All of it is a hint;
 * what is lost heals by itself.
 */

#ifndef _NGX_HTTP_IGJOBS_CHANGE_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_CHANGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_igjobs.h"


/* Of a job; everything may point anywhere during the call. */
typedef struct {
    ngx_str_t                        tenant;    /* NUL-terminated */
    ngx_str_t                        job;       /* its id as text */
    ngx_str_t                        kind;
    ngx_str_t                        class_name;
} ngx_http_igjobs_queued_t;


/*
 * Issues turns until so many of the job's stand.  Without Redis the sweeper of
 * the workers does it.
 */
void ngx_http_igjobs_issue_turns(ngx_http_igjobs_main_conf_t *mcf,
    const ngx_http_igjobs_queued_t *queued, ngx_uint_t turns);

/*
 * Says what the one row of an api function's answer says that has changed, see
 * ngx_http_igjobs_call.c.
 */
void ngx_http_igjobs_changed(ngx_http_igjobs_main_conf_t *mcf,
    const ngx_str_t *tenant, ngx_http_igjobs_pg_result_t *result);


#endif /* _NGX_HTTP_IGJOBS_CHANGE_H_INCLUDED_ */
