#include "topology/format/schema.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "topology/format/endpoints.h"
#include "topology/format/topology.h"

/* Larger numbers need not be distinguished. */
#define NUMBER_MAX INT64_C(1000000000000)
#define MS_PER_S   1000
/* "-9223372036854775s" */
#define DURATION_BYTES_MAX 24

/* "a, b or c", a word at a time; `left` more follow. */
static void list_word(char text[TOPOLOGY_LIMITS_BYTES_MAX], const char *word, size_t left)
{
    size_t bytes = strlen(text);
    const char *before = bytes == 0 ? "" : left > 0 ? ", " : " or ";
    snprintf(text + bytes, TOPOLOGY_LIMITS_BYTES_MAX - bytes, "%s%s", before, word);
}

/* ---- the kinds ---- */

static bool same_text(const struct topology_key *key, const void *before, const void *after)
{
    (void)key;
    return strcmp(before, after) == 0;
}

static bool same_bytes(const struct topology_key *key, const void *before, const void *after)
{
    return memcmp(before, after, key->field_bytes) == 0;
}

bool topology_schema_take_name(uint32_t line, const char *value, size_t bytes, char *name,
                               struct topology_faults *faults)
{
    if (topology_is_name(value, bytes)) {
        memcpy(name, value, bytes);
        name[bytes] = '\0';
        return true;
    }
    topology_faults_add(faults, line,
                        "`%.*s` is no name; write 1 to 63 letters, digits, - _ and ., not "
                        "beginning with a point",
                        (int)(bytes < TOPOLOGY_QUOTE_BYTES_MAX ? bytes : TOPOLOGY_QUOTE_BYTES_MAX),
                        value);
    return false;
}

static void read_name(const struct topology_key *key, uint32_t line, const char *value, void *field,
                      struct topology_faults *faults)
{
    (void)key;
    topology_schema_take_name(line, value, strlen(value), field, faults);
}

static const struct topology_kind kind_name = {"name", TOPOLOGY_NAME_BYTES_MAX + 1, read_name,
                                               same_text, NULL};

static bool is_among(const struct topology_former *former, const char *name)
{
    for (size_t i = 0; i < former->count; i++)
        if (strcmp(former->names[i], name) == 0)
            return true;
    return false;
}

static void read_names(const struct topology_key *key, uint32_t line, const char *value,
                       void *field, struct topology_faults *faults)
{
    static const char between[] = " \t,";
    struct topology_former former = {0};
    for (const char *at = value + strspn(value, between); *at != '\0';) {
        char name[TOPOLOGY_NAME_BYTES_MAX + 1];
        size_t bytes = strcspn(at, between);
        if (former.count == TOPOLOGY_FORMER_MAX) {
            topology_faults_add(faults, line, "`%s` has too many names; write at most %d",
                                key->name, TOPOLOGY_FORMER_MAX);
            return;
        }
        if (!topology_schema_take_name(line, at, bytes, name, faults))
            return;
        if (is_among(&former, name)) {
            topology_faults_add(faults, line, "`%s` has `%s` twice; write it once", key->name,
                                name);
            return;
        }
        strcpy(former.names[former.count++], name);
        at += bytes;
        at += strspn(at, between);
    }
    if (former.count == 0)
        topology_faults_add(faults, line, "`%s` has no name in it; write `%s = %s`", key->name,
                            key->name, key->example);
    memcpy(field, &former, sizeof former);
}

static const struct topology_kind kind_names = {"names", sizeof(struct topology_former), read_names,
                                                same_bytes, NULL};

/* Which nodes they are is known when all of the file is. */
static const struct topology_kind kind_node = {.name = "node"};
static const struct topology_kind kind_observer = {.name = "observer"};
static const struct topology_kind kind_two_nodes = {.name = "two nodes"};

static bool is_refused(const struct topology_key *key, uint32_t line, const char *value,
                       const char *fault, struct topology_faults *faults)
{
    if (fault)
        topology_faults_add(faults, line, "`%s` is `%.*s`; %s", key->name, TOPOLOGY_QUOTE_BYTES_MAX,
                            value, fault);
    return fault != NULL;
}

static void take_endpoint(const struct topology_key *key, uint32_t line, const char *value,
                          const char *fault, struct topology_endpoint *endpoint, void *field,
                          struct topology_faults *faults)
{
    endpoint->line = line;
    if (!is_refused(key, line, value, fault, faults))
        memcpy(field, endpoint, sizeof *endpoint);
}

static void read_endpoint(const struct topology_key *key, uint32_t line, const char *value,
                          void *field, struct topology_faults *faults)
{
    struct topology_endpoint endpoint = {0};
    const char *fault = topology_endpoint_parse(value, &endpoint);
    take_endpoint(key, line, value, fault, &endpoint, field, faults);
}

static void read_tls_endpoint(const struct topology_key *key, uint32_t line, const char *value,
                              void *field, struct topology_faults *faults)
{
    struct topology_endpoint endpoint = {0};
    const char *fault = topology_endpoint_parse_tls(value, &endpoint);
    take_endpoint(key, line, value, fault, &endpoint, field, faults);
}

static bool same_endpoint(const struct topology_key *key, const void *before, const void *after)
{
    const struct topology_endpoint *one = before, *other = after;
    return same_text(key, one->text, other->text);
}

static const struct topology_kind kind_endpoint = {"endpoint", sizeof(struct topology_endpoint),
                                                   read_endpoint, same_endpoint, NULL};
static const struct topology_kind kind_tls_endpoint = {
    "TLS endpoint", sizeof(struct topology_endpoint), read_tls_endpoint, same_endpoint, NULL};

static void read_url(const struct topology_key *key, uint32_t line, const char *value, void *field,
                     struct topology_faults *faults)
{
    struct topology_url url;
    if (!is_refused(key, line, value, topology_url_parse(value, &url), faults))
        strcpy(field, value);
}

static const struct topology_kind kind_url = {"URL", TOPOLOGY_PATH_BYTES_MAX + 1, read_url,
                                              same_text, NULL};

static void read_tiles(const struct topology_key *key, uint32_t line, const char *value,
                       void *field, struct topology_faults *faults)
{
    if (!is_refused(key, line, value, topology_tiles_parse(value), faults))
        strcpy(field, value);
}

static const struct topology_kind kind_tiles = {"tiles", TOPOLOGY_PATH_BYTES_MAX + 1, read_tiles,
                                                same_text, NULL};

static void read_path(const struct topology_key *key, uint32_t line, const char *value, void *field,
                      struct topology_faults *faults)
{
    size_t bytes = strlen(value);
    bool has_control_bytes = false;
    for (const char *at = value; *at; at++)
        has_control_bytes |= (unsigned char)*at < 0x20 || *at == 0x7f;
    if (bytes > TOPOLOGY_PATH_BYTES_MAX || has_control_bytes)
        topology_faults_add(faults, line,
                            "`%s` is no usable path; write at most %d bytes without control bytes",
                            key->name, TOPOLOGY_PATH_BYTES_MAX);
    else
        memcpy(field, value, bytes + 1);
}

static const struct topology_kind kind_path = {"path", TOPOLOGY_PATH_BYTES_MAX + 1, read_path,
                                               same_text, NULL};

static void read_keys(const struct topology_key *key, uint32_t line, const char *value, void *field,
                      struct topology_faults *faults)
{
    struct keyring_keys keys = {0};
    size_t count = 0;
    for (const char *at = value; *at != '\0'; count++) {
        size_t bytes = strcspn(at, " ");
        if (count == KEYRING_KEYS_MAX || !keyring_key_is_valid((struct span){at, bytes})) {
            topology_faults_add(faults, line,
                                "`%s` is 1 or 2 keys of %d letters in quotes, with a blank "
                                "between them, and none of zeros; let `zherd keygen FILE` write "
                                "them",
                                key->name, KEYRING_KEY_BYTES);
            return;
        }
        memcpy(keys.text[count], at, bytes);
        at += bytes + (at[bytes] == ' ');
    }
    memcpy(field, &keys, sizeof keys);
}

static bool same_keys(const struct topology_key *key, const void *before, const void *after)
{
    (void)key;
    return keyring_keys_equal(before, after);
}

static const struct topology_kind kind_keys = {"1 or 2 keys", sizeof(struct keyring_keys),
                                               read_keys, same_keys, NULL};

static void read_networks(const struct topology_key *key, uint32_t line, const char *value,
                          void *field, struct topology_faults *faults)
{
    struct networks networks = {0};
    struct fault fault;
    if (networks_parse(span_of(value), &networks, &fault))
        memcpy(field, &networks, sizeof networks);
    else
        topology_faults_add(faults, line, "`%s`: %s", key->name, fault.text);
}

static bool same_networks(const struct topology_key *key, const void *before, const void *after)
{
    const struct networks *one = before, *other = after;
    (void)key;
    return one->count == other->count &&
           memcmp(one->all, other->all, one->count * sizeof *one->all) == 0;
}

static const struct topology_kind kind_networks = {"networks", sizeof(struct networks),
                                                   read_networks, same_networks, NULL};

static void read_yes(const struct topology_key *key, uint32_t line, const char *value, void *field,
                     struct topology_faults *faults)
{
    bool yes = strcmp(value, "yes") == 0;
    bool is_word = yes || strcmp(value, "no") == 0;
    if (!is_refused(key, line, value, is_word ? NULL : "write yes or no", faults))
        memcpy(field, &yes, sizeof yes);
}

static const struct topology_kind kind_yes_or_no = {"yes or no", sizeof(bool), read_yes, same_bytes,
                                                    NULL};

static void list_numbers(const struct topology_key *key, char text[TOPOLOGY_LIMITS_BYTES_MAX])
{
    snprintf(text, TOPOLOGY_LIMITS_BYTES_MAX, "%" PRId64 " to %" PRId64, key->min, key->max);
}

static void read_number(const struct topology_key *key, uint32_t line, const char *value,
                        void *field, struct topology_faults *faults)
{
    int64_t number = 0;
    bool good = true;
    for (const char *at = value; *at != '\0' && good; at++) {
        good = *at >= '0' && *at <= '9' && number <= NUMBER_MAX;
        if (good)
            number = number * 10 + (*at - '0');
    }
    if (good && number >= key->min && number <= key->max) {
        memcpy(field, &number, sizeof number);
        return;
    }
    char limits[TOPOLOGY_LIMITS_BYTES_MAX];
    list_numbers(key, limits);
    topology_faults_add(faults, line, "`%s` is `%.*s`; write a whole number, %s", key->name,
                        TOPOLOGY_QUOTE_BYTES_MAX, value, limits);
}

static const struct topology_kind kind_number = {"number", sizeof(int64_t), read_number, same_bytes,
                                                 list_numbers};

/* The units in which durations are written, the greatest first. */
static const struct {
    char letter;
    int64_t ms;
} units[] = {
    {'d', 86400 * MS_PER_S}, {'h', 3600 * MS_PER_S}, {'m', 60 * MS_PER_S}, {'s', MS_PER_S}};
#define UNITS (sizeof units / sizeof *units)

/* In the greatest unit of which it is a whole number. */
static const char *show_duration(int64_t ms, char text[DURATION_BYTES_MAX])
{
    size_t unit = 0;
    while (unit < UNITS - 1 && ms % units[unit].ms != 0)
        unit++;
    snprintf(text, DURATION_BYTES_MAX, "%" PRId64 "%c", ms / units[unit].ms, units[unit].letter);
    return text;
}

static void list_durations(const struct topology_key *key, char text[TOPOLOGY_LIMITS_BYTES_MAX])
{
    char min[DURATION_BYTES_MAX], max[DURATION_BYTES_MAX];
    snprintf(text, TOPOLOGY_LIMITS_BYTES_MAX, "off, or %s to %s", show_duration(key->min, min),
             show_duration(key->max, max));
}

int64_t topology_schema_duration_ms(const char *value)
{
    int64_t number = 0;
    const char *at = value;
    for (; *at >= '0' && *at <= '9' && number <= NUMBER_MAX; at++)
        number = number * 10 + (*at - '0');
    if (at == value || *at == '\0' || at[1] != '\0')
        return 0;
    for (size_t i = 0; i < UNITS; i++)
        if (units[i].letter == *at && number <= INT64_MAX / units[i].ms)
            return number * units[i].ms;
    return 0;
}

static void read_duration(const struct topology_key *key, uint32_t line, const char *value,
                          void *field, struct topology_faults *faults)
{
    int64_t ms = topology_schema_duration_ms(value);
    if (strcmp(value, "off") == 0 || (ms >= key->min && ms <= key->max)) {
        memcpy(field, &ms, sizeof ms);
        return;
    }
    char limits[TOPOLOGY_LIMITS_BYTES_MAX];
    list_durations(key, limits);
    topology_faults_add(faults, line,
                        "`%s` is `%.*s`; write a whole number of s, m, h or d as in %s (%s)",
                        key->name, TOPOLOGY_QUOTE_BYTES_MAX, value, key->example, limits);
}

static const struct topology_kind kind_duration = {"duration", sizeof(int64_t), read_duration,
                                                   same_bytes, list_durations};

static void list_providers(const struct topology_key *key, char text[TOPOLOGY_LIMITS_BYTES_MAX])
{
    (void)key;
    text[0] = '\0';
    for (int i = TOPOLOGY_NO_PROVIDER + 1; i < TOPOLOGY_PROVIDERS; i++)
        list_word(text, topology_provider_name((enum topology_provider)i),
                  (size_t)(TOPOLOGY_PROVIDERS - 1 - i));
}

static void read_provider(const struct topology_key *key, uint32_t line, const char *value,
                          void *field, struct topology_faults *faults)
{
    enum topology_provider provider = topology_provider_find(value);
    if (provider != TOPOLOGY_NO_PROVIDER) {
        memcpy(field, &provider, sizeof provider);
        return;
    }
    char all[TOPOLOGY_LIMITS_BYTES_MAX];
    struct topology_nearest nearest = {.word = value};
    for (int i = TOPOLOGY_NO_PROVIDER + 1; i < TOPOLOGY_PROVIDERS; i++)
        topology_nearest_offer(&nearest, topology_provider_name((enum topology_provider)i));
    list_providers(key, all);
    topology_faults_add(faults, line, "there is no provider `%.*s`; write %s",
                        TOPOLOGY_QUOTE_BYTES_MAX, value, nearest.best ? nearest.best : all);
}

static const struct topology_kind kind_provider = {"provider", sizeof(enum topology_provider),
                                                   read_provider, same_bytes, list_providers};

/* Words for the values of an enumeration, in its order. */
struct words {
    const char *words[4];
    size_t count;
};

static void list_words(const struct topology_key *key, char text[TOPOLOGY_LIMITS_BYTES_MAX]);
static void read_word(const struct topology_key *key, uint32_t line, const char *value, void *field,
                      struct topology_faults *faults);

static const struct topology_kind kind_journal = {"journal", sizeof(enum topology_journal),
                                                  read_word, same_bytes, list_words};
static const struct topology_kind kind_answers = {"answers", sizeof(enum topology_answers),
                                                  read_word, same_bytes, list_words};

static const struct words enumerations[] = {
    {{[TOPOLOGY_JOURNAL_OFF] = "off",
      [TOPOLOGY_JOURNAL_EVERYSEC] = "everysec",
      [TOPOLOGY_JOURNAL_ALWAYS] = "always"},
     3},
    {{[TOPOLOGY_ANSWERS_MEMORY] = "memory",
      [TOPOLOGY_ANSWERS_NEIGHBOUR] = "neighbour",
      [TOPOLOGY_ANSWERS_DISK] = "disk",
      [TOPOLOGY_ANSWERS_BOTH] = "both"},
     4},
};

static const struct words *words_of(const struct topology_key *key)
{
    return &enumerations[key->kind == &kind_answers];
}

static void list_words(const struct topology_key *key, char text[TOPOLOGY_LIMITS_BYTES_MAX])
{
    const struct words *words = words_of(key);
    text[0] = '\0';
    for (size_t i = 0; i < words->count; i++)
        list_word(text, words->words[i], words->count - 1 - i);
}

static void read_word(const struct topology_key *key, uint32_t line, const char *value, void *field,
                      struct topology_faults *faults)
{
    const struct words *words = words_of(key);
    for (unsigned i = 0; i < words->count; i++)
        if (strcmp(value, words->words[i]) == 0) {
            memcpy(field, &i, sizeof i);
            return;
        }
    char all[TOPOLOGY_LIMITS_BYTES_MAX];
    list_words(key, all);
    topology_faults_add(faults, line, "`%s` is `%.*s`; write %s", key->name,
                        TOPOLOGY_QUOTE_BYTES_MAX, value, all);
}

static void read_setting(const struct topology_key *key, uint32_t line, const char *value,
                         void *field, struct topology_faults *faults)
{
    enum setting setting = settings_find(key->name);
    if (!settings_read(field, setting, value))
        topology_faults_add(faults, line, "`%s` takes %s, not %.*s", key->name,
                            settings_takes(setting), TOPOLOGY_QUOTE_BYTES_MAX, value);
}

static bool same_setting(const struct topology_key *key, const void *before, const void *after)
{
    return settings_same(before, after, settings_find(key->name));
}

static void list_settings(const struct topology_key *key, char text[TOPOLOGY_LIMITS_BYTES_MAX])
{
    snprintf(text, TOPOLOGY_LIMITS_BYTES_MAX, "%s", settings_takes(settings_find(key->name)));
}

/* All of them are in one field. */
static const struct topology_kind kind_setting = {"setting", sizeof(struct settings), read_setting,
                                                  same_setting, list_settings};

static_assert(sizeof(enum topology_journal) == sizeof(unsigned) &&
                  sizeof(enum topology_answers) == sizeof(unsigned),
              "a word's number is its value");

/* ---- the keys, in the order in which sentences and `zherd schema` name them ---- */

/* `struct STRUCT`'s field, for a row. */
#define FIELD(STRUCT, field)                                                                       \
    .offset = offsetof(struct STRUCT, field), .field_bytes = sizeof(((struct STRUCT *)0)->field)

/* The settings of `struct STRUCT`. */
#define SETTINGS_ROW(STRUCT, text, sample, what)                                                   \
    {                                                                                              \
        text, &kind_setting, .optional = true, .at_once = true, FIELD(STRUCT, settings),           \
                             .example = (sample), .meaning = (what)                                \
    }
#define SETTINGS_KEYS(STRUCT)                                                                      \
    SETTINGS_ROW(STRUCT, "max_clients", "200000", "known clients at which new ones are refused"),  \
        SETTINGS_ROW(STRUCT, "max_table_bytes", "512M", "bytes that the table of clients takes"),  \
        SETTINGS_ROW(STRUCT, "new_clients", "10000/200000",                                        \
                     "new clients of one address a second, and at once"),                          \
        SETTINGS_ROW(STRUCT, "log", "events", "whether commands and replies are logged"),          \
        SETTINGS_ROW(STRUCT, "log_rate", "20000", "lines about connections a second"),             \
        SETTINGS_ROW(STRUCT, "log_level", "info", "of which weight an event is logged"),           \
        SETTINGS_ROW(STRUCT, "log_file", "-", "where the log goes; - is standard output"),         \
        SETTINGS_ROW(STRUCT, "log_max_bytes", "256M",                                              \
                     "bytes at which the log begins a new file; 0: at none"),                      \
        SETTINGS_ROW(STRUCT, "log_format", "json", "how a line of the log is written")

static const struct topology_key herd_keys[] = {
    {"name", &kind_name, .fixed = true, FIELD(topology, herd), .example = "fall2016",
     .meaning = "what the herd is called"},
    {"keys", &kind_path, .optional = true, FIELD(topology, keys), .example = "fall2016.keys",
     .meaning = "folder of the secret keys, counted from this file; without it nobody has keys"},
    {"insecure", &kind_yes_or_no, .optional = true, .otherwise = "no", .at_once = true,
     FIELD(topology, insecure), .example = "yes",
     .meaning = "whether a herd without keys may leave this machine"},
    {"max_id_bytes", &kind_number, .optional = true, .otherwise = "65536", .min = 1,
     .max = TOPOLOGY_ID_BYTES_MAX, .at_once = true, FIELD(topology, max_id_bytes), .example = "255",
     .meaning = "bytes of the longest id that a client may have"},
    {"former", &kind_names, .optional = true, .at_once = true, FIELD(topology, former),
     .example = "Gus Ann",
     .meaning = "nodes that are none any more, and whose positions count all the same"},
    {"expire", &kind_duration, .optional = true, .otherwise = "off", .min = MS_PER_S,
     .max = TOPOLOGY_EXPIRE_MS_MAX, .at_once = true, FIELD(topology, expire_ms), .example = "24h",
     .meaning = "age at which a position is over, at all nodes alike"},
    {"forget", &kind_yes_or_no, .optional = true, .otherwise = "no", .at_once = true,
     FIELD(topology, forget), .example = "yes",
     .meaning = "whether clients may say FORGET, of themselves and of each other"},
    {"nearby", &kind_yes_or_no, .optional = true, .otherwise = "yes", .fixed = true,
     FIELD(topology, nearby), .example = "no",
     .meaning = "whether clients may ask by NEARBY who is near"},
    {"watch", &kind_yes_or_no, .optional = true, .otherwise = "yes", .fixed = true,
     FIELD(topology, watch), .example = "no",
     .meaning = "whether clients may be told by WATCH what changes"},
    {"journal", &kind_journal, .optional = true, .otherwise = "off", .fixed = true,
     FIELD(topology, journal), .example = "everysec",
     .meaning = "when each node writes its positions to its disk, and syncs them"},
    {"answers_after", &kind_answers, .optional = true, .otherwise = "memory", .at_once = true,
     FIELD(topology, answers_after), .example = "neighbour",
     .meaning = "who has a position before the client is answered"},
    {"access", &kind_path, .optional = true, .at_once = true, FIELD(topology, access),
     .example = "fall2016.access",
     .meaning = "file of who may do what, counted from this file; without it anybody may anything"},
    SETTINGS_KEYS(topology),
    {"certificate", &kind_path, .optional = true, .at_once = true, FIELD(topology, tls.certificate),
     .example = "/etc/zherd/tls/herd.pem",
     .meaning = "file of the certificate of each node's TLS, and of those above it"},
    {"certificate_key", &kind_path, .optional = true, .at_once = true,
     FIELD(topology, tls.certificate_key), .example = "/etc/zherd/tls/herd.key",
     .meaning = "file of its key, mode 0600"},
    {"client_ca", &kind_path, .optional = true, .at_once = true, FIELD(topology, tls.client_ca),
     .example = "/etc/zherd/tls/clients.pem",
     .meaning = "file of the authority whose certificates clients of TLS must have"},
};

static const struct topology_key node_keys[] = {
    {"name", &kind_name, FIELD(topology_node, name), .example = "Alford",
     .meaning = "what the node is called, in AT lines too"},
    {"clients", &kind_endpoint, .at_once = true, FIELD(topology_node, clients),
     .example = "tcp://127.0.0.1:11500", .meaning = "where it listens for clients"},
    {"bus", &kind_endpoint, .others_at_once = true, .fixed = true, FIELD(topology_node, bus),
     .example = "tcp://127.0.0.1:12500", .meaning = "where it listens for its neighbours"},
    {"bus_at", &kind_endpoint, .optional = true, .as = "bus", .at_once = true,
     FIELD(topology_node, bus_at), .example = "tcp://north.example.org:12500",
     .meaning = "where they reach that"},
    {"public_key", &kind_keys, .optional = true, .others_at_once = true,
     FIELD(topology_node, public_keys), .example = "\"KEY\"",
     .meaning = "how others know it, written by `zherd keygen`"},
    {"trusted", &kind_networks, .optional = true, .at_once = true, FIELD(topology_node, trusted),
     .example = "198.51.100.0/24 2001:db8::/32",
     .meaning = "networks of proxies and carriers, whose clients have the node's share"},
    {"monitor", &kind_endpoint, .optional = true, .others_at_once = true,
     FIELD(topology_node, monitor.at), .example = "tcp://127.0.0.1:14500",
     .meaning = "where it lets itself be watched by HTTP"},
    {"monitor_token_file", &kind_path, .optional = true, .others_at_once = true,
     FIELD(topology_node, monitor.token_file), .example = "monitor.token",
     .meaning = "file of the token of those who may watch; without it everybody may"},
    SETTINGS_KEYS(topology_node),
    {"clients_tls", &kind_tls_endpoint, .optional = true, .at_once = true,
     FIELD(topology_node, clients_tls), .example = "tls://*:11600",
     .meaning = "where it listens for clients that speak TLS"},
    {"certificate", &kind_path, .optional = true, .at_once = true,
     FIELD(topology_node, tls.certificate), .example = "/etc/zherd/tls/herd.pem",
     .meaning = "file of the certificate of its TLS, if not the herd's"},
    {"certificate_key", &kind_path, .optional = true, .at_once = true,
     FIELD(topology_node, tls.certificate_key), .example = "/etc/zherd/tls/herd.key",
     .meaning = "file of its key, mode 0600"},
    {"client_ca", &kind_path, .optional = true, .at_once = true,
     FIELD(topology_node, tls.client_ca), .example = "/etc/zherd/tls/clients.pem",
     .meaning = "file of the authority whose certificates clients of TLS must have"},
};

static const struct topology_key link_keys[] = {
    {"between", &kind_two_nodes, .example = "Alford Hamilton", .meaning = "who talks to whom"},
};

static const struct topology_key observer_keys[] = {
    {"name", &kind_name, FIELD(topology_observer, self.name), .example = "Ear",
     .meaning = "what the observer is called"},
    {"of", &kind_node, .example = "Alford", .meaning = "whom it listens to"},
    {"bus", &kind_endpoint, .others_at_once = true, FIELD(topology_observer, self.bus),
     .example = "tcp://127.0.0.1:12590", .meaning = "where it listens for that node"},
    {"bus_at", &kind_endpoint, .optional = true, .as = "bus", .others_at_once = true,
     FIELD(topology_observer, self.bus_at), .example = "tcp://north.example.org:12590",
     .meaning = "where that node reaches it"},
    {"public_key", &kind_keys, .optional = true, .others_at_once = true,
     FIELD(topology_observer, self.public_keys), .example = "\"KEY\"",
     .meaning = "how its node knows it, written by `zherd keygen`"},
};

static const struct topology_key operator_keys[] = {
    {"name", &kind_name, FIELD(topology_operator, name), .example = "Ada",
     .meaning = "what the operator is called, in logs too"},
    {"public_key", &kind_keys, .optional = true, .others_at_once = true,
     FIELD(topology_operator, public_keys), .example = "\"KEY\"",
     .meaning = "how nodes know it, written by `zherd keygen`"},
};

static const struct topology_key web_keys[] = {
    {"name", &kind_name, .optional = true, FIELD(topology_web, name), .example = "Door",
     .meaning = "what it is called; without it as its observer"},
    {"of", &kind_node, .example = "Alford", .meaning = "the node that it passes positions on to"},
    {"observer", &kind_observer, .example = "Ear",
     .meaning = "the observer that it is to that node"},
    {"listen", &kind_endpoint, .others_at_once = true, FIELD(topology_web, listen),
     .example = "tcp://127.0.0.1:14500", .meaning = "where it listens for HTTP"},
    {"token_file", &kind_path, .optional = true, .at_once = true, FIELD(topology_web, token_file),
     .example = "Ear.token",
     .meaning = "file of the token that it shows its node, mode 0600; needed beside `access`"},
    {"certificate", &kind_path, .optional = true, .at_once = true, FIELD(topology_web, certificate),
     .example = "/etc/zherd/tls/web.pem",
     .meaning = "file of its certificate, and of those above it: it speaks HTTPS"},
    {"certificate_key", &kind_path, .optional = true, .at_once = true,
     FIELD(topology_web, certificate_key), .example = "/etc/zherd/tls/web.key",
     .meaning = "file of the certificate's key, mode 0600"},
    {"tiles", &kind_tiles, .optional = true, .others_at_once = true, FIELD(topology_web, tiles),
     .example = "https://a.example/{z}/{x}/{y}.png", .meaning = "pictures of streets for its map"},
};

static const struct topology_key places_keys[] = {
    {"gateways", &kind_endpoint, .at_once = true, FIELD(topology_places, gateways),
     .example = "tcp://127.0.0.1:13500", .meaning = "where the broker listens for gateways"},
    {"workers", &kind_endpoint, .at_once = true, FIELD(topology_places, workers),
     .example = "tcp://127.0.0.1:13501", .meaning = "where it listens for workers"},
    {"gateways_at", &kind_endpoint, .optional = true, .as = "gateways", .at_once = true,
     FIELD(topology_places, gateways_at), .example = "tcp://places.example.org:13500",
     .meaning = "where gateways reach it"},
    {"workers_at", &kind_endpoint, .optional = true, .as = "workers", .at_once = true,
     FIELD(topology_places, workers_at), .example = "tcp://places.example.org:13501",
     .meaning = "where workers reach it"},
    {"provider", &kind_provider, FIELD(topology_places, provider), .example = "landmarks",
     .meaning = "who knows the places"},
    {"url", &kind_url, FIELD(topology_places, url),
     .example = "http://127.0.0.1:13580/maps/api/place/nearbysearch/json",
     .meaning = "where the provider is asked; beyond this machine https"},
    {"key_file", &kind_path, .optional = true, FIELD(topology_places, key_file),
     .example = "google.key", .meaning = "file of the provider's key, where it wants one"},
    {"fallback", &kind_provider, .optional = true, FIELD(topology_places, fallback),
     .example = "landmarks", .meaning = "who is asked where the provider cannot be, without a key"},
    {"fallback_url", &kind_url, .optional = true, FIELD(topology_places, fallback_url),
     .example = "http://127.0.0.1:13580/landmarks", .meaning = "where the fallback is asked"},
    {"grid_m", &kind_number, .optional = true, .min = 1, .max = TOPOLOGY_GRID_M_MAX,
     FIELD(topology_places, grid_m), .example = "100",
     .meaning = "metres within which questions are one; without it none are"},
    {"cache_s", &kind_number, .optional = true, .min = 0, .max = TOPOLOGY_CACHE_S_MAX,
     FIELD(topology_places, cache_s), .example = "300",
     .meaning = "seconds for which answers are kept; without it as the provider's terms allow"},
    {"budget", &kind_number, .optional = true, .min = 1, .max = TOPOLOGY_BUDGET_MAX,
     FIELD(topology_places, budget), .example = "1000",
     .meaning = "requests to the provider a day; without it any number"},
    {"database", &kind_path, .optional = true, FIELD(topology_places, database),
     .example = "places.db", .meaning = "file of landmarks' places; without it the bundled ones"},
    {"public_key", &kind_keys, .optional = true, .others_at_once = true,
     FIELD(topology_places, public_keys), .example = "\"KEY\"",
     .meaning = "how others know brokers and workers, the same in each section"},
    {"monitor", &kind_endpoint, .optional = true, .others_at_once = true,
     FIELD(topology_places, monitor.at), .example = "tcp://127.0.0.1:14590",
     .meaning = "where the broker lets itself be watched by HTTP"},
    {"monitor_token_file", &kind_path, .optional = true, .others_at_once = true,
     FIELD(topology_places, monitor.token_file), .example = "monitor.token",
     .meaning = "file of the token of those who may watch; without it everybody may"},
};

#define SECTION(name, rows)                                                                        \
    {                                                                                              \
        name, rows, sizeof(rows) / sizeof *(rows)                                                  \
    }
const struct topology_schema topology_schemas[SECTION_KINDS] = {
    [SECTION_HERD] = SECTION("herd", herd_keys),
    [SECTION_NODE] = SECTION("node", node_keys),
    [SECTION_LINK] = SECTION("link", link_keys),
    [SECTION_OBSERVER] = SECTION("observer", observer_keys),
    [SECTION_OPERATOR] = SECTION("operator", operator_keys),
    [SECTION_WEB] = SECTION("web", web_keys),
    [SECTION_PLACES] = SECTION("places", places_keys),
};
_Static_assert(sizeof places_keys / sizeof *places_keys <= TOPOLOGY_KEYS_MAX,
               "the longest of them fits into a section");

size_t topology_schema_find(enum topology_section_kind section, const char *name)
{
    const struct topology_schema *schema = &topology_schemas[section];
    size_t number = 0;
    while (number < schema->count && strcmp(schema->keys[number].name, name) != 0)
        number++;
    assert(number < schema->count);
    return number;
}

bool topology_schema_same(enum topology_section_kind section, size_t number, const void *before,
                          const void *after)
{
    const struct topology_key *rows = topology_schemas[section].keys, *key = &rows[number];
    const char *one = before, *other = after;
    if (key->kind->same == NULL || key->kind->same(key, one + key->offset, other + key->offset))
        return true;
    if (key->as == NULL)
        return false;
    size_t as = rows[topology_schema_find(section, key->as)].offset;
    return key->kind->same(key, one + key->offset, one + as) &&
           key->kind->same(key, other + key->offset, other + as);
}

void topology_schema_list_sections(char text[TOPOLOGY_LIMITS_BYTES_MAX])
{
    text[0] = '\0';
    for (size_t i = 0; i < SECTION_KINDS; i++)
        list_word(text, topology_schemas[i].name, SECTION_KINDS - 1 - i);
}
