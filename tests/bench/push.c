/* How soon an update sent to one server reaches a subscriber at another: for brokers, which push.
 * The figure includes the time in which the subscriber wakes up. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tests/bench/moment.h"
#include "tests/bench/pair.h"

/* A subscription takes a moment to reach the other servers. */
#define FIRST_SECONDS 10
#define RETRY_SECONDS 0.05
#define HEAR_SECONDS  2

/* Reads into what is kept. */
static bool read_more(struct conn *conn, char *room)
{
    ssize_t got = recv(conn->fd, room, CONN_READ_BYTES, 0);
    if (got > 0)
        buffer_append(&conn->kept, (struct span){room, (size_t)got});
    return got > 0;
}

static bool begin_to_listen(struct pair *pair)
{
    const struct speech *speech = pair->run->talk.speech;
    struct conn *conn = &pair->asker;
    int64_t until_ns = moment_now_ns() + moment_of_seconds(FIRST_SECONDS);
    buffer_append(&conn->out, speech->listen);
    if (!pair_send(pair, conn))
        return false;
    while (conn->kept.len < speech->listening.len)
        if (!pair_readable(conn, until_ns) || !read_more(conn, pair->room))
            return false;
    struct span kept = {conn->kept.data, conn->kept.len};
    if (speech_match(kept, speech->listening) != SPEECH_GOOD)
        return false;
    buffer_consume(&conn->kept, speech->listening.len);
    return true;
}

/* Looks at one message of those that came: is it the one we wait for? */
static enum speech_verdict hear_one(struct pair *pair, const struct asked *update, bool *is_it)
{
    const struct speech *speech = pair->run->talk.speech;
    struct conn *conn = &pair->asker;
    struct span in = {conn->kept.data, conn->kept.len}, answer;
    size_t taken = 0;
    uint32_t client;
    uint64_t stamp_ns;
    *is_it = false;
    if (in.len == 0)
        return SPEECH_PART;
    if (speech->aside != NULL && speech->aside(in, &taken, &answer) == SPEECH_GOOD) {
        buffer_append(&conn->out, answer);
        conn_send(conn);
        buffer_consume(&conn->kept, taken);
        return SPEECH_GOOD;
    }
    enum speech_verdict verdict = speech->heard(in, &taken, &client, &stamp_ns);
    if (verdict == SPEECH_GOOD) {
        *is_it =
            stamp_ns == update->stamp_ns && client == pair->run->talk.first_client + update->client;
        buffer_consume(&conn->kept, taken);
    }
    return verdict;
}

static bool hear(struct pair *pair, const struct asked *update, double patience_seconds)
{
    int64_t until_ns = moment_now_ns() + moment_of_seconds(patience_seconds);
    for (;;) {
        bool is_it;
        enum speech_verdict verdict = hear_one(pair, update, &is_it);
        if (is_it)
            return true;
        if (verdict == SPEECH_WRONG) {
            pair->run->wrong++;
            return false;
        }
        if (verdict == SPEECH_PART &&
            (!pair_readable(&pair->asker, until_ns) || !read_more(&pair->asker, pair->room)))
            return false;
    }
}

static bool hear_first(struct pair *pair)
{
    int64_t until_ns = moment_now_ns() + moment_of_seconds(FIRST_SECONDS);
    struct asked update;
    while (moment_now_ns() < until_ns)
        if (!pair_tell(pair, &update) || !pair_wait(pair, &pair->teller))
            return false;
        else if (hear(pair, &update, RETRY_SECONDS))
            return true;
    return false;
}

bool run_push(struct run *run)
{
    struct pair pair;
    struct asked update;
    struct histogram times_ns = {0};
    bool good = pair_open(&pair, run) && begin_to_listen(&pair) && hear_first(&pair);
    if (!good)
        fputs("zherd-bench: the second server never told us anything\n", stderr);
    for (uint64_t i = 0; good && i < run->updates; i++) {
        pair_pace(&pair);
        if (!pair_tell(&pair, &update))
            break;
        if (hear(&pair, &update, HEAR_SECONDS))
            histogram_add(&times_ns, moment_now_ns() - update.due_ns);
        else
            run->lost++;
        if (!pair_wait(&pair, &pair.teller))
            break;
    }
    figures_add_times(&run->figures, &times_ns);
    pair_close(&pair);
    return good;
}
