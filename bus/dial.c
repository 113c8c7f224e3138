#include "bus/dial.h"

#define NEVER_MS INT64_MAX

static bool is_listed(const struct dial *dial, size_t place)
{
    return place < KEYRING_KEYS_MAX && dial->keys.text[place][0] != '\0';
}

static bool has_two_keys(const struct dial *dial)
{
    return is_listed(dial, 1);
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
    *dial = (struct dial){.rules = rules, .keys = *keys};
    begin(dial, now_ms);
}

void dial_taken(struct dial *dial, bool wants_answer, int64_t now_ms)
{
    dial->away_since_ms = NEVER_MS;
    if (wants_answer && dial->unanswered_since_ms == NEVER_MS)
        dial->unanswered_since_ms = now_ms;
}

void dial_refused(struct dial *dial, int64_t now_ms)
{
    if (dial->away_since_ms == NEVER_MS)
        dial->away_since_ms = now_ms;
}

void dial_answered(struct dial *dial)
{
    dial->unanswered_since_ms = NEVER_MS;
}

/* The other end has one key at a time: a connection that expects another one cannot come about. */
void dial_proved(struct dial *dial, const char *key)
{
    size_t place = keyring_keys_find(&dial->keys, key);
    if (!is_listed(dial, place) || place == dial->key)
        return;
    dial->key = place;
    dial->is_stale = true;
}

void dial_expect(struct dial *dial, const struct keyring_keys *keys)
{
    size_t place = keyring_keys_find(keys, dial->keys.text[dial->key]);
    dial->keys = *keys;
    if (place < KEYRING_KEYS_MAX) {
        dial->key = place;
        return;
    }
    dial->key = 0;
    dial->is_stale = true;
}

int64_t dial_deadline_ms(const struct dial *dial)
{
    const struct dial_rules *rules = dial->rules;
    int64_t away_ms = has_two_keys(dial) ? rules->away_two_keys_ms : rules->away_ms;
    int64_t deadline_ms = NEVER_MS;
    if (dial->is_stale)
        return INT64_MIN;
    if (dial->away_since_ms != NEVER_MS)
        deadline_ms = dial->away_since_ms + away_ms;
    if (dial->unanswered_since_ms != NEVER_MS &&
        dial->unanswered_since_ms + rules->unanswered_ms < deadline_ms)
        deadline_ms = dial->unanswered_since_ms + rules->unanswered_ms;
    return deadline_ms;
}

bool dial_is_due(const struct dial *dial, int64_t now_ms)
{
    return dial_deadline_ms(dial) <= now_ms;
}

void dial_renew(struct dial *dial, int64_t now_ms)
{
    if (!dial->is_stale && dial->away_since_ms != NEVER_MS)
        dial->key = keyring_keys_next(&dial->keys, dial->key);
    dial->attempts++;
    begin(dial, now_ms);
}
