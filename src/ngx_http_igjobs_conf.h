/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * How the directives get their values: hooks and setters for the table of
 * ngx_http_igjobs_module.c.  Called only while the configuration is read.
 */

#ifndef _NGX_HTTP_IGJOBS_CONF_H_INCLUDED_
#define _NGX_HTTP_IGJOBS_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


void *ngx_http_igjobs_create_main_conf(ngx_conf_t *cf);
char *ngx_http_igjobs_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_igjobs_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_igjobs_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
ngx_int_t ngx_http_igjobs_postconfiguration(ngx_conf_t *cf);

/* setters of the directives that are more than a number or a text */
char *ngx_http_igjobs_conf_enable(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_igjobs_conf_postgres(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_igjobs_conf_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_igjobs_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_igjobs_conf_cors_origins(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* a check that follows ngx_conf_set_msec_slot */
char *ngx_http_igjobs_conf_time_above_zero(ngx_conf_t *cf, void *post,
    void *data);


#endif /* _NGX_HTTP_IGJOBS_CONF_H_INCLUDED_ */
