/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Connection strings, taken apart at configuration time: a mistake is said by
 * nginx -t, and nothing has to be looked up when a connection is made.
 * No message repeats a part of the string: it may be the password.
 */

#include "ngx_http_igjobs_libpq.h"


static char *ngx_http_igjobs_pg_parse_error(ngx_conf_t *cf, char *text);
static char *ngx_http_igjobs_pg_check(PQconninfoOption *o);
static char *ngx_http_igjobs_pg_options(ngx_conf_t *cf,
    ngx_http_igjobs_pg_conf_t *conf, PQconninfoOption *list);
static ngx_uint_t ngx_http_igjobs_pg_is_ours(char *keyword);
static ngx_int_t ngx_http_igjobs_pg_add(ngx_conf_t *cf,
    ngx_http_igjobs_pg_conf_t *conf, char *keyword, char *value);
static char *ngx_http_igjobs_pg_host(ngx_conf_t *cf,
    ngx_http_igjobs_host_t *host, char **names, char **addresses);
static char *ngx_http_igjobs_pg_port(ngx_conf_t *cf, in_port_t *port,
    char **ports);
static char *ngx_http_igjobs_pg_hosts(ngx_conf_t *cf,
    ngx_http_igjobs_pg_conf_t *conf, PQconninfoOption *list);
static char *ngx_http_igjobs_pg_value_of(PQconninfoOption *list, char *keyword);
static ngx_int_t ngx_http_igjobs_pg_item(ngx_conf_t *cf, char **list,
    ngx_str_t *item);
static ngx_int_t ngx_http_igjobs_pg_copy(ngx_conf_t *cf, ngx_str_t *s,
    char *text, size_t len);


/* where Debian's Postgres has its socket */
#define NGX_HTTP_IGJOBS_PG_SOCKETS  "/var/run/postgresql"
#define NGX_HTTP_IGJOBS_PG_PORT     5432


char *
ngx_http_igjobs_pg_parse(ngx_conf_t *cf, ngx_http_igjobs_pg_conf_t *conf,
    ngx_str_t *conninfo)
{
    char              *text, *error;
    ngx_str_t          copy;
    PQconninfoOption  *list;

    if (ngx_http_igjobs_pg_copy(cf, &copy, (char *) conninfo->data,
                                conninfo->len)
        != NGX_OK)
    {
        return "no memory";
    }

    if (copy.len == 0) {
        return "the connection string is empty";
    }

    text = NULL;
    list = PQconninfoParse((char *) copy.data, &text);

    if (list == NULL) {
        error = ngx_http_igjobs_pg_parse_error(cf, text);
        PQfreemem(text);
        return error;
    }

    error = ngx_http_igjobs_pg_options(cf, conf, list);

    if (error == NULL) {
        error = ngx_http_igjobs_pg_hosts(cf, conf, list);
    }

    PQconninfoFree(list);

    return error;
}


/* libpq quotes what it did not understand, except for these that name a key */

static char *
ngx_http_igjobs_pg_parse_error(ngx_conf_t *cf, char *text)
{
    size_t       len;
    ngx_str_t    copy;
    ngx_uint_t   i;

    static char  *safe[] = {
        "invalid connection option",
        "invalid URI query parameter",
        NULL
    };

    for (i = 0; text != NULL && safe[i] != NULL; i++) {
        if (ngx_strncmp(text, safe[i], ngx_strlen(safe[i])) != 0) {
            continue;
        }

        len = ngx_strlen(text);

        while (len > 0 && text[len - 1] == '\n') {
            len--;
        }

        if (ngx_http_igjobs_pg_copy(cf, &copy, text, len) == NGX_OK) {
            return (char *) copy.data;
        }
    }

    return "neither \"key=value ...\" nor a postgresql:// URI, or a value "
           "with blanks without quotes, or a bad %-code";
}


static char *
ngx_http_igjobs_pg_check(PQconninfoOption *o)
{
    ngx_uint_t    i;

    static char  *modes[] = {
        "disable", "allow", "prefer", "require", "verify-ca", "verify-full",
        NULL
    };

    if (ngx_strcmp(o->keyword, "service") == 0) {
        return "\"service\" is not supported: give host, user and dbname";
    }

    if (ngx_strcmp(o->keyword, "options") == 0) {
        return "\"options\" is not supported: set parameters with "
               "\"alter role\", or see igjobs_postgres_statement_timeout";
    }

    if (ngx_strcmp(o->keyword, "replication") == 0) {
        return "\"replication\" is not supported";
    }

    if (ngx_strcmp(o->keyword, "sslmode") == 0) {
        for (i = 0; modes[i] != NULL; i++) {
            if (ngx_strcmp(o->val, modes[i]) == 0) {
                return NULL;
            }
        }

        return "sslmode must be disable, allow, prefer, require, verify-ca "
               "or verify-full";
    }

    return NULL;
}


/* all but the address, which is each connection's own, and what we set */

static char *
ngx_http_igjobs_pg_options(ngx_conf_t *cf, ngx_http_igjobs_pg_conf_t *conf,
    PQconninfoOption *list)
{
    char              *error;
    ngx_uint_t         i;
    PQconninfoOption  *o;

    static char  *defaults[][2] = {
        { "application_name", "igjobs-nginx" },
        { "sslmode", "prefer" },
        /* no password file is looked for: this path can have no file */
        { "passfile", "/dev/null/none" },
    };

    conf->options = ngx_array_create(cf->pool, 8,
                                     sizeof(ngx_http_igjobs_pg_option_t));
    if (conf->options == NULL) {
        return "no memory";
    }

    for (o = list; o->keyword != NULL; o++) {

        if (o->val == NULL) {
            continue;
        }

        error = ngx_http_igjobs_pg_check(o);
        if (error) {
            return error;
        }

        if (!ngx_http_igjobs_pg_is_ours(o->keyword)
            && ngx_http_igjobs_pg_add(cf, conf, o->keyword, o->val) != NGX_OK)
        {
            return "no memory";
        }
    }

    for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {

        if (ngx_http_igjobs_pg_value_of(list, defaults[i][0]) == NULL
            && ngx_http_igjobs_pg_add(cf, conf, defaults[i][0],
                                      defaults[i][1])
               != NGX_OK)
        {
            return "no memory";
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_igjobs_pg_is_ours(char *keyword)
{
    ngx_uint_t  i;

    static char  *ours[] = {
        "host", "hostaddr", "port", "connect_timeout", "client_encoding",
        "gssencmode", "fallback_application_name", NULL
    };

    for (i = 0; ours[i] != NULL; i++) {
        if (ngx_strcmp(keyword, ours[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_igjobs_pg_add(ngx_conf_t *cf, ngx_http_igjobs_pg_conf_t *conf,
    char *keyword, char *value)
{
    ngx_http_igjobs_pg_option_t  *option;

    option = ngx_array_push(conf->options);

    if (option == NULL
        || ngx_http_igjobs_pg_copy(cf, &option->keyword, keyword,
                                   ngx_strlen(keyword)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_pg_copy(cf, &option->value, value,
                                   ngx_strlen(value));
}


/* host, hostaddr and port are lists with commas */

static char *
ngx_http_igjobs_pg_hosts(ngx_conf_t *cf, ngx_http_igjobs_pg_conf_t *conf,
    PQconninfoOption *list)
{
    char                    *names, *addresses, *ports, *error;
    in_port_t                port;
    ngx_http_igjobs_host_t  *host;

    names = ngx_http_igjobs_pg_value_of(list, "host");
    addresses = ngx_http_igjobs_pg_value_of(list, "hostaddr");
    ports = ngx_http_igjobs_pg_value_of(list, "port");
    port = NGX_HTTP_IGJOBS_PG_PORT;

    if (names == NULL && addresses == NULL) {
        names = NGX_HTTP_IGJOBS_PG_SOCKETS;
    }

    conf->hosts = ngx_array_create(cf->pool, 1,
                                   sizeof(ngx_http_igjobs_host_t));
    if (conf->hosts == NULL) {
        return "no memory";
    }

    while (names != NULL || addresses != NULL) {

        host = ngx_array_push(conf->hosts);
        if (host == NULL) {
            return "no memory";
        }

        ngx_memzero(host, sizeof(ngx_http_igjobs_host_t));

        error = ngx_http_igjobs_pg_host(cf, host, &names, &addresses);

        if (error == NULL && ports != NULL) {
            error = ngx_http_igjobs_pg_port(cf, &port, &ports);
        }

        if (error) {
            return error;
        }

        host->port = port;
    }

    return NULL;
}


static char *
ngx_http_igjobs_pg_host(ngx_conf_t *cf, ngx_http_igjobs_host_t *host,
    char **names, char **addresses)
{
    if (*addresses != NULL
        && ngx_http_igjobs_pg_item(cf, addresses, &host->address) != NGX_OK)
    {
        return "no memory, or an empty hostaddr";
    }

    host->name = host->address;

    if (*names != NULL
        && ngx_http_igjobs_pg_item(cf, names, &host->name) != NGX_OK)
    {
        return "no memory, or an empty host";
    }

    return NULL;
}


/* the last port of the list is good for all further hosts */

static char *
ngx_http_igjobs_pg_port(ngx_conf_t *cf, in_port_t *port, char **ports)
{
    ngx_int_t  n;
    ngx_str_t  item;

    if (ngx_http_igjobs_pg_item(cf, ports, &item) != NGX_OK) {
        return "no memory, or an empty port";
    }

    n = ngx_atoi(item.data, item.len);

    if (n < 1 || n > 65535) {
        return "port must be a number from 1 to 65535";
    }

    *port = (in_port_t) n;

    return NULL;
}


static char *
ngx_http_igjobs_pg_value_of(PQconninfoOption *list, char *keyword)
{
    while (list->keyword != NULL) {
        if (ngx_strcmp(list->keyword, keyword) == 0) {
            return list->val;
        }

        list++;
    }

    return NULL;
}


/* copies the first item; the list goes to the next one, or to NULL */

static ngx_int_t
ngx_http_igjobs_pg_item(ngx_conf_t *cf, char **list, ngx_str_t *item)
{
    char    *text, *comma;
    size_t   len;

    text = *list;
    comma = strchr(text, ',');
    len = comma ? (size_t) (comma - text) : ngx_strlen(text);
    *list = comma ? comma + 1 : NULL;

    if (len == 0) {
        return NGX_ERROR;
    }

    return ngx_http_igjobs_pg_copy(cf, item, text, len);
}


static ngx_int_t
ngx_http_igjobs_pg_copy(ngx_conf_t *cf, ngx_str_t *s, char *text, size_t len)
{
    s->data = ngx_pnalloc(cf->pool, len + 1);
    if (s->data == NULL) {
        return NGX_ERROR;
    }

    s->len = len;
    ngx_memcpy(s->data, text, len);
    s->data[len] = '\0';

    return NGX_OK;
}
