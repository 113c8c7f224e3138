/* topology_places: what the keys of a `places` section may say about providers and about how the
 * service treats them. Addresses are topology/format/check.c's. */
#ifndef ZHERD_TOPOLOGY_FORMAT_PLACES_H
#define ZHERD_TOPOLOGY_FORMAT_PLACES_H

#include "topology/format/faults.h"
#include "topology/format/sections.h"
#include "topology/format/topology.h"

/* The provider that the entry names. False, and a fault told, where it names none. */
bool topology_places_check_provider(const struct topology_entry *entry,
                                    enum topology_provider *provider,
                                    struct topology_faults *faults);

/* The path that an optional key of any section gives, to `path`, which has TOPOLOGY_PATH_BYTES_MAX
 * + 1 bytes. Tells a fault where it cannot be one. */
void topology_places_check_path(const struct topology_section *section, size_t key, char *path,
                                struct topology_faults *faults);

/* key_file, fallback, database, grid_m, cache_s and budget; whatever is left out gets its default.
 * The provider and both URLs are filled in already. Tells every fault. */
void topology_places_check_options(const struct topology_section *section,
                                   struct topology_places *places, struct topology_faults *faults);

#endif
