#include "topology/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bus/base/packed.h"
#include "topology/say.h"

#define MESSAGE_BYTES_MAX 512
#define PATIENCE_S        1
/* A sign of life that found no room is sent again that often before the next one would be due. */
#define RETRIES 8

static struct {
    int descriptor; /* -1 without a manager */
    struct sockaddr_un address;
    socklen_t address_bytes;
    int64_t pause_ms;       /* between two signs of life; 0 without a watchdog */
    _Atomic int64_t due_ms; /* of the next one; two loops may ask at once: notify_alive */
    atomic_bool is_deaf;    /* it did not take the last message, and we said so; of each thread */
} manager = {.descriptor = -1};

/* An address that begins with @ has no file. */
static bool read_address(const char *path)
{
    size_t bytes = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || bytes >= sizeof manager.address.sun_path)
        return false;
    manager.address.sun_family = AF_UNIX;
    memcpy(manager.address.sun_path, path, bytes);
    if (path[0] == '@')
        manager.address.sun_path[0] = '\0';
    manager.address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
    return true;
}

/* The watchdog may be another process's. */
static int64_t read_pause_ms(const char *time_us, const char *pid)
{
    uint64_t number;
    if (time_us == NULL || !decimal_read_whole(span_of(time_us), INT64_MAX, &number) ||
        number == 0 || (pid != NULL && strtoimax(pid, NULL, 10) != getpid()))
        return 0;
    return number >= 2000 ? (int64_t)number / 2000 : 1;
}

void notify_open(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path != NULL && read_address(path)) {
        const struct timeval patience = {.tv_sec = PATIENCE_S};
        manager.descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        setsockopt(manager.descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        manager.pause_ms = read_pause_ms(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
    } else if (path != NULL) {
        say("NOTIFY_SOCKET is no address of a local socket: %s", path);
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

/* To the address and over no connection, since the manager may have started again. Whether it was
 * taken: of those that are not, the first is said. */
static bool tell(const char *message, int flags)
{
    if (manager.descriptor < 0 ||
        sendto(manager.descriptor, message, strlen(message), flags | MSG_NOSIGNAL,
               (const struct sockaddr *)&manager.address, manager.address_bytes) >= 0) {
        manager.is_deaf = false;
        return true;
    }
    if (!atomic_exchange(&manager.is_deaf, true))
        say("the service manager did not take `%.*s`: %s", (int)strcspn(message, "\n"), message,
            strerror(errno));
    return false;
}

void notify_ready(const char *status)
{
    char message[MESSAGE_BYTES_MAX];
    snprintf(message, sizeof message, "READY=1%s%s", status != NULL ? "\nSTATUS=" : "",
             status != NULL ? status : "");
    tell(message, 0);
}

void notify_status(const char *status)
{
    static char last[MESSAGE_BYTES_MAX];
    char message[MESSAGE_BYTES_MAX];
    snprintf(message, sizeof message, "STATUS=%s", status);
    if (strcmp(message, last) == 0)
        return;
    if (tell(message, MSG_DONTWAIT))
        strcpy(last, message);
}

/* The time is for managers that wait until it is ready again (systemd.service(5), notify-reload).
 */
void notify_reloading(void)
{
    struct timespec now;
    char message[MESSAGE_BYTES_MAX];
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    tell(message, 0);
}

void notify_stopping(void)
{
    tell("STOPPING=1", 0);
}

int64_t notify_alive(int64_t now_ms)
{
    if (manager.pause_ms == 0)
        return INT64_MAX;
    int64_t due_ms = atomic_load(&manager.due_ms), next_ms = now_ms + manager.pause_ms;
    if (now_ms < due_ms)
        return due_ms;
    /* Whoever of two loops moves the time first is the one that says it. */
    if (!atomic_compare_exchange_strong(&manager.due_ms, &due_ms, next_ms))
        return due_ms;
    if (tell("WATCHDOG=1", MSG_DONTWAIT))
        return next_ms;
    next_ms = now_ms + 1 + manager.pause_ms / RETRIES;
    atomic_store(&manager.due_ms, next_ms);
    return next_ms;
}
