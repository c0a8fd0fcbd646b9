/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The accounts of a submission.  Their platform decides what is a name, and
 * may come behind them: until it is known they are kept as Instagram's, since
 * every name is one of those, and it is counted what the other platforms would
 * make of them.  Links to another platform's profiles are kept apart.  What
 * cannot be told apart afterwards is refused, never guessed.
 */

#include "igj_submit_inner.h"


static igj_username_e
igj_submit_read_name(igj_platform_e platform, const igj_scan_event_t *event,
    igj_username_t *name)
{
    if (event->type != IGJ_SCAN_STRING) {
        return IGJ_USERNAME_NOT_STRING;
    }

    if (event->total > IGJ_ACCOUNT_TEXT_MAX) {
        return IGJ_USERNAME_LONG;
    }

    if (event->flags & IGJ_SCAN_UNSAFE) {
        return IGJ_USERNAME_CHARACTER;
    }

    return igj_username(platform, event->text.data, event->text.len, name);
}


static void __attribute__((noinline))
igj_submit_note_fault(igj_submit_judged_t *judged, uint32_t index,
    igj_username_e reason)
{
    igj_submit_fault_t  *fault;

    fault = &judged->faults[judged->invalid];
    fault->index = index & 0xffffff;
    fault->reason = (unsigned) reason & 0xff;
}


static void
igj_submit_fault(igj_submit_t *submit, igj_platform_e platform,
    igj_username_e reason)
{
    igj_submit_judged_t  *judged;

    judged = &submit->judged[platform];

    if (judged->invalid < IGJ_MAX_ERROR_POINTERS) {
        igj_submit_note_fault(judged, submit->given - 1, reason);
    }

    judged->invalid++;
}


/* A name that is kept cannot be one of this platform. */
static inline void
igj_submit_unfit(igj_submit_t *submit, igj_platform_e platform,
    const igj_username_t *name)
{
    igj_submit_judged_t  *judged;

    judged = &submit->judged[platform];

    if (judged->invalid < IGJ_MAX_ERROR_POINTERS) {
        igj_submit_note_fault(judged, submit->given - 1,
                              name->linked ? IGJ_USERNAME_OTHER_SITE
                              : igj_username_fits(platform, name));
    }

    judged->invalid++;
}


/* A name that is kept: which other platforms could not have it?  Threads has
 * Instagram's. */
static inline void
igj_submit_compare(igj_submit_t *submit, const igj_username_t *name)
{
    if (name->linked) {
        igj_submit_unfit(submit, IGJ_PLATFORM_X, name);
        igj_submit_unfit(submit, IGJ_PLATFORM_TIKTOK, name);
        igj_submit_unfit(submit, IGJ_PLATFORM_THREADS, name);
        return;
    }

    if (igj_username_not_x(name)) {
        igj_submit_unfit(submit, IGJ_PLATFORM_X, name);
    }

    if (igj_username_not_tiktok(name)) {
        igj_submit_unfit(submit, IGJ_PLATFORM_TIKTOK, name);
    }
}


static int
igj_submit_add_link(igj_submit_t *submit, igj_platform_e platform,
    const igj_username_t *name)
{
    const igj_mem_t  *mem;

    if (submit->links == NULL) {
        mem = submit->accounts.mem;
        submit->links = mem->alloc(mem->data, sizeof(igj_accounts_t));

        if (submit->links == NULL) {
            return IGJ_ERROR;
        }

        submit->links_of = platform;
        igj_accounts_init(submit->links, mem, submit->accounts.seed[0]);
    }

    if (submit->links_of != platform) {
        submit->judged[platform].missing++;
        return IGJ_OK;
    }

    return igj_accounts_add(submit->links, name);
}


/* No account of Instagram's: may be a link to another platform. */
static int
igj_submit_other(igj_submit_t *submit, const igj_scan_event_t *event)
{
    int             i;
    igj_username_e  rc;
    igj_username_t  name;

    for (i = IGJ_PLATFORM_TIKTOK; i < IGJ_PLATFORMS; i++) {
        rc = igj_submit_read_name((igj_platform_e) i, event, &name);

        if (rc != IGJ_USERNAME_OK) {
            igj_submit_fault(submit, (igj_platform_e) i, rc);
            submit->judged[i].left++;

        } else if (igj_submit_add_link(submit, (igj_platform_e) i, &name)
                   != IGJ_OK)
        {
            return igj_submit_refuse(submit, IGJ_PROBLEM_OVERLOADED);
        }
    }

    return IGJ_OK;
}


int
igj_submit_name(igj_submit_t *submit, const igj_scan_event_t *event)
{
    igj_username_e  rc;
    igj_username_t  name;
    igj_platform_e  platform;

    platform = submit->late_platform ? IGJ_PLATFORM_INSTAGRAM
                                     : (igj_platform_e) submit->platform;

    rc = igj_submit_read_name(platform, event, &name);

    if (rc != IGJ_USERNAME_OK) {
        igj_submit_fault(submit, platform, rc);
        return submit->late_platform ? igj_submit_other(submit, event)
                                     : IGJ_OK;
    }

    if (submit->late_platform) {
        igj_submit_compare(submit, &name);
    }

    if (igj_accounts_add(&submit->accounts, &name) != IGJ_OK) {
        return igj_submit_refuse(submit, IGJ_PROBLEM_OVERLOADED);
    }

    return IGJ_OK;
}


void
igj_submit_drop_links(igj_submit_t *submit)
{
    const igj_mem_t  *mem;

    if (submit->links != NULL) {
        mem = submit->accounts.mem;
        igj_accounts_free(submit->links);
        mem->free(mem->data, submit->links, sizeof(igj_accounts_t));
        submit->links = NULL;
    }
}


/* The links are all that there is: they take the place of the names. */
static void
igj_submit_take_links(igj_submit_t *submit)
{
    igj_accounts_t  names;

    names = submit->accounts;
    submit->accounts = *submit->links;
    *submit->links = names;
}


int
igj_submit_settle_names(igj_submit_t *submit)
{
    int                   linked;
    uint32_t              kept;
    igj_platform_e        platform;
    igj_submit_judged_t  *judged;

    platform = (igj_platform_e) submit->platform;
    judged = &submit->judged[platform];
    submit->invalid = judged->invalid;

    if (!submit->late_platform || platform == IGJ_PLATFORM_INSTAGRAM) {
        return IGJ_OK;
    }

    linked = (submit->links != NULL && submit->links_of == platform);
    kept = submit->given - submit->judged[IGJ_PLATFORM_INSTAGRAM].invalid;

    if (judged->missing || (linked && kept)
        || (judged->invalid > judged->left
            && (submit->skip_invalid || submit->dry_run)))
    {
        return igj_submit_refuse(submit, IGJ_PROBLEM_PLATFORM_TOO_LATE);
    }

    if (linked) {
        igj_submit_take_links(submit);
    }

    return IGJ_OK;
}
