/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The one table of statements that the module sends. */

#ifndef _NGX_HTTP_IGJOBS_SQL_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_SQL_H_INCLUDED_


#include "igj_platform.h"
#include "ngx_http_igjobs_pg.h"


/* of the jobs that are submitted */
#define NGX_HTTP_IGJOBS_KIND  IGJ_KIND_SCRAPE


/* The row of a statement; valid for ever. */
const ngx_http_igjobs_sql_t *ngx_http_igjobs_sql(
    ngx_http_igjobs_sql_e statement);


#endif /* _NGX_HTTP_IGJOBS_SQL_H_INCLUDED_ */
