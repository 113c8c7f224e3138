/* target: where a request goes, as its first line says it (RFC 9112, 3.2): a path and a query, or
 * the whole address, as a proxy is asked.
 *
 * Whose address that is is not looked at: whatever reached this server is for it. It decides
 * nothing about a path, and knows no route.
 *
 * Invariant: path and query are parts of what was sent; a path that was spelled has no NUL. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_TARGET_H
#define ZHERD_GATEWAY_WEB_PARSE_TARGET_H

#include "bus/base/bytes.h"

/* Of a path that is no client's; one with more, with its NUL, is none that anything has. */
#define TARGET_PATH_BYTES_MAX 64

struct target {
    struct span path;  /* percent-encoded, as sent; "/" where there is none */
    struct span query; /* without its question mark */
};

/* Borrows from what was sent. */
struct target target_read(struct span sent);

/* What a path spells: a text; empty where that is none, or too long. */
void target_spell(struct span path, char text[TARGET_PATH_BYTES_MAX]);

#endif
