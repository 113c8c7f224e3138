/* lock_holder: who holds a lock, by the text of /proc/locks. */
#include "tests/check.h"
#include "topology/supervisor.h"

static void finds_the_holder(void)
{
    static const struct {
        const char *text;
        long wanted;
    } rows[] = {
        {"", 0},
        {"1: FLOCK  ADVISORY  WRITE 3307 fe:10:1835018 0 EOF\n", 3307},
        {"1: FLOCK  ADVISORY  WRITE 3307 fe:10:1835018 0 EOF", 3307},
        {"1: POSIX  ADVISORY  WRITE 1 fe:10:1835018 0 EOF\n"
         "2: FLOCK  ADVISORY  WRITE 22 fe:10:1835018 0 EOF\n",
         22},
        /* Somebody who shares it, or waits for it, does not have it. */
        {"1: FLOCK  ADVISORY  READ  3307 fe:10:1835018 0 EOF\n", 0},
        {"1: -> FLOCK  ADVISORY  WRITE 3307 fe:10:1835018 0 EOF\n", 0},
        {"1: FLOCK  ADVISORY  WRITE 3307 fe:10:1835019 0 EOF\n", 0},
        /* Another device is good enough where there is no better one. */
        {"1: FLOCK  ADVISORY  WRITE 7 00:2a:1835018 0 EOF\n", 7},
        {"1: FLOCK  ADVISORY  WRITE 7 00:2a:1835018 0 EOF\n"
         "2: FLOCK  ADVISORY  WRITE 8 fe:10:1835018 0 EOF\n",
         8},
        {"1: FLOCK  ADVISORY  WRITE 8 fe:10:1835018 0 EOF\n"
         "2: FLOCK  ADVISORY  WRITE 7 00:2a:1835018 0 EOF\n",
         8},
        /* One of another name space of processes. */
        {"1: FLOCK  ADVISORY  WRITE 0 fe:10:1835018 0 EOF\n", 0},
        {"1: FLOCK  ADVISORY  WRITE -1 fe:10:1835018 0 EOF\n", 0},
        {"nonsense\n\n1: FLOCK\n", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t bytes = strlen(rows[i].text);
        struct span text = {check_at_page_end(rows[i].text, bytes), bytes};
        CHECK_INT(supervisor_find_lock_holder(text, 0xfe, 0x10, 1835018), rows[i].wanted);
    }
}

static void line_that_is_too_long_is_none(void)
{
    static const char good[] = "1: FLOCK  ADVISORY  WRITE 3307 fe:10:5 ";
    char text[300];
    memset(text, '0', sizeof text);
    memcpy(text, good, strlen(good));
    CHECK_INT(supervisor_find_lock_holder((struct span){text, 255}, 0xfe, 0x10, 5), 3307);
    CHECK_INT(supervisor_find_lock_holder((struct span){text, 256}, 0xfe, 0x10, 5), 0);
}

static const struct check_case cases[] = {
    {"whoever has the lock is found", finds_the_holder},
    {"a line that is too long is none", line_that_is_too_long_is_none},
};

CHECK_MAIN(cases)
