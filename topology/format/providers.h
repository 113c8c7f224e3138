/* topology_providers: the kinds of places services that a topology file may name, one row each.
 *
 * The file's reader and placesd take names and numbers from the same rows. How a provider is asked
 * stands in a file of its own, placesd/providers/X.c, which defines provider_X of
 * placesd/providers/provider.h: a row without that file does not link.
 *
 * Invariant: 0 is no provider, so that what is all zero names none. */
#ifndef ZHERD_TOPOLOGY_FORMAT_PROVIDERS_H
#define ZHERD_TOPOLOGY_FORMAT_PROVIDERS_H

#include <stdbool.h>

/* ROW(number's name, X, name in files, whether it is asked with a key, which stands in a file).
 * A macro, because enum, names and placesd's table come from the one row. */
#define TOPOLOGY_PROVIDER_ROWS(ROW)                                                                \
    /* Our own server (placesd/landmarks), or any that speaks Google's format without a key. */    \
    ROW(LANDMARKS, landmarks, "landmarks", false)                                                  \
    /* Google, Places API, Nearby Search (legacy). */                                              \
    ROW(GOOGLE, google, "google", true)                                                            \
    /* Google, Places API (New), Nearby Search. */                                                 \
    ROW(GOOGLE_NEW, google_new, "google-new", true)                                                \
    /* OpenStreetMap by the Overpass API. */                                                       \
    ROW(OVERPASS, overpass, "overpass", false)                                                     \
    /* OpenStreetMap by Photon. */                                                                 \
    ROW(PHOTON, photon, "photon", false)

#define TOPOLOGY_PROVIDER_NUMBER(number, x, name, needs_key) TOPOLOGY_##number,
enum topology_provider {
    TOPOLOGY_NO_PROVIDER,
    TOPOLOGY_PROVIDER_ROWS(TOPOLOGY_PROVIDER_NUMBER) TOPOLOGY_PROVIDERS /* one past the last */
};

/* As in the file; "" of no provider. */
const char *topology_provider_name(enum topology_provider provider);

/* TOPOLOGY_NO_PROVIDER where none has that name. */
enum topology_provider topology_provider_find(const char *name);

/* Whether it is asked with a key, which stands in a file. */
bool topology_provider_needs_key(enum topology_provider provider);

#endif
