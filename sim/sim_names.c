/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Indexes sim_names.def by culture, sex and position. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_names.h"


enum sim_entry_kind {
    SIM_CULTURE,
    SIM_FEMALE,
    SIM_MALE,
    SIM_LAST,
    SIM_LAST_FEMALE,
    SIM_LAST_MALE,
    SIM_EMOJI,
    SIM_JOB,
    SIM_WORD,
    SIM_BRAND,
    SIM_TRADE
};

struct sim_entry {
    enum sim_entry_kind   kind;
    const char           *text;
    const char           *latin;
};


static const struct sim_entry  sim_entries[] = {
#define C(text)          { SIM_CULTURE, text, "" },
#define F(text, latin)   { SIM_FEMALE, text, latin },
#define M(text, latin)   { SIM_MALE, text, latin },
#define L(text, latin)   { SIM_LAST, text, latin },
#define LF(text, latin)  { SIM_LAST_FEMALE, text, latin },
#define LM(text, latin)  { SIM_LAST_MALE, text, latin },
#define E(text)          { SIM_EMOJI, text, "" },
#define J(text)          { SIM_JOB, text, "" },
#define W(text)          { SIM_WORD, text, text },
#define B(text, latin)   { SIM_BRAND, text, latin },
#define T(text, latin)   { SIM_TRADE, text, latin },
#include "sim_names.def"
};

struct sim_names  sim_names;


static void
sim_names_add(struct sim_name_list *list, const struct sim_entry *entry)
{
    struct sim_name  *name;

    if (list->n == SIM_LIST_MAX) {
        (void) fprintf(stderr, "igjobs-sim: too many names at \"%s\"\n",
                       entry->text);
        abort();
    }

    name = &list->name[list->n++];

    name->text = entry->text;
    name->len = strlen(entry->text);
    name->latin = entry->latin;
    name->latin_len = strlen(entry->latin);
}


static void
sim_names_add_person(struct sim_culture *culture,
    const struct sim_entry *entry)
{
    if (entry->kind == SIM_FEMALE || entry->kind == SIM_MALE) {
        sim_names_add(&culture->first[entry->kind == SIM_FEMALE], entry);
        return;
    }

    if (entry->kind != SIM_LAST_FEMALE) {
        sim_names_add(&culture->last[0], entry);
    }

    if (entry->kind != SIM_LAST_MALE) {
        sim_names_add(&culture->last[1], entry);
    }
}


void
sim_names_init(void)
{
    size_t                   i;
    const struct sim_entry  *entry;

    memset(&sim_names, 0, sizeof(sim_names));

    for (i = 0; i < sizeof(sim_entries) / sizeof(sim_entries[0]); i++) {
        entry = &sim_entries[i];

        switch (entry->kind) {

        case SIM_CULTURE:
            if (sim_names.n == SIM_CULTURES_MAX) {
                abort();
            }

            sim_names.n++;
            break;

        case SIM_EMOJI:
            sim_names_add(&sim_names.emoji, entry);
            break;

        case SIM_JOB:
            sim_names_add(&sim_names.job, entry);
            break;

        case SIM_WORD:
            sim_names_add(&sim_names.word, entry);
            break;

        case SIM_BRAND:
            sim_names_add(&sim_names.brand, entry);
            break;

        case SIM_TRADE:
            sim_names_add(&sim_names.trade, entry);
            break;

        default:
            sim_names_add_person(&sim_names.culture[sim_names.n - 1], entry);
            break;
        }
    }
}
