/* crash_handler: a program that ends by a crash says which input did it.
 *
 * A failed assertion, a fault of memory or a sanitizer's report ends a program at once; the words
 * set here are written to standard error before that. It does not keep the program alive. One
 * source file of a program includes it.
 *
 * Invariant: speaking needs no memory and no lock: write(2) of bytes that stand ready. */
#ifndef ZHERD_TESTS_CRASH_HANDLER_H
#define ZHERD_TESTS_CRASH_HANDLER_H

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* Asked by the sanitizers' run times (sanitizer/asan_interface.h, ubsan_interface.h): a report
 * ends in SIGABRT instead of a plain exit. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1";
}

static void (*crash_handler_speaker)(void);

static inline void crash_handler_write(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, count);
        if (written <= 0)
            return;
        bytes += written;
        count -= (size_t)written;
    }
}

static inline void crash_handler_on_signal(int number)
{
    signal(number, SIG_DFL);
    crash_handler_speaker();
    raise(number);
}

/* `speaker` is called once when the program crashes; it may call crash_handler_write. */
static inline void crash_handler_set(void (*speaker)(void))
{
    static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
    crash_handler_speaker = speaker;
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        /* A sanitizer that listens already reports more, and then ends in SIGABRT. */
        struct sigaction before;
        if (sigaction(deadly[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            signal(deadly[i], crash_handler_on_signal);
    }
}

#endif
