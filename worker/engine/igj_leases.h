/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The leases that the lanes of this process hold now, and each lane's stop
 * flag.  Lanes write their own entry, the renewer reads all; one lock guards
 * the entries, the flags are atomic so that libcurl's callbacks can look at
 * them at any time.
 */

#ifndef IGJ_LEASES_H
#define IGJ_LEASES_H

#include <stdatomic.h>
#include <stdbool.h>

#include "igj_uuid.h"


/* Values of a stop flag, in rising order: a higher one is never lowered
 * while the batch lasts. */
enum {
    IGJ_STOP_NONE = 0,
    IGJ_STOP_DRAIN,          /* the worker ends */
    IGJ_STOP_PAUSE,          /* the job is being paused */
    IGJ_STOP_JOB,            /* the job is stopping or has ended: what its
                                runs would still bring is not wanted */
    IGJ_STOP_LOST            /* somebody else has the batch */
};


typedef struct {
    igj_uuid_t    job;
    int           batch_no;
    int           attempt;
    int           lane;
} igj_lease_t;


typedef struct igj_leases_s  igj_leases_t;


igj_leases_t *igj_leases_create(int lanes);
void igj_leases_destroy(igj_leases_t *l);

/* The flag of a lane; valid as long as the leases. */
_Atomic int *igj_leases_flag(igj_leases_t *l, int lane);

/* The lane holds this batch from now on, or none any more; its flag is
 * lowered, unless the worker drains.  job is uuid text. */
void igj_leases_hold(igj_leases_t *l, int lane, const char *job, int batch_no,
    int attempt);
void igj_leases_drop(igj_leases_t *l, int lane);

/* Copies what is held now into out (room for all lanes); returns how many. */
int igj_leases_list(igj_leases_t *l, igj_lease_t *out);

/* Raises the flag of the lane, if it still holds exactly this batch. */
void igj_leases_stop(igj_leases_t *l, const igj_lease_t *lease, int why);

/* Raises the flags of all lanes with a batch of this job (uuid text). */
void igj_leases_stop_job(igj_leases_t *l, const char *job, int why);

/* Raises all flags to IGJ_STOP_DRAIN, now and for batches to come. */
void igj_leases_stop_all(igj_leases_t *l);


#endif /* IGJ_LEASES_H */
