#include "gateway/web/server/places.h"

#include <assert.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/web/show/geojson.h"

#define QUESTION_BYTES_MAX 128
#define MM_PER_M           1000

struct places {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer; /* when libcurl wants to be called */
    size_t asked;
    char url[TOPOLOGY_PATH_BYTES_MAX + 1]; /* empty: there is none */
};

struct places_question {
    struct places *places;
    CURL *easy;
    struct buffer body;
    places_on_end *on_end;
    void *user;
};

/* A socket of libcurl's. */
struct watch {
    struct places *places;
    uv_poll_t poll;
    curl_socket_t fd;
};

/* ---- libcurl on the loop (libcurl-multi(3), curl_multi_socket_action(3)) ---- */

static bool is_json(const struct places_question *question)
{
    long status = 0;
    curl_easy_getinfo(question->easy, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 && question->body.len > 0 && question->body.data[0] == '{';
}

/* Hands on what has ended. */
static void take_ended(struct places *places)
{
    int left;
    for (const CURLMsg *message; (message = curl_multi_info_read(places->multi, &left)) != NULL;) {
        struct places_question *question;
        if (message->msg != CURLMSG_DONE)
            continue;
        bool is_good = message->data.result == CURLE_OK;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &question);
        struct span body = {question->body.data, question->body.len};
        question->on_end(question->user, is_good && is_json(question) ? &body : NULL);
    }
}

static void act(struct places *places, curl_socket_t fd, int events)
{
    int running;
    curl_multi_socket_action(places->multi, fd, events, &running);
    take_ended(places);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    const struct watch *watch = poll->data;
    int what = ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
    act(watch->places, watch->fd, status < 0 ? CURL_CSELECT_ERR : what);
}

static int set_timer(CURLM *multi, long pause_ms, void *user)
{
    struct places *places = user;
    (void)multi;
    if (pause_ms < 0)
        uv_timer_stop(&places->timer);
    else
        uv_timer_start(&places->timer, on_timer, (uint64_t)pause_ms, 0);
    return 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int set_watch(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    struct places *places = user;
    struct watch *watch = known;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        uv_poll_stop(&watch->poll);
        uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        return 0;
    }
    if (watch == NULL) {
        watch = bytes_zeroed(sizeof *watch);
        *watch = (struct watch){.places = places, .fd = fd};
        uv_poll_init(places->loop, &watch->poll, fd);
        watch->poll.data = watch;
        curl_multi_assign(places->multi, fd, watch);
    }
    uv_poll_start(&watch->poll,
                  (what != CURL_POLL_OUT ? UV_READABLE : 0) |
                      (what != CURL_POLL_IN ? UV_WRITABLE : 0),
                  on_poll);
    return 0;
}

/* ---- questions ---- */

static size_t take_bytes(char *bytes, size_t size, size_t count, void *user)
{
    struct places_question *question = user;
    if (size * count > PLACES_BYTES_MAX - question->body.len)
        return 0; /* ends it */
    buffer_append(&question->body, (struct span){bytes, size * count});
    return size * count;
}

static void write_url(const char *url, const struct query *query, struct buffer *text)
{
    char radius[QUESTION_BYTES_MAX];
    buffer_append(text, span_of(url));
    buffer_append(text, span_of("?location="));
    geojson_put_degrees(text, query->centre.latitude_nano);
    buffer_append(text, span_of(","));
    geojson_put_degrees(text, query->centre.longitude_nano);
    snprintf(radius, sizeof radius, "&radius=%" PRId64, query->radius_mm / MM_PER_M);
    buffer_append(text, span_of(radius));
    buffer_append(text, (struct span){"", 1});
}

static void set_options(struct places_question *question, const char *url)
{
    CURL *easy = question->easy;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, question);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, question);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)PLACES_MS_MAX);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L); /* no socket without a question */
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "zherd/" ZHERD_VERSION);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    /* Else the end of a question waits for the thread that asks for the server's name. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

struct places_question *places_ask(struct places *places, const struct query *query,
                                   places_on_end *on_end, void *user)
{
    if (places->asked >= PLACES_ASKED_MAX)
        return NULL;
    struct places_question *question = bytes_zeroed(sizeof *question);
    struct buffer url = {0};
    *question = (struct places_question){
        .places = places, .easy = curl_easy_init(), .on_end = on_end, .user = user};
    if (question->easy == NULL)
        abort(); /* memory is gone */
    places->asked++;
    write_url(places->url, query, &url);
    set_options(question, url.data);
    buffer_free(&url);
    if (curl_multi_add_handle(places->multi, question->easy) != CURLM_OK)
        places_end(&question);
    return question;
}

void places_end(struct places_question **question)
{
    if (*question == NULL)
        return;
    (*question)->places->asked--;
    curl_multi_remove_handle((*question)->places->multi, (*question)->easy);
    curl_easy_cleanup((*question)->easy);
    buffer_free(&(*question)->body);
    free(*question);
    *question = NULL;
}

/* ---- start and end ---- */

struct places *places_new(uv_loop_t *loop)
{
    struct places *places = bytes_zeroed(sizeof *places);
    places->loop = loop;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (places->multi = curl_multi_init()) == NULL)
        abort(); /* memory is gone */
    uv_timer_init(loop, &places->timer);
    places->timer.data = places;
    curl_multi_setopt(places->multi, CURLMOPT_SOCKETFUNCTION, set_watch);
    curl_multi_setopt(places->multi, CURLMOPT_SOCKETDATA, places);
    curl_multi_setopt(places->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(places->multi, CURLMOPT_TIMERDATA, places);
    return places;
}

void places_set_server(struct places *places, const struct topology *topology)
{
    const char *url = "";
    for (size_t i = topology->places_count; i-- > 0;) {
        const struct topology_places *section = &topology->places[i];
        if (section->provider == TOPOLOGY_LANDMARKS)
            url = section->url;
        else if (section->fallback == TOPOLOGY_LANDMARKS)
            url = section->fallback_url;
    }
    snprintf(places->url, sizeof places->url, "%s", url);
}

bool places_has_server(const struct places *places)
{
    return places->url[0] != '\0';
}

void places_close(struct places *places)
{
    assert(places->asked == 0);
    curl_multi_cleanup(places->multi);
    places->multi = NULL;
    uv_close((uv_handle_t *)&places->timer, NULL);
}

void places_free(struct places **places)
{
    if (*places == NULL)
        return;
    free(*places);
    *places = NULL;
    curl_global_cleanup();
}
