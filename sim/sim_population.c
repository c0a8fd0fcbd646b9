/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Streams the truth about an account's followers. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim_population.h"
#include "sim_world.h"

#define SIM_LINE_ROOM  2048


struct sim_population {
    struct sim_stream    stream;
    struct sim_account   account;
    uint64_t             k;
    uint64_t             end;
    struct sim_text      line;       /* the part not yet given */
    size_t               at;
};


static char *
sim_put(char *p, const char *s)
{
    return sim_copy(p, s, strlen(s));
}


static char *
sim_population_official(char *p, uint32_t k)
{
    const struct sim_official  *o;

    o = sim_world_official(k);

    p = sim_put(sim_put(p, "{\"id\":"), o->id);
    p = sim_put(sim_put(p, ",\"username\":"), o->username);
    p = sim_put(sim_put(p, ",\"full_name\":"), o->full_name);
    p = sim_put(sim_put(p, ",\"gender\":"), o->gender);

    return sim_put(p, "}\n");
}


static char *
sim_population_line(const struct sim_population *s, char *p)
{
    struct sim_person  person;

    if (s->account.kind == SIM_ACCOUNT_OFFICIALS) {
        return sim_population_official(p, (uint32_t) s->k);
    }

    person = sim_world_person(sim_world_follower(s->account.key, s->k));

    p = sim_decimal(sim_put(p, "{\"id\":\""), person.number + 1);
    p = sim_world_username(&person, sim_put(p, "\",\"username\":\""));
    p = sim_world_full_name(&person, sim_put(p, "\",\"full_name\":\""));
    p = sim_put(p, "\",\"gender\":\"");
    p = sim_put(p, sim_gender_word(person.gender));

    return sim_put(p, "\"}\n");
}


static size_t
sim_population_read(struct sim_stream *stream, char *buf, size_t max)
{
    size_t                  n, piece;
    struct sim_population  *s = (struct sim_population *) stream;

    for (n = 0; n < max; n += piece) {
        if (s->at == s->line.len) {
            if (s->k == s->end) {
                break;
            }

            s->at = 0;
            s->line.len = (size_t) (sim_population_line(s, s->line.data)
                                    - s->line.data);
            s->k++;
        }

        piece = s->line.len - s->at;
        piece = piece < max - n ? piece : max - n;
        memcpy(buf + n, s->line.data + s->at, piece);
        s->at += piece;
    }

    return n;
}


static void
sim_population_close(struct sim_stream *stream)
{
    struct sim_population  *s = (struct sim_population *) stream;

    sim_text_free(&s->line);
    free(s);
}


struct sim_stream *
sim_population(const char *account, uint64_t offset, uint64_t count)
{
    char                   *name, *p;
    struct sim_population  *s;

    s = sim_alloc(sizeof(struct sim_population));
    name = sim_strdup(account);

    for (p = name; *p != '\0'; p++) {
        *p = (char) tolower((unsigned char) *p);
    }

    s->stream.read = sim_population_read;
    s->stream.close = sim_population_close;
    s->account = sim_world_account(name);
    sim_text_room(&s->line, SIM_LINE_ROOM);
    free(name);

    s->end = s->account.followers;
    s->k = offset < s->end ? offset : s->end;

    if (count < s->end - s->k) {
        s->end = s->k + count;
    }

    return &s->stream;
}
