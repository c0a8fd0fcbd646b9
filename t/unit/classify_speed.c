/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * How long a profile takes in one thread, in processor time; printed, not
 * judged.  An argument sets the number of profiles:
 *
 *     build/t/classify_speed 1000000
 */

#include <stdlib.h>
#include <time.h>

#include "igj_classify.h"
#include "tap.h"


#define PROFILES  100000


/* What profiles look like, user names included: {full name, user name}. */
static const char *const  profiles[][2] = {
    { "Maria Garcia", "mariagarcia98" }, { "Robert Miller", "rob.miller" },
    { "𝓙𝓮𝓼𝓼𝓲𝓬𝓪 🌸", "jess_ica" }, { "Jean-Pierre Blanc", "jpblanc" },
    { "", "thereal_amanda" }, { "Kim Min-ji", "minji.kim_" },
    { "Ольга Петрова", "olya_petrova" }, { "Alex (she/her)", "alexandria" },
    { "Dr. Anna Schneider", "annas" }, { "Boutique Maria", "boutiquemaria" },
    { "✨ wanderlust ✨", "sunset_lover22" }, { "J. K.", "jk1990" },
    { "Nguyễn Thị Lan", "lan.nguyen" }, { "محمد أحمد", "m_ahmed" },
    { "Andrea Bertolini", "andreab" }, { "Thandeka M | Cape Town", "tm_cpt" },
    { "Xoliswa", "xoli" }, { "Oluwaseyifunmi A.", "seyi_a" },
    { "SMITH John", "jsmith" }, { "mom of three 👩", "threeboys" },
    { "Priya Sharma", "priyaa.sharma" }, { "Simran Kaur", "simi_k" },
    { "Anna & Tom", "annaandtom" }, { "田中 太郎", "taro_t" }
};

#define COUNT  (sizeof(profiles) / sizeof(profiles[0]))


int
main(int argc, char **argv)
{
    long              i, n, decided;
    size_t            k, len[COUNT][2];
    double            us;
    struct timespec   begin, end;
    igj_name_table_t  table;
    igj_classified_t  out;

    n = argc > 1 ? strtol(argv[1], NULL, 10) : PROFILES;
    decided = 0;

    if (!ok(igj_names_builtin(&table) == NULL, "the table is whole")) {
        return done_testing();
    }

    for (k = 0; k < COUNT; k++) {
        len[k][0] = strlen(profiles[k][0]);
        len[k][1] = strlen(profiles[k][1]);
    }

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);

    for (i = 0, k = 0; i < n; i++, k = k + 1 == COUNT ? 0 : k + 1) {
        igj_classify(&table, profiles[k][0], len[k][0], profiles[k][1],
                     len[k][1], &out);
        decided += out.gender != IGJ_GENDER_UNKNOWN;
    }

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);

    us = (double) (end.tv_sec - begin.tv_sec) * 1e6
         + (double) (end.tv_nsec - begin.tv_nsec) / 1e3;
    printf("# %ld profiles, %.3f us each, %ld decided\n", n, us / (double) n,
           decided);

    ok(decided > n / 2, "most profiles are decided");

    return done_testing();
}
