# The built programs from outside: whole herds, each on ports of its own, so two run side by side.
# Those below that compare times or memory, build, or fill a machine run alone. The system's own
# Python is the one that has the packages which topology/prepare.sh installs.
function(herd_system_test name)
    add_test(NAME system/${name}
        COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
            /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/system/${name}.py
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(system/${name} PROPERTIES LABELS system TIMEOUT 300)
endfunction()

herd_system_test(story)
herd_system_test(clients)
herd_system_test(places)
herd_system_test(places_watched)
herd_system_test(monitored)
herd_system_test(provider)
herd_system_test(landmarks)
herd_system_test(workers)
herd_system_test(budget)
herd_system_test(lost)
set_tests_properties(system/lost PROPERTIES RUN_SERIAL ON)
herd_system_test(secrets)
herd_system_test(building)
# A sanitizer's memory is not the node's.
if(NOT ZHERD_SANITIZE)
    herd_system_test(room)
    set_tests_properties(system/room PROPERTIES RUN_SERIAL ON)
    herd_system_test(hardened)
endif()
herd_system_test(startstop)
herd_system_test(signals)
herd_system_test(reload)
herd_system_test(telnet)
herd_system_test(scripts)
herd_system_test(keys)
herd_system_test(boxes)
herd_system_test(rotation)
herd_system_test(logs)
herd_system_test(moved)
herd_system_test(tap)
herd_system_test(journal)
herd_system_test(journal_node)
herd_system_test(backup)
herd_system_test(durable)
herd_system_test(promises)
herd_system_test(operators)
herd_system_test(status)
herd_system_test(clocks)
herd_system_test(forgetting)
herd_system_test(access)
herd_system_test(nearby)
herd_system_test(watch)
herd_system_test(tls)
herd_system_test(web)
herd_system_test(web_access)
herd_system_test(web_shows)
herd_system_test(queues)
# Most of it only where chromium is.
herd_system_test(map)
herd_system_test(names)
herd_system_test(addresses)
herd_system_test(versions)
herd_system_test(misread)
herd_system_test(neighbour)
herd_system_test(strangers)
# Peers in other languages; each is left out where the language is.
foreach(language python javascript)
    add_test(NAME system/peers_${language}
        COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
            /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/system/peers.py ${language}
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(system/peers_${language} PROPERTIES
        LABELS system TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()
# Google's client library: its requests as recorded, and itself where npm can install it.
herd_system_test(client)
add_test(NAME system/client_javascript
    COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
        /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/system/client.py javascript
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(system/client_javascript PROPERTIES
    LABELS system TIMEOUT 300 SKIP_RETURN_CODE 77)
# A gateway of the next minor version: its own writer of messages comes before the library's.
add_custom_command(OUTPUT wire_next.c
    COMMAND sed -f ${CMAKE_CURRENT_SOURCE_DIR}/system/next.sed ${CMAKE_SOURCE_DIR}/bus/link/wire_write.c > wire_next.c
    DEPENDS system/next.sed ${CMAKE_SOURCE_DIR}/bus/link/wire_write.c VERBATIM)
add_executable(zherd-gateway-next ${CMAKE_SOURCE_DIR}/gateway/node/main.c wire_next.c)
target_link_libraries(zherd-gateway-next PRIVATE herd_gateway herd_usage)
herd_system_test(judge)
herd_system_test(metrics_refused)
herd_system_test(monitoring)
herd_system_test(joining)
# Their promises are in seconds of an idle machine.
set_tests_properties(system/joining system/keys PROPERTIES RUN_SERIAL ON)
herd_system_test(notify)
herd_system_test(service)
herd_system_test(installed)
herd_system_test(export)
herd_system_test(manuals)
# topology/OPERATING.md. Without leave to make namespaces it is left out.
herd_system_test(manual)
set_tests_properties(system/manual PROPERTIES SKIP_RETURN_CODE 77)
herd_system_test(readme)
# Builds the clone twice, from nothing.
set_tests_properties(system/readme PROPERTIES TIMEOUT 1800 RUN_SERIAL ON)

# The operator's command alone. Each script gets the built program and what it works on.
add_test(NAME system/topology COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/system/topology.sh
    $<TARGET_FILE:zherd> ${CMAKE_CURRENT_SOURCE_DIR}/../topology)
add_test(NAME system/up COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/system/up.sh
    $<TARGET_FILE:zherd> ${CMAKE_CURRENT_SOURCE_DIR}/../topology/fall2016.zpl)
set_tests_properties(system/topology system/up PROPERTIES
    LABELS system TIMEOUT ${HERD_TEST_SECONDS_MAX})

# A minute of faults, one in a herd that forgets, and each promise with disks that lose what was not
# synced; tests/system/chaos SECONDS goes on for as long as one likes.
add_test(NAME system/chaos
    COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
        ${CMAKE_CURRENT_SOURCE_DIR}/system/chaos 60
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
add_test(NAME system/chaos_forgetting
    COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
        ${CMAKE_CURRENT_SOURCE_DIR}/system/chaos 60 --expire 20
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
add_test(NAME system/chaos_promises
    COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
        ${CMAKE_CURRENT_SOURCE_DIR}/system/chaos 32 --in-turn
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(system/chaos system/chaos_forgetting system/chaos_promises PROPERTIES
    LABELS system TIMEOUT 300)

# Memory follows the living: a short form of tests/system/soak 600. The less memory a node has, the
# more of it is chance.
add_test(NAME system/soak
    COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
        ${CMAKE_CURRENT_SOURCE_DIR}/system/soak 40 --expire 5 --rate 2000 --flat 1.25
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(system/soak PROPERTIES LABELS system TIMEOUT 300 RUN_SERIAL ON)

# Hostile clients beside honest ones: what no slow machine can change, of the attacks that the table
# of system/hostile does not leave out. By hand the same program prints figures. A sanitizer's
# memory is not the herd's.
if(NOT ZHERD_SANITIZE)
    add_test(NAME system/hostile
        COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3
            ${CMAKE_CURRENT_SOURCE_DIR}/system/hostile ${CMAKE_BINARY_DIR} --check --memory-max 300
        WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(system/hostile PROPERTIES LABELS system TIMEOUT 300 RUN_SERIAL ON)
endif()
