/* The live map's files: which paths there are, what the page may load, and who has a file already.
 */
#include "gateway/web/parse/asset.h"
#include "tests/check.h"
#include "tests/unit/input.h"

static void check_text(const char *text, size_t bytes, const char *wanted)
{
    CHECK_BYTES(text, bytes, wanted, strlen(wanted));
}

static void only_the_tables_paths_are_files(void)
{
    static const char *const others[] = {
        "",
        "/map",
        "/map/",
        "/index.html",
        "/map/index.html",
        "//",
        "/map/main.mjs/",
        "/map/../README",
        "/map/%2e%2e/http.c",
        "/map/Main.mjs",
        "/map/leaflet.min.js",
    };
    CHECK(asset_find("/")->place == ASSET_OF_OURS);
    CHECK(strcmp(asset_find("/map/main.mjs")->type, "text/javascript; charset=utf-8") == 0);
    CHECK(asset_find("/map/leaflet.js")->place == ASSET_OF_LEAFLET);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(asset_find(others[i]) == NULL);
}

static void check_policy(const char *tiles, const char *images)
{
    struct buffer text = {0}, wanted = {0};
    asset_policy(tiles, &text);
    buffer_append(&wanted, span_of("default-src 'none'; script-src 'self'; style-src 'self'; "
                                   "img-src 'self' data:"));
    buffer_append(&wanted, span_of(images));
    buffer_append(&wanted, span_of("; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                                   "frame-ancestors 'none'"));
    CHECK_BYTES(text.data, text.len, wanted.data, wanted.len);
    buffer_free(&text);
    buffer_free(&wanted);
}

static void no_host_but_that_of_tiles_is_allowed(void)
{
    check_policy("", "");
    check_policy("https://tiles.example.org/{z}/{x}/{y}.png", " https://tiles.example.org");
    check_policy("http://127.0.0.1:8080/a/{z}/{x}/{y}", " http://127.0.0.1:8080");
}

static void the_page_is_told_of_tiles_and_places(void)
{
    struct buffer text = {0};
    asset_config("https://a.example/{z}/{x}/{y}.png", false, &text);
    check_text(text.data, text.len,
               "{\"tiles\":\"https://a.example/{z}/{x}/{y}.png\",\"places\":false}\n");
    text.len = 0;
    asset_config("", true, &text);
    check_text(text.data, text.len, "{\"tiles\":\"\",\"places\":true}\n");
    buffer_free(&text);
}

static void check_known(const char *header, bool wanted)
{
    char tag[ASSET_TAG_BYTES_MAX];
    asset_tag(16, 255, tag);
    size_t bytes = strlen(header);
    CHECK_INT(asset_tag_is_known((struct span){check_at_page_end(header, bytes), bytes}, tag),
              wanted);
}

static void a_tag_stands_for_size_and_time(void)
{
    char tag[ASSET_TAG_BYTES_MAX], other[ASSET_TAG_BYTES_MAX];
    asset_tag(16, 255, tag);
    check_text(tag, strlen(tag), "\"10-ff\"");
    asset_tag(INT64_MAX, INT64_MIN, other);
    check_text(other, strlen(other), "\"7fffffffffffffff-8000000000000000\"");
    check_known("\"10-ff\"", true);
    check_known("W/\"10-ff\"", true);
    check_known("\"a\", \"10-ff\"", true);
    check_known("*", true);
    check_known("", false);
    check_known("\"10-fe\"", false);
    check_known("\"110-ff\"", false);
    check_known("10-ff", false);
    CHECK(!asset_tag_is_known((struct span){0}, tag));
}

static const struct check_case cases[] = {
    {"only the paths of the table are files", only_the_tables_paths_are_files},
    {"no host but that of the tiles is allowed", no_host_but_that_of_tiles_is_allowed},
    {"the page is told of tiles and places", the_page_is_told_of_tiles_and_places},
    {"a tag stands for a file's size and change time", a_tag_stands_for_size_and_time},
};

CHECK_MAIN(cases)
