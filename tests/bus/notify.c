#include "topology/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/check.h"

#define PAUSE_MS 1000

static int manager;
static int64_t other_loop_ms =
    -1; /* when another loop comes while a message is sent; -1: none does */
static int64_t other_is_due_ms;

/* sendto(2), for the length of which the loop that sends is not alone. */
ssize_t __real_sendto(int descriptor, const void *bytes, size_t count, int flags,
                      const struct sockaddr *to, socklen_t to_bytes);

ssize_t __wrap_sendto(int descriptor, const void *bytes, size_t count, int flags,
                      const struct sockaddr *to, socklen_t to_bytes);

ssize_t __wrap_sendto(int descriptor, const void *bytes, size_t count, int flags,
                      const struct sockaddr *to, socklen_t to_bytes)
{
    int64_t now_ms = other_loop_ms;
    other_loop_ms = -1;
    if (now_ms >= 0)
        other_is_due_ms = notify_alive(now_ms);
    return __real_sendto(descriptor, bytes, count, flags, to, to_bytes);
}

/* A service manager with a watchdog, at an address without a file. */
static void open_manager(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char name[sizeof at.sun_path], time_us[16];
    snprintf(name, sizeof name, "@zherd-notify-%d", (int)getpid());
    memcpy(at.sun_path + 1, name + 1, strlen(name) - 1);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(manager >= 0 && bind(manager, (struct sockaddr *)&at, bytes) == 0);
    snprintf(time_us, sizeof time_us, "%d", 2 * PAUSE_MS * 1000);
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", time_us, 1);
    notify_open();
}

static int count_messages(void)
{
    char text[64];
    int count = 0;
    for (ssize_t bytes; (bytes = recv(manager, text, sizeof text, 0)) > 0; count++)
        CHECK_BYTES(text, (size_t)bytes, "WATCHDOG=1", 10);
    return count;
}

static void a_sign_of_life_is_due_after_each_pause(void)
{
    int64_t now_ms = PAUSE_MS;
    CHECK_INT(notify_alive(now_ms), now_ms + PAUSE_MS);
    CHECK_INT(count_messages(), 1);
    CHECK_INT(notify_alive(now_ms + PAUSE_MS - 1), now_ms + PAUSE_MS);
    CHECK_INT(count_messages(), 0);
    CHECK_INT(notify_alive(now_ms + PAUSE_MS), now_ms + 2 * PAUSE_MS);
    CHECK_INT(count_messages(), 1);
}

/* While one loop replaces another both are alive. */
static void two_loops_say_one_thing(void)
{
    int64_t now_ms = 5 * PAUSE_MS;
    other_loop_ms = now_ms;
    CHECK_INT(notify_alive(now_ms), now_ms + PAUSE_MS);
    CHECK_INT(other_is_due_ms, now_ms + PAUSE_MS);
    CHECK_INT(count_messages(), 1);
}

/* One that found no room is due again after an eighth of the pause. */
static void a_sign_that_was_not_taken_comes_sooner(void)
{
    int64_t now_ms = 10 * PAUSE_MS;
    close(manager);
    CHECK_INT(notify_alive(now_ms), now_ms + 1 + PAUSE_MS / 8);
    CHECK_INT(notify_alive(now_ms + 1), now_ms + 1 + PAUSE_MS / 8);
}

static const struct check_case cases[] = {
    {"a sign of life is due after each pause", a_sign_of_life_is_due_after_each_pause},
    {"two loops say one thing", two_loops_say_one_thing},
    {"a sign that was not taken comes sooner", a_sign_that_was_not_taken_comes_sooner},
};

int main(void)
{
    open_manager();
    return check_run(cases, sizeof cases / sizeof *cases);
}
