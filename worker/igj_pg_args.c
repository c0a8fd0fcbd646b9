/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Parameters of a call and columns of its answer.  No state. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "igj_pg.h"


static void igj_pg_add(igj_pg_args_t *args, const char *value, int length,
    int format);
static void igj_pg_add_number(igj_pg_args_t *args, int n);


void
igj_pg_args_init(igj_pg_args_t *args)
{
    args->n = 0;
    args->used = 0;
}


void
igj_pg_text(igj_pg_args_t *args, const char *value)
{
    igj_pg_add(args, value, 0, 0);
}


void
igj_pg_number(igj_pg_args_t *args, int64_t value)
{
    igj_pg_add_number(args, snprintf(args->numbers + args->used,
                                     IGJ_PG_NUMBERS_MAX - args->used, "%lld",
                                     (long long) value));
}


void
igj_pg_real(igj_pg_args_t *args, double value)
{
    igj_pg_add_number(args, snprintf(args->numbers + args->used,
                                     IGJ_PG_NUMBERS_MAX - args->used, "%.17g",
                                     value));
}


void
igj_pg_boolean(igj_pg_args_t *args, bool value)
{
    igj_pg_add(args, value ? "t" : "f", 0, 0);
}


void
igj_pg_binary(igj_pg_args_t *args, const char *data, size_t len)
{
    igj_pg_add(args, data, (int) len, 1);
}


static void
igj_pg_add(igj_pg_args_t *args, const char *value, int length, int format)
{
    assert(args->n < IGJ_PG_PARAMS_MAX);

    args->values[args->n] = value;
    args->lengths[args->n] = length;
    args->formats[args->n] = format;
    args->n++;
}


/* 24 parameters of at most 25 bytes: the text always fits. */

static void
igj_pg_add_number(igj_pg_args_t *args, int n)
{
    assert(n > 0 && (size_t) n < IGJ_PG_NUMBERS_MAX - args->used);

    igj_pg_add(args, args->numbers + args->used, 0, 0);
    args->used += (size_t) n + 1;
}


const char *
igj_pg_get(const PGresult *res, int row, int column)
{
    return PQgetisnull(res, row, column) ? NULL
                                         : PQgetvalue(res, row, column);
}


const char *
igj_pg_get_text(const PGresult *res, int row, int column)
{
    return PQgetvalue(res, row, column);
}


int64_t
igj_pg_get_number(const PGresult *res, int row, int column)
{
    return strtoll(PQgetvalue(res, row, column), NULL, 10);
}


bool
igj_pg_get_boolean(const PGresult *res, int row, int column)
{
    return PQgetvalue(res, row, column)[0] == 't';
}
