herd_test(unit/telnet herd_core)
herd_test(unit/lines herd_core)
herd_test(unit/command herd_core)
herd_test(unit/reply herd_core)
herd_test(unit/protocol_examples herd_core)
# Reads gateway/PROTOCOL.md.
set_tests_properties(unit/protocol_examples PROPERTIES WORKING_DIRECTORY
    ${CMAKE_CURRENT_SOURCE_DIR}/..)
herd_test(unit/lookup herd_core)
herd_test(unit/balance herd_core)
herd_test(unit/nearby herd_core)
herd_test(unit/provider herd_core)
herd_test(unit/bytes herd_core)
herd_test(unit/msgread herd_core)
