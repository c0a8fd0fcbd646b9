/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Addresses of the backends; see the header.  The hosts file and resolv.conf
 * are read once, at configuration time; lookups run on nginx's resolver.
 */

#include "ngx_http_igjobs_resolve.h"

#include <ngx_http.h>


#define NGX_HTTP_IGJOBS_HOSTS_FILE    "/etc/hosts"
#define NGX_HTTP_IGJOBS_RESOLV_CONF   "/etc/resolv.conf"
#define NGX_HTTP_IGJOBS_MAX_SERVERS   3
#define NGX_HTTP_IGJOBS_MAX_SEARCH    6
#define NGX_HTTP_IGJOBS_FILE_MAX      65536


typedef struct {
    ngx_str_t                name;
    ngx_http_igjobs_addr_t   addr;
} ngx_http_igjobs_hosts_entry_t;


struct ngx_http_igjobs_resolve_s {
    ngx_http_igjobs_resolve_conf_t      *conf;
    ngx_http_igjobs_host_t              *host;
    ngx_resolver_ctx_t                  *ctx;
    ngx_uint_t                           search;    /* next domain to try */
    ngx_http_igjobs_resolve_handler_pt   handler;
    void                                *data;
    ngx_uint_t                          *answered;  /* set, if not NULL */
    u_char                               name[256]; /* with a domain */
};


static ngx_int_t ngx_http_igjobs_read_file(ngx_conf_t *cf, const char *name,
    ngx_str_t *text);
static ngx_uint_t ngx_http_igjobs_word(ngx_str_t *text, ngx_str_t *word);
static ngx_int_t ngx_http_igjobs_read_hosts(ngx_conf_t *cf,
    ngx_http_igjobs_resolve_conf_t *conf);
static ngx_int_t ngx_http_igjobs_read_servers(ngx_conf_t *cf,
    ngx_http_igjobs_resolve_conf_t *conf);
static ngx_int_t ngx_http_igjobs_add_server(ngx_conf_t *cf,
    ngx_array_t *servers, ngx_str_t *word);
static ngx_int_t ngx_http_igjobs_parse_addr(ngx_str_t *text,
    ngx_http_igjobs_addr_t *addr);
static ngx_uint_t ngx_http_igjobs_known(ngx_http_igjobs_resolve_conf_t *conf,
    ngx_http_igjobs_host_t *host, ngx_http_igjobs_addr_t *addrs);
static ngx_int_t ngx_http_igjobs_lookup(ngx_http_igjobs_resolve_t *resolve);
static void ngx_http_igjobs_looked_up(ngx_resolver_ctx_t *ctx);


ngx_int_t
ngx_http_igjobs_resolve_init(ngx_conf_t *cf,
    ngx_http_igjobs_resolve_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    conf->hosts = ngx_array_create(cf->pool, 8,
                                   sizeof(ngx_http_igjobs_hosts_entry_t));
    conf->search = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));

    if (conf->hosts == NULL || conf->search == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_igjobs_read_hosts(cf, conf) != NGX_OK) {
        return NGX_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->resolver != NULL && clcf->resolver->connections.nelts > 0) {
        conf->resolver = clcf->resolver;
        return NGX_OK;
    }

    return ngx_http_igjobs_read_servers(cf, conf);
}


/* a file that is not there is empty */

static ngx_int_t
ngx_http_igjobs_read_file(ngx_conf_t *cf, const char *name, ngx_str_t *text)
{
    ssize_t   n;
    ngx_fd_t  fd;

    text->len = 0;
    text->data = ngx_pnalloc(cf->temp_pool, NGX_HTTP_IGJOBS_FILE_MAX);

    if (text->data == NULL) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(name, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return NGX_OK;
    }

    n = ngx_read_fd(fd, text->data, NGX_HTTP_IGJOBS_FILE_MAX);
    (void) ngx_close_file(fd);

    if (n > 0) {
        text->len = (size_t) n;
    }

    return NGX_OK;
}


/* takes the next word of the line; 0 at the end of the line */

static ngx_uint_t
ngx_http_igjobs_word(ngx_str_t *text, ngx_str_t *word)
{
    u_char  *p, *last;

    p = text->data;
    last = p + text->len;

    while (p < last && (*p == ' ' || *p == '\t' || *p == '\r')) {
        p++;
    }

    if (p < last && (*p == '#' || *p == ';')) {
        while (p < last && *p != '\n') {
            p++;
        }
    }

    word->data = p;

    while (p < last && *p != ' ' && *p != '\t' && *p != '\r' && *p != '\n'
           && *p != '#')
    {
        p++;
    }

    word->len = p - word->data;

    if (word->len == 0 && p < last) {
        p++;
    }

    text->data = p;
    text->len = last - p;

    return word->len > 0;
}


static ngx_int_t
ngx_http_igjobs_read_hosts(ngx_conf_t *cf,
    ngx_http_igjobs_resolve_conf_t *conf)
{
    ngx_str_t                       text, word;
    ngx_http_igjobs_addr_t          addr;
    ngx_http_igjobs_hosts_entry_t  *entry;

    if (ngx_http_igjobs_read_file(cf, NGX_HTTP_IGJOBS_HOSTS_FILE, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    while (text.len > 0) {

        if (!ngx_http_igjobs_word(&text, &word)) {
            continue;
        }

        if (ngx_http_igjobs_parse_addr(&word, &addr) != NGX_OK) {
            while (ngx_http_igjobs_word(&text, &word)) { /* void */ }
            continue;
        }

        while (ngx_http_igjobs_word(&text, &word)) {
            entry = ngx_array_push(conf->hosts);
            if (entry == NULL) {
                return NGX_ERROR;
            }

            entry->addr = addr;
            entry->name.len = word.len;
            entry->name.data = ngx_pstrdup(cf->pool, &word);
            if (entry->name.data == NULL) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_igjobs_read_servers(ngx_conf_t *cf,
    ngx_http_igjobs_resolve_conf_t *conf)
{
    ngx_str_t     text, word, *domain;
    ngx_uint_t    search;
    ngx_array_t   servers;

    if (ngx_http_igjobs_read_file(cf, NGX_HTTP_IGJOBS_RESOLV_CONF, &text)
        != NGX_OK
        || ngx_array_init(&servers, cf->pool, 2, sizeof(ngx_str_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    while (text.len > 0) {

        if (!ngx_http_igjobs_word(&text, &word)) {
            continue;
        }

        search = (word.len == 6 && ngx_strncmp(word.data, "search", 6) == 0);

        if (word.len == 10 && ngx_strncmp(word.data, "nameserver", 10) == 0
            && ngx_http_igjobs_word(&text, &word)
            && ngx_http_igjobs_add_server(cf, &servers, &word) != NGX_OK)
        {
            return NGX_ERROR;
        }

        while (ngx_http_igjobs_word(&text, &word)) {

            if (!search || conf->search->nelts >= NGX_HTTP_IGJOBS_MAX_SEARCH) {
                continue;
            }

            domain = ngx_array_push(conf->search);
            if (domain == NULL) {
                return NGX_ERROR;
            }

            domain->len = word.len;
            domain->data = ngx_pstrdup(cf->pool, &word);
            if (domain->data == NULL) {
                return NGX_ERROR;
            }
        }
    }

    if (servers.nelts == 0) {
        return NGX_OK;
    }

    conf->resolver = ngx_resolver_create(cf, servers.elts, servers.nelts);

    return conf->resolver ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_igjobs_add_server(ngx_conf_t *cf, ngx_array_t *servers,
    ngx_str_t *word)
{
    ngx_str_t               *server;
    ngx_http_igjobs_addr_t   addr;

    if (servers->nelts >= NGX_HTTP_IGJOBS_MAX_SERVERS
        || ngx_http_igjobs_parse_addr(word, &addr) != NGX_OK)
    {
        return NGX_OK;
    }

    server = ngx_array_push(servers);
    if (server == NULL) {
        return NGX_ERROR;
    }

    server->data = ngx_pnalloc(cf->pool, NGX_SOCKADDR_STRLEN + 3);
    if (server->data == NULL) {
        return NGX_ERROR;
    }

    server->len = ngx_sprintf(server->data,
                              (addr.sockaddr.sockaddr.sa_family == AF_INET6)
                              ? "[%V]" : "%V", word)
                  - server->data;

    return NGX_OK;
}


/* numeric, without a port */

static ngx_int_t
ngx_http_igjobs_parse_addr(ngx_str_t *text, ngx_http_igjobs_addr_t *addr)
{
    ngx_memzero(addr, sizeof(ngx_http_igjobs_addr_t));

    addr->sockaddr.sockaddr_in.sin_addr.s_addr = ngx_inet_addr(text->data,
                                                               text->len);

    if (addr->sockaddr.sockaddr_in.sin_addr.s_addr != INADDR_NONE) {
        addr->sockaddr.sockaddr.sa_family = AF_INET;
        addr->socklen = sizeof(struct sockaddr_in);
        return NGX_OK;
    }

#if (NGX_HAVE_INET6)

    if (ngx_inet6_addr(text->data, text->len,
                       addr->sockaddr.sockaddr_in6.sin6_addr.s6_addr)
        == NGX_OK)
    {
        addr->sockaddr.sockaddr.sa_family = AF_INET6;
        addr->socklen = sizeof(struct sockaddr_in6);
        return NGX_OK;
    }

#endif

    return NGX_DECLINED;
}


/* what needs no lookup: paths, numbers, names of the hosts file */

static ngx_uint_t
ngx_http_igjobs_known(ngx_http_igjobs_resolve_conf_t *conf,
    ngx_http_igjobs_host_t *host, ngx_http_igjobs_addr_t *addrs)
{
    size_t                          len;
    ngx_str_t                      *name;
    ngx_uint_t                      i, n;
    struct sockaddr_un             *un;
    ngx_http_igjobs_hosts_entry_t  *entry;

    name = host->address.data ? &host->address : &host->name;

    if (name->data[0] == '/') {
        ngx_memzero(addrs, sizeof(ngx_http_igjobs_addr_t));
        un = &addrs->sockaddr.sockaddr_un;
        un->sun_family = AF_UNIX;
        len = ngx_min(name->len, sizeof(un->sun_path) - 1);
        ngx_memcpy(un->sun_path, name->data, len);
        addrs->socklen = sizeof(struct sockaddr_un);
        return 1;
    }

    if (ngx_http_igjobs_parse_addr(name, addrs) == NGX_OK) {
        ngx_inet_set_port(&addrs->sockaddr.sockaddr, host->port);
        return 1;
    }

    n = 0;
    entry = conf->hosts->elts;

    for (i = 0; i < conf->hosts->nelts && n < NGX_HTTP_IGJOBS_MAX_ADDRS; i++) {

        if (entry[i].name.len == name->len
            && ngx_strncasecmp(entry[i].name.data, name->data, name->len) == 0)
        {
            addrs[n] = entry[i].addr;
            ngx_inet_set_port(&addrs[n++].sockaddr.sockaddr, host->port);
        }
    }

    return n;
}


ngx_http_igjobs_resolve_t *
ngx_http_igjobs_resolve(ngx_http_igjobs_resolve_conf_t *conf,
    ngx_http_igjobs_host_t *host, ngx_http_igjobs_resolve_handler_pt handler,
    void *data)
{
    ngx_uint_t                  n, answered;
    ngx_http_igjobs_addr_t      addrs[NGX_HTTP_IGJOBS_MAX_ADDRS];
    ngx_http_igjobs_resolve_t  *resolve;

    n = ngx_http_igjobs_known(conf, host, addrs);

    if (n > 0) {
        handler(data, addrs, n, NULL);
        return NULL;
    }

    if (conf->resolver == NULL) {
        handler(data, NULL, 0, "no name servers: neither \"resolver\" in the "
                "http block nor resolv.conf names one");
        return NULL;
    }

    resolve = ngx_calloc(sizeof(ngx_http_igjobs_resolve_t), ngx_cycle->log);
    if (resolve == NULL) {
        handler(data, NULL, 0, "no memory");
        return NULL;
    }

    resolve->conf = conf;
    resolve->host = host;
    resolve->handler = handler;
    resolve->data = data;

    /* a name without a dot is a short one: domains first */

    if (ngx_strlchr(host->name.data, host->name.data + host->name.len, '.')) {
        resolve->search = conf->search->nelts;
    }

    /* what the resolver has in its cache is answered from inside */

    answered = 0;
    resolve->answered = &answered;

    if (ngx_http_igjobs_lookup(resolve) != NGX_OK) {
        ngx_free(resolve);
        handler(data, NULL, 0, "the resolver refused the lookup");
        return NULL;
    }

    if (answered) {
        return NULL;
    }

    resolve->answered = NULL;

    return resolve;
}


static ngx_int_t
ngx_http_igjobs_lookup(ngx_http_igjobs_resolve_t *resolve)
{
    u_char               *last;
    ngx_str_t            *domain;
    ngx_resolver_ctx_t   *ctx;

    ctx = ngx_resolve_start(resolve->conf->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        return NGX_ERROR;
    }

    last = resolve->name + sizeof(resolve->name);
    domain = resolve->conf->search->elts;

    if (resolve->search < resolve->conf->search->nelts) {
        last = ngx_slprintf(resolve->name, last, "%V.%V", &resolve->host->name,
                            &domain[resolve->search]);
    } else {
        last = ngx_slprintf(resolve->name, last, "%V", &resolve->host->name);
    }

    ctx->name.data = resolve->name;
    ctx->name.len = last - resolve->name;
    ctx->handler = ngx_http_igjobs_looked_up;
    ctx->data = resolve;
    ctx->timeout = resolve->conf->timeout;
    ctx->cancelable = 1;

    resolve->ctx = ctx;

    return ngx_resolve_name(ctx);
}


static void
ngx_http_igjobs_looked_up(ngx_resolver_ctx_t *ctx)
{
    char                       *text;
    ngx_uint_t                  i, n;
    ngx_http_igjobs_addr_t      addrs[NGX_HTTP_IGJOBS_MAX_ADDRS];
    ngx_http_igjobs_resolve_t  *resolve;

    resolve = ctx->data;
    text = NULL;
    n = 0;

    if (ctx->state) {
        text = ngx_resolver_strerror(ctx->state);

    } else {
        n = ngx_min(ctx->naddrs, NGX_HTTP_IGJOBS_MAX_ADDRS);
    }

    for (i = 0; i < n; i++) {
        ngx_memcpy(&addrs[i].sockaddr, ctx->addrs[i].sockaddr,
                   ctx->addrs[i].socklen);
        addrs[i].socklen = ctx->addrs[i].socklen;
        ngx_inet_set_port(&addrs[i].sockaddr.sockaddr, resolve->host->port);
    }

    ngx_resolve_name_done(ctx);
    resolve->ctx = NULL;

    if (n == 0 && resolve->search < resolve->conf->search->nelts) {
        resolve->search++;

        if (ngx_http_igjobs_lookup(resolve) == NGX_OK) {
            return;
        }
    }

    if (resolve->answered) {
        *resolve->answered = 1;
    }

    resolve->handler(resolve->data, addrs, n, text ? text : "no address");
    ngx_free(resolve);
}


void
ngx_http_igjobs_resolve_cancel(ngx_http_igjobs_resolve_t *resolve)
{
    if (resolve->ctx) {
        ngx_resolve_name_done(resolve->ctx);
    }

    ngx_free(resolve);
}
