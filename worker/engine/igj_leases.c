/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The table of held leases; see the header for who may call. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "igj_leases.h"


typedef struct {
    igj_lease_t      lease;
    bool             held;
    _Atomic int      stop;
} igj_leases_entry_t;


struct igj_leases_s {
    pthread_mutex_t     lock;
    bool                draining;
    int                 n;
    igj_leases_entry_t  entries[];
};


static void igj_leases_raise(igj_leases_entry_t *e, int why);
static void igj_leases_lower(igj_leases_t *l, igj_leases_entry_t *e);


igj_leases_t *
igj_leases_create(int lanes)
{
    igj_leases_t  *l;

    l = calloc(1, sizeof(igj_leases_t)
                  + (size_t) lanes * sizeof(igj_leases_entry_t));

    if (l != NULL) {
        pthread_mutex_init(&l->lock, NULL);
        l->n = lanes;
    }

    return l;
}


void
igj_leases_destroy(igj_leases_t *l)
{
    if (l != NULL) {
        pthread_mutex_destroy(&l->lock);
        free(l);
    }
}


_Atomic int *
igj_leases_flag(igj_leases_t *l, int lane)
{
    return &l->entries[lane].stop;
}


void
igj_leases_hold(igj_leases_t *l, int lane, const char *job, int batch_no,
    int attempt)
{
    igj_leases_entry_t  *e;

    e = &l->entries[lane];

    pthread_mutex_lock(&l->lock);

    if (igj_uuid_parse(job, IGJ_UUID_TEXT_LEN, &e->lease.job) == IGJ_OK) {
        e->lease.batch_no = batch_no;
        e->lease.attempt = attempt;
        e->lease.lane = lane;
        e->held = true;
    }

    igj_leases_lower(l, e);

    pthread_mutex_unlock(&l->lock);
}


void
igj_leases_drop(igj_leases_t *l, int lane)
{
    pthread_mutex_lock(&l->lock);
    l->entries[lane].held = false;
    igj_leases_lower(l, &l->entries[lane]);
    pthread_mutex_unlock(&l->lock);
}


int
igj_leases_list(igj_leases_t *l, igj_lease_t *out)
{
    int  i, n;

    n = 0;
    pthread_mutex_lock(&l->lock);

    for (i = 0; i < l->n; i++) {
        if (l->entries[i].held) {
            out[n++] = l->entries[i].lease;
        }
    }

    pthread_mutex_unlock(&l->lock);

    return n;
}


void
igj_leases_stop(igj_leases_t *l, const igj_lease_t *lease, int why)
{
    igj_leases_entry_t  *e;

    e = &l->entries[lease->lane];

    pthread_mutex_lock(&l->lock);

    if (e->held && e->lease.attempt == lease->attempt
        && e->lease.batch_no == lease->batch_no
        && memcmp(&e->lease.job, &lease->job, sizeof(igj_uuid_t)) == 0)
    {
        igj_leases_raise(e, why);
    }

    pthread_mutex_unlock(&l->lock);
}


void
igj_leases_stop_job(igj_leases_t *l, const char *job, int why)
{
    int                  i;
    igj_uuid_t           id;
    igj_leases_entry_t  *e;

    if (igj_uuid_parse(job, IGJ_UUID_TEXT_LEN, &id) != IGJ_OK) {
        return;
    }

    pthread_mutex_lock(&l->lock);

    for (i = 0; i < l->n; i++) {
        e = &l->entries[i];

        if (e->held && memcmp(&e->lease.job, &id, sizeof(igj_uuid_t)) == 0) {
            igj_leases_raise(e, why);
        }
    }

    pthread_mutex_unlock(&l->lock);
}


void
igj_leases_stop_all(igj_leases_t *l)
{
    int  i;

    pthread_mutex_lock(&l->lock);
    l->draining = true;

    for (i = 0; i < l->n; i++) {
        igj_leases_raise(&l->entries[i], IGJ_STOP_DRAIN);
    }

    pthread_mutex_unlock(&l->lock);
}


static void
igj_leases_raise(igj_leases_entry_t *e, int why)
{
    if (atomic_load(&e->stop) < why) {
        atomic_store(&e->stop, why);
    }
}


static void
igj_leases_lower(igj_leases_t *l, igj_leases_entry_t *e)
{
    atomic_store(&e->stop, l->draining ? IGJ_STOP_DRAIN : IGJ_STOP_NONE);
}
