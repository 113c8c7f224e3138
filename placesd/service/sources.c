#include "placesd/service/sources.h"

#include <curl/curl.h>

#include "placesd/providers/provider.h"

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return found;
}

bool sources_read_site(const char *text, struct sources_site *site, struct fault *fault)
{
    CURLU *url = curl_url();
    *site = (struct sources_site){0};
    bool good = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                !has_part(url, CURLUPART_QUERY) && !has_part(url, CURLUPART_FRAGMENT) &&
                !has_part(url, CURLUPART_USER) && !has_part(url, CURLUPART_PASSWORD) &&
                curl_url_get(url, CURLUPART_HOST, &site->host, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PORT, &site->port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PATH, &site->path, 0) == CURLUE_OK;
    curl_url_cleanup(url);
    return good ||
           fault_set(fault,
                     "url %.*s: write http or https, a host and a path, and nothing behind it",
                     (int)provider_public_url(span_of(text)).len, text);
}

void sources_free_site(struct sources_site *site)
{
    curl_free(site->host);
    curl_free(site->port);
    curl_free(site->path);
}

static bool check_url(const char *url, struct fault *fault)
{
    struct sources_site site;
    bool good = sources_read_site(url, &site, fault);
    sources_free_site(&site);
    return good;
}

bool sources_read(const struct topology_places *places, bool reads_key, struct key *key,
                  struct worker_broker *broker, struct fault *fault)
{
    if (reads_key && topology_provider_needs_key(places->provider) &&
        !key_read(places->key_file, key, fault))
        return false;
    *broker = (struct worker_broker){.back = places->workers_at.text, .source_count = 1};
    broker->sources[0] = (struct transfer_source){.provider = provider_of(places->provider),
                                                  .url = span_of(places->url),
                                                  .key = key_span(key)};
    if (places->fallback == TOPOLOGY_NO_PROVIDER)
        return check_url(places->url, fault);
    broker->sources[broker->source_count++] = (struct transfer_source){
        .provider = provider_of(places->fallback), .url = span_of(places->fallback_url)};
    return check_url(places->url, fault) && check_url(places->fallback_url, fault);
}
