#include "tests/bench/script.h"

#include <assert.h>
#include <stdlib.h>

/* The mixed workload asks a question once in this many requests. */
#define MIXED_PERIOD 10

void script_begin(struct script *script, enum script_workload workload, uint64_t requests)
{
    script_free(script);
    script->workload = workload;
    script->left = requests;
    if (workload == SCRIPT_LOAD)
        script->given = bytes_zeroed(script->connections * sizeof *script->given);
    if (workload == SCRIPT_SWEEP) {
        script->queue = bytes_resize(NULL, script->clients * sizeof *script->queue);
        for (uint32_t i = 0; i < script->clients; i++)
            script_again(script, i);
    }
}

/* How many clients speak through a connection: numbers connection, connection + connections, ... */
static uint32_t clients_of(const struct script *script, uint32_t connection)
{
    return (script->clients - connection + script->connections - 1) / script->connections;
}

static void update(struct script *script, uint32_t client, struct asked *asked)
{
    asked->kind = SPEECH_UPDATE;
    asked->client = client;
    asked->stamp_ns = ++script->stamp_ns;
    if (script->known != NULL)
        script->known[client].stamp_ns = asked->stamp_ns;
}

static void question(const struct script *script, uint32_t client, struct asked *asked)
{
    asked->kind = SPEECH_QUESTION;
    asked->client = client;
    asked->stamp_ns = script->known[client].stamp_ns;
}

static uint32_t draw_own(struct script *script, uint32_t connection)
{
    uint32_t drawn = rng_below(&script->rng, clients_of(script, connection));
    return connection + drawn * script->connections;
}

static bool next_of_load(struct script *script, uint32_t connection, struct asked *asked)
{
    uint32_t client = connection + script->given[connection] * script->connections;
    if (client >= script->clients)
        return false;
    script->given[connection]++;
    update(script, client, asked);
    return true;
}

static bool next_of_sweep(struct script *script, struct asked *asked)
{
    if (script->queue_count == 0)
        return false;
    question(script, script->queue[script->queue_head], asked);
    script->queue_head = (script->queue_head + 1) % script->clients;
    script->queue_count--;
    return true;
}

/* Fills the workload's next request, regardless of `left`. */
static bool next_of_workload(struct script *script, uint32_t connection, struct asked *asked)
{
    switch (script->workload) {
    case SCRIPT_LOAD:
        return next_of_load(script, connection, asked);
    case SCRIPT_SWEEP:
        return next_of_sweep(script, asked);
    case SCRIPT_WHATSAT:
        question(script, rng_below(&script->rng, script->clients), asked);
        return true;
    case SCRIPT_NEARBY:
        *asked = (struct asked){.kind = SPEECH_NEARBY, .stamp_ns = rng_next(&script->rng)};
        return true;
    case SCRIPT_MIXED:
        if (rng_below(&script->rng, MIXED_PERIOD) == 0) {
            question(script, draw_own(script, connection), asked);
            return true;
        }
        break;
    case SCRIPT_IAMAT:
        break;
    }
    update(script, draw_own(script, connection), asked);
    return true;
}

bool script_next(struct script *script, uint32_t connection, struct asked *asked)
{
    if (script->left == 0 || !next_of_workload(script, connection, asked))
        return false;
    script->left -= script->left != UINT64_MAX;
    return true;
}

void script_again(struct script *script, uint32_t client)
{
    assert(script->queue_count < script->clients);
    script->queue[(script->queue_head + script->queue_count) % script->clients] = client;
    script->queue_count++;
}

void script_free(struct script *script)
{
    free(script->given);
    free(script->queue);
    script->given = script->queue = NULL;
    script->queue_head = script->queue_count = 0;
}
