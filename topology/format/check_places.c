/* What several keys of `places` have to say together (topology/format/check.h). */
#include <string.h>

#include "topology/format/checker.h"

/* What is asked beyond this machine is encrypted, and a port on loopback is claimed. */
static void check_url(struct checker *checker, const struct topology_section *section,
                      const char *key, const struct topology_places *places, const char *text,
                      uint32_t *line)
{
    const struct topology_entry *entry = topology_sections_find(section, key);
    struct topology_url url;
    if (text[0] == '\0' || topology_url_parse(text, &url) != NULL)
        return;
    *line = entry->line;
    bool loopback = topology_host_is_loopback(url.host);
    if (!url.secure && !loopback)
        topology_faults_add(checker->faults, entry->line,
                            "questions would travel unencrypted to `%s`; write https://", url.host);
    if (loopback) {
        struct topology_claim claim = {.key = key, .line = entry->line};
        strcpy(claim.endpoint.host, url.host);
        claim.endpoint.port = url.port;
        checker_name_machine(&claim.endpoint, &places->gateways_at, true, claim.machine);
        topology_claims_add(checker->claims, &claim);
    }
}

static void check_key_file(struct checker *checker, const struct topology_section *section,
                           const struct topology_places *places)
{
    const struct topology_entry *entry = topology_sections_find(section, "key_file");
    bool needs_key = topology_provider_needs_key(places->provider);
    if (!entry && needs_key && !section->is_doubtful)
        topology_faults_add(checker->faults, section->line,
                            "%s wants a key; write a line `    key_file = PATH`",
                            topology_provider_name(places->provider));
    if (entry && !needs_key && places->provider != TOPOLOGY_NO_PROVIDER)
        topology_faults_add(checker->faults, entry->line, "%s needs no key; leave `key_file` out",
                            topology_provider_name(places->provider));
}

static void check_fallback(struct checker *checker, const struct topology_section *section,
                           const struct topology_places *places)
{
    const struct topology_entry *fallback = topology_sections_find(section, "fallback");
    const struct topology_entry *url = topology_sections_find(section, "fallback_url");
    if (!fallback && url)
        topology_faults_add(checker->faults, url->line,
                            "there is no fallback to ask there; write a line `    fallback = "
                            "landmarks`");
    if (places->fallback == TOPOLOGY_NO_PROVIDER)
        return;
    if (!url && !section->is_doubtful)
        topology_faults_add(checker->faults, fallback->line,
                            "where is the fallback? write a line `    fallback_url = URL`");
    if (topology_provider_needs_key(places->fallback))
        topology_faults_add(checker->faults, fallback->line,
                            "`%s` wants a key; write a fallback that needs none, such as landmarks",
                            fallback->value);
    else if (places->fallback == places->provider)
        topology_faults_add(checker->faults, fallback->line,
                            "`%s` is the provider itself; write another, or leave `fallback` out",
                            fallback->value);
}

static void check_database(struct checker *checker, const struct topology_section *section,
                           const struct topology_places *places)
{
    const struct topology_entry *entry = topology_sections_find(section, "database");
    bool asks_landmarks = places->provider == TOPOLOGY_LANDMARKS ||
                          places->fallback == TOPOLOGY_LANDMARKS ||
                          places->provider == TOPOLOGY_NO_PROVIDER; /* a fault by itself */
    if (entry && !asks_landmarks)
        topology_faults_add(checker->faults, entry->line,
                            "only landmarks reads a database; leave `database` out");
}

static void check_service(struct checker *checker, const struct topology_section *section)
{
    struct topology_places *places = &checker->topology->places[checker->topology->places_count++];
    *places = (struct topology_places){.line = section->line, .cache_s = TOPOLOGY_CACHE_S_OF_TERMS};
    topology_sections_read(section, places, checker->faults);
    checker_check_bound(checker, section, "gateways", "gateways_at", &places->gateways,
                        &places->gateways_at);
    checker_check_bound(checker, section, "workers", "workers_at", &places->workers,
                        &places->workers_at);
    checker_demand_at(checker, section, "gateways_at", &places->gateways, "gateways");
    checker_demand_at(checker, section, "workers_at", &places->workers, "workers");
    check_url(checker, section, "url", places, places->url, &places->url_line);
    check_url(checker, section, "fallback_url", places, places->fallback_url,
              &places->fallback_url_line);
    check_key_file(checker, section, places);
    check_fallback(checker, section, places);
    check_database(checker, section, places);
    checker_check_monitor(checker, section, "gateways_at", &places->monitor, &places->gateways_at);
}

void checker_check_places(struct checker *checker)
{
    struct checker_walk walk = {.kind = SECTION_PLACES,
                                .room = TOPOLOGY_PLACES_MAX,
                                .one = "`places`",
                                .max = TOPOLOGY_PLACES_MAX};
    for (const struct topology_section *section; (section = checker_next_section(checker, &walk));)
        check_service(checker, section);
}
