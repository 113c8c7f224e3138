/* What is asked of a slot alone (bus/table/table.h). */
#include "bus/table/table_state.h"

bool table_slot_is_live(const struct table *table, uint32_t slot)
{
    return slot < table->end && !is_blank(record_at(table, slot)) &&
           !is_over(table, record_at(table, slot));
}

uint32_t table_slot_range(const struct table *table, uint32_t slot)
{
    return record_at(table, slot)->range;
}

uint64_t table_slot_client_hash(const struct table *table, uint32_t slot)
{
    return table_client_hash(record_client(record_at(table, slot)));
}

struct span table_slot_client(const struct table *table, uint32_t slot)
{
    return record_client(record_at(table, slot));
}

uint16_t table_slot_origin(const struct table *table, uint32_t slot)
{
    return record_at(table, slot)->origin;
}

bool table_slot_is_tombstone(const struct table *table, uint32_t slot)
{
    return record_is_tombstone(record_at(table, slot));
}

int64_t table_slot_order_ns(const struct table *table, uint32_t slot)
{
    return record_order_ns(record_at(table, slot));
}

uint64_t table_slot_hash(const struct table *table, uint32_t slot)
{
    return record_at(table, slot)->hash;
}
