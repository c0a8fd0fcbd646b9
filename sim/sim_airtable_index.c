/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Hash tables from values to record numbers. */

#include <stdlib.h>
#include <string.h>

#include "sim_airtable_index.h"
#include "sim_text.h"

#define SIM_AIR_SLOTS_MIN  64


void
sim_air_numbers_add(struct sim_air_numbers *numbers, uint32_t number)
{
    if (numbers->n == numbers->max) {
        numbers->max = numbers->max > 0 ? numbers->max * 2 : 128;
        numbers->number = sim_realloc(numbers->number,
                                      numbers->max * sizeof(uint32_t));
    }

    numbers->number[numbers->n++] = number;
}


struct sim_air_index *
sim_air_index_new(const int *field, int fields)
{
    struct sim_air_index  *index;

    index = sim_alloc(sizeof(struct sim_air_index));
    index->fields = fields;
    memcpy(index->field, field, (size_t) fields * sizeof(int));

    return index;
}


void
sim_air_index_free(struct sim_air_index *index)
{
    size_t  i;

    for (i = 0; i < index->slots; i++) {
        if (index->slot[i].max > 0) {
            free(index->slot[i].number.many);
        }
    }

    free(index->slot);
    free(index->taken);
    free(index);
}


/* The slot of a hash: its group's, or the free one where it would stand. */

static size_t
sim_air_index_slot(const struct sim_air_index *index, uint64_t hash)
{
    size_t  i;

    i = (size_t) hash & (index->slots - 1);

    while (index->taken[i] && index->slot[i].hash != hash) {
        i = (i + 1) & (index->slots - 1);
    }

    return i;
}


static uint32_t *
sim_air_group_numbers(struct sim_air_group *group)
{
    return group->max > 0 ? group->number.many : &group->number.one;
}


/* Twice the slots; groups without records are left behind. */

static void
sim_air_index_grow(struct sim_air_index *index)
{
    size_t                 i, at, slots;
    unsigned char         *taken;
    struct sim_air_group  *slot;

    slot = index->slot;
    taken = index->taken;
    slots = index->slots;

    index->slots = slots > 0 ? slots * 2 : SIM_AIR_SLOTS_MIN;
    index->slot = sim_alloc(index->slots * sizeof(struct sim_air_group));
    index->taken = sim_alloc(index->slots);
    index->used = 0;

    for (i = 0; i < slots; i++) {
        if (!taken[i]) {
            continue;
        }

        if (slot[i].n == 0) {
            if (slot[i].max > 0) {
                free(slot[i].number.many);
            }

            continue;
        }

        at = sim_air_index_slot(index, slot[i].hash);
        index->slot[at] = slot[i];
        index->taken[at] = 1;
        index->used++;
    }

    free(slot);
    free(taken);
}


/* Where a number stands in the group, or would stand. */

static uint32_t
sim_air_group_place(struct sim_air_group *group, uint32_t number)
{
    uint32_t         low, high, middle;
    const uint32_t  *numbers;

    low = 0;
    high = group->n;
    numbers = sim_air_group_numbers(group);

    while (low < high) {
        middle = low + (high - low) / 2;

        if (numbers[middle] < number) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


static void
sim_air_group_add(struct sim_air_group *group, uint32_t number)
{
    uint32_t   place, *numbers;

    place = sim_air_group_place(group, number);

    if (group->n == 1 && group->max == 0) {
        numbers = sim_alloc(4 * sizeof(uint32_t));
        numbers[0] = group->number.one;
        group->number.many = numbers;
        group->max = 4;

    } else if (group->max > 0 && group->n == group->max) {
        group->max *= 2;
        group->number.many = sim_realloc(group->number.many,
                                         group->max * sizeof(uint32_t));
    }

    numbers = sim_air_group_numbers(group);
    memmove(numbers + place + 1, numbers + place,
            (group->n - place) * sizeof(uint32_t));
    numbers[place] = number;
    group->n++;
}


void
sim_air_index_add(struct sim_air_index *index, uint64_t hash, uint32_t number)
{
    size_t                 at;
    struct sim_air_group  *group;

    if (index->used * 4 >= index->slots * 3) {
        sim_air_index_grow(index);
    }

    at = sim_air_index_slot(index, hash);
    group = &index->slot[at];

    if (!index->taken[at]) {
        index->taken[at] = 1;
        index->used++;
        group->hash = hash;
    }

    index->distinct += group->n == 0;
    index->entries++;
    sim_air_group_add(group, number);
}


void
sim_air_index_remove(struct sim_air_index *index, uint64_t hash,
    uint32_t number)
{
    size_t                 at;
    uint32_t               place, *numbers;
    struct sim_air_group  *group;

    at = index->slots > 0 ? sim_air_index_slot(index, hash) : 0;

    if (index->slots == 0 || !index->taken[at]) {
        return;
    }

    group = &index->slot[at];
    numbers = sim_air_group_numbers(group);
    place = sim_air_group_place(group, number);

    if (place == group->n || numbers[place] != number) {
        return;
    }

    group->n--;
    memmove(numbers + place, numbers + place + 1,
            (group->n - place) * sizeof(uint32_t));
    index->entries--;
    index->distinct -= group->n == 0;
}


const uint32_t *
sim_air_index_find(const struct sim_air_index *index, uint64_t hash, size_t *n)
{
    size_t  at;

    *n = 0;

    if (index->slots == 0) {
        return NULL;
    }

    at = sim_air_index_slot(index, hash);

    if (!index->taken[at] || index->slot[at].n == 0) {
        return NULL;
    }

    *n = index->slot[at].n;

    return sim_air_group_numbers(&index->slot[at]);
}
