/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Given names within user names: maria.garcia98, itsjohnsmith. */

#ifndef IGJ_USERNAME_NAME_H
#define IGJ_USERNAME_NAME_H

#include "igj_evidence.h"


#define IGJ_USER_READ_MAX  64              /* bytes of a user name read */


/*
 * Adds what the user name says.  Returns 1 if it is one of a shop or the like,
 * which leaves the evidence as it was.
 */
int igj_username_names(igj_evidence_t *evidence,
    const igj_name_table_t *table, const char *username, size_t len);


#endif /* IGJ_USERNAME_NAME_H */
