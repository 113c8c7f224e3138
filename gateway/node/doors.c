#include "gateway/node/doors.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

static void pause_all(struct doors *doors)
{
    doors->are_paused = true;
    for (size_t i = 0; i < doors->count; i++)
        uv_poll_stop(&doors->each[i].poll);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct door *door = (struct door *)poll;
    struct doors *doors = door->all;
    (void)status;
    (void)events;
    for (int i = 0; i < DOORS_ACCEPT_BATCH; i++) {
        char address[LISTEN_ADDRESS_BYTES_MAX];
        int fd = listen_accept(door->fd, address);
        if (fd >= 0) {
            doors->visit(doors->host, fd, address);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            doors->faults++;
            pause_all(doors);
            return;
        } /* Anything else concerns only that one connection (accept(2)). */
    }
}

bool doors_open(struct doors *doors, uv_loop_t *loop, const struct topology_endpoint *endpoint,
                doors_visit *visit, void *host, char error[LISTEN_ERROR_BYTES_MAX])
{
    int sockets[LISTEN_SOCKETS_MAX];
    *doors = (struct doors){.visit = visit, .host = host, .are_paused = true};
    doors->count = listen_open(endpoint, sockets, error);
    for (size_t i = 0; i < doors->count; i++) {
        struct door *door = &doors->each[i];
        door->all = doors;
        door->fd = sockets[i];
        uv_poll_init(loop, &door->poll, door->fd);
    }
    return doors->count > 0;
}

void doors_resume(struct doors *doors)
{
    if (!doors->are_paused)
        return;
    doors->are_paused = false;
    for (size_t i = 0; i < doors->count; i++)
        uv_poll_start(&doors->each[i].poll, UV_READABLE, on_connection);
}

void doors_close(struct doors *doors)
{
    for (size_t i = 0; i < doors->count; i++) {
        uv_close((uv_handle_t *)&doors->each[i].poll, NULL);
        close(doors->each[i].fd);
    }
    doors->count = 0;
}

size_t doors_room(size_t max)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    size_t all = limit.rlim_cur > max ? max : (size_t)limit.rlim_cur;
    size_t reserve = all / 4 < DOORS_RESERVE ? all / 4 : DOORS_RESERVE;
    int lowest_free = dup(STDERR_FILENO);
    if (lowest_free < 0)
        return 0;
    close(lowest_free);
    size_t taken = (size_t)lowest_free + reserve;
    return taken < all ? all - taken : 0;
}
