#include "gateway/web/parse/asset.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HTML   "text/html; charset=utf-8"
#define STYLE  "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

static const struct asset files[] = {
    {"/", "index.html", HTML, ASSET_OF_OURS},
    {"/map/answers.mjs", "answers.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/circles.mjs", "circles.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/clients.mjs", "clients.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/events.mjs", "events.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/geo.mjs", "geo.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/graph.mjs", "graph.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/herd.mjs", "herd.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/hub.mjs", "hub.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/main.mjs", "main.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/outline.mjs", "outline.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/page.css", "page.css", STYLE, ASSET_OF_OURS},
    {"/map/paint.mjs", "paint.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/panel.mjs", "panel.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/places.mjs", "places.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/scene.mjs", "scene.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/shared.mjs", "shared.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/sheet.mjs", "sheet.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/stream.mjs", "stream.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/view.mjs", "view.mjs", SCRIPT, ASSET_OF_OURS},
    {"/map/leaflet.css", "leaflet.css", STYLE, ASSET_OF_LEAFLET},
    {"/map/leaflet.js", "leaflet.min.js", SCRIPT, ASSET_OF_LEAFLET},
    {"/map/coasts.shp", "", "application/octet-stream", ASSET_OF_COASTS},
    {"/map/cities.tab", "", "text/plain; charset=utf-8", ASSET_OF_CITIES},
    {"/map/config.json", "", "application/json", ASSET_OF_NOBODY},
};

const struct asset *asset_find(const char *path)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i].path, path) == 0)
            return &files[i];
    return NULL;
}

void asset_policy(const char *tiles, struct buffer *text)
{
    buffer_append(text, span_of("default-src 'none'; script-src 'self'; style-src 'self'; "
                                "img-src 'self' data:"));
    if (tiles[0] != '\0') {
        const char *host = strstr(tiles, "//") + 2;
        size_t bytes = (size_t)(host - tiles) + strcspn(host, "/");
        buffer_append(text, span_of(" "));
        buffer_append(text, (struct span){tiles, bytes});
    }
    buffer_append(text, span_of("; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                                "frame-ancestors 'none'"));
}

void asset_config(const char *tiles, bool has_places, struct buffer *text)
{
    buffer_append(text, span_of("{\"tiles\":\""));
    buffer_append(text, span_of(tiles)); /* a URL has neither quotes nor backslashes */
    buffer_append(text, span_of(has_places ? "\",\"places\":true}\n" : "\",\"places\":false}\n"));
}

void asset_tag(int64_t bytes, int64_t changed_ns, char tag[ASSET_TAG_BYTES_MAX])
{
    snprintf(tag, ASSET_TAG_BYTES_MAX, "\"%" PRIx64 "-%" PRIx64 "\"", (uint64_t)bytes,
             (uint64_t)changed_ns);
}

bool asset_tag_is_known(struct span if_none_match, const char *tag)
{
    return (if_none_match.len == 1 && if_none_match.data[0] == '*') ||
           (if_none_match.len > 0 &&
            memmem(if_none_match.data, if_none_match.len, tag, strlen(tag)) != NULL);
}
