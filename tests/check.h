/* check: the whole test harness.
 *
 * A test program lists its cases in a table; each case is a sentence and a function. CHECK
 * compares, prints file, line and what was expected, and lets the case go on, so that one run
 * shows every fault. The program's exit status is 0 only if nothing failed. */
#ifndef ZHERD_TESTS_CHECK_H
#define ZHERD_TESTS_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct check_case {
    const char *sentence;
    void (*run)(void);
};

/* Weak, so that all files of a test program share one: a check in a helper's file counts, too. */
__attribute__((weak)) int check_failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            check_failures++;                                                                      \
            printf("    %s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                   \
        }                                                                                          \
    } while (0)

#define CHECK_INT(got, wanted)                                                                     \
    do {                                                                                           \
        long long check_got = (long long)(got), check_wanted = (long long)(wanted);                \
        if (check_got != check_wanted) {                                                           \
            check_failures++;                                                                      \
            printf("    %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, check_got,       \
                   check_wanted);                                                                  \
        }                                                                                          \
    } while (0)

#define CHECK_BYTES(got, got_bytes, wanted, wanted_bytes)                                          \
    do {                                                                                           \
        size_t check_g = (got_bytes), check_w = (wanted_bytes);                                    \
        if (check_g != check_w || (check_w > 0 && memcmp((got), (wanted), check_w) != 0)) {        \
            check_failures++;                                                                      \
            printf("    %s:%d: %s is \"%.*s\", not \"%.*s\"\n", __FILE__, __LINE__, #got,          \
                   (int)check_g, (const char *)(got), (int)check_w, (const char *)(wanted));       \
        }                                                                                          \
    } while (0)

/* A copy of `bytes` that ends where readable memory ends: reading one byte too many is a crash
 * in every build, not only under a sanitizer. Lives until the program ends. */
static inline char *check_at_page_end(const void *bytes, size_t count)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (count + page - 1) / page * page;
    char *map = mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + body, page, PROT_NONE) != 0) {
        perror("check_at_page_end");
        exit(2);
    }
    char *start = map + body - count;
    if (count > 0)
        memcpy(start, bytes, count);
    return start;
}

static inline int check_run(const struct check_case *cases, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        int before = check_failures;
        cases[i].run();
        bool good = check_failures == before;
        failed += !good;
        printf("%s  %s\n", good ? "ok    " : "FAILED", cases[i].sentence);
        fflush(stdout);
    }
    printf("%zu cases, %d failed\n", count, failed);
    return failed == 0 ? 0 : 1;
}

#define CHECK_MAIN(cases)                                                                          \
    int main(void)                                                                                 \
    {                                                                                              \
        return check_run((cases), sizeof(cases) / sizeof *(cases));                                \
    }

#endif
