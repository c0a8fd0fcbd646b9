/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * igjobs sync-statuses, mark-unfollow-due, delete-completed: the way of an
 * assignment through Airtable.  Each call can be repeated: it does what is left
 * to do.
 */

#include "cli_json.h"
#include "cli_operation.h"
#include "cli_term.h"


static cli_exit_e cli_statuses(cli_t *cli, const char *path,
    const char *here, const char *there, const char *nothing);


cli_exit_e
cli_sync_statuses(cli_t *cli)
{
    return cli_statuses(cli, "/api/sync-airtable-statuses", "synced_count",
                        "synced_count", "no status has changed");
}


cli_exit_e
cli_mark_unfollow_due(cli_t *cli)
{
    return cli_statuses(cli, "/api/mark-unfollow-due", "marked_count",
                        "airtable_updated", "nothing is due to be unfollowed");
}


cli_exit_e
cli_delete_completed(cli_t *cli)
{
    return cli_statuses(cli, "/api/delete-completed-after-delay",
                        "deleted_count", "airtable_deleted",
                        "nothing has been completed for long enough");
}


/* nothing is said when all went well and both counts are 0. */

static cli_exit_e
cli_statuses(cli_t *cli, const char *path, const char *here,
    const char *there, const char *nothing)
{
    cJSON       *doc;
    cli_call_t   call = { .path = path, .async = true };
    cli_exit_e   rc;

    rc = cli_operation_call(cli, &call, !cli->options.no_wait, &doc);

    if (rc == CLI_OK) {
        rc = cli_operation_show(cli, doc);
    }

    if (rc == CLI_OK && cJSON_HasObjectItem(doc, here)
        && cli_json_integer(doc, here) == 0
        && cli_json_integer(doc, there) == 0)
    {
        cli_say("%s", nothing);
    }

    cJSON_Delete(doc);

    return rc;
}
