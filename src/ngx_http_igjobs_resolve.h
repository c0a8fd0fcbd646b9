/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Addresses of the backends.  Numbers and socket paths are known at once;
 * names are looked up while serving, without blocking, in the hosts file as it
 * was at start and then with nginx's resolver: the one that "resolver" in the
 * http block names, else the name servers of resolv.conf as it was at start.
 */

#ifndef _NGX_HTTP_IGJOBS_RESOLVE_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_RESOLVE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_IGJOBS_MAX_ADDRS  8


typedef struct {
    ngx_str_t     name;                 /* NUL-terminated; "/..." is a path */
    ngx_str_t     address;              /* numeric, instead of looking up the
                                           name; data NULL: none */
    in_port_t     port;
} ngx_http_igjobs_host_t;

typedef struct {
    ngx_resolver_t  *resolver;          /* NULL: names cannot be resolved */
    ngx_msec_t       timeout;
    ngx_array_t     *hosts;             /* of the hosts file */
    ngx_array_t     *search;            /* domains, ngx_str_t */
} ngx_http_igjobs_resolve_conf_t;


typedef struct {
    ngx_sockaddr_t   sockaddr;
    socklen_t        socklen;
} ngx_http_igjobs_addr_t;

typedef struct ngx_http_igjobs_resolve_s  ngx_http_igjobs_resolve_t;

/* n = 0: the name has no address, text says why. */
typedef void (*ngx_http_igjobs_resolve_handler_pt)(void *data,
    ngx_http_igjobs_addr_t *addrs, ngx_uint_t n, const char *text);


/* Reads hosts and resolv.conf and takes the resolver of the http block. */
ngx_int_t ngx_http_igjobs_resolve_init(ngx_conf_t *cf,
    ngx_http_igjobs_resolve_conf_t *conf);

/*
 * Looks host up; the handler is called once: from inside if the answer is
 * known (then NULL is returned), or later, unless canceled.
 */
ngx_http_igjobs_resolve_t *ngx_http_igjobs_resolve(
    ngx_http_igjobs_resolve_conf_t *conf, ngx_http_igjobs_host_t *host,
    ngx_http_igjobs_resolve_handler_pt handler, void *data);
void ngx_http_igjobs_resolve_cancel(ngx_http_igjobs_resolve_t *resolve);


#endif /* _NGX_HTTP_IGJOBS_RESOLVE_H_INCLUDED_ */
