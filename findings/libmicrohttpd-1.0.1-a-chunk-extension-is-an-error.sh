#!/bin/sh
# Expected: whoever takes a body in chunks passes over extensions that it does not know: "5;note=1"
# is a chunk of 5 bytes like "5". HTTP/1.1 demands it of every recipient.
#
# Instead: libmicrohttpd 1.0.1 hands the data of the first chunk that has an extension to the
# handler, and then answers 400, as if the chunks were malformed. So it does at every level of
# MHD_OPTION_CLIENT_DISCIPLINE_LVL, from the default to the most lenient one. 0.9.75, the version of
# Debian 12, takes such bodies and answers 200. Few clients write extensions, but a proxy may, for
# signatures or notes of its own: after an upgrade of Debian the requests through that proxy fail,
# and those alone, while a handler that stores as it reads has stored a part of each.
#
# Seen with libmicrohttpd 1.0.1 of Debian 13.
#
# For somebody who builds on it: let the proxy in front send bodies with Content-Length, or without
# extensions; have a request with one among the tests; and let a handler keep nothing of a body
# until it was called for its end.
#
# Source: RFC 9112, section 7.1.1: a recipient MUST ignore chunk extensions it does not recognize.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried (it wants a C compiler
# and the packages of Debian 13).
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
command -v cc >/dev/null || { echo 'not tried: there is no C compiler (cc)' >&2; exit 2; }

# The packages with all that they need, by lists and a status of our own: nothing is installed.
mkdir -p state/lists/partial cache/archives/partial root
: >status
apt() {
    timeout 180 apt-get -q -y -o Dir::State="$tmp/state" -o Dir::State::status="$tmp/status" \
        -o Dir::Cache="$tmp/cache" -o APT::Sandbox::User="$(id -un)" "$@" >>apt.log 2>&1
}
if ! { apt update && apt download libmicrohttpd-dev=1.0.1-4 &&
    apt install --download-only --no-install-recommends libmicrohttpd12t64=1.0.1-4; }; then
    echo 'not tried: apt did not bring the packages' >&2
    exit 2
fi
for package in libmicrohttpd-dev_*.deb cache/archives/lib*.deb; do
    case $package in */libc6_*) ;; *) dpkg -x "$package" root ;; esac
done

cat >see.c <<'END'
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static size_t body_bytes;

/* Counts the bytes of the body and answers 200 when it is complete. */
static enum MHD_Result answer(void *unused, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_bytes, void **request)
{
    (void)unused, (void)url, (void)method, (void)version, (void)data;
    if (*request == NULL) {
        *request = &body_bytes;
        body_bytes = 0;
        return MHD_YES;
    }
    if (*data_bytes > 0) {
        body_bytes += *data_bytes;
        *data_bytes = 0;
        return MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* Sends one request with this body and prints the status line of the answer. */
static void post(const struct sockaddr_in *address, const char *name, const char *body)
{
    const struct timeval limit = {.tv_sec = 5};
    char request[512], reply[512] = "";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    int bytes = snprintf(request, sizeof request,
                         "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n%s",
                         body);
    ssize_t got = 0;
    body_bytes = 0;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
        send(fd, request, (size_t)bytes, 0) == bytes)
        got = recv(fd, reply, sizeof reply - 1, MSG_WAITALL);
    reply[got > 0 ? strcspn(reply, "\r") : 0] = '\0';
    printf("  %s: %s, the handler got %zu bytes\n", name, reply, body_bytes);
    close(fd);
}

int main(void)
{
    printf("libmicrohttpd %s\n", MHD_get_version());
    for (int level = -3; level <= 0; level += 3) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct MHD_Daemon *daemon = MHD_start_daemon(
            MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR,
            &address, MHD_OPTION_CLIENT_DISCIPLINE_LVL, level, MHD_OPTION_END);
        if (daemon == NULL) return 1;
        address.sin_port = htons(MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
        printf("discipline level %d\n", level);
        post(&address, "no extension", "5\r\nhello\r\n0\r\n\r\n");
        post(&address, "an extension with a value", "5;note=1\r\nhello\r\n0\r\n\r\n");
        post(&address, "an extension without one", "5;note\r\nhello\r\n0\r\n\r\n");
        MHD_stop_daemon(daemon);
    }
}
END
LD_LIBRARY_PATH=$(find "$tmp/root" -name 'lib*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
cc -std=gnu11 -Iroot/usr/include/"$(cc -print-multiarch)" -Iroot/usr/include -o see see.c \
    "$(find root -name 'libmicrohttpd.so.12')" -Wl,--allow-shlib-undefined >cc.log 2>&1 ||
    { cat cc.log >&2; echo 'not tried: the program does not compile here' >&2; exit 2; }

cat >expected <<'END'
libmicrohttpd 1.0.1
discipline level -3
  no extension: HTTP/1.1 200 OK, the handler got 5 bytes
  an extension with a value: HTTP/1.1 400 Bad Request, the handler got 5 bytes
  an extension without one: HTTP/1.1 400 Bad Request, the handler got 5 bytes
discipline level 0
  no extension: HTTP/1.1 200 OK, the handler got 5 bytes
  an extension with a value: HTTP/1.1 400 Bad Request, the handler got 5 bytes
  an extension without one: HTTP/1.1 400 Bad Request, the handler got 5 bytes
END

timeout 60 ./see >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
