/* What limits a node, and what it logs, by its options and its file. */
#include <assert.h>

#include "bus/flood.h"
#include "gateway/node/gateway.h"
#include "gateway/text/address_shares.h"
#include "topology/log.h"

static_assert(SETTINGS_NUMBER_MAX == ADDRESS_SHARES_NEW_IDS_MAX, "what may be said may be had");

static uint32_t share_new_clients(uint32_t clients_max, size_t nodes)
{
    uint64_t burst = clients_max / 4 / nodes;
    if (burst > ADDRESS_SHARES_NEW_IDS_MAX)
        burst = ADDRESS_SHARES_NEW_IDS_MAX;
    return burst > 0 ? (uint32_t)burst : 1;
}

struct gateway_limits gateway_limits(const struct gateway_options *options,
                                     const struct topology *topology, uint32_t node)
{
    struct gateway_limits limits = {.said = options->said};
    struct settings *said = &limits.said;
    settings_inherit(said, &topology->nodes[node].settings);
    settings_inherit(said, &topology->settings);
    limits.log_commands =
        settings_value(said, SETTING_LOG, SETTINGS_LOG_COMMANDS) != SETTINGS_LOG_EVENTS;
    limits.log_rate = (uint32_t)settings_value(said, SETTING_LOG_RATE,
                                               limits.log_commands ? 0 : GATEWAY_LOG_RATE);
    limits.log_one_in = said->each[SETTING_LOG].is_said ? said->each[SETTING_LOG].burst : 1;
    limits.log_bytes_max = settings_value(said, SETTING_LOG_MAX_BYTES, LOG_BYTES_MAX_DEFAULT);
    limits.log_level = (enum logline_level)settings_value(said, SETTING_LOG_LEVEL, LOGLINE_INFO);
    limits.log_format = (enum logline_format)settings_value(said, SETTING_LOG_FORMAT, LOGLINE_TEXT);
    limits.clients_max = (uint32_t)settings_value(said, SETTING_MAX_CLIENTS, FLOOD_CLIENTS_DEFAULT);
    limits.table_bytes_max = settings_value(said, SETTING_MAX_TABLE_BYTES, options->memory_share);
    limits.new_clients_per_s =
        (uint32_t)settings_value(said, SETTING_NEW_CLIENTS, GATEWAY_NEW_CLIENTS_PER_S);
    limits.new_clients_burst = said->each[SETTING_NEW_CLIENTS].is_said
                                   ? said->each[SETTING_NEW_CLIENTS].burst
                                   : share_new_clients(limits.clients_max, topology->node_count);
    return limits;
}
