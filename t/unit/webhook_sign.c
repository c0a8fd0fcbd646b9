/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Signatures of webhooks: a known one, several secrets, what is no secret. */

#include "igj_webhook_sign.h"
#include "tap.h"


#define ID      "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIME    1614265330
#define BODY    "{\"test\": 2432232314}"
#define SECRET  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define KNOWN   "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define OTHER   "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


static char  out[IGJ_WEBHOOK_SIGNATURES_MAX];
static char  secret[128];


static int
sign(const char *secrets)
{
    return igj_webhook_sign(out, secrets, ID, TIME, BODY);
}


/* A secret of len characters of base64 that end with tail. */

static void
zeros(size_t len, const char *tail)
{
    size_t  i;

    strcpy(secret, "whsec_");

    for (i = 0; i < len - 4; i++) {
        secret[6 + i] = 'A';
    }

    strcpy(secret + 6 + i, tail);
}


static void
test_known(void)
{
    is(sign(SECRET), IGJ_OK, "one secret");
    is_text(out, KNOWN, "the known signature");

    is(igj_webhook_sign(out, SECRET, ID, TIME + 1, BODY), IGJ_OK, "later");
    ok(strcmp(out, KNOWN) != 0, "is another signature");
    is(igj_webhook_sign(out, SECRET, ID, TIME, BODY " "), IGJ_OK, "a space");
    ok(strcmp(out, KNOWN) != 0, "as well");
    is(igj_webhook_sign(out, SECRET, ID "x", TIME, BODY), IGJ_OK, "an id");
    ok(strcmp(out, KNOWN) != 0, "as well");
}


static void
test_several(void)
{
    is(sign(OTHER " " SECRET), IGJ_OK, "two secrets");
    is(strlen(out), 2 * IGJ_WEBHOOK_SIGNATURE_LEN + 1, "two signatures");
    ok(out[IGJ_WEBHOOK_SIGNATURE_LEN] == ' ', "a space between");
    is_text(out + IGJ_WEBHOOK_SIGNATURE_LEN + 1, KNOWN, "in order");

    is(sign(SECRET " " SECRET " " SECRET " " SECRET " " SECRET), IGJ_OK,
       "five secrets");
    is(strlen(out), 4 * IGJ_WEBHOOK_SIGNATURE_LEN + 3, "the first four");
}


static void
test_bad(void)
{
    size_t  i;

    static const char *const  bad[] = {
        "", " ", "whsec_", "whsec_A", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", /* no whole group */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==",  /* 23 bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2L*LaSw"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is(sign(bad[i]), IGJ_ERROR, "refused: '%s'", bad[i]);
    }

    is(sign(SECRET " x"), IGJ_ERROR, "refused: one of two");

    zeros(88, "AA==");
    is(sign(secret), IGJ_OK, "64 bytes");
    zeros(92, "AAAA");
    is(sign(secret), IGJ_ERROR, "refused: 69 bytes");
}


int
main(void)
{
    test_known();
    test_several();
    test_bad();

    return done_testing();
}
