/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Which rule decides, and on what evidence; any input in bounded time. */

#include <pthread.h>
#include <stdlib.h>

#include "igj_classify.h"
#include "igj_tokens.h"
#include "tap.h"


typedef struct {
    const char  *name;
    const char  *username;
    char         gender;         /* f, m, u */
    const char  *evidence;       /* NULL: any */
} case_t;


static igj_name_table_t  table;


static const case_t  cases[] = {

    /* nothing to go by */
    { "", "", 'u', "" }, { " .-_ ", "__", 'u', "" }, { "42", "7", 'u', "" },

    /* pronouns go before names, neutral ones too */
    { "Maria", "", 'f', "name:maria" },
    { "Maria (he/him)", "", 'm', "pronoun:he/him" },
    { "Robert (they/them)", "maria", 'u', "pronoun:they/them" },
    { "Robert she/they", "", 'u', "pronoun:she/they" },
    { "Her", "", 'u', NULL },

    /* shops are nobody, whatever the user name */
    { "Maria Boutique", "maria", 'u', "nonperson:boutique" },
    { "", "maria_shop", 'u', "" },
    { "Maria | Travel", "", 'f', "name:maria" },
    { "Jonas Støre", "", 'm', "name:jonas" },

    /* titles */
    { "Mrs Robert Miller", "", 'f', "title:mrs" },
    { "Mrs", "", 'u', NULL },
    { "Dr. Maria", "", 'f', "name:maria" },
    { "Prof. Dr. Miller", "", 'u', NULL },
    { "Queen Latoya", "", 'f', NULL },

    /* places of a name */
    { "Xyzqw Maria Xyzqw", "", 'f', "name:maria" },
    { "Smith, Maria", "", 'f', "name:maria" },
    { "MILLER Maria", "", 'f', "name:maria" },
    { "Smith", "", 'u', NULL },
    { "J. K. Smith", "", 'u', NULL },
    { "Smith (Maria)", "", 'f', "name:maria" },
    { "NYC | Maria", "", 'f', "name:maria" },
    { "Jean-Marie", "", 'm', NULL },
    { "Marie-Jean", "", 'f', "name:marie" },
    { "Maria Martin", "", 'f', "name:maria" },
    { "van Buren, Maria", "", 'f', "name:maria" },
    { "Maria & Robert", "", 'u', "couple" },
    { "Maria & Anna", "", 'f', "name:maria" },
    { "Maria E. Robert", "", 'f', "name:maria" },

    /* family names and what stands around them */
    { "Q. Gorbunova", "", 'f', "surname:gorbunova" },
    { "Q. Gorbunov", "", 'm', "surname:gorbunov" },
    { "Gurpreet Kaur", "", 'f', NULL },
    { "Gita d/o Raman", "", 'f', NULL },
    { "Xyzqw binti Ahmad", "", 'f', "marker:binti" },

    /* countries */
    { "Andrea", "", 'f', "name:andrea" },
    { "Andrea Bertolini", "", 'm', "name:andrea" },
    { "Andrea Zimmermann", "", 'f', "name:andrea" },

    /* East Asian names */
    { "Kim Min-hee", "", 'f', NULL }, { "Park Dong-wook", "", 'm', NULL },
    { "Min-hee Kim", "", 'f', NULL }, { "Wang Yan", "", 'u', NULL },
    { "Nguyen Thi Xyz", "", 'f', NULL }, { "Jason Lee", "", 'm', "name:jason" },
    { "王芳", "", 'f', "name:王芳" }, { "김민준", "", 'm', NULL },

    /* weak hints only after names */
    { "mom of three", "", 'f', "word:mom" },
    { "Robert, dad and mom", "", 'm', "name:robert" },
    { "👩", "", 'f', "emoji:woman" }, { "👨👩", "", 'u', "" },
    { "Robert 👩", "", 'm', "name:robert" },

    /* user names only where the name left it open */
    { "Robert", "maria", 'm', "name:robert" },
    { "✨", "maria.smith", 'f', "username:maria" },
    { "", "itsmaria", 'f', "username:maria" },
    { "", "mariasmith", 'f', "username:maria" },
    { "", "mariaaa", 'f', "username:maria" },
    { "", "mrs_smith", 'f', "title:mrs" },
    { "", "marketing", 'u', NULL }, { "", "kingdom", 'u', NULL },
    { "", "xmaria", 'u', NULL },

    /* styles */
    { "𝓜𝓪𝓻𝓲𝓪", "", 'f', "name:maria" }, { "Mаriа", "", 'f', "name:maria" },
    { "M A R I A", "", 'f', "name:maria" }, { "m4ria", "", 'f',
      "name:maria" },
    { "Мария", "", 'f', "name:мария" }, { "فاطمة", "", 'f', NULL }
};


static char
letter(igj_gender_e gender)
{
    return igj_gender_text(gender)[0];
}


static void
test_cases(void)
{
    size_t            i;
    const case_t     *c;
    igj_classified_t  out;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        c = &cases[i];
        igj_classify(&table, c->name, strlen(c->name), c->username,
                     strlen(c->username), &out);

        if (!ok(letter(out.gender) == c->gender
                && (c->evidence == NULL
                    || strcmp(out.evidence, c->evidence) == 0),
                "\"%s\" \"%s\" is %c", c->name, c->username, c->gender))
        {
            printf("# %c, %s\n", letter(out.gender), out.evidence);
        }
    }
}


static void
test_limits(void)
{
    char              *text;
    size_t             len;
    igj_classified_t   out;

    len = 10 * 1024 * 1024;
    text = malloc(len);

    if (text == NULL) {
        return;
    }

    memset(text, 'a', len);
    igj_classify(&table, text, len, text, len, &out);
    is(out.gender, IGJ_GENDER_UNKNOWN, "ten million letters");

    memset(text, 0xF0, len);
    igj_classify(&table, text, len, text, len, &out);
    is(out.gender, IGJ_GENDER_UNKNOWN, "ten million broken bytes");

    memset(text, ' ', len);
    (void) snprintf(text, len, "Maria");
    igj_classify(&table, text, len, "", 0, &out);
    is(out.gender, IGJ_GENDER_FEMALE, "the beginning counts");

    memset(text, ' ', len);
    (void) snprintf(text + IGJ_TOKENS_READ_MAX, 6, "Maria");
    igj_classify(&table, text, len, "", 0, &out);
    is(out.gender, IGJ_GENDER_UNKNOWN, "what is after the limit does not");

    free(text);

    igj_classify(&table, NULL, 0, NULL, 0, &out);
    is(out.gender, IGJ_GENDER_UNKNOWN, "no text at all");

    igj_classify(&table, "\0Maria\0", 7, "", 0, &out);
    is_text(out.evidence, "name:maria", "zero bytes separate");
}


/* Pieces of names, signs and noise in any order. */
static unsigned
noise(unsigned seed, char *text, size_t size)
{
    static const char *const  pieces[] = {
        "maria", "Robert", " ", ", ", "/", "she", "him", "(", ")", "\"", "-",
        "van ", "Kim", "min", "김민지", "王", "Ольга", "𝓐", "\xF0\x9F", "\xFF",
        "👩", "a/p", "Mrs ", "& ", "ova", "9", "$", "\xCC\x81", "Nguyen ",
        "thi ", "shop", ".", "प्रि", "😀", "علی", "E. ", "ANNA "
    };

    size_t       len;
    const char  *piece;

    for (len = 0; /* void */ ; len += strlen(piece)) {
        seed = seed * 1103515245 + 12345;
        piece = pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))];

        if (len + strlen(piece) >= size || (seed >> 8) % 16 == 0) {
            break;
        }

        memcpy(text + len, piece, strlen(piece));
    }

    text[len] = '\0';

    return seed;
}


static void
test_noise(void)
{
    int               i, good;
    char              name[200], username[80];
    unsigned          seed;
    igj_classified_t  out, again;

    for (good = 1, seed = 7, i = 0; i < 50000; i++) {
        seed = noise(seed, name, sizeof(name));
        seed = noise(seed, username, sizeof(username));

        igj_classify(&table, name, strlen(name), username, strlen(username),
                     &out);
        igj_classify(&table, name, strlen(name), username, strlen(username),
                     &again);

        good &= out.confidence >= 0.5f && out.confidence <= 0.99f
                && strlen(out.evidence) < IGJ_CLASSIFY_EVIDENCE
                && out.gender == again.gender
                && strcmp(out.evidence, again.evidence) == 0;
    }

    ok(good, "anything is classified, and twice the same");
}


static void *
classify_cases(void *data)
{
    int               i;
    size_t            n;
    igj_classified_t  out;

    for (i = 0; i < 200; i++) {
        for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
            igj_classify(&table, cases[n].name, strlen(cases[n].name),
                         cases[n].username, strlen(cases[n].username), &out);
            *(int *) data += letter(out.gender) != cases[n].gender;
        }
    }

    return NULL;
}


static void
test_threads(void)
{
    int        i, wrong[4] = { 0, 0, 0, 0 };
    pthread_t  thread[4];

    for (i = 0; i < 4; i++) {
        if (pthread_create(&thread[i], NULL, classify_cases, &wrong[i]) != 0) {
            ok(0, "a thread starts");
            return;
        }
    }

    for (i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
    }

    ok(wrong[0] + wrong[1] + wrong[2] + wrong[3] == 0,
       "four threads share the table");
}


int
main(void)
{
    if (!ok(igj_names_builtin(&table) == NULL, "the table is whole")) {
        return done_testing();
    }

    test_cases();
    test_limits();
    test_noise();
    test_threads();

    return done_testing();
}
