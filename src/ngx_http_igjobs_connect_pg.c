/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * One connection to Postgres: resolve, connect, try again, replace, close.  Its
 * socket is watched by ngx_http_igjobs_socket_pg.c.
 */

#include "ngx_http_igjobs_libpq.h"


/* what PQconnectStartParams() is told */
typedef struct {
    const char   *keywords[NGX_HTTP_IGJOBS_PG_MAX_OPTIONS];
    const char   *values[NGX_HTTP_IGJOBS_PG_MAX_OPTIONS];
    ngx_uint_t    n;
    u_char        addr[NGX_SOCKADDR_STRLEN + 1];
    u_char        port[NGX_INT_T_LEN + 1];
    u_char        options[128];
} ngx_http_igjobs_pg_words_t;


static void ngx_http_igjobs_pg_resolved(void *data,
    ngx_http_igjobs_addr_t *addrs, ngx_uint_t n, const char *text);
static void ngx_http_igjobs_pg_open(ngx_http_igjobs_pg_conn_t *conn);
static void ngx_http_igjobs_pg_keywords(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_words_t *words);
static void ngx_http_igjobs_pg_word(ngx_http_igjobs_pg_words_t *words,
    const char *keyword, const void *value);
static void ngx_http_igjobs_pg_address(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_words_t *words);
static void ngx_http_igjobs_pg_limit(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_words_t *words);
static void ngx_http_igjobs_pg_made(ngx_http_igjobs_pg_conn_t *conn);
static void ngx_http_igjobs_pg_failed(ngx_http_igjobs_pg_conn_t *conn,
    ngx_str_t *why);
static void ngx_http_igjobs_pg_report(ngx_http_igjobs_pg_conn_t *conn,
    ngx_str_t *why);
static void ngx_http_igjobs_pg_retry(ngx_http_igjobs_pg_conn_t *conn);
static void ngx_http_igjobs_pg_close(ngx_http_igjobs_pg_conn_t *conn);
static void ngx_http_igjobs_pg_timer(ngx_event_t *ev);
static void ngx_http_igjobs_pg_notice(void *data, const PGresult *result);


void
ngx_http_igjobs_pg_conn_init(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_group_t *group)
{
    conn->group = group;
    conn->log = *group->pg->log;
    conn->log.connection = 0;
    conn->log.action = NULL;
    conn->log.handler = NULL;

    ngx_queue_init(&conn->sent);
    ngx_queue_init(&conn->received);

    conn->timer.handler = ngx_http_igjobs_pg_timer;
    conn->timer.data = conn;
    conn->timer.log = &conn->log;
    conn->timer.cancelable = 1;
}


void
ngx_http_igjobs_pg_connect(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_http_igjobs_pg_t       *pg;
    ngx_http_igjobs_host_t     *hosts;
    ngx_http_igjobs_resolve_t  *resolve;

    pg = conn->group->pg;
    hosts = pg->conf->hosts->elts;

    conn->log.action = "connecting to Postgres";
    conn->state = NGX_HTTP_IGJOBS_PG_RESOLVING;
    ngx_add_timer(&conn->timer, pg->conf->connect_timeout);

    if (conn->addr < conn->naddrs) {
        ngx_http_igjobs_pg_open(conn);
        return;
    }

    resolve = ngx_http_igjobs_resolve(pg->resolve, &hosts[conn->host],
                                      ngx_http_igjobs_pg_resolved, conn);

    /* the handler may have run already, and even have started another try */

    if (resolve != NULL) {
        conn->resolve = resolve;
    }
}


static void
ngx_http_igjobs_pg_resolved(void *data, ngx_http_igjobs_addr_t *addrs,
    ngx_uint_t n, const char *text)
{
    ngx_http_igjobs_pg_conn_t  *conn = data;

    ngx_str_t  why;

    conn->resolve = NULL;
    conn->addr = 0;
    conn->naddrs = n;

    if (n == 0) {
        why.data = (u_char *) text;
        why.len = ngx_strlen(text);
        ngx_http_igjobs_pg_failed(conn, &why);
        return;
    }

    ngx_memcpy(conn->addrs, addrs, n * sizeof(ngx_http_igjobs_addr_t));
    ngx_http_igjobs_pg_open(conn);
}


static void
ngx_http_igjobs_pg_open(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_str_t                   why;
    ngx_http_igjobs_pg_words_t  words;

    ngx_http_igjobs_pg_keywords(conn, &words);

    conn->state = NGX_HTTP_IGJOBS_PG_CONNECTING;
    conn->pq = PQconnectStartParams(words.keywords, words.values, 0);

    if (conn->pq == NULL) {
        ngx_str_set(&why, "no memory");
        ngx_http_igjobs_pg_failed(conn, &why);
        return;
    }

    if (PQstatus(conn->pq) == CONNECTION_BAD) {
        why = ngx_http_igjobs_pg_error(conn);
        ngx_http_igjobs_pg_failed(conn, &why);
        return;
    }

    (void) PQsetNoticeReceiver(conn->pq, ngx_http_igjobs_pg_notice, conn);

    ngx_http_igjobs_pg_poll(conn, PGRES_POLLING_WRITING);
}


/*
 * Everything is said explicitly, so that libpq looks nothing up: one numeric
 * address, no fallbacks, no password file unless it was asked for.
 */

static void
ngx_http_igjobs_pg_keywords(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_words_t *words)
{
    ngx_uint_t                    i;
    ngx_http_igjobs_pg_t         *pg;
    ngx_http_igjobs_pg_option_t  *option;

    pg = conn->group->pg;
    words->n = 0;

    ngx_http_igjobs_pg_address(conn, words);

    if (pg->user[0] != '\0') {
        ngx_http_igjobs_pg_word(words, "user", pg->user);
    }

    option = pg->conf->options->elts;

    for (i = 0; i < pg->conf->options->nelts; i++) {
        ngx_http_igjobs_pg_word(words, (char *) option[i].keyword.data,
                                option[i].value.data);
    }

    if (pg->conf->statement_timeout) {
        ngx_http_igjobs_pg_limit(conn, words);
    }

    ngx_http_igjobs_pg_word(words, "client_encoding", "UTF8");
    ngx_http_igjobs_pg_word(words, "gssencmode", "disable");
    ngx_http_igjobs_pg_word(words, NULL, NULL);
}


static void
ngx_http_igjobs_pg_word(ngx_http_igjobs_pg_words_t *words, const char *keyword,
    const void *value)
{
    words->keywords[words->n] = keyword;
    words->values[words->n++] = value;
}


/* the name stays beside the address: certificates are checked against it */

static void
ngx_http_igjobs_pg_address(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_words_t *words)
{
    size_t                   len;
    ngx_http_igjobs_addr_t  *addr;
    ngx_http_igjobs_host_t  *host;

    host = conn->group->pg->conf->hosts->elts;
    host += conn->host;
    addr = &conn->addrs[conn->addr];

    ngx_http_igjobs_pg_word(words, "host", host->name.data);

    if (addr->sockaddr.sockaddr.sa_family != AF_UNIX) {
        len = ngx_sock_ntop(&addr->sockaddr.sockaddr, addr->socklen,
                            words->addr, NGX_SOCKADDR_STRLEN, 0);
        words->addr[len] = '\0';
        ngx_http_igjobs_pg_word(words, "hostaddr", words->addr);
    }

    *ngx_sprintf(words->port, "%ui", (ngx_uint_t) host->port) = '\0';
    ngx_http_igjobs_pg_word(words, "port", words->port);
}


/*
 * The server gives up earlier than our own time-out, which costs more, and
 * plans a statement once: no plan depends on who asks for which job.
 */

static void
ngx_http_igjobs_pg_limit(ngx_http_igjobs_pg_conn_t *conn,
    ngx_http_igjobs_pg_words_t *words)
{
    ngx_msec_t  timeout;

    timeout = conn->group->timeout;

    *ngx_sprintf(words->options, "-c statement_timeout=%M "
                                 "-c plan_cache_mode=force_generic_plan",
                 timeout - timeout / 5)
        = '\0';

    ngx_http_igjobs_pg_word(words, "options", words->options);
}


void
ngx_http_igjobs_pg_poll(ngx_http_igjobs_pg_conn_t *conn,
    PostgresPollingStatusType status)
{
    ngx_str_t  why;

    switch (status) {

    case PGRES_POLLING_READING:
    case PGRES_POLLING_WRITING:

        if (ngx_http_igjobs_pg_watch(conn, status == PGRES_POLLING_WRITING)
            != NGX_OK)
        {
            ngx_str_set(&why, "the socket cannot be watched");
            ngx_http_igjobs_pg_failed(conn, &why);
        }

        return;

    case PGRES_POLLING_OK:
        ngx_http_igjobs_pg_made(conn);
        return;

    default:
        why = ngx_http_igjobs_pg_error(conn);
        ngx_http_igjobs_pg_failed(conn, &why);
    }
}


static void
ngx_http_igjobs_pg_made(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_str_t              why;
    ngx_msec_t             age;
    ngx_http_igjobs_pg_t  *pg;

    pg = conn->group->pg;

    if (PQsetnonblocking(conn->pq, 1) != 0
        || ngx_http_igjobs_pg_watch(conn, 0) != NGX_OK)
    {
        ngx_str_set(&why, "the socket cannot be watched");
        ngx_http_igjobs_pg_failed(conn, &why);
        return;
    }

    conn->log.action = "talking to Postgres";
    conn->state = NGX_HTTP_IGJOBS_PG_READY;
    conn->failures = 0;
    conn->prepared = 0;
    conn->retire = 0;
    conn->group->nready++;
    conn->group->failing = 0;

    age = pg->conf->max_age;
    age = age - age / 4 + ngx_random() % (age / 2 + 1);
    ngx_add_timer(&conn->timer, age);

    if (pg->trouble) {
        pg->trouble = 0;
        ngx_log_error(NGX_LOG_NOTICE, &conn->log, 0,
                      "igjobs: Postgres is back");
    }

    ngx_http_igjobs_pg_idle(conn);
    conn->group->use->ready(conn);
}


/* a connect that failed: the next address at once, a full round later */

static void
ngx_http_igjobs_pg_failed(ngx_http_igjobs_pg_conn_t *conn, ngx_str_t *why)
{
    ngx_http_igjobs_pg_group_t  *group;

    group = conn->group;

    ngx_http_igjobs_pg_report(conn, why);

    if (!group->failing) {
        group->failing = 1;
        group->failed_since = ngx_current_msec;
    }

    ngx_http_igjobs_pg_close(conn);

    if (conn->addr < conn->naddrs) {
        conn->addr++;
    }

    if (conn->addr >= conn->naddrs) {
        conn->host = (conn->host + 1) % group->pg->conf->hosts->nelts;
        conn->naddrs = 0;

        if (conn->host == 0) {
            conn->failures++;
        }
    }

    ngx_http_igjobs_pg_retry(conn);
}


/* once for each time of trouble, not for each try */

static void
ngx_http_igjobs_pg_report(ngx_http_igjobs_pg_conn_t *conn, ngx_str_t *why)
{
    ngx_uint_t  level;

    level = conn->group->pg->trouble ? NGX_LOG_INFO : NGX_LOG_ERR;
    conn->group->pg->trouble = 1;

    ngx_log_error(level, &conn->log, 0,
                  "igjobs: Postgres is not reachable: %V", why);
}


static void
ngx_http_igjobs_pg_retry(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_msec_t                   delay;
    ngx_http_igjobs_pg_group_t  *group;

    group = conn->group;

    if (group->pg->stopping || (ngx_exiting && group->nwaiting == 0)) {
        return;
    }

    delay = 1;

    if (conn->failures > 0) {
        delay = NGX_HTTP_IGJOBS_PG_BACKOFF_MIN
                << ngx_min(conn->failures - 1, 6);
        delay = ngx_min(delay, NGX_HTTP_IGJOBS_PG_BACKOFF_MAX);
        delay = delay / 2 + ngx_random() % delay;
    }

    ngx_add_timer(&conn->timer, delay);
}


void
ngx_http_igjobs_pg_lost(ngx_http_igjobs_pg_conn_t *conn, ngx_str_t *why)
{
    ngx_log_error(NGX_LOG_WARN, &conn->log, 0,
                  "igjobs: connection to Postgres lost: %V", why);

    ngx_http_igjobs_pg_unwatch(conn);
    conn->group->nready--;
    conn->state = NGX_HTTP_IGJOBS_PG_DOWN;
    conn->group->use->lost(conn, why);
    ngx_http_igjobs_pg_close(conn);
    ngx_http_igjobs_pg_retry(conn);
    ngx_http_igjobs_pg_post(conn->group);
}


void
ngx_http_igjobs_pg_replace(ngx_http_igjobs_pg_conn_t *conn)
{
    ngx_http_igjobs_pg_shut(conn);
    ngx_http_igjobs_pg_retry(conn);
}


void
ngx_http_igjobs_pg_shut(ngx_http_igjobs_pg_conn_t *conn)
{
    if (conn->state == NGX_HTTP_IGJOBS_PG_READY) {
        conn->group->nready--;
    }

    ngx_http_igjobs_pg_close(conn);
    conn->naddrs = 0;
}


static void
ngx_http_igjobs_pg_close(ngx_http_igjobs_pg_conn_t *conn)
{
    conn->state = NGX_HTTP_IGJOBS_PG_DOWN;

    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    if (conn->resolve) {
        ngx_http_igjobs_resolve_cancel(conn->resolve);
        conn->resolve = NULL;
    }

    ngx_http_igjobs_pg_unwatch(conn);

    if (conn->pq) {
        PQfinish(conn->pq);
        conn->pq = NULL;
    }
}


void
ngx_http_igjobs_pg_busy(ngx_http_igjobs_pg_conn_t *conn)
{
    conn->c->idle = 0;
}


void
ngx_http_igjobs_pg_idle(ngx_http_igjobs_pg_conn_t *conn)
{
    conn->c->idle = 1;

    if (ngx_exiting && conn->group->nwaiting == 0) {
        ngx_http_igjobs_pg_shut(conn);
        return;
    }

    if (conn->retire) {
        ngx_http_igjobs_pg_replace(conn);
    }
}


static void
ngx_http_igjobs_pg_timer(ngx_event_t *ev)
{
    ngx_str_t                   why;
    ngx_http_igjobs_pg_conn_t  *conn;

    conn = ev->data;

    switch (conn->state) {

    case NGX_HTTP_IGJOBS_PG_DOWN:

        if (!ngx_exiting || conn->group->nwaiting > 0) {
            ngx_http_igjobs_pg_connect(conn);
        }

        return;

    case NGX_HTTP_IGJOBS_PG_READY:

        conn->retire = 1;

        if (conn->c->idle) {
            ngx_http_igjobs_pg_replace(conn);
        }

        return;

    default:
        ngx_str_set(&why, "connecting took too long");
        ngx_http_igjobs_pg_failed(conn, &why);
    }
}


static void
ngx_http_igjobs_pg_notice(void *data, const PGresult *result)
{
    ngx_http_igjobs_pg_conn_t  *conn = data;

    const char  *severity, *message;

    severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    ngx_log_error(NGX_LOG_INFO, &conn->log, 0, "igjobs: Postgres says %s: %s",
                  severity ? severity : "NOTICE", message ? message : "");
}


ngx_str_t
ngx_http_igjobs_pg_error(ngx_http_igjobs_pg_conn_t *conn)
{
    size_t         i;
    ngx_str_t      line;
    const char    *text;

    text = PQerrorMessage(conn->pq);

    for (i = 0; i < sizeof(conn->text) && text[i] != '\0'; i++) {
        conn->text[i] = ((u_char) text[i] < ' ') ? ' ' : (u_char) text[i];
    }

    while (i > 0 && conn->text[i - 1] == ' ') {
        i--;
    }

    line.data = conn->text;
    line.len = i;

    if (i == 0) {
        ngx_str_set(&line, "connection closed");
    }

    return line;
}
