#include "bus/link/dial.h"

#define NEVER_MS INT64_MAX
/* More are far above any away_ms. */
#define DOUBLINGS_MAX 20

static bool is_listed(const struct dial *dial, size_t place)
{
    return place < KEYRING_KEYS_MAX && dial->keys.text[place][0] != '\0';
}

/* How long a connection may take to come about. */
static int64_t patience_ms(const struct dial *dial)
{
    const struct dial_rules *rules = dial->rules;
    uint32_t rounds = dial->fruitless / KEYRING_KEYS_MAX; /* in which each key had its turn */
    if (!is_listed(dial, 1) || rounds >= DOUBLINGS_MAX ||
        rules->away_two_keys_ms << rounds > rules->away_ms)
        return rules->away_ms;
    return rules->away_two_keys_ms << rounds;
}

static void begin(struct dial *dial, int64_t now_ms)
{
    dial->is_stale = false;
    dial->away_since_ms = now_ms;
    dial->unanswered_since_ms = NEVER_MS;
}

void dial_start(struct dial *dial, const struct dial_rules *rules, const struct keyring_keys *keys,
                int64_t now_ms)
{
    *dial = (struct dial){.rules = rules, .keys = *keys, .lost_since_ms = now_ms};
    begin(dial, now_ms);
}

void dial_restart(struct dial *dial, int64_t now_ms)
{
    begin(dial, now_ms);
}

void dial_taken(struct dial *dial, bool wants_answer, int64_t now_ms)
{
    dial->away_since_ms = NEVER_MS;
    dial->fruitless = 0;
    if (!dial->was_silent)
        dial->lost_since_ms = NEVER_MS;
    if (wants_answer && dial->unanswered_since_ms == NEVER_MS)
        dial->unanswered_since_ms = now_ms;
}

void dial_refused(struct dial *dial, int64_t now_ms)
{
    if (dial->away_since_ms == NEVER_MS)
        dial->away_since_ms = now_ms;
    if (dial->lost_since_ms == NEVER_MS)
        dial->lost_since_ms = now_ms;
}

void dial_lost(struct dial *dial)
{
    dial->is_stale = true;
}

void dial_answered(struct dial *dial)
{
    dial->unanswered_since_ms = NEVER_MS;
    dial->lost_since_ms = NEVER_MS;
    dial->was_silent = false;
}

/* The other end has one key at a time: a connection that expects another one cannot come about. */
void dial_proved(struct dial *dial, const char *key)
{
    size_t place = keyring_keys_find(&dial->keys, key);
    if (!is_listed(dial, place) || place == dial->key)
        return;
    dial->key = place;
    dial->is_stale = true;
    dial->fruitless = 0;
}

void dial_expect(struct dial *dial, const struct keyring_keys *keys)
{
    size_t place = keyring_keys_find(keys, dial->keys.text[dial->key]);
    dial->keys = *keys;
    dial->fruitless = 0;
    if (place < KEYRING_KEYS_MAX) {
        dial->key = place;
        return;
    }
    dial->key = 0;
    dial->is_stale = true;
}

bool dial_is_away(const struct dial *dial)
{
    return dial->away_since_ms != NEVER_MS;
}

int64_t dial_deadline_ms(const struct dial *dial)
{
    const struct dial_rules *rules = dial->rules;
    int64_t deadline_ms = NEVER_MS;
    if (dial->is_stale)
        return INT64_MIN;
    if (dial->away_since_ms != NEVER_MS)
        deadline_ms = dial->away_since_ms + patience_ms(dial);
    if (dial->unanswered_since_ms != NEVER_MS &&
        dial->unanswered_since_ms + rules->unanswered_ms < deadline_ms)
        deadline_ms = dial->unanswered_since_ms + rules->unanswered_ms;
    return deadline_ms;
}

bool dial_is_due(const struct dial *dial, int64_t now_ms)
{
    return dial_deadline_ms(dial) <= now_ms;
}

size_t dial_choose(const struct dial *dial, size_t count)
{
    return dial->attempts / (is_listed(dial, 1) ? KEYRING_KEYS_MAX : 1) % count;
}

void dial_renew(struct dial *dial, int64_t now_ms)
{
    if (dial->away_since_ms == NEVER_MS && dial->unanswered_since_ms != NEVER_MS &&
        !dial->is_stale) {
        dial->was_silent = true;
        dial->lost_since_ms = dial->unanswered_since_ms;
    }
    if (!dial->is_stale && dial->away_since_ms != NEVER_MS) {
        dial->key = keyring_keys_next(&dial->keys, dial->key);
        dial->fruitless++;
    }
    dial->attempts++;
    begin(dial, now_ms);
}

enum dial_news dial_news(struct dial *dial, int64_t now_ms)
{
    bool is_lost = dial->lost_since_ms != NEVER_MS;
    if (dial->is_told && !is_lost) {
        dial->is_told = false;
        return DIAL_BACK;
    }
    if (dial->is_told || !is_lost || now_ms - dial->lost_since_ms < DIAL_LOST_MS)
        return DIAL_NOTHING_NEW;
    dial->is_told = true;
    return DIAL_LOST;
}
