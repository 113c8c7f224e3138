/* checker: what topology/format/check.c and check_places.c share: a herd that is being put together
 * from the sections of its file, and the faults found so far.
 *
 * It is no module: nobody else includes it.
 *
 * Invariant: what was read of a section is in the topology even where it is a fault, so that all
 * faults of a file are found at once. */
#ifndef ZHERD_TOPOLOGY_FORMAT_CHECKER_H
#define ZHERD_TOPOLOGY_FORMAT_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/format/bindings.h"
#include "topology/format/endpoints.h"
#include "topology/format/sections.h"
#include "topology/format/topology.h"

struct checker {
    struct topology *topology;
    struct topology_faults *faults;
    struct topology_section *sections;
    size_t section_count;
    const struct topology_section **node_sections;     /* of topology->nodes */
    const struct topology_section **observer_sections; /* of topology->observers */
    const struct topology_section *operator_sections[TOPOLOGY_OPERATORS_MAX]; /* likewise */
    struct topology_claims *claims, *reached;
    uint32_t former_line, answers_line; /* of these keys */
    bool has_lost_nodes;                /* some node had to be left out */
    bool has_lost_links;                /* some link had to be left out, or perhaps some line */
};

/* Every section of a kind, up to a limit. */
struct checker_walk {
    enum topology_section_kind kind;
    size_t room;     /* how many more are allowed */
    const char *one; /* what is too many, for the sentence ... */
    int max;         /* ... and how many there may be at most ... */
    const char *of;  /* ... of what, if not of that alone */
    size_t at;       /* the section to look at next */
    bool has_lost;   /* there was no room for one */
};

/* ---- check.c ----------------------------------------------------------------------------- */

/* The next one; NULL after the last one, and, with a fault, for the first that is too many. */
const struct topology_section *checker_next_section(struct checker *checker,
                                                    struct checker_walk *walk);

/* What `key` binds and where `at_key` says that others reach it. */
void checker_check_bound(struct checker *checker, const struct topology_section *section,
                         const char *key, const char *at_key, const struct topology_endpoint *bound,
                         const struct topology_endpoint *at);

/* For an endpoint that others must reach, and that was read to be `bound`. */
void checker_demand_at(struct checker *checker, const struct topology_section *section,
                       const char *at_key, const struct topology_endpoint *bound, const char *who);

/* On which machine an endpoint of a section is bound that others reach at `at`. */
void checker_name_machine(const struct topology_endpoint *bound, const struct topology_endpoint *at,
                          bool at_is_said, char machine[TOPOLOGY_HOST_BYTES_MAX + 1]);

/* Claims what a monitor binds; who may reach it, topology_check_keys says. */
void checker_check_monitor(struct checker *checker, const struct topology_section *section,
                           const char *at_key, const struct topology_monitor *monitor,
                           const struct topology_endpoint *at);

/* ---- check_places.c ---------------------------------------------------------------------- */

/* All sections `places`. */
void checker_check_places(struct checker *checker);

#endif
