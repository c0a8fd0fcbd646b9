/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Lists of the server, page after page, each going on where the last one
 * ended.
 */

#ifndef CLI_LIST_H
#define CLI_LIST_H

#include "cli_rows.h"


typedef struct {
    const char          *path;     /* with what selects, without page_size */
    const char          *member;   /* of the document: the array */
    const cli_column_t  *columns;
    const char          *what;     /* "jobs": said where there are none */
    const char          *order;    /* "newest": said where there are more */
    const char          *more;     /* the option that gives them, such as
                                    * "--limit"; NULL: always all of them */
} cli_list_t;


/* As many rows as --limit or --all ask for. */
cli_exit_e cli_list(cli_t *cli, const cli_list_t *list);

/* Whether the options for rows fit together; IGJ_ERROR was said. */
int cli_list_check(const cli_options_t *options);


/* Takes an element of a list; false: no further one is wanted. */
typedef bool (*cli_list_pt)(void *data, const cJSON *element);

/* The same for each element, with nothing printed, until it is enough; columns
 * and what follows them are not looked at. */
cli_exit_e cli_list_each(cli_t *cli, const cli_list_t *list, cli_list_pt take,
    void *data);


#endif /* CLI_LIST_H */
