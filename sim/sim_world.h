/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The simulated world: accounts, their followers and the people behind them,
 * by arithmetic from the seed; nothing is stored.
 *
 *   mix(x)      z = x + 0x9e3779b97f4a7c15
 *               z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9
 *               z = (z ^ z >> 27) * 0x94d049bb133111eb
 *               z ^ z >> 31                              (all mod 2^64)
 *   fnv(s)      h = 0xcbf29ce484222325; per byte h = (h ^ byte) *
 *               0x100000001b3
 *
 *   a = mix(seed ^ fnv(account name in lower case))
 *   S = shared people, a power of two; o = overlap in per cent
 *
 * Follower k = 0, 1, ... of the account is person p:
 *   shared, if floor((k+1)*o/100) > floor(k*o/100) and r = floor(k*o/100) < S:
 *       p = (a + r * ((a >> 32) * 2 + 1)) mod S
 *   else the account's own:
 *       p = S + ((a >> 30) << 24) + k
 *
 * No person follows an account twice.  Person p has the id p + 1 and the bytes
 * b0 ... b7 of mix(seed ^ mix(p)), b0 the lowest.  One of n is chosen by a
 * byte as pick(b, n) = floor(b * n / 256):
 *   b0 culture   b1 sex: below 12 a brand (gender unknown), else odd female,
 *   even male    b2 given name    b3 family name    b4 style of the full name
 *   b5 style of the user name     b6 emoji, job, word
 *   b7 below 90 private, 255 verified
 * A brand's name is brand b2, a space, trade b3, whatever b4 and b5 say.
 *
 * Full name by b4 (g given, f family name):
 *   0-139 "g f"          140-159 "g"           160-179 empty
 *   180-195 "g f emoji"  196-203 "g f" in bold mathematical letters
 *   204-211 A-Z only     212-219 a-z only      220-225 "g f (she/her)" or
 *   "(he/him)"           226-233 "Dr. g f"     234-241 "g f • job"
 *   242-247 "emoji g emoji"                    248-251 in full-width letters
 *   252-255 "f g"
 * Letters other than A-Z and a-z are never changed.
 *
 * User name: stem, separator, p in base 36.  Stem by b5 (Latin spellings):
 *   0-89 "g_f" _         90-139 "g.f" .        140-189 "gf" _
 *   190-219 "g" _        220-235 "itsg" _      236-255 word _
 * a brand: "brandtrade" _.  A stem is cut to 17 bytes, then trailing dots and
 * underscores are removed.
 *
 * Any thread; all functions are pure after sim_world_init().
 */

#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "sim_names.h"
#include "sim_text.h"

#define SIM_FOLLOWERS_MAX  16777215    /* followers of one account */
#define SIM_USERNAME_MAX   64          /* room for a simulated user name */
#define SIM_FULL_NAME_MAX  512         /* room for a simulated full name */

enum sim_account_kind {
    SIM_ACCOUNT_PLAIN,
    SIM_ACCOUNT_OFFICIALS,
    SIM_ACCOUNT_PRIVATE,
    SIM_ACCOUNT_MISSING,
    SIM_ACCOUNT_EMPTY,
    SIM_ACCOUNT_BLOCKED,
    SIM_ACCOUNT_BROKEN
};

enum sim_gender {
    SIM_MALE_GENDER,
    SIM_FEMALE_GENDER,
    SIM_UNKNOWN_GENDER
};

struct sim_account {
    enum sim_account_kind   kind;
    uint64_t                key;         /* "a" above */
    uint32_t                followers;   /* 0 for the kinds with an error */
};

struct sim_person {
    uint64_t                 number;     /* "p" above */
    uint64_t                 bits;       /* b0 ... b7 */
    enum sim_gender          gender;
    const struct sim_name   *given;      /* a brand's first half */
    const struct sim_name   *family;     /* a brand's second half */
};

/*
 * Prepares names and officials; a file that cannot be read, or a line in it
 * without a user name, ends the program (1).
 */
void sim_world_init(void);
void sim_world_free(void);

uint64_t sim_mix(uint64_t x);
uint64_t sim_fnv(const char *s);

/* What the account of that (lower-case) name is, by its name alone. */
struct sim_account sim_world_account(const char *name);

/* Number of follower k of a plain account, k < followers. */
uint64_t sim_world_follower(uint64_t key, uint64_t k);

struct sim_person sim_world_person(uint64_t number);

/*
 * Write without a NUL and return the end; room as named above.  No byte that
 * JSON would escape.
 */
char *sim_world_username(const struct sim_person *person, char *p);
char *sim_world_full_name(const struct sim_person *person, char *p);

/* "male", "female", "unknown" */
const char *sim_gender_word(enum sim_gender gender);

/* Officials, in the order of their file; the texts are ready-made JSON. */
struct sim_official {
    char  *id;
    char  *username;
    char  *full_name;
    char  *gender;
};

uint32_t sim_world_officials(void);
const struct sim_official *sim_world_official(uint32_t k);

#endif
