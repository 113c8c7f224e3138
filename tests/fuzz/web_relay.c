/* Whatever a node says, however it is split: either each of its lines is an answer to an IAMAT that
 * it has seen, or the connection is of no use; and what was not answered goes out again.
 *
 * An input's first byte decides the splits, the second how many IAMATs are on their way; the rest
 * is what the node says. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/web/parse/relay.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t hash_key[SIPHASH_KEY_BYTES];

/* How many were answered, and at how many pieces the node was given up. */
struct outcome {
    uint64_t answered;
    bool is_good;
    size_t left;
};

static struct outcome say(const uint8_t *bytes, size_t count, size_t piece_bytes, unsigned waiting)
{
    struct relay *relay = relay_new(hash_key);
    struct outcome outcome = {.is_good = true};
    uint64_t number = 0;
    relay_open(relay);
    for (unsigned i = 0; i < waiting; i++) {
        char line[64];
        snprintf(line, sizeof line, "IAMAT c%u +1+2 %u\n", i, i);
        assert(relay_put(relay, span_of(line), &number) && number == i + 1);
    }
    struct span pending = relay_pending(relay);
    relay_wrote(relay, pending.len);
    for (size_t at = 0; at < count && outcome.is_good; at += piece_bytes) {
        size_t taken = count - at < piece_bytes ? count - at : piece_bytes;
        outcome.is_good = relay_heard(relay, (struct span){(const char *)bytes + at, taken});
    }
    outcome.answered = relay_answered(relay);
    assert(outcome.answered <= waiting);
    relay_close(relay);
    struct relay_figures figures;
    relay_count(relay, &figures);
    assert(figures.answered + figures.refused == outcome.answered && figures.waiting == 0);
    assert(figures.remembered == waiting - outcome.answered);
    relay_open(relay);
    outcome.left = relay_pending(relay).len;
    assert((outcome.left > 0) == (figures.remembered > 0));
    relay_destroy(&relay);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (count < 2 || count > RELAY_ANSWER_BYTES_MAX)
        return 0;
    struct outcome whole = say(bytes + 2, count - 2, count, bytes[1] % 4);
    struct outcome split = say(bytes + 2, count - 2, 1 + bytes[0], bytes[1] % 4);
    assert(whole.is_good == split.is_good && whole.answered == split.answered &&
           whole.left == split.left);
    return 0;
}
