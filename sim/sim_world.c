/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Accounts, followers and people; the arithmetic is told in sim_world.h. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim_conf.h"
#include "sim_officials.h"
#include "sim_world.h"

#define SIM_STEM_MAX     17
#define SIM_BRAND_BELOW  12
#define SIM_HUGE         "huge_"


struct sim_prefix {
    const char             *prefix;
    enum sim_account_kind   kind;
};

static const struct sim_prefix  sim_prefixes[] = {
    { "private_", SIM_ACCOUNT_PRIVATE },
    { "missing_", SIM_ACCOUNT_MISSING },
    { "empty_", SIM_ACCOUNT_EMPTY },
    { "blocked_", SIM_ACCOUNT_BLOCKED },
    { "broken_", SIM_ACCOUNT_BROKEN },
};

static uint64_t  sim_seed;
static uint64_t  sim_shared;        /* a power of two */
static uint64_t  sim_overlap;       /* per cent */


void
sim_world_init(void)
{
    sim_names_init();
    sim_officials_load();

    sim_seed = (uint64_t) sim_conf.seed;
    sim_overlap = (uint64_t) sim_conf.overlap;

    for (sim_shared = 1; sim_shared < (uint64_t) sim_conf.shared_people;
         sim_shared *= 2)
    {
        /* the next power of two */
    }
}


void
sim_world_free(void)
{
    sim_officials_free();
}


uint64_t
sim_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;

    return x ^ (x >> 31);
}


uint64_t
sim_fnv(const char *s)
{
    uint64_t  h;

    for (h = 0xcbf29ce484222325ULL; *s != '\0'; s++) {
        h = (h ^ (unsigned char) *s) * 0x100000001b3ULL;
    }

    return h;
}


static int
sim_world_has_officials(const char *name)
{
    int  i;

    if (strcmp(name, "public_officials") == 0) {
        return 1;
    }

    for (i = 0; i < sim_conf.officials_accounts.n; i++) {
        if (strcasecmp(name, sim_conf.officials_accounts.value[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


static enum sim_account_kind
sim_world_kind(const char *name)
{
    size_t  i;

    if (sim_world_has_officials(name)) {
        return SIM_ACCOUNT_OFFICIALS;
    }

    for (i = 0; i < sizeof(sim_prefixes) / sizeof(sim_prefixes[0]); i++) {
        if (strncmp(name, sim_prefixes[i].prefix,
                    strlen(sim_prefixes[i].prefix)) == 0)
        {
            return sim_prefixes[i].kind;
        }
    }

    return SIM_ACCOUNT_PLAIN;
}


/* The n of huge_<n> or huge_<n>_anything, else the setting. */

static uint32_t
sim_world_count(const char *name)
{
    unsigned long long   n;
    char                *end;
    const char          *digits;

    if (strncmp(name, SIM_HUGE, strlen(SIM_HUGE)) == 0) {
        digits = name + strlen(SIM_HUGE);
        n = strtoull(digits, &end, 10);

        if (isdigit((unsigned char) *digits)
            && (*end == '\0' || *end == '_' || *end == '.'))
        {
            return n < SIM_FOLLOWERS_MAX ? (uint32_t) n : SIM_FOLLOWERS_MAX;
        }
    }

    return (uint32_t) sim_conf.followers;
}


struct sim_account
sim_world_account(const char *name)
{
    struct sim_account  account;

    account.kind = sim_world_kind(name);
    account.key = sim_mix(sim_seed ^ sim_fnv(name));
    account.followers = 0;

    if (account.kind == SIM_ACCOUNT_PLAIN) {
        account.followers = sim_world_count(name);

    } else if (account.kind == SIM_ACCOUNT_OFFICIALS) {
        account.followers = sim_world_officials();
    }

    return account;
}


uint64_t
sim_world_follower(uint64_t key, uint64_t k)
{
    uint64_t  rank;

    rank = k * sim_overlap / 100;

    if ((k + 1) * sim_overlap / 100 > rank && rank < sim_shared) {
        return (key + rank * ((key >> 32) * 2 + 1)) & (sim_shared - 1);
    }

    return sim_shared + ((key >> 30) << 24) + k;
}


static unsigned
sim_byte(uint64_t bits, unsigned n)
{
    return (unsigned) (bits >> (8 * n)) & 255;
}


static const struct sim_name *
sim_pick(const struct sim_name_list *list, uint64_t bits, unsigned n)
{
    return &list->name[(sim_byte(bits, n) * list->n) >> 8];
}


struct sim_person
sim_world_person(uint64_t number)
{
    unsigned                   sex;
    struct sim_person          person;
    const struct sim_culture  *culture;

    person.number = number;
    person.bits = sim_mix(sim_seed ^ sim_mix(number));

    sex = sim_byte(person.bits, 1);

    if (sex < SIM_BRAND_BELOW) {
        person.gender = SIM_UNKNOWN_GENDER;
        person.given = sim_pick(&sim_names.brand, person.bits, 2);
        person.family = sim_pick(&sim_names.trade, person.bits, 3);
        return person;
    }

    culture = &sim_names.culture[(sim_byte(person.bits, 0) * sim_names.n) >> 8];

    person.gender = sex & 1 ? SIM_FEMALE_GENDER : SIM_MALE_GENDER;
    person.given = sim_pick(&culture->first[person.gender], person.bits, 2);
    person.family = sim_pick(&culture->last[person.gender], person.bits, 3);

    return person;
}


const char *
sim_gender_word(enum sim_gender gender)
{
    static const char  *words[] = { "male", "female", "unknown" };

    return words[gender];
}


static char *
sim_latin(char *p, const struct sim_name *name)
{
    return sim_copy(p, name->latin, name->latin_len);
}


/* Writes the stem of a user name; *separator follows it. */

static char *
sim_world_stem(const struct sim_person *person, char *p, char *separator)
{
    unsigned  style;

    style = sim_byte(person->bits, 5);
    *separator = '_';

    if (person->gender == SIM_UNKNOWN_GENDER) {
        style = 140;                   /* a brand: both halves in one */

    } else if (style >= 236) {
        return sim_latin(p, sim_pick(&sim_names.word, person->bits, 6));

    } else if (style >= 220) {
        return sim_latin(sim_copy(p, "its", 3), person->given);

    } else if (style >= 90 && style < 140) {
        *separator = '.';
    }

    p = sim_latin(p, person->given);

    if (style >= 190) {
        return p;
    }

    if (style < 140) {
        *p++ = *separator;
    }

    return sim_latin(p, person->family);
}


char *
sim_world_username(const struct sim_person *person, char *p)
{
    char  *start, separator;

    start = p;
    p = sim_world_stem(person, p, &separator);

    if (p - start > SIM_STEM_MAX) {
        p = start + SIM_STEM_MAX;
    }

    while (p[-1] == '.' || p[-1] == '_') {
        p--;
    }

    *p++ = separator;

    return sim_base36(p, person->number);
}


static char *
sim_utf8(char *p, uint32_t c)
{
    if (c < 0x10000) {
        *p++ = (char) (0xe0 | (c >> 12));

    } else {
        *p++ = (char) (0xf0 | (c >> 18));
        *p++ = (char) (0x80 | ((c >> 12) & 0x3f));
    }

    *p++ = (char) (0x80 | ((c >> 6) & 0x3f));
    *p++ = (char) (0x80 | (c & 0x3f));

    return p;
}


/* Copies s with A-Z at code point upper and a-z at lower. */

static char *
sim_letters(char *p, const char *s, size_t n, uint32_t upper, uint32_t lower)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (s[i] >= 'A' && s[i] <= 'Z') {
            p = sim_utf8(p, upper + (uint32_t) (s[i] - 'A'));

        } else if (s[i] >= 'a' && s[i] <= 'z') {
            p = sim_utf8(p, lower + (uint32_t) (s[i] - 'a'));

        } else {
            *p++ = s[i];
        }
    }

    return p;
}


static char *
sim_case(char *p, const char *s, size_t n, int upper)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (upper && s[i] >= 'a' && s[i] <= 'z') {
            *p++ = (char) (s[i] - 'a' + 'A');

        } else if (!upper && s[i] >= 'A' && s[i] <= 'Z') {
            *p++ = (char) (s[i] - 'A' + 'a');

        } else {
            *p++ = s[i];
        }
    }

    return p;
}


static char *
sim_pair(char *p, const struct sim_name *a, const struct sim_name *b)
{
    p = sim_copy(p, a->text, a->len);
    *p++ = ' ';

    return sim_copy(p, b->text, b->len);
}


/* The styles that change letters; "g f" is in plain. */

static char *
sim_world_lettered(unsigned style, const char *plain, size_t n, char *p)
{
    if (style < 204) {
        return sim_letters(p, plain, n, 0x1d400, 0x1d41a);
    }

    if (style < 220) {
        return sim_case(p, plain, n, style < 212);
    }

    return sim_letters(p, plain, n, 0xff21, 0xff41);
}


/* The styles that add something to the name. */

static char *
sim_world_decorated(const struct sim_person *person, unsigned style, char *p)
{
    const struct sim_name  *extra;

    extra = sim_pick(style >= 234 && style < 242 ? &sim_names.job
                                                 : &sim_names.emoji,
                     person->bits, 6);

    if (style < 196) {
        p = sim_pair(p, person->given, person->family);
        *p++ = ' ';
        return sim_copy(p, extra->text, extra->len);
    }

    if (style < 226) {
        p = sim_pair(p, person->given, person->family);
        return person->gender == SIM_FEMALE_GENDER
               ? sim_copy(p, " (she/her)", 10) : sim_copy(p, " (he/him)", 9);
    }

    if (style < 234) {
        p = sim_copy(p, "Dr. ", 4);
        return sim_pair(p, person->given, person->family);
    }

    if (style < 242) {
        p = sim_pair(p, person->given, person->family);
        p = sim_copy(p, " • ", strlen(" • "));
        return sim_copy(p, extra->text, extra->len);
    }

    p = sim_copy(p, extra->text, extra->len);
    *p++ = ' ';
    p = sim_pair(p, person->given, extra);

    return p;
}


char *
sim_world_full_name(const struct sim_person *person, char *p)
{
    char      plain[SIM_FULL_NAME_MAX], *end;
    unsigned  style;

    style = sim_byte(person->bits, 4);

    if (style < 140 || person->gender == SIM_UNKNOWN_GENDER) {
        return sim_pair(p, person->given, person->family);
    }

    if (style < 160) {
        return sim_copy(p, person->given->text, person->given->len);
    }

    if (style < 180) {
        return p;
    }

    if (style >= 252) {
        return sim_pair(p, person->family, person->given);
    }

    if ((style >= 196 && style < 220) || style >= 248) {
        end = sim_pair(plain, person->given, person->family);
        return sim_world_lettered(style, plain, (size_t) (end - plain), p);
    }

    return sim_world_decorated(person, style, p);
}
