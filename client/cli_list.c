/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdio.h>
#include <string.h>

#include "cli_ask.h"
#include "cli_json.h"
#include "cli_list.h"
#include "cli_term.h"
#include "cli_url.h"


#define CLI_LIST_TOKEN_MAX  512


static cli_exit_e cli_list_page(cli_t *cli, const cli_list_t *list,
    int64_t size, char token[CLI_LIST_TOKEN_MAX], cJSON **doc);


cli_exit_e
cli_list(cli_t *cli, const cli_list_t *list)
{
    char                  token[CLI_LIST_TOKEN_MAX];
    cJSON                *doc;
    int64_t               most;
    cli_exit_e            rc;
    cli_rows_t            out;
    const cli_options_t  *options;

    options = &cli->options;

    if (cli_list_check(options) != IGJ_OK) {
        return CLI_USAGE;
    }

    most = options->all || list->more == NULL ? INT64_MAX
           : options->limit < 0 ? CLI_LIMIT_DEFAULT : options->limit;
    cli_rows_init(&out, options, list->columns);
    token[0] = '\0';

    do {
        rc = cli_list_page(cli, list, most - out.count, token, &doc);

        if (rc != CLI_OK) {
            return rc;
        }

        (void) cli_rows_page(&out, cJSON_GetObjectItemCaseSensitive(doc,
                             list->member), most - out.count);
        cJSON_Delete(doc);
    } while (token[0] != '\0' && out.count < most);

    if (out.count == 0 && most > 0) {
        cli_say("no %s", list->what);

    } else if (token[0] != '\0' && options->limit < 0) {
        cli_say("the %s %lld; %s gives more", list->order,
                (long long) out.count, list->more);
    }

    return CLI_OK;
}


int
cli_list_check(const cli_options_t *options)
{
    if (options->all && options->limit >= 0) {
        cli_say("--all and --limit exclude each other");
        return IGJ_ERROR;
    }

    if (options->csv && (options->ndjson || options->json)) {
        cli_say("--csv and JSON exclude each other");
        return IGJ_ERROR;
    }

    return IGJ_OK;
}


cli_exit_e
cli_list_each(cli_t *cli, const cli_list_t *list, cli_list_pt take,
    void *data)
{
    bool          more;
    char          token[CLI_LIST_TOKEN_MAX];
    cJSON        *doc;
    cli_exit_e    rc;
    const cJSON  *element;

    more = true;
    token[0] = '\0';

    do {
        rc = cli_list_page(cli, list, CLI_PAGE_ROWS, token, &doc);

        if (rc != CLI_OK) {
            return rc;
        }

        cJSON_ArrayForEach(element, cJSON_GetObjectItemCaseSensitive(doc,
                                                               list->member))
        {
            more = more && take(data, element);
        }

        cJSON_Delete(doc);
    } while (more && token[0] != '\0');

    return CLI_OK;
}


/* The page that the token stands for, "" for the first; token becomes that of
 * the next one, "" where there is none. */

static cli_exit_e
cli_list_page(cli_t *cli, const cli_list_t *list, int64_t size,
    char token[CLI_LIST_TOKEN_MAX], cJSON **doc)
{
    int          n;
    char         path[CLI_PATH_MAX];
    cli_exit_e   rc;
    const char  *next;

    size = size > CLI_PAGE_ROWS ? CLI_PAGE_ROWS : size < 1 ? 1 : size;
    n = snprintf(path, sizeof(path), "%s%cpage_size=%lld", list->path,
                 strchr(list->path, '?') == NULL ? '?' : '&',
                 (long long) size);

    if ((size_t) n >= sizeof(path)
        || (token[0] != '\0'
            && cli_path_parameter("page_token", token, path) != IGJ_OK))
    {
        cli_say("the options are too long");
        return CLI_USAGE;
    }

    rc = cli_get(cli, path, doc);
    next = cli_json_text(*doc, "next_page_token");

    if (next != NULL && strlen(next) >= CLI_LIST_TOKEN_MAX) {
        cli_say("the server's place in the list is too long");
        cJSON_Delete(*doc);
        return CLI_FAILED;
    }

    (void) snprintf(token, CLI_LIST_TOKEN_MAX, "%s", next == NULL ? "" : next);

    return rc;
}
