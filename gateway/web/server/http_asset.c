#include "gateway/web/parse/asset.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/web/server/http_state.h"

/* ---- the live map's files, each read when it is asked for ---- */

#define LEAFLET "/usr/share/javascript/leaflet"
/* The folder has the version of PLplot in its name. */
#define COASTS   "/usr/share/plplot*/globe.shp"
#define CITIES   "/usr/share/zoneinfo/zone1970.tab"
#define NO_FILE  "this file is not on the machine that serves the map"
#define NS_PER_S INT64_C(1000000000)

static int open_file(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* What was installed lies in share beside the program's folder, what was built beside the program.
 */
static int open_ours(const char *name)
{
    static const char *const folders[] = {"../share/zherd/map", "map"};
    char program[PATH_MAX], path[PATH_MAX + NAME_MAX];
    ssize_t bytes = readlink("/proc/self/exe", program, sizeof program - 1);
    if (bytes <= 0)
        return -1;
    program[bytes] = '\0';
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", program, folders[i], name);
        int fd = open_file(path);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

static int open_coasts(void)
{
    glob_t found;
    int fd = -1;
    if (glob(COASTS, 0, NULL, &found) == 0)
        fd = open_file(found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return fd;
}

static int open_any(const struct asset *asset)
{
    char path[PATH_MAX];
    switch (asset->place) {
    case ASSET_OF_OURS:
        return open_ours(asset->name);
    case ASSET_OF_LEAFLET:
        snprintf(path, sizeof path, LEAFLET "/%s", asset->name);
        return open_file(path);
    case ASSET_OF_COASTS:
        return open_coasts();
    case ASSET_OF_CITIES:
        return open_file(CITIES);
    default:
        return -1;
    }
}

static void add_headers(struct MHD_Response *response, const char *tiles)
{
    struct buffer policy = {0};
    asset_policy(tiles, &policy);
    buffer_append(&policy, (struct span){"", 1});
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_SECURITY_POLICY, policy.data);
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    buffer_free(&policy);
}

/* The file, or that whoever asks has it already. Takes over the descriptor. */
static enum MHD_Result give_file(struct exchange *exchange, int fd, const struct stat *about)
{
    char tag[ASSET_TAG_BYTES_MAX];
    asset_tag(about->st_size, about->st_mtim.tv_sec * NS_PER_S + about->st_mtim.tv_nsec, tag);
    bool is_known = asset_tag_is_known(http_header(exchange, MHD_HTTP_HEADER_IF_NONE_MATCH), tag);
    struct MHD_Response *response =
        is_known ? MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT)
                 : MHD_create_response_from_fd64((uint64_t)about->st_size, fd);
    if (is_known || response == NULL)
        close(fd);
    exchange->state = EXCHANGE_IS_OVER;
    if (response != NULL) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, tag);
        add_headers(response, exchange->http->tiles);
    }
    return http_give(exchange, is_known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response,
                     exchange->asset->type);
}

static enum MHD_Result give_config(struct exchange *exchange)
{
    struct http *http = exchange->http;
    http->text.len = 0;
    asset_config(http->tiles, places_has_server(http->places), &http->text);
    return http_queue(exchange, MHD_HTTP_OK, exchange->asset->type);
}

void http_set_map(struct http *http, const char *tiles, struct places *places)
{
    http->tiles = tiles;
    http->places = places;
}

enum MHD_Result http_give_asset(struct exchange *exchange)
{
    struct stat about;
    if (exchange->asset->place == ASSET_OF_NOBODY)
        return give_config(exchange);
    int fd = open_any(exchange->asset);
    if (fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode))
        return give_file(exchange, fd, &about);
    if (fd >= 0)
        close(fd);
    return http_refuse(exchange, MHD_HTTP_NOT_FOUND, NO_FILE);
}
