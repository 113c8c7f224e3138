# The built programs from outside. They start whole herds, so they run one after another. The
# system's own Python is the one that has the packages which topology/prepare.sh installs.
function(herd_system_test name)
    add_test(NAME system/${name}
        COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
            /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/system/${name}.py
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(system/${name} PROPERTIES LABELS system TIMEOUT 300 RUN_SERIAL ON)
endfunction()

herd_system_test(story)
herd_system_test(clients)
herd_system_test(places)
herd_system_test(provider)
herd_system_test(landmarks)
herd_system_test(workers)
herd_system_test(lost)
herd_system_test(secrets)
herd_system_test(building)
if(NOT ZHERD_SANITIZE)
    herd_system_test(hardened)
    set_tests_properties(system/hardened PROPERTIES RUN_SERIAL OFF)
endif()
herd_system_test(startstop)
herd_system_test(signals)
herd_system_test(telnet)
herd_system_test(scripts)
herd_system_test(keys)
herd_system_test(boxes)
herd_system_test(rotation)
herd_system_test(moved)
herd_system_test(tap)
herd_system_test(names)
herd_system_test(addresses)
herd_system_test(versions)
herd_system_test(misread)
# Peers in other languages; each is left out where the language is.
foreach(language python javascript)
    add_test(NAME system/peers_${language}
        COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
            /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/system/peers.py ${language}
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(system/peers_${language} PROPERTIES
        LABELS system TIMEOUT 300 RUN_SERIAL ON SKIP_RETURN_CODE 77)
endforeach()
# A gateway of the next minor version: its own writer of messages comes before the library's.
add_custom_command(OUTPUT wire_next.c
    COMMAND sed -f ${CMAKE_CURRENT_SOURCE_DIR}/system/next.sed ${CMAKE_SOURCE_DIR}/bus/link/wire.c > wire_next.c
    DEPENDS system/next.sed ${CMAKE_SOURCE_DIR}/bus/link/wire.c VERBATIM)
add_executable(zherd-gateway-next ${CMAKE_SOURCE_DIR}/gateway/node/main.c wire_next.c)
target_link_libraries(zherd-gateway-next PRIVATE herd_gateway herd_usage)
herd_system_test(judge)
herd_system_test(joining)
herd_system_test(readme)
# Builds the clone twice, from nothing.
set_tests_properties(system/readme PROPERTIES TIMEOUT 1800)

# The operator's command alone. Each script gets the built program and what it works on.
add_test(NAME system/topology COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/system/topology.sh
    $<TARGET_FILE:zherd> ${CMAKE_CURRENT_SOURCE_DIR}/../topology)
add_test(NAME system/up COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/system/up.sh
    $<TARGET_FILE:zherd> ${CMAKE_CURRENT_SOURCE_DIR}/../topology/fall2016.zpl)
set_tests_properties(system/topology system/up PROPERTIES
    LABELS system TIMEOUT ${HERD_TEST_SECONDS_MAX})

# A minute of faults; tests/system/chaos SECONDS goes on for as long as one likes.
add_test(NAME system/chaos
    COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
        ${CMAKE_CURRENT_SOURCE_DIR}/system/chaos 60
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(system/chaos PROPERTIES LABELS system TIMEOUT 300 RUN_SERIAL ON)
