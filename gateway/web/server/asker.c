#include "gateway/web/server/asker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (64 * 1024)

struct asker {
    int fd;
    uv_poll_t poll;
    uv_timer_t timer;
    struct buffer lines, said;
    asker_on_end *on_end;
    void *user;
    int handles; /* that are not closed yet */
    bool is_told;
};

static void tell(struct asker *asker, bool is_whole)
{
    struct span said = {asker->said.data, asker->said.len};
    uv_poll_stop(&asker->poll);
    uv_timer_stop(&asker->timer);
    if (!asker->is_told) {
        asker->is_told = true;
        asker->on_end(asker->user, is_whole ? &said : NULL);
    }
}

static void on_late(uv_timer_t *timer)
{
    tell(timer->data, false);
}

/* False where the connection is over. */
static bool hear(struct asker *asker)
{
    if (asker->said.len >= ASKER_BYTES_MAX)
        return false;
    ssize_t bytes = read(asker->fd, buffer_reserve(&asker->said, READ_BYTES), READ_BYTES);
    if (bytes < 0)
        return errno == EAGAIN || errno == EINTR;
    asker->said.len += (size_t)bytes;
    return bytes > 0;
}

static void on_event(uv_poll_t *poll, int status, int events);

/* After all of it the node knows that there is no more: it answers and closes. */
static bool speak(struct asker *asker)
{
    ssize_t sent = send(asker->fd, asker->lines.data, asker->lines.len, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    buffer_consume(&asker->lines, (size_t)sent);
    if (asker->lines.len == 0) {
        shutdown(asker->fd, SHUT_WR);
        uv_poll_start(&asker->poll, UV_READABLE, on_event);
    }
    return true;
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct asker *asker = poll->data;
    if (status != 0 || (asker->lines.len > 0 && !speak(asker)))
        tell(asker, false);
    else if ((events & UV_READABLE) != 0 && !hear(asker))
        tell(asker, asker->said.len > 0 && asker->said.len < ASKER_BYTES_MAX);
}

struct asker *asker_new(uv_loop_t *loop, int fd, struct span lines, asker_on_end *on_end,
                        void *user)
{
    struct asker *asker = bytes_zeroed(sizeof *asker);
    asker->fd = fd;
    asker->on_end = on_end;
    asker->user = user;
    asker->handles = 2;
    buffer_append(&asker->lines, lines);
    uv_poll_init(loop, &asker->poll, fd);
    uv_timer_init(loop, &asker->timer);
    asker->poll.data = asker->timer.data = asker;
    uv_poll_start(&asker->poll, UV_READABLE | UV_WRITABLE, on_event);
    uv_timer_start(&asker->timer, on_late, ASKER_MS_MAX, 0);
    return asker;
}

static void on_closed(uv_handle_t *handle)
{
    struct asker *asker = handle->data;
    if (--asker->handles > 0)
        return;
    close(asker->fd);
    explicit_bzero(asker->lines.data, asker->lines.capacity); /* a token may stand there */
    buffer_free(&asker->lines);
    buffer_free(&asker->said);
    free(asker);
}

void asker_end(struct asker **asker)
{
    if (*asker == NULL)
        return;
    (*asker)->is_told = true;
    uv_close((uv_handle_t *)&(*asker)->poll, on_closed);
    uv_close((uv_handle_t *)&(*asker)->timer, on_closed);
    *asker = NULL;
}
