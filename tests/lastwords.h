/* lastwords: a program that ends by a crash says which input did it.
 *
 * A failed assertion, a fault of memory or a sanitizer's report ends a program at once; the words
 * set here are written to standard error before that. It does not keep the program alive.
 *
 * Invariant: speaking needs no memory and no lock: write(2) of bytes that stand ready. */
#ifndef ZHERD_TESTS_LASTWORDS_H
#define ZHERD_TESTS_LASTWORDS_H

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* Sanitizer run times have it (sanitizer/common_interface_defs.h); in other programs it is NULL. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void (*lastwords_speaker)(void);

static inline void lastwords_write(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, count);
        if (written <= 0)
            return;
        bytes += written;
        count -= (size_t)written;
    }
}

static inline void lastwords_on_signal(int number)
{
    signal(number, SIG_DFL);
    lastwords_speaker();
    raise(number);
}

/* `speaker` is called once when the program crashes; it may call lastwords_write. */
static inline void lastwords_set(void (*speaker)(void))
{
    lastwords_speaker = speaker;
    signal(SIGABRT, lastwords_on_signal);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(speaker);
        return;
    }
    signal(SIGSEGV, lastwords_on_signal);
    signal(SIGBUS, lastwords_on_signal);
    signal(SIGFPE, lastwords_on_signal);
}

#endif
