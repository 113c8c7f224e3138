/* wire_elements: how many elements each message's array has, for its reader (wire.c) and its writer
 * (wire_write.c).
 *
 * Newer versions append elements. Where a version did, the one before wrote what is called _MIN:
 * both are read, and which of the two is written the message says itself.
 *
 * Invariant: no number ever gets smaller; bus/PROTOCOL.md has the elements' names. */
#ifndef ZHERD_BUS_LINK_WIRE_ELEMENTS_H
#define ZHERD_BUS_LINK_WIRE_ELEMENTS_H

/* "zh" and the major version, in front of the array. */
#define MAGIC_BYTES 3

enum wire_elements {
    COMMON_ELEMENTS = 3, /* type, from_incarnation, to_incarnation */
    HELLO_ELEMENTS = COMMON_ELEMENTS + 1,
    UPDATE_ELEMENTS_MIN = COMMON_ELEMENTS + 4,
    UPDATE_ELEMENTS_REFUSED = UPDATE_ELEMENTS_MIN + 1,
    UPDATE_ELEMENTS = UPDATE_ELEMENTS_REFUSED + 1,
    ACK_ELEMENTS_MIN = COMMON_ELEMENTS + 2,
    ACK_ELEMENTS = ACK_ELEMENTS_MIN + 1,
    HEARTBEAT_ELEMENTS_MIN = COMMON_ELEMENTS + 4,
    HEARTBEAT_ELEMENTS_CHECKS = HEARTBEAT_ELEMENTS_MIN + 8,
    HEARTBEAT_ELEMENTS = HEARTBEAT_ELEMENTS_CHECKS + 3,
    REFUSED_ELEMENTS = COMMON_ELEMENTS + 2,
    GOODBYE_ELEMENTS = COMMON_ELEMENTS,
    STATUS_ASK_ELEMENTS = COMMON_ELEMENTS,
    STATUS_ELEMENTS_MIN = COMMON_ELEMENTS + 3,
    STATUS_ELEMENTS_LOAD = STATUS_ELEMENTS_MIN + 4,
    STATUS_ELEMENTS_TIME = STATUS_ELEMENTS_LOAD + 3,
    STATUS_ELEMENTS = STATUS_ELEMENTS_TIME + 3,
    CHECK_ELEMENTS = COMMON_ELEMENTS + 8,
    LIST_ELEMENTS_MIN = COMMON_ELEMENTS + 8,
    LIST_ELEMENTS = LIST_ELEMENTS_MIN + 2,
    WANT_ELEMENTS = COMMON_ELEMENTS + 3,
    STATE_ELEMENTS = COMMON_ELEMENTS + 3,
    HELLO_KEYS_MIN = 6,
    HELLO_KEYS = HELLO_KEYS_MIN + 2,
    HELLO_KEYS_MAX = HELLO_KEYS + 3, /* the first two of them only where they say something */
    LOCATION_ELEMENTS_MIN = 6,
    LOCATION_ELEMENTS = LOCATION_ELEMENTS_MIN + 1,
    LINK_ELEMENTS_MIN = 8,
    LINK_ELEMENTS = LINK_ELEMENTS_MIN + 1,
    CLOCK_ELEMENTS = 5,
    WAY_ELEMENTS = 2,
};

#endif
