/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * "igjobs-worker provider-check": do the key and the actor that are configured
 * work?  Nothing is started and nothing costs.
 */

#include "igj_provider.h"
#include "igj_provider_conf.h"
#include "igj_provider_private.h"


#define IGJ_CHECK_COMMAND  2              /* argv[0] and the command */


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


int
igj_provider_check_main(int argc, char **argv)
{
    igj_provider_conf_t  conf;
    igj_settings_t       settings;
    char                 error[IGJ_SETTINGS_ERROR_MAX];
    int                  rc;

    if (igj_settings_read(&settings, argc, argv, IGJ_CHECK_COMMAND, error)
        == IGJ_OK)
    {
        igj_provider_conf(&conf, &settings);
        rc = igj_provider_check("apify", &conf, stdout);

    } else {
        fprintf(stderr, "igjobs-worker: %s\n", error);
        rc = 2;
    }

    igj_settings_free(&settings);

    return rc;
}
