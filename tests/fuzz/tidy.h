/* tidy: checks that tidying an answer's text once more would change nothing. */
#ifndef ZHERD_TESTS_FUZZ_TIDY_H
#define ZHERD_TESTS_FUZZ_TIDY_H

#include <assert.h>

#include "bus/base/json_text.h"
#include "tests/fuzz/fuzz.h"

static inline void fuzz_check_tidy(struct span text)
{
    struct buffer again = {0};
    json_text_tidy(text, &again);
    assert(span_equals(text, (struct span){again.data, again.len}));
    assert(json_text_depth(text) <= JSON_TEXT_DEPTH_MAX);
    buffer_free(&again);
}

#endif
