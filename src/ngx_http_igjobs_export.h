/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Exports that are asked for by Accept, on the path of the pages. */

#ifndef _NGX_HTTP_IGJOBS_EXPORT_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_EXPORT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* Does Accept name a form of exports, and not the one of pages? */
ngx_uint_t ngx_http_igjobs_export_accepted(ngx_http_request_t *r);


#endif /* _NGX_HTTP_IGJOBS_EXPORT_H_INCLUDED_ */
