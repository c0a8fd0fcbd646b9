/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Reading an allowance. */

#include "igj_allowance.h"


static double igj_allowance_number(const cJSON *json, const char *name);


void
igj_allowance_read(igj_allowance_t *a, const char *json)
{
    cJSON  *root;

    root = json ? cJSON_Parse(json) : NULL;
    igj_allowance_take(a, root);
    cJSON_Delete(root);
}


void
igj_allowance_take(igj_allowance_t *a, const cJSON *object)
{
    a->max_items = (int64_t) igj_allowance_number(object, "max_items");
    a->max_usd = igj_allowance_number(object, "max_usd");
    a->memory_mb = (int) igj_allowance_number(object, "memory_mb");
    a->timeout_s = (int) igj_allowance_number(object, "timeout_s");
}


static double
igj_allowance_number(const cJSON *json, const char *name)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(json, name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}
