/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * From the worker's settings to a provider's configuration, and the command
 * for people.
 */

#ifndef IGJ_PROVIDER_CONF_H
#define IGJ_PROVIDER_CONF_H

#include "igj_provider.h"
#include "igj_settings.h"


/* Strings are borrowed from the settings. */
void igj_provider_conf(igj_provider_conf_t *conf, const igj_settings_t *s);

/* "igjobs-worker provider-check [flags]": exit code 0, 1 or (usage) 2.
 * curl_global_init() is main's. */
int igj_provider_check_main(int argc, char **argv);

#endif /* IGJ_PROVIDER_CONF_H */
