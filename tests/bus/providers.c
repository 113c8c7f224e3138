/* Every provider with an answer of its own shape, over real HTTP: a real worker between a socket
 * that plays the broker and an upstream that misbehaves as each question asks. */
#include <czmq.h>

#include "placesd/service/worker.h"
#include "tests/bus/http_server.h"
#include "tests/bus/upstream.h"

/* The deadline of each job, unless the upstream is meant to take longer. */
#define DEADLINE_MS       4000
#define DEADLINE_LATE_MS  500
#define DEADLINE_MANY_MS  2000
#define REQUEST_BYTES_MAX 4096
/* What the worker itself may add to a deadline that has passed. */
#define GRACE_MS 700
/* By what a transfer may end before its deadline, for clocks are read in whole milliseconds. */
#define CLOCK_MS 5

/* Moods besides those of upstream.h. */
enum mood {
    MOOD_EMPTY = UPSTREAM_SILENT + 1, /* good, with nothing near */
    MOOD_HALF,                        /* a good answer that ends in the middle, as announced */
    MOOD_LATIN,                       /* not UTF-8 */
    MOOD_RESTING,                     /* out of order, and says for how long */
};

struct subject {
    const struct provider *provider;
    const char *good, *empty, *latin;
    const char *echo; /* a good answer that holds the key; NULL where there is none */
};

#define GOOGLE_PLACE(name)                                                                         \
    "{\"id\":\"1\",\"displayName\":{\"text\":\"" name                                              \
    "\"},\"location\":{\"latitude\":34,\"longitude\":-118}}"
#define OVERPASS_ELEMENT(name)                                                                     \
    "{\"type\":\"node\",\"id\":1,\"lat\":34,\"lon\":-118,\"tags\":{\"name\":\"" name               \
    "\",\"shop\":\"yes\"}}"
#define PHOTON_FEATURE(name)                                                                       \
    "{\"geometry\":{\"coordinates\":[-118,34]},\"properties\":{\"name\":\"" name                   \
    "\",\"osm_value\":\"bar\",\"osm_type\":\"N\",\"osm_id\":1}}"

static const struct subject google_new = {
    &provider_google_new,
    "{\"places\":[" GOOGLE_PLACE("a") "," GOOGLE_PLACE("b") "]}",
    "{}",
    "{\"places\":[" GOOGLE_PLACE("caf\xe9") "]}",
    "{\"places\":[" GOOGLE_PLACE(ASKER_CANARY) "]}",
};
static const struct subject overpass = {
    &provider_overpass,
    "{\"elements\":[" OVERPASS_ELEMENT("a") "," OVERPASS_ELEMENT("b") "]}",
    "{\"elements\":[]}",
    "{\"elements\":[" OVERPASS_ELEMENT("caf\xe9") "]}",
    NULL,
};
static const struct subject photon = {
    &provider_photon,
    "{\"features\":[" PHOTON_FEATURE("a") "," PHOTON_FEATURE("b") "]}",
    "{\"features\":[]}",
    "{\"features\":[" PHOTON_FEATURE("caf\xe9") "]}",
    NULL,
};

static const struct subject landmarks = {
    &provider_landmarks,
    "{\"html_attributions\":[],\"results\":[{},{}],\"status\":\"OK\"}",
    "{\"html_attributions\":[],\"results\":[],\"status\":\"ZERO_RESULTS\"}",
    "{\"html_attributions\":[],\"results\":[\"caf\xe9\"],\"status\":\"OK\"}",
    NULL,
};

/* ---- the upstream ---- */

/* What came over the wire. */
struct request {
    char method[16], url[256], type[64], key[64], mask[256], agent[64];
    char body[REQUEST_BYTES_MAX];
    size_t body_bytes;
};

static struct upstream upstream;
static atomic_int mood;
static _Atomic(const struct subject *) playing; /* whom the upstream plays */
static _Atomic int64_t early_until_ms;
static atomic_uint early; /* requests that came before */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct request last; /* under the lock */

static struct request last_request(void)
{
    pthread_mutex_lock(&lock);
    struct request copy = last;
    pthread_mutex_unlock(&lock);
    return copy;
}

static void copy_header(struct MHD_Connection *connection, const char *name, char *to, size_t room)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    snprintf(to, room, "%s", value != NULL ? value : "");
}

static enum MHD_Result add_argument(void *user, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    (void)user;
    (void)kind;
    size_t used = strlen(last.url);
    snprintf(last.url + used, sizeof last.url - used, "%c%s=%s",
             strchr(last.url, '?') == NULL ? '?' : '&', name, value);
    return MHD_YES;
}

static void begin_request(struct MHD_Connection *connection, const char *method, const char *url)
{
    pthread_mutex_lock(&lock);
    last = (struct request){.body_bytes = 0};
    snprintf(last.method, sizeof last.method, "%s", method);
    snprintf(last.url, sizeof last.url, "%s", url);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_argument, NULL);
    copy_header(connection, "Content-Type", last.type, sizeof last.type);
    copy_header(connection, "X-Goog-Api-Key", last.key, sizeof last.key);
    copy_header(connection, "X-Goog-FieldMask", last.mask, sizeof last.mask);
    copy_header(connection, "User-Agent", last.agent, sizeof last.agent);
    pthread_mutex_unlock(&lock);
}

static void add_body(const char *bytes, size_t count)
{
    pthread_mutex_lock(&lock);
    size_t room = sizeof last.body - 1 - last.body_bytes;
    memcpy(last.body + last.body_bytes, bytes, count < room ? count : room);
    last.body_bytes += count < room ? count : room;
    pthread_mutex_unlock(&lock);
}

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status,
                                 const char *text, const char *header, const char *value)
{
    struct MHD_Response *response = upstream_text(text);
    if (header != NULL)
        MHD_add_response_header(response, header, value);
    return upstream_send(connection, status, response);
}

/* The text with the key that came, for a provider that gets one. */
static enum MHD_Result send_key(struct MHD_Connection *connection, unsigned status,
                                const char *format)
{
    const char *key = topology_provider_needs_key(atomic_load(&playing)->provider->id)
                          ? ASKER_CANARY
                          : "of yours";
    return upstream_send(connection, status, upstream_about(format, key));
}

static enum MHD_Result respond(struct MHD_Connection *connection)
{
    const struct subject *subject = atomic_load(&playing);
    char half[REQUEST_BYTES_MAX];
    switch (atomic_load(&mood)) {
    case MOOD_EMPTY:
        return send_text(connection, 200, subject->empty, NULL, NULL);
    case MOOD_HALF:
        snprintf(half, sizeof half, "%.*s", (int)strlen(subject->good) / 2, subject->good);
        return send_text(connection, 200, half, NULL, NULL);
    case MOOD_LATIN:
        return send_text(connection, 200, subject->latin, NULL, NULL);
    case MOOD_RESTING:
        return send_text(connection, 503, "later", "Retry-After", "7");
    case UPSTREAM_ECHOING:
        return send_text(connection, 200, subject->echo, NULL, NULL);
    case UPSTREAM_DENIED:
        return send_key(connection, 403,
                        "{\"error\":{\"message\":\"The key %s at 34.06893 is not good.\"}}");
    case UPSTREAM_BROKEN:
        return send_key(connection, 503, "key %s: try later");
    case UPSTREAM_GARBAGE:
        return send_key(connection, 200, "<html>%s</html>");
    case UPSTREAM_MOVED:
        return send_text(connection, 307, subject->good, "Location", "/elsewhere");
    case UPSTREAM_LONG:
        return upstream_send(connection, 200, upstream_long());
    case UPSTREAM_FLOOD:
        return upstream_send(connection, 200,
                             MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 65536,
                                                               upstream_flood, &upstream, NULL));
    case UPSTREAM_BOMB:
        return upstream_send(connection, 200, upstream_bomb());
    case UPSTREAM_CUT:
        return upstream_send(
            connection, 200,
            MHD_create_response_from_callback(1000, 1000, upstream_cut, &upstream, NULL));
    case UPSTREAM_HEADED:
        return upstream_send(connection, 200, upstream_headed(upstream_text(subject->good)));
    case UPSTREAM_DRIPPING:
        return upstream_send(
            connection, 200,
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, upstream_drip, &upstream, NULL));
    case UPSTREAM_SILENT:
        upstream_wait(&upstream, 30000);
        return MHD_NO;
    default:
        return send_text(connection, 200, subject->good, NULL, NULL);
    }
}

static enum MHD_Result take_request(void *user, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_bytes, void **state)
{
    (void)user;
    (void)version;
    if (*state == NULL) {
        *state = &upstream;
        begin_request(connection, method, url);
        return MHD_YES;
    }
    if (*upload_bytes > 0) {
        add_body(upload, *upload_bytes);
        *upload_bytes = 0;
        return MHD_YES;
    }
    atomic_fetch_add(&upstream.requests, 1);
    if (asker_now_ms() < atomic_load(&early_until_ms))
        atomic_fetch_add(&early, 1);
    if (strcmp(url, "/x") != 0)
        atomic_fetch_add(&upstream.followed, 1);
    return respond(connection);
}

/* ---- the worker ---- */

static void *context;
static struct http_server giver;
static struct worker *worker;
static struct worker_broker asked;
static char url[128];

static struct transfer_source source_of(const struct subject *of)
{
    const char *key = topology_provider_needs_key(of->provider->id) ? ASKER_CANARY : "";
    return (struct transfer_source){
        .provider = of->provider, .url = span_of(url), .key = span_of(key)};
}

/* A worker that asks `of`, or `second` where a job names it. */
static void start_worker(const struct subject *of, const struct subject *second, const char *scheme)
{
    atomic_store(&playing, of);
    struct fault fault = {0};
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/x", scheme, upstream.port);
    http_server_open(&giver, context, DEADLINE_MS + ASKER_PATIENCE_MS);
    asked = (struct worker_broker){
        .back = giver.endpoint,
        .sources = {source_of(of), source_of(second)},
        .source_count = 2,
    };
    worker = worker_start(
        &(struct worker_options){.brokers = &asked, .broker_count = 1, .credits = WORKER_CREDITS},
        &fault);
    if (worker == NULL) {
        printf("%s\n", fault.text);
        exit(2);
    }
    http_server_meet(&giver);
}

static void stop_worker(void)
{
    worker_stop(&worker);
    http_server_close(&giver);
}

static const struct lookup here = {34068930000, -118445127000, 1500, 20, DEADLINE_MS};

/* One question in one mood; its answer, which must come before its deadline. */
static struct asker_answer ask(int in_mood, uint32_t *rest_ms)
{
    static uint64_t number = 100;
    atomic_store(&mood, in_mood);
    struct lookup lookup = here;
    if (in_mood == UPSTREAM_SILENT || in_mood == UPSTREAM_DRIPPING)
        lookup.deadline_ms = DEADLINE_LATE_MS;
    int64_t start_ms = asker_now_ms();
    uint64_t got = 0;
    http_server_give(&giver, ++number, lookup, NULL);
    struct asker_answer answer = http_server_take(&giver, &got, rest_ms);
    CHECK(asker_now_ms() - start_ms < lookup.deadline_ms + GRACE_MS);
    CHECK_INT(got, number);
    return answer;
}

/* ---- the cases ---- */

static void expect(int in_mood, enum lookup_code code, size_t results)
{
    uint32_t rest_ms;
    struct asker_answer answer = ask(in_mood, &rest_ms);
    if (answer.code != code || answer.results != results) {
        printf("    in mood %d: %d with %zu results\n", in_mood, answer.code, answer.results);
        check_failures++;
    }
}

static void expect_moods(void)
{
    static const struct {
        int mood;
        enum lookup_code code;
    } moods[] = {
        {UPSTREAM_DENIED, LOOKUP_REFUSED},    {UPSTREAM_BROKEN, LOOKUP_UNAVAILABLE},
        {UPSTREAM_GARBAGE, LOOKUP_BAD_REPLY}, {MOOD_HALF, LOOKUP_BAD_REPLY},
        {MOOD_LATIN, LOOKUP_BAD_REPLY},       {UPSTREAM_LONG, LOOKUP_BAD_REPLY},
        {UPSTREAM_FLOOD, LOOKUP_BAD_REPLY},   {UPSTREAM_BOMB, LOOKUP_BAD_REPLY},
        {UPSTREAM_CUT, LOOKUP_UNAVAILABLE},   {UPSTREAM_MOVED, LOOKUP_UNAVAILABLE},
        {UPSTREAM_HEADED, LOOKUP_BAD_REPLY},  {UPSTREAM_DRIPPING, LOOKUP_TIMEOUT},
        {UPSTREAM_SILENT, LOOKUP_TIMEOUT},
    };
    expect(UPSTREAM_GOOD, LOOKUP_OK, 2);
    expect(MOOD_EMPTY, LOOKUP_OK, 0);
    for (size_t i = 0; i < sizeof moods / sizeof *moods; i++) {
        expect(moods[i].mood, moods[i].code, 0);
        expect(UPSTREAM_GOOD, LOOKUP_OK, 2); /* and the worker goes on */
    }
    CHECK_INT(atomic_load(&upstream.followed), 0);
    CHECK(atomic_load(&upstream.flooded) < UINT64_C(16) * LOOKUP_BODY_BYTES_MAX);
    uint32_t rest_ms;
    CHECK_INT(ask(MOOD_RESTING, &rest_ms).code, LOOKUP_UNAVAILABLE);
    CHECK_INT(rest_ms, 7000);
    if (atomic_load(&playing)->echo != NULL)
        expect(UPSTREAM_ECHOING, LOOKUP_BAD_REPLY, 0);
}

static void google_new_survives(void)
{
    start_worker(&google_new, &photon, "http");
    expect_moods();
    expect(UPSTREAM_GOOD, LOOKUP_OK, 2);
    struct request seen = last_request();
    CHECK(strcmp(seen.method, "POST") == 0);
    CHECK(strcmp(seen.url, "/x") == 0);
    CHECK(strcmp(seen.type, "application/json") == 0);
    CHECK(strcmp(seen.key, ASKER_CANARY) == 0);
    CHECK(strstr(seen.mask, "places.displayName") != NULL && strchr(seen.mask, ' ') == NULL);
    CHECK(strncmp(seen.agent, "zherd/", 6) == 0);
    CHECK(strstr(seen.body, ASKER_CANARY) == NULL);
    json_error_t error;
    json_t *body = json_loadb(seen.body, seen.body_bytes, JSON_REJECT_DUPLICATES, &error);
    double latitude = 0, longitude = 0, radius = 0;
    CHECK(json_unpack(body, "{s:{s:{s:{s:F,s:F},s:F}}}", "locationRestriction", "circle", "center",
                      "latitude", &latitude, "longitude", &longitude, "radius", &radius) == 0);
    CHECK(latitude > 34.0689 && latitude < 34.069 && longitude < -118.445 && longitude > -118.446);
    CHECK_INT(radius, 1500);
    json_decref(body);
    stop_worker();
}

static void overpass_survives(void)
{
    start_worker(&overpass, &photon, "http");
    expect_moods();
    expect(UPSTREAM_GOOD, LOOKUP_OK, 2);
    struct request seen = last_request();
    CHECK(strcmp(seen.method, "POST") == 0);
    CHECK(strcmp(seen.url, "/x") == 0);
    CHECK(strcmp(seen.type, "application/x-www-form-urlencoded") == 0);
    CHECK(strcmp(seen.key, "") == 0);
    CHECK(strncmp(seen.body, "data=%5Bout%3Ajson%5D", 21) == 0);
    CHECK(strstr(seen.body, "around%3A1500%2C34.06893%2C-118.445127") != NULL);
    stop_worker();
}

static void photon_survives(void)
{
    start_worker(&photon, &overpass, "http");
    expect_moods();
    expect(UPSTREAM_GOOD, LOOKUP_OK, 2);
    struct request seen = last_request();
    CHECK(strcmp(seen.method, "GET") == 0);
    CHECK(strcmp(seen.url, "/x?lat=34.06893&lon=-118.445127&radius=1.500&limit=40"
                           "&osm_tag=tourism&osm_tag=historic&osm_tag=leisure&osm_tag=amenity"
                           "&osm_tag=shop") == 0);
    CHECK(strcmp(seen.key, "") == 0);
    CHECK_INT(seen.body_bytes, 0);
    stop_worker();
}

/* The same transfers serve one provider after the other: a POST leaves nothing in the next
 * request. */
static void shares_transfers(void)
{
    start_worker(&photon, &google_new, "http");
    atomic_store(&mood, UPSTREAM_GOOD);
    for (uint64_t i = 0; i < 6; i++) {
        bool is_post = i % 2 == 0;
        const struct subject *subject = is_post ? &google_new : &photon;
        atomic_store(&playing, subject);
        http_server_give(&giver, i, here, topology_provider_name(subject->provider->id));
        uint64_t number;
        uint32_t rest_ms;
        struct asker_answer answer = http_server_take(&giver, &number, &rest_ms);
        CHECK_INT(answer.code, LOOKUP_OK);
        CHECK_INT(answer.results, 2);
        struct request seen = last_request();
        CHECK(strcmp(seen.method, is_post ? "POST" : "GET") == 0);
        CHECK((strcmp(seen.key, ASKER_CANARY) == 0) == is_post);
        CHECK((seen.mask[0] != '\0') == is_post && (seen.type[0] != '\0') == is_post);
        CHECK((seen.body_bytes > 0) == is_post);
    }
    stop_worker();
}

/* A hundred at once while the upstream says nothing: all are answered by their deadline. How many
 * of them reached it before any of them can have ended and left its connection to another. */
static unsigned end_many_late(const struct subject *of, const struct subject *second)
{
    enum { JOBS = 100 };
    bool answered[JOBS] = {false};
    start_worker(of, second, "http");
    atomic_store(&mood, UPSTREAM_SILENT);
    struct lookup lookup = here;
    lookup.deadline_ms = DEADLINE_MANY_MS;
    int64_t start_ms = asker_now_ms();
    atomic_store(&early, 0);
    atomic_store(&early_until_ms, start_ms + DEADLINE_MANY_MS - CLOCK_MS);
    for (uint64_t i = 0; i < JOBS; i++)
        http_server_give(&giver, i, lookup, NULL);
    for (int i = 0; i < JOBS; i++) {
        uint64_t number = JOBS;
        uint32_t rest_ms;
        CHECK_INT(http_server_take(&giver, &number, &rest_ms).code, LOOKUP_TIMEOUT);
        CHECK(number < JOBS && !answered[number]);
        if (number < JOBS)
            answered[number] = true;
    }
    CHECK(asker_now_ms() - start_ms < DEADLINE_MANY_MS + GRACE_MS);
    atomic_store(&early_until_ms, 0);
    expect(UPSTREAM_GOOD, LOOKUP_OK, 2);
    stop_worker();
    return atomic_load(&early);
}

static void many_late_answers_come(void)
{
    CHECK(end_many_late(&google_new, &photon) > WORKER_LANDMARKS_CONNECTIONS_MAX);
    CHECK(end_many_late(&google_new, &landmarks) > WORKER_LANDMARKS_CONNECTIONS_MAX);
}

/* Those that wait for a connection end with their deadline, too. */
static void late_answers_need_no_connection(void)
{
    CHECK_INT(end_many_late(&landmarks, &landmarks), WORKER_LANDMARKS_CONNECTIONS_MAX);
}

static void trusts_nobody_without_tls(void)
{
    unsigned before = atomic_load(&upstream.requests);
    start_worker(&google_new, &photon, "https");
    expect(UPSTREAM_GOOD, LOOKUP_UNAVAILABLE, 0);
    CHECK_INT(atomic_load(&upstream.requests), before);
    stop_worker();
}

/* Everything this program logged, as it went to standard error. */
static int log_file = -1;

static void log_holds_no_key(void)
{
    static char log[1024 * 1024];
    ssize_t bytes = pread(log_file, log, sizeof log, 0);
    CHECK(bytes > 0);
    CHECK(memmem(log, (size_t)bytes, "provider google-new at http://", 30) != NULL);
    CHECK(memmem(log, (size_t)bytes, "provider photon at http://", 26) != NULL);
    static const char words[] = "it says: The key *** at *** is not good.\n";
    CHECK(memmem(log, (size_t)bytes, words, sizeof words - 1) != NULL);
    CHECK(memmem(log, (size_t)bytes, "it says: The key of yours at *** is not good.\n", 46) !=
          NULL);
    CHECK(memmem(log, (size_t)bytes, ASKER_CANARY, strlen(ASKER_CANARY)) == NULL);
    CHECK(memmem(log, (size_t)bytes, "34.06893", 8) == NULL);
}

static const struct check_case cases[] = {
    {"google-new: any answer arrives in time, and the key stands in its header only",
     google_new_survives},
    {"overpass: any answer arrives in time", overpass_survives},
    {"photon: any answer arrives in time", photon_survives},
    {"a POST leaves nothing for the next GET", shares_transfers},
    {"a hundred questions to a silent provider end with their deadline", many_late_answers_come},
    {"a hundred questions at few connections, too", late_answers_need_no_connection},
    {"https without TLS on the other side sends nothing", trusts_nobody_without_tls},
    {"the log has the providers' words, and neither key nor place", log_holds_no_key},
};

int main(void)
{
    zsys_handler_set(NULL);
    context = zmq_ctx_new();
    char name[] = "/tmp/zherd-providers-XXXXXX";
    log_file = mkstemp(name);
    unlink(name);
    dup2(log_file, STDERR_FILENO);
    upstream_start_with(&upstream, take_request);
    int status = check_run(cases, sizeof cases / sizeof *cases);
    upstream_stop(&upstream);
    zmq_ctx_destroy(context);
    return status;
}
