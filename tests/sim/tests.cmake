add_library(herd_sim STATIC sim/event_queue.c sim/graphs.c sim/history.c sim/scenario.c sim/records.c
    sim/link_model.c sim/sim.c sim/stories.c sim/watch.c)
target_link_libraries(herd_sim PUBLIC herd_core)

# A debug build keeps its assertions and symbols, but what is run a hundred million times is
# optimised there, too.
foreach(library herd_core herd_sim)
    target_compile_options(${library} PRIVATE "$<$<CONFIG:Debug>:-O2;${ZHERD_FORTIFY}>")
endforeach()

herd_test(sim/graph herd_sim)
herd_test(sim/order herd_sim)
herd_test(sim/handshake herd_sim)

# The stories, each on its own herd.
herd_test(sim/herd herd_sim herd_topology)
target_sources(test_sim_herd PRIVATE sim/report.c sim/shape.c)
if(ZHERD_SANITIZE)
    target_compile_definitions(test_sim_herd PRIVATE HERD_SEEDS=2000)
endif()

# The ordinary story on every topology file there is, and on a thousand nodes.
file(GLOB HERD_TOPOLOGIES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/topology/*.zpl)
list(TRANSFORM HERD_TOPOLOGIES PREPEND "--topology;")
add_test(NAME sim/topologies COMMAND test_sim_herd --seeds 400 ${HERD_TOPOLOGIES}
    COMMAND_EXPAND_LISTS)
add_test(NAME sim/thousand COMMAND test_sim_herd --seeds 1 --nodes 1000)
set_tests_properties(sim/topologies sim/thousand PROPERTIES LABELS sim)
# Half a minute of one core when nothing else runs.
set_tests_properties(sim/herd sim/topologies sim/thousand PROPERTIES TIMEOUT 600)

# A sanitizer would only slow the mutants down.
if(NOT ZHERD_SANITIZE)
    add_library(herd_mutant_run OBJECT sim/mutant_run.c)
    add_test(NAME sim/mutants
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sim/mutants ${CMAKE_CURRENT_BINARY_DIR}/mutants
            ${CMAKE_C_COMPILER} $<TARGET_OBJECTS:herd_mutant_run> $<TARGET_FILE:herd_sim>
            $<TARGET_FILE:herd_core> $<TARGET_FILE:herd_memory> $<TARGET_FILE:library::MSGPACK>
            $<TARGET_FILE:library::SODIUM> $<TARGET_FILE:library::XXHASH>
        COMMAND_EXPAND_LISTS)
    set_tests_properties(sim/mutants PROPERTIES LABELS sim TIMEOUT 600)
endif()
