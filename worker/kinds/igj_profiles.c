/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The page of profiles. */

#include <stdlib.h>
#include <string.h>

#include "igj_profiles.h"
#include "igj_utf8.h"


#define IGJ_PROFILES_FIRST  256        /* rows of the first allocation */


static int igj_profiles_begin(void *data);
static int igj_profiles_profile(void *data, const igj_profile_t *profile);
static int igj_profiles_fault(void *data, const igj_account_error_t *error);
static void *igj_profiles_grow(void *array, int n, int *size, size_t each);
static const char *igj_profiles_text(igj_profiles_t *p, const char *text,
    size_t max);
static void igj_profiles_name_sources(igj_profiles_t *p,
    igj_sources_t *sources);
static int igj_profiles_compare(const void *a, const void *b);
static void igj_profiles_distinct(igj_profiles_t *p);
static int igj_profiles_classify(igj_profiles_t *p, igj_batch_row_t *row,
    const igj_name_table_t *names, igj_batch_page_t *page,
    igj_gender_e *gender);
static bool igj_profiles_keeps(const igj_profiles_filter_t *filter,
    igj_gender_e gender);


igj_page_sink_t
igj_profiles_sink(igj_profiles_t *p)
{
    igj_page_sink_t  sink;

    sink.begin = igj_profiles_begin;
    sink.profile = igj_profiles_profile;
    sink.account_error = igj_profiles_fault;
    sink.data = p;

    return sink;
}


static int
igj_profiles_begin(void *data)
{
    igj_profiles_t  *p;

    p = data;
    p->n = 0;
    p->nfaults = 0;
    igj_arena_reset(&p->arena);

    return 0;
}


static int
igj_profiles_profile(void *data, const igj_profile_t *profile)
{
    void             *rows;
    igj_profiles_t   *p;
    igj_batch_row_t  *row;

    p = data;

    if (strlen(profile->id) > IGJ_PROFILE_ID_MAX
        || strlen(profile->username) > IGJ_PROFILE_ID_MAX)
    {
        return 0;
    }

    rows = igj_profiles_grow(p->rows, p->n, &p->size, sizeof(*row));

    if (rows == NULL) {
        return -1;
    }

    p->rows = rows;
    row = &p->rows[p->n];
    memset(row, 0, sizeof(igj_batch_row_t));
    row->profile_id = igj_profiles_text(p, profile->id, IGJ_PROFILE_ID_MAX);
    row->username = igj_profiles_text(p, profile->username,
                                      IGJ_PROFILE_ID_MAX);
    row->full_name = igj_profiles_text(p, profile->full_name,
                                       IGJ_PROFILE_NAME_MAX);
    row->source = igj_profiles_text(p, profile->source_account,
                                    IGJ_PROFILE_ID_MAX);

    if (row->profile_id == NULL || row->username == NULL
        || row->full_name == NULL || row->source == NULL)
    {
        return -1;
    }

    p->n++;

    return 0;
}


static int
igj_profiles_fault(void *data, const igj_account_error_t *error)
{
    static const igj_source_state_t  states[] = {
        [IGJ_ACCOUNT_NOT_FOUND] = IGJ_SOURCE_NOT_FOUND,
        [IGJ_ACCOUNT_PRIVATE] = IGJ_SOURCE_PRIVATE,
        [IGJ_ACCOUNT_EMPTY] = IGJ_SOURCE_EMPTY,
        [IGJ_ACCOUNT_BLOCKED] = IGJ_SOURCE_BLOCKED
    };

    void                  *faults;
    igj_profiles_t        *p;
    igj_profiles_fault_t  *fault;

    p = data;
    faults = igj_profiles_grow(p->faults, p->nfaults, &p->faults_size,
                               sizeof(*fault));
    if (faults == NULL) {
        return -1;
    }

    p->faults = faults;
    fault = &p->faults[p->nfaults];
    fault->state = states[error->fault];
    fault->account = igj_profiles_text(p, error->account, IGJ_PROFILE_ID_MAX);

    if (fault->account == NULL) {
        return -1;
    }

    p->nfaults++;

    return 0;
}


/* The array with room for one more; NULL when memory is short. */

static void *
igj_profiles_grow(void *array, int n, int *size, size_t each)
{
    if (n < *size) {
        return array;
    }

    array = realloc(array, (size_t) (*size ? *size * 2 : IGJ_PROFILES_FIRST)
                           * each);

    if (array != NULL) {
        *size = *size ? *size * 2 : IGJ_PROFILES_FIRST;
    }

    return array;
}


/* A copy, cut between two characters where it is too long. */

static const char *
igj_profiles_text(igj_profiles_t *p, const char *text, size_t max)
{
    size_t  len;

    len = strlen(text);

    if (len > max) {
        len = igj_utf8_valid(text, max);
    }

    return igj_arena_text(&p->arena, text, len);
}


int
igj_profiles_digest(igj_profiles_t *p, igj_sources_t *sources,
    const igj_profiles_filter_t *filter, igj_batch_page_t *page)
{
    int           i, kept;
    igj_gender_e  gender;

    if (filter->own) {
        igj_profiles_take_own(p, sources, filter->own_max);
        page->items = p->n;

    } else {
        igj_profiles_name_sources(p, sources);
    }

    igj_profiles_distinct(p);

    page->seen = p->n;
    kept = 0;

    for (i = 0; i < p->n; i++) {
        if (igj_profiles_classify(p, &p->rows[i], filter->names, page,
                                  &gender)
            != IGJ_OK)
        {
            return IGJ_ERROR;
        }

        if (igj_profiles_keeps(filter, gender)) {
            p->rows[kept++] = p->rows[i];
        }
    }

    page->rows = p->rows;
    page->nrows = kept;

    return IGJ_OK;
}


void
igj_profiles_take_own(igj_profiles_t *p, igj_sources_t *sources, int64_t max)
{
    int              i, n;
    igj_batch_row_t  row;

    n = 0;

    for (i = 0; i < p->n; i++) {
        row = p->rows[i];

        if (igj_sources_takes(sources, row.source, max, &row.source)) {
            p->rows[n++] = row;
        }
    }

    p->n = n;
}


/* In the order of the items, so that the last name is the last at work. */

static void
igj_profiles_name_sources(igj_profiles_t *p, igj_sources_t *sources)
{
    int  i;

    for (i = 0; i < p->n; i++) {
        p->rows[i].source = igj_sources_profile(sources, p->rows[i].source);
    }

    for (i = 0; i < p->nfaults; i++) {
        igj_sources_fault(sources, p->faults[i].account, p->faults[i].state);
    }
}


static int
igj_profiles_compare(const void *a, const void *b)
{
    const igj_batch_row_t *const  x = a, *const  y = b;

    return strcmp(x->profile_id, y->profile_id);
}


/* Byte order of profile_id, as the result table is keyed. */

static void
igj_profiles_distinct(igj_profiles_t *p)
{
    int  i, n;

    if (p->n == 0) {
        return;
    }

    qsort(p->rows, (size_t) p->n, sizeof(igj_batch_row_t),
          igj_profiles_compare);

    n = 1;

    for (i = 1; i < p->n; i++) {
        if (strcmp(p->rows[i].profile_id, p->rows[n - 1].profile_id) != 0) {
            p->rows[n++] = p->rows[i];
        }
    }

    p->n = n;
}


static int
igj_profiles_classify(igj_profiles_t *p, igj_batch_row_t *row,
    const igj_name_table_t *names, igj_batch_page_t *page,
    igj_gender_e *gender)
{
    igj_classified_t  c;

    igj_classify(names, row->full_name, strlen(row->full_name),
                 row->username, strlen(row->username), &c);

    page->female += (c.gender == IGJ_GENDER_FEMALE);
    page->male += (c.gender == IGJ_GENDER_MALE);
    page->unknown += (c.gender == IGJ_GENDER_UNKNOWN);

    *gender = c.gender;
    row->gender = igj_gender_text(c.gender);
    row->confidence = c.confidence;
    row->evidence = NULL;

    if (c.evidence[0] != '\0') {
        row->evidence = igj_arena_text(&p->arena, c.evidence,
                                       strlen(c.evidence));
        if (row->evidence == NULL) {
            return IGJ_ERROR;
        }
    }

    return IGJ_OK;
}


static bool
igj_profiles_keeps(const igj_profiles_filter_t *filter, igj_gender_e gender)
{
    if (strcmp(filter->target_gender, "any") == 0) {
        return true;
    }

    if (gender == IGJ_GENDER_UNKNOWN) {
        return filter->keep_unknown;
    }

    return strcmp(filter->target_gender, igj_gender_text(gender)) == 0;
}


void
igj_profiles_free(igj_profiles_t *p)
{
    igj_arena_free(&p->arena);
    free(p->rows);
    free(p->faults);
    memset(p, 0, sizeof(igj_profiles_t));
}
