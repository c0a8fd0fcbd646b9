/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Pronouns, titles, shops, family words and emoji. */

#include <stdio.h>
#include <string.h>

#include "igj_rules.h"


#define RULES_CERTAIN  100                 /* odds of what decides at once */
#define RULES_EMOJI    32                  /* of women's or men's emoji */


/*
 * Whether the word may belong to the pronouns before it: she/her, (she her),
 * any pronouns.
 */
static int
rules_goes_on(const igj_word_t *word)
{
    const igj_token_t  *token;

    token = word->token;

    return token->before == IGJ_BREAK_SLASH || token->before == IGJ_BREAK_COMMA
           || token->before == IGJ_BREAK_STRONG
           || (token->flags & IGJ_TOKEN_BRACKET)
           || igj_word_is(word, IGJ_WORD_NEUTRAL);
}


/* The pronouns from here on; *n is their number. */
static int
rules_pronoun_run(const igj_word_t *word, unsigned left, unsigned *n)
{
    int  female, male, neutral;

    female = male = neutral = 0;

    for (*n = 0; *n < left; (*n)++, word++) {
        if (!igj_word_is(word, IGJ_WORD_PRONOUN)
            || (*n > 0 && !rules_goes_on(word)))
        {
            break;
        }

        neutral |= igj_word_is(word, IGJ_WORD_NEUTRAL);
        female |= word->word->lean > 0;
        male |= word->word->lean < 0;
    }

    return neutral || (female && male) ? 0 : female ? RULES_CERTAIN
                                                    : -RULES_CERTAIN;
}


int
igj_rule_pronouns(igj_evidence_t *evidence, const igj_reading_t *reading)
{
    int                 odds;
    char                text[IGJ_CLASSIFY_EVIDENCE];
    unsigned            i, n;
    const igj_token_t  *a, *b;

    for (i = 0; i < reading->n; i += n > 0 ? n : 1) {
        odds = rules_pronoun_run(&reading->word[i], reading->n - i, &n);

        if (n == 0) {
            continue;
        }

        a = reading->word[i].token;

        if (n == 1 && !(a->flags & IGJ_TOKEN_BRACKET)) {
            continue;
        }

        if (n == 1 && i + 1 < reading->n
            && (reading->word[i + 1].token->flags & IGJ_TOKEN_BRACKET)
            && reading->word[i + 1].token->before < IGJ_BREAK_COMMA)
        {
            continue;
        }

        b = reading->word[i + n - 1].token;
        (void) snprintf(text, sizeof(text), n > 1 ? "%.*s/%.*s" : "%.*s",
                        (int) a->len, a->text, (int) b->len, b->text);
        igj_evidence_init(evidence);
        igj_evidence_add(evidence, RULES_CERTAIN, "pronoun", text,
                         strlen(text));
        evidence->sum = odds;

        return 1;
    }

    return 0;
}


int
igj_rule_not_person(igj_evidence_t *evidence, const igj_reading_t *reading)
{
    unsigned           i;
    const igj_word_t  *word;

    for (i = 0; i < reading->n; i++) {
        word = &reading->word[i];

        if (word->part != IGJ_PART_ORG || (word->segment != 0 && i > 0)) {
            continue;
        }

        igj_evidence_init(evidence);
        igj_evidence_add(evidence, RULES_CERTAIN, "nonperson",
                         word->token->text, word->token->len);
        evidence->sum = 0;

        return 1;
    }

    return 0;
}


int
igj_rule_title(igj_evidence_t *evidence, const igj_reading_t *reading)
{
    unsigned           i;
    const igj_word_t  *title;

    for (title = NULL, i = 0; i < reading->n; i++) {

        if (reading->word[i].part == IGJ_PART_TITLE && title == NULL) {
            title = &reading->word[i];
            continue;
        }

        if (title != NULL && reading->word[i].part <= IGJ_PART_FAMILY) {
            igj_evidence_init(evidence);
            igj_evidence_add(evidence, title->word->lean, "title",
                             title->token->text, title->token->len);
            return 1;
        }
    }

    return 0;
}


void
igj_rule_hints(igj_evidence_t *evidence, const igj_reading_t *reading,
    int emoji)
{
    unsigned           i;
    const igj_word_t  *word;

    for (i = 0; i < reading->n; i++) {
        word = &reading->word[i];

        if (word->part == IGJ_PART_KIN) {
            igj_evidence_add(evidence, word->word->lean, "word",
                             word->token->text, word->token->len);
        }
    }

    if (emoji != 0) {
        igj_evidence_add(evidence, emoji * RULES_EMOJI, "emoji",
                         emoji > 0 ? "woman" : "man", emoji > 0 ? 5 : 3);
    }
}
