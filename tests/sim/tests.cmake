add_library(herd_sim STATIC sim/agenda.c sim/graphs.c sim/history.c sim/plan.c sim/records.c
    sim/road.c sim/sim.c sim/stories.c sim/watch.c)
target_link_libraries(herd_sim PUBLIC herd_core)

herd_test(sim/herd herd_sim herd_topology)
target_sources(test_sim_herd PRIVATE sim/report.c sim/shape.c)
herd_test(sim/graph herd_sim)
herd_test(sim/handshake herd_sim)

# A sanitizer would only slow the mutants down.
if(NOT ZHERD_SANITIZE)
    add_library(herd_hunt OBJECT sim/hunt.c)
    add_test(NAME sim/mutants
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sim/mutants ${CMAKE_CURRENT_BINARY_DIR}/mutants
            ${CMAKE_C_COMPILER} $<TARGET_OBJECTS:herd_hunt> $<TARGET_FILE:herd_sim>
            $<TARGET_FILE:herd_core> ${MSGPACK_LDFLAGS} ${SODIUM_LDFLAGS} ${XXHASH_LDFLAGS}
        COMMAND_EXPAND_LISTS)
    set_tests_properties(sim/mutants PROPERTIES LABELS sim TIMEOUT 600)
endif()
