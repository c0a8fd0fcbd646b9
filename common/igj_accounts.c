/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The accounts of one submission.
 *
 * A place is a segment's number and 16 bits of offset in it.  Every name ends
 * with a byte below 0x20: a line feed inside a batch, a zero byte at its end
 * (so far).  A batch begins in a new segment when the rest of the present one
 * could not hold 50 names of the greatest length; whoever walks the names
 * counts them and repeats that decision, so no list of batches is kept.
 *
 * A slot of the table is seven bits of the hash and a place.  Slots are at
 * random places of megabytes, so a name waits for some others between the
 * request for its slot's memory and its use.  Growing is spread out as well:
 * the larger table's pages are touched one by one beforehand; then it takes
 * all new names at once, and the old ones in their order, one for a new one.
 */

#include "igj_accounts.h"

#include <string.h>


/* Small submissions are the rule: their memory is two small pieces. */
#define IGJ_ACCOUNTS_FIRST_SEGMENT  4096u
#define IGJ_ACCOUNTS_FIRST_SLOTS    256u

/*
 * The most that a batch takes.  Names are copied as whole igj_username_t
 * texts, hence the room behind the last one.
 */
#define IGJ_ACCOUNTS_BATCH_ROOM                                               \
    (IGJ_BATCH_ACCOUNTS * (IGJ_USERNAME_MAX + 1) + sizeof(igj_accounts_text_t))

#define IGJ_ACCOUNTS_GROWTH         4u
#define IGJ_ACCOUNTS_MOVED          IGJ_ACCOUNTS_WAITING

/* A page of the next table is touched with each group of waiting names. */
#define IGJ_ACCOUNTS_PREPARED       4096u

#define IGJ_ACCOUNTS_PLACE_BITS     24
#define IGJ_ACCOUNTS_PLACE_MASK     ((1u << IGJ_ACCOUNTS_PLACE_BITS) - 1)


typedef char  igj_accounts_text_t[IGJ_USERNAME_MAX + 2];

_Static_assert(sizeof(igj_accounts_text_t) == 4 * sizeof(uint64_t),
               "a name is hashed as four words");

_Static_assert((IGJ_ACCOUNTS_SEGMENTS - 1)
               * (IGJ_ACCOUNTS_SEGMENT / IGJ_ACCOUNTS_BATCH_ROOM)
               >= IGJ_MAX_BATCHES,
               "places must do for the largest submission");

_Static_assert(IGJ_ACCOUNTS_MOVED * (IGJ_ACCOUNTS_GROWTH - 1)
               > IGJ_ACCOUNTS_WAITING,
               "old names must have moved before the table is full again");


static uint32_t
igj_accounts_segment_size(uint32_t segment)
{
    return (segment == 0) ? IGJ_ACCOUNTS_FIRST_SEGMENT : IGJ_ACCOUNTS_SEGMENT;
}


/* Where the next batch begins when the one before ends at place. */
static uint32_t
igj_accounts_batch_begin(uint32_t place)
{
    uint32_t  segment, used;

    segment = place / IGJ_ACCOUNTS_SEGMENT;
    used = place % IGJ_ACCOUNTS_SEGMENT;

    if (igj_accounts_segment_size(segment) - used < IGJ_ACCOUNTS_BATCH_ROOM) {
        return (segment + 1) * IGJ_ACCOUNTS_SEGMENT;
    }

    return place;
}


static inline char *
igj_accounts_at(const igj_accounts_t *a, uint32_t place)
{
    return a->segment[place / IGJ_ACCOUNTS_SEGMENT]
           + place % IGJ_ACCOUNTS_SEGMENT;
}


static inline uint64_t
igj_accounts_fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128  wide_t;

    wide_t  product;

    product = (wide_t) a * b;

    return (uint64_t) product ^ (uint64_t) (product >> 64);
}


/* Nobody who does not know the seed can choose names that collide. */
static inline uint64_t
igj_accounts_hash(const igj_accounts_t *a, const igj_accounts_text_t text)
{
    uint64_t  word[4], low, high;

    memcpy(word, text, sizeof(word));

    low = igj_accounts_fold(word[0] ^ a->seed[0], word[1] ^ a->seed[1]);
    high = igj_accounts_fold(word[2] ^ a->seed[2], word[3] ^ a->seed[3]);

    return igj_accounts_fold(low ^ a->seed[1], high ^ a->seed[0]);
}


/* The hash byte of a slot is never zero, so neither is a slot in use. */
static inline uint32_t
igj_accounts_tag(uint64_t hash)
{
    return (uint32_t) (hash >> 56 | 1) << IGJ_ACCOUNTS_PLACE_BITS;
}


void
igj_accounts_init(igj_accounts_t *a, const igj_mem_t *mem, uint64_t seed)
{
    unsigned  i;

    memset(a, 0, sizeof(igj_accounts_t));
    a->mem = mem;

    for (i = 0; i < 4; i++) {
        seed += 0x9E3779B97F4A7C15ULL;
        a->seed[i] = igj_accounts_fold(seed, seed ^ 0xD1B54A32D192ED03ULL);
    }
}


static void *
igj_accounts_alloc(igj_accounts_t *a, size_t size)
{
    void  *p;

    p = a->mem->alloc(a->mem->data, size);

    if (p != NULL) {
        a->held += size;
    }

    return p;
}


static void
igj_accounts_release(igj_accounts_t *a, void *ptr, size_t size)
{
    a->mem->free(a->mem->data, ptr, size);
    a->held -= size;
}


static int
igj_accounts_table_make(igj_accounts_t *a, igj_accounts_table_t *table,
    uint32_t nslots)
{
    table->slots = igj_accounts_alloc(a, nslots * sizeof(uint32_t));

    if (table->slots == NULL) {
        return IGJ_ERROR;
    }

    table->mask = nslots - 1;

    return IGJ_OK;
}


static size_t
igj_accounts_table_size(const igj_accounts_table_t *table)
{
    return ((size_t) table->mask + 1) * sizeof(uint32_t);
}


/* Names that the table may hold: it is never fuller than 4/5. */
static uint32_t
igj_accounts_table_limit(const igj_accounts_table_t *table)
{
    return (table->mask + 1) / 5 * 4;
}


static void
igj_accounts_table_free(igj_accounts_t *a, igj_accounts_table_t *table)
{
    if (table->slots != NULL) {
        igj_accounts_release(a, table->slots, igj_accounts_table_size(table));
        table->slots = NULL;
    }
}


static void
igj_accounts_tables_free(igj_accounts_t *a)
{
    igj_accounts_table_free(a, &a->table);
    igj_accounts_table_free(a, &a->next);
    igj_accounts_table_free(a, &a->old);
}


void
igj_accounts_free(igj_accounts_t *a)
{
    uint32_t  i;

    igj_accounts_tables_free(a);

    for (i = 0; i < a->nsegments; i++) {
        igj_accounts_release(a, a->segment[i], igj_accounts_segment_size(i));
    }

    a->nsegments = 0;
    a->nwaiting = 0;
    a->count = 0;
}


/* Asks for the memory of a slot that will be looked at soon. */
static inline void
igj_accounts_prefetch(const igj_accounts_table_t *table, uint64_t hash)
{
    if (table->slots != NULL) {
        __builtin_prefetch(&table->slots[(uint32_t) hash & table->mask], 1);
    }
}


/* The slot of the name: a free one if it is not there. */
static uint32_t *
igj_accounts_slot(const igj_accounts_t *a, const igj_accounts_table_t *table,
    const igj_accounts_entry_t *entry)
{
    uint32_t     i, slot, tag;
    const char  *text;

    tag = igj_accounts_tag(entry->hash);

    for (i = (uint32_t) entry->hash; /* void */ ; i++) {
        i &= table->mask;
        slot = table->slots[i];

        if (slot == 0) {
            return &table->slots[i];
        }

        if ((slot & ~IGJ_ACCOUNTS_PLACE_MASK) != tag) {
            continue;
        }

        text = igj_accounts_at(a, slot & IGJ_ACCOUNTS_PLACE_MASK);

        if (memcmp(text, entry->name.text, entry->name.len) == 0
            && (unsigned char) text[entry->name.len] < 0x20)
        {
            return &table->slots[i];
        }
    }
}


/* Reads a stored name back. */
static void
igj_accounts_load(const igj_accounts_t *a, uint32_t place,
    igj_accounts_entry_t *entry)
{
    unsigned     i;
    const char  *text;

    text = igj_accounts_at(a, place);
    memset(entry->name.text, 0, sizeof(entry->name.text));

    for (i = 0; (unsigned char) text[i] >= 0x20; i++) {
        entry->name.text[i] = text[i];
    }

    entry->name.len = (uint8_t) i;
    entry->hash = igj_accounts_hash(a, entry->name.text);
}


/* Moves some names from the old table to the new one, in their order. */
static void
igj_accounts_move(igj_accounts_t *a)
{
    unsigned              i, n;
    uint32_t              place[IGJ_ACCOUNTS_MOVED];
    igj_accounts_entry_t  entry[IGJ_ACCOUNTS_MOVED];

    for (n = 0; n < IGJ_ACCOUNTS_MOVED && a->moved < a->to_move; n++) {

        if (a->moved % IGJ_BATCH_ACCOUNTS == 0) {
            a->move_place = igj_accounts_batch_begin(a->move_place);
        }

        igj_accounts_load(a, a->move_place, &entry[n]);
        igj_accounts_prefetch(&a->table, entry[n].hash);
        place[n] = a->move_place;

        a->move_place += entry[n].name.len + 1u;
        a->moved++;
    }

    for (i = 0; i < n; i++) {
        *igj_accounts_slot(a, &a->table, &entry[i]) =
            igj_accounts_tag(entry[i].hash) | place[i];
    }

    if (a->moved == a->to_move) {
        igj_accounts_table_free(a, &a->old);
    }
}


/* The larger table: first makes it, then touches its pages in turn. */
static int
igj_accounts_prepare(igj_accounts_t *a)
{
    if (a->next.slots == NULL) {
        a->prepared = 0;
        return igj_accounts_table_make(a, &a->next, (a->table.mask + 1)
                                                    * IGJ_ACCOUNTS_GROWTH);
    }

    if (a->prepared < igj_accounts_table_size(&a->next)) {
        *(volatile uint32_t *) ((char *) a->next.slots + a->prepared) = 0;
        a->prepared += IGJ_ACCOUNTS_PREPARED;
    }

    return IGJ_OK;
}


/* The table must take all waiting names. */
static int
igj_accounts_make_room(igj_accounts_t *a)
{
    uint32_t  limit;

    if (a->table.slots == NULL) {
        return igj_accounts_table_make(a, &a->table, IGJ_ACCOUNTS_FIRST_SLOTS);
    }

    if (a->old.slots != NULL) {
        igj_accounts_move(a);
        return IGJ_OK;
    }

    limit = igj_accounts_table_limit(&a->table);

    if (limit >= IGJ_MAX_ACCOUNTS + IGJ_ACCOUNTS_WAITING
        || a->count < limit / 2)
    {
        return IGJ_OK;
    }

    if (igj_accounts_prepare(a) != IGJ_OK) {
        return IGJ_ERROR;
    }

    if (a->count + IGJ_ACCOUNTS_WAITING > limit) {
        a->old = a->table;
        a->table = a->next;
        a->next.slots = NULL;
        a->moved = 0;
        a->to_move = a->count;
        a->move_place = 0;
    }

    return IGJ_OK;
}


/* Appends the name to the last batch or begins one. */
static int
igj_accounts_store(igj_accounts_t *a, const igj_username_t *name,
    uint32_t *place)
{
    char      *text;
    uint32_t   segment;

    if (a->count % IGJ_BATCH_ACCOUNTS != 0) {
        *igj_accounts_at(a, a->end - 1) = '\n';

    } else {
        *place = igj_accounts_batch_begin(a->end);
        segment = *place / IGJ_ACCOUNTS_SEGMENT;

        if (segment == IGJ_ACCOUNTS_SEGMENTS) {
            return IGJ_ERROR;
        }

        if (segment == a->nsegments) {
            text = igj_accounts_alloc(a, igj_accounts_segment_size(segment));

            if (text == NULL) {
                return IGJ_ERROR;
            }

            a->segment[a->nsegments++] = text;
        }

        a->end = *place;
    }

    *place = a->end;
    text = igj_accounts_at(a, a->end);
    memcpy(text, name->text, sizeof(name->text));
    text[name->len] = '\0';

    a->end += name->len + 1u;
    a->count++;

    return IGJ_OK;
}


/* Keeps the name unless it is there already. */
static int
igj_accounts_settle_one(igj_accounts_t *a, const igj_accounts_entry_t *entry)
{
    uint32_t  *slot, place;

    slot = igj_accounts_slot(a, &a->table, entry);

    if (*slot != 0
        || (a->old.slots != NULL
            && *igj_accounts_slot(a, &a->old, entry) != 0))
    {
        a->duplicates++;
        return IGJ_OK;
    }

    if (a->count == IGJ_MAX_ACCOUNTS
        || igj_accounts_store(a, &entry->name, &place) != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    *slot = igj_accounts_tag(entry->hash) | place;

    return IGJ_OK;
}


static int
igj_accounts_settle(igj_accounts_t *a)
{
    unsigned  i;

    if (igj_accounts_make_room(a) != IGJ_OK) {
        return IGJ_ERROR;
    }

    for (i = 0; i < a->nwaiting; i++) {
        if (igj_accounts_settle_one(a, &a->waiting[i]) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    a->nwaiting = 0;

    return IGJ_OK;
}


int
igj_accounts_add(igj_accounts_t *a, const igj_username_t *name)
{
    igj_accounts_entry_t  *entry;

    if (a->nwaiting == IGJ_ACCOUNTS_WAITING
        && igj_accounts_settle(a) != IGJ_OK)
    {
        return IGJ_ERROR;
    }

    entry = &a->waiting[a->nwaiting++];
    entry->name = *name;
    entry->hash = igj_accounts_hash(a, name->text);

    igj_accounts_prefetch(&a->table, entry->hash);
    igj_accounts_prefetch(&a->old, entry->hash);

    return IGJ_OK;
}


int
igj_accounts_finish(igj_accounts_t *a)
{
    int  rc;

    rc = igj_accounts_settle(a);
    igj_accounts_tables_free(a);

    return rc;
}


uint32_t
igj_accounts_batches(const igj_accounts_t *a)
{
    return (a->count + IGJ_BATCH_ACCOUNTS - 1) / IGJ_BATCH_ACCOUNTS;
}


int
igj_accounts_next(const igj_accounts_t *a, igj_accounts_iter_t *iter,
    igj_accounts_batch_t *batch)
{
    uint32_t  begin, left;

    if (iter->next == igj_accounts_batches(a)) {
        return 0;
    }

    begin = igj_accounts_batch_begin(iter->place);
    left = a->count - iter->next * IGJ_BATCH_ACCOUNTS;

    batch->number = iter->next;
    batch->count = (left < IGJ_BATCH_ACCOUNTS) ? left : IGJ_BATCH_ACCOUNTS;
    batch->names.data = igj_accounts_at(a, begin);
    batch->names.len = strlen(batch->names.data);

    iter->next++;
    iter->place = begin + (uint32_t) batch->names.len + 1;

    return 1;
}


size_t
igj_accounts_text_max(const igj_accounts_t *a)
{
    return igj_accounts_batches(a) * 2
           + (size_t) a->count * (IGJ_USERNAME_MAX + 1);
}


size_t
igj_accounts_text(const igj_accounts_t *a, char *text)
{
    char                  *p;
    igj_accounts_iter_t    next;
    igj_accounts_batch_t   batch;

    p = text;
    memset(&next, 0, sizeof(igj_accounts_iter_t));

    while (igj_accounts_next(a, &next, &batch)) {

        if (p != text) {
            *p++ = '\n';
            *p++ = '\n';
        }

        memcpy(p, batch.names.data, batch.names.len);
        p += batch.names.len;
    }

    return (size_t) (p - text);
}
