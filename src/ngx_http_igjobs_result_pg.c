/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * What Postgres has answered: rows, or an error.
 */

#include "ngx_http_igjobs_libpq.h"


void
ngx_http_igjobs_pg_describe(ngx_http_igjobs_pg_reply_t *reply,
    const PGresult *result)
{
    char  *field;

    field = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (field != NULL) {
        (void) ngx_cpystrn((u_char *) reply->sqlstate, (u_char *) field,
                           sizeof(reply->sqlstate));
    }

    /* the primary message is one line; detail may hold data of users */

    field = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (field != NULL) {
        reply->message.data = (u_char *) field;
        reply->message.len = ngx_strlen(field);
    }
}


/* is the result an error of this class or code? */

ngx_uint_t
ngx_http_igjobs_pg_is(const PGresult *result, const char *sqlstate)
{
    const char  *field;

    if (result == NULL) {
        return 0;
    }

    field = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return field != NULL
           && ngx_strncmp(field, sqlstate, ngx_strlen(sqlstate)) == 0;
}


ngx_uint_t
ngx_http_igjobs_pg_rows(const ngx_http_igjobs_pg_result_t *result)
{
    return PQntuples((const PGresult *) result);
}


ngx_uint_t
ngx_http_igjobs_pg_columns(const ngx_http_igjobs_pg_result_t *result)
{
    return PQnfields((const PGresult *) result);
}


ngx_uint_t
ngx_http_igjobs_pg_is_null(const ngx_http_igjobs_pg_result_t *result,
    ngx_uint_t row, ngx_uint_t column)
{
    return PQgetisnull((const PGresult *) result, row, column);
}


ngx_str_t
ngx_http_igjobs_pg_value(const ngx_http_igjobs_pg_result_t *result,
    ngx_uint_t row, ngx_uint_t column)
{
    ngx_str_t  value;

    value.data = (u_char *) PQgetvalue((const PGresult *) result, row, column);
    value.len = PQgetlength((const PGresult *) result, row, column);

    return value;
}


void
ngx_http_igjobs_pg_result_free(ngx_http_igjobs_pg_result_t *result)
{
    PQclear((PGresult *) result);
}
