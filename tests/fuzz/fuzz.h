/* fuzz: what a target is: one function that takes hostile bytes and survives.
 *
 * The name and the shape are libFuzzer's (llvm.org/docs/LibFuzzer.html), so that the same file runs
 * under it (-DZHERD_FUZZ=ON with clang) and, in the ordinary test run, under drive.c. A target
 * asserts what must hold for any bytes; it keeps nothing from one call to the next.
 *
 * Adding a target is a file here, a folder corpus/<name>/ of valid inputs, and one line
 * herd_fuzz(<name> <libraries>) in tests.cmake. */
#ifndef ZHERD_TESTS_FUZZ_FUZZ_H
#define ZHERD_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

#endif
