/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * "igjobs-worker provider-check": do the key and the actor that are configured
 * work?  Nothing is started and nothing costs.
 */

#include "igj_provider.h"
#include "igj_provider_private.h"


int
igj_provider_check(const char *kind, const igj_provider_conf_t *conf,
    FILE *out)
{
    igj_provider_error_t   err;
    igj_provider_t        *p;
    igj_http_t            *http;
    int                    rc;

    http = igj_http_create(NULL);
    if (http == NULL) {
        fprintf(out, "out of memory\n");
        return 1;
    }

    rc = IGJ_ERROR;
    p = igj_provider_create(kind, conf, http, NULL, &err);

    if (p != NULL) {
        rc = p->ops->check(p, out, &err);
    }

    if (rc != IGJ_OK) {
        fprintf(out, "%s\n", err.message);
    }

    igj_provider_destroy(p);
    igj_http_destroy(http);

    return rc == IGJ_OK ? 0 : 1;
}
