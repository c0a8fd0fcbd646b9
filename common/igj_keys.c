/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Redis key names.  A part may not hold what separates parts, so that no
 * tenant can name another's key.
 */

#include "igj_keys.h"

#include <string.h>


/* which byte may stand where: letters, digits, - _ . everywhere */
#define IGJ_KEY_PART  1
#define IGJ_KEY_TAIL  2        /* and colons in the last part of some keys */
#define IGJ_KEY_SCOPE 4        /* and / and ~ of actors in a scope */
#define IGJ_KEY_ANY   (IGJ_KEY_PART | IGJ_KEY_TAIL | IGJ_KEY_SCOPE)

static const unsigned char  igj_key_bytes[256] = {
    ['0' ... '9'] = IGJ_KEY_ANY,
    ['A' ... 'Z'] = IGJ_KEY_ANY,
    ['a' ... 'z'] = IGJ_KEY_ANY,
    ['-'] = IGJ_KEY_ANY,
    ['_'] = IGJ_KEY_ANY,
    ['.'] = IGJ_KEY_ANY,
    [':'] = IGJ_KEY_TAIL | IGJ_KEY_SCOPE,
    ['/'] = IGJ_KEY_SCOPE,
    ['~'] = IGJ_KEY_SCOPE
};


/* two parts and their separator beside the prefix, which is ours */
_Static_assert(IGJ_TENANT_MAX + IGJ_TOKEN_MAX + IGJ_TOKEN_MAX < IGJ_KEY_MAX,
               "a key has room for its parts");
_Static_assert(IGJ_SCOPE_MAX + IGJ_TOKEN_MAX < IGJ_KEY_MAX,
               "a key has room for a scope");


/* 1 to max bytes of this sort */
static int
igj_key_part_valid(const char *text, size_t len, size_t max, int sort)
{
    size_t  i;

    if (len == 0 || len > max) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (!(igj_key_bytes[(unsigned char) text[i]] & sort)) {
            return 0;
        }
    }

    return 1;
}


int
igj_tenant_valid(const char *text, size_t len)
{
    return igj_key_part_valid(text, len, IGJ_TENANT_MAX, IGJ_KEY_PART);
}


static int
igj_key_token_valid(const char *text)
{
    return igj_key_part_valid(text, strlen(text), IGJ_TOKEN_MAX,
                              IGJ_KEY_PART);
}


/* The last part of a key, which may be an address or have parts itself. */
static int
igj_key_tail_valid(const char *text)
{
    return igj_key_part_valid(text, strlen(text), IGJ_TOKEN_MAX,
                              IGJ_KEY_TAIL);
}


static int
igj_key_scope_valid(const char *text)
{
    return igj_key_part_valid(text, strlen(text), IGJ_SCOPE_MAX,
                              IGJ_KEY_SCOPE);
}


static void
igj_key_add(igj_key_t *key, const char *text)
{
    size_t  len;

    len = strlen(text);

    memcpy(key->text + key->len, text, len);
    key->len += len;
    key->text[key->len] = '\0';
}


/* prefix, first, separator and second; the parts have been checked */
static size_t
igj_key_join(igj_key_t *key, const char *prefix, const char *first,
    const char *separator, const char *second)
{
    key->len = 0;

    igj_key_add(key, prefix);
    igj_key_add(key, first);
    igj_key_add(key, separator);
    igj_key_add(key, second);

    return key->len;
}


static size_t
igj_key_refuse(igj_key_t *key)
{
    key->text[0] = '\0';
    key->len = 0;

    return 0;
}


static size_t
igj_key_of_class(igj_key_t *key, const char *prefix, const char *kind,
    const char *class_name)
{
    if (!igj_key_token_valid(kind) || !igj_key_token_valid(class_name)) {
        return igj_key_refuse(key);
    }

    return igj_key_join(key, prefix, kind, ":", class_name);
}


static size_t
igj_key_of_job(igj_key_t *key, const char *prefix, const char *tenant,
    const char *job)
{
    if (!igj_tenant_valid(tenant, strlen(tenant))
        || !igj_key_token_valid(job))
    {
        return igj_key_refuse(key);
    }

    return igj_key_join(key, prefix, tenant, ":", job);
}


size_t
igj_key_turns(igj_key_t *key, const char *kind, const char *class_name)
{
    return igj_key_of_class(key, IGJ_KEY_TURNS_PREFIX, kind, class_name);
}


size_t
igj_key_clocks(igj_key_t *key, const char *kind, const char *class_name)
{
    return igj_key_of_class(key, IGJ_KEY_CLOCKS_PREFIX, kind, class_name);
}


size_t
igj_key_later(igj_key_t *key)
{
    return igj_key_join(key, "igjobs:{q}:later", "", "", "");
}


size_t
igj_key_parked(igj_key_t *key, const char *scope)
{
    if (!igj_key_scope_valid(scope)) {
        return igj_key_refuse(key);
    }

    return igj_key_join(key, "igjobs:{q}:parked:", scope, "", "");
}


size_t
igj_key_parked_clocks(igj_key_t *key, const char *scope)
{
    if (!igj_key_scope_valid(scope)) {
        return igj_key_refuse(key);
    }

    return igj_key_join(key, IGJ_KEY_CLOCKS_PREFIX, "parked:", scope, "");
}


size_t
igj_key_parked_index(igj_key_t *key)
{
    return igj_key_join(key, "igjobs:{q}:parked", "", "", "");
}


size_t
igj_key_status(igj_key_t *key, const char *tenant, const char *job)
{
    return igj_key_of_job(key, "igjobs:status:", tenant, job);
}


size_t
igj_key_events(igj_key_t *key, const char *tenant, const char *job)
{
    return igj_key_of_job(key, "igjobs:events:", tenant, job);
}


size_t
igj_key_seen(igj_key_t *key, const char *tenant, const char *job)
{
    return igj_key_of_job(key, "igjobs:seen:", tenant, job);
}


size_t
igj_key_worker(igj_key_t *key, const char *id)
{
    if (!igj_key_tail_valid(id)) {
        return igj_key_refuse(key);
    }

    return igj_key_join(key, IGJ_KEY_WORKER_PREFIX, id, "", "");
}


size_t
igj_key_rate(igj_key_t *key, const char *who, const char *what)
{
    if (!igj_key_tail_valid(who) || !igj_key_token_valid(what)) {
        return igj_key_refuse(key);
    }

    return igj_key_join(key, "igjobs:rate:", who, ":", what);
}
