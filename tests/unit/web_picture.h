/* What a viewer of events has in front of him, and a stream that is read into it: what tests of
 * streams share. */
#ifndef ZHERD_TESTS_UNIT_WEB_PICTURE_H
#define ZHERD_TESTS_UNIT_WEB_PICTURE_H

#include "bus/base/json_scan.h"
#include "gateway/web/show/stream.h"
#include "tests/unit/show_rig.h"

#define RUN          UINT64_C(0x5f0c7a1d9b3e2468)
#define CLIENTS      24
#define LINE_BYTES   (128 * 1024)
#define ID_BYTES_MAX 8

/* ---- a viewer's picture: what an EventSource and a page of a few lines would have ---- */

struct picture {
    bool is_there[CLIENTS];
    char latitude[CLIENTS][24];
    char event[16], id[64], last_id[64]; /* id: of the event that is being read */
    char data[LINE_BYTES];
    size_t data_bytes;
    char line[LINE_BYTES];
    size_t line_bytes;
    unsigned moves, gones, resets, herds;
    bool wants_all; /* `reset` came */
};

static inline int number_of(struct span client)
{
    char text[ID_BYTES_MAX];
    size_t bytes = json_text(client, text, sizeof text - 1);
    CHECK(bytes != SIZE_MAX && bytes > 1);
    text[bytes == SIZE_MAX ? 0 : bytes] = '\0';
    int number = atoi(text + 1);
    CHECK(number >= 0 && number < CLIENTS);
    return number % CLIENTS;
}

static inline void take_data(struct picture *picture, bool is_move)
{
    struct span rest = {picture->data, picture->data_bytes}, element;
    size_t at;
    CHECK(json_scan_array(rest, &at) == NULL);
    while (json_next_element(&rest, &element)) {
        struct json_member members[] = {{.name = "id"}, {.name = "lat"}};
        if (!is_move) {
            picture->is_there[number_of(element)] = false;
            picture->gones++;
            continue;
        }
        CHECK(json_scan_object(element, members, 2, &at) == NULL);
        int number = number_of(members[0].value);
        picture->is_there[number] = true;
        snprintf(picture->latitude[number], sizeof picture->latitude[number], "%.*s",
                 (int)members[1].value.len, members[1].value.data);
        picture->moves++;
    }
}

/* An empty line: WHATWG HTML, 9.2.6. */
static inline void dispatch(struct picture *picture)
{
    if (picture->id[0] != '\0')
        strcpy(picture->last_id, picture->id);
    if (strcmp(picture->event, "reset") == 0) {
        picture->wants_all = true;
        picture->resets++;
    } else if (strcmp(picture->event, "herd") == 0) {
        picture->herds++;
    } else if (picture->data_bytes > 0) {
        take_data(picture, strcmp(picture->event, "move") == 0);
    }
    picture->event[0] = picture->id[0] = '\0';
    picture->data_bytes = 0;
}

static inline void take_line(struct picture *picture)
{
    picture->line[picture->line_bytes] = '\0';
    picture->line_bytes = 0;
    const char *line = picture->line;
    if (line[0] == '\0')
        dispatch(picture);
    else if (strncmp(line, "event: ", 7) == 0)
        snprintf(picture->event, sizeof picture->event, "%s", line + 7);
    else if (strncmp(line, "id: ", 4) == 0)
        snprintf(picture->id, sizeof picture->id, "%s", line + 4);
    else if (strncmp(line, "data: ", 6) == 0)
        picture->data_bytes += (size_t)snprintf(picture->data + picture->data_bytes,
                                                LINE_BYTES - picture->data_bytes, "%s", line + 6);
}

static inline void take_bytes(struct picture *picture, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] == '\n')
            take_line(picture);
        else if (picture->line_bytes < LINE_BYTES - 1)
            picture->line[picture->line_bytes++] = bytes.data[i];
    }
}

/* The connection is cut: of half an event nothing stays. */
static inline void cut(struct picture *picture)
{
    picture->line_bytes = picture->data_bytes = 0;
    picture->event[0] = picture->id[0] = '\0';
}

static inline void name(int number, char client[ID_BYTES_MAX])
{
    snprintf(client, ID_BYTES_MAX, "%c%d", number % 2 == 0 ? 'e' : 'o', number);
}

/* What the table has of a client. */
static inline bool find(struct show_rig *rig, int number, char latitude[24])
{
    char client[ID_BYTES_MAX];
    struct location location;
    name(number, client);
    if (!flood_find(rig->flood, span_of(client), &location))
        return false;
    size_t bytes =
        (size_t)((const char *)memchr(location.position.data + 1, '+', location.position.len - 1) -
                 location.position.data);
    snprintf(latitude, 24, "%.*s", (int)bytes - 1, location.position.data + 1);
    return true;
}

/* As from /clients.geojson. */
static inline void take_all(struct picture *picture, struct show_rig *rig,
                            const struct sight *sight)
{
    char client[ID_BYTES_MAX];
    for (int i = 0; i < CLIENTS; i++) {
        name(i, client);
        picture->is_there[i] =
            sight_has(sight, span_of(client)) && find(rig, i, picture->latitude[i]);
    }
    picture->wants_all = false;
}

static inline void check_picture(const struct picture *picture, struct show_rig *rig,
                                 const struct sight *sight)
{
    char client[ID_BYTES_MAX], latitude[24];
    for (int i = 0; i < CLIENTS; i++) {
        name(i, client);
        bool is_there = find(rig, i, latitude) && sight_has(sight, span_of(client));
        CHECK_INT(picture->is_there[i], is_there);
        if (is_there && picture->is_there[i])
            CHECK_BYTES(picture->latitude[i], strlen(picture->latitude[i]), latitude,
                        strlen(latitude));
    }
}

/* ---- a stream over it ---- */

static struct picture picture;

static inline void begin(struct stream *stream, struct viewer *viewer, const char *after)
{
    static const struct sight everybody;
    memset(&picture, 0, sizeof picture);
    CHECK(stream_join(stream, &everybody, span_of(after), viewer));
}

/* All that there is, `room` bytes at a time. */
static inline void read_all(struct stream *stream, struct viewer *viewer, struct picture *to,
                            size_t room)
{
    char *bytes = bytes_resize(NULL, room);
    for (size_t count; (count = stream_read(stream, viewer, bytes, room)) > 0;)
        take_bytes(to, (struct span){bytes, count});
    CHECK(!stream_has_more(viewer));
    free(bytes);
}

/* Whom somebody may see: all whose ids begin so. */
static inline bool begins_with(const void *whom, struct span client)
{
    return client.data[0] == *(const char *)whom;
}

#endif
