/* handover: bytes that one thread gives to another through ZeroMQ, without a copy. ZeroMQ orders
 * the two, but by instructions that ThreadSanitizer does not see: a build with
 * -DZHERD_SANITIZE=thread is told here, and in any other nothing happens. */
#ifndef ZHERD_PLACESD_SERVICE_HANDOVER_H
#define ZHERD_PLACESD_SERVICE_HANDOVER_H

#ifdef __SANITIZE_THREAD__
#define HANDOVER_IS_TOLD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HANDOVER_IS_TOLD 1
#endif
#endif

#ifdef HANDOVER_IS_TOLD
#include <sanitizer/tsan_interface.h>
#endif

/* All that was done to the bytes before happens before what is done after handover_take. */
static inline void handover_give(void *bytes)
{
#ifdef HANDOVER_IS_TOLD
    __tsan_release(bytes);
#else
    (void)bytes;
#endif
}

static inline void handover_take(void *bytes)
{
#ifdef HANDOVER_IS_TOLD
    __tsan_acquire(bytes);
#else
    (void)bytes;
#endif
}

#endif
