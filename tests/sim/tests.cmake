add_library(herd_sim STATIC sim/clocks.c sim/disk.c sim/disk_stories.c sim/event_queue.c
    sim/forget_stories.c sim/graphs.c sim/history.c sim/journal.c sim/link_model.c sim/promises.c
    sim/records.c sim/relink.c sim/scenario.c sim/sim.c sim/stories.c sim/tamper.c sim/time_stories.c sim/truth.c
    sim/warm.c sim/watch.c sim/way_stories.c sim/ways.c)
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
    target_compile_definitions(test_sim_herd PRIVATE HERD_SEEDS=600)
endif()

# What a herd costs, for the table of bus/PROTOCOL.md: it takes minutes, and judges nothing.
add_executable(sim_costs EXCLUDE_FROM_ALL sim/costs.c)
target_link_libraries(sim_costs PRIVATE herd_sim)

# The ordinary story on every topology file there is, and on a thousand nodes.
file(GLOB HERD_TOPOLOGIES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/topology/*.zpl)
list(TRANSFORM HERD_TOPOLOGIES PREPEND "--topology;")
add_test(NAME sim/topologies COMMAND test_sim_herd --seeds 400 ${HERD_TOPOLOGIES}
    COMMAND_EXPAND_LISTS)
add_test(NAME sim/thousand COMMAND test_sim_herd --seeds 1 --nodes 1000)
# Stories that are too long to be told among the others.
add_test(NAME sim/load COMMAND test_sim_herd --seeds 20 --story load)
add_test(NAME sim/many COMMAND test_sim_herd --seeds 4 --story many)
add_test(NAME sim/weeks COMMAND test_sim_herd --seeds 3 --story weeks)
set(HERD_LONG sim/topologies sim/thousand sim/load sim/many sim/weeks)
set_tests_properties(${HERD_LONG} PROPERTIES LABELS sim)
# Half a minute of one core each, when nothing else runs.
set_tests_properties(sim/herd ${HERD_LONG} PROPERTIES TIMEOUT 1200)

# A sanitizer would only slow the mutants down.
if(NOT ZHERD_SANITIZE)
    add_library(herd_mutant_run OBJECT sim/mutant_run.c)
    add_test(NAME sim/mutants
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sim/mutants ${CMAKE_CURRENT_BINARY_DIR}/mutants
            ${CMAKE_C_COMPILER} unit/peer_states=$<TARGET_OBJECTS:test_unit_peer_states>
            unit/herd_time_votes=$<TARGET_OBJECTS:test_unit_herd_time_votes>
            unit/range_flood=$<TARGET_OBJECTS:test_unit_range_flood>
            unit/range_ceiling=$<TARGET_OBJECTS:test_unit_range_ceiling>
            unit/range_check=$<TARGET_OBJECTS:test_unit_range_check>
            unit/range_resync=$<TARGET_OBJECTS:test_unit_range_resync>
            unit/flood_resync=$<TARGET_OBJECTS:test_unit_flood_resync>
            unit/range_flood=$<TARGET_OBJECTS:test_unit_range_flood>
            unit/range_repair=$<TARGET_OBJECTS:test_unit_range_repair>
            unit/range_pace=$<TARGET_OBJECTS:test_unit_range_pace>
            unit/batch=$<TARGET_OBJECTS:test_unit_batch>
            unit/peer=$<TARGET_OBJECTS:test_unit_peer>
            unit/lazy=$<TARGET_OBJECTS:test_unit_lazy>
            unit/rounds=$<TARGET_OBJECTS:test_unit_rounds>
            unit/flood_links=$<TARGET_OBJECTS:test_unit_flood_links>
            unit/lazy_random=$<TARGET_OBJECTS:test_unit_lazy_random>
            unit/promises_skip=$<TARGET_OBJECTS:test_unit_promises_skip>
            unit/flood_neighbour=$<TARGET_OBJECTS:test_unit_flood_neighbour>
            unit/peer_answers=$<TARGET_OBJECTS:test_unit_peer_answers>
            unit/peer_acks=$<TARGET_OBJECTS:test_unit_peer_acks>
            unit/flood_room=$<JOIN:$<TARGET_OBJECTS:test_unit_flood_room>$<SEMICOLON>$<TARGET_PROPERTY:test_unit_flood_room,LINK_OPTIONS>,:>
            unit/peer_hello=$<TARGET_OBJECTS:test_unit_peer_hello>
            unit/flood_change=$<TARGET_OBJECTS:test_unit_flood_change>
            unit/ring=$<TARGET_OBJECTS:test_unit_ring>
            unit/window=$<TARGET_OBJECTS:test_unit_window>
            unit/session_log=$<TARGET_OBJECTS:test_unit_session_log>
            unit/logline=$<TARGET_OBJECTS:test_unit_logline>
            unit/journal_block=$<TARGET_OBJECTS:test_unit_journal_block>
            unit/journal_plan=$<TARGET_OBJECTS:test_unit_journal_plan>
            unit/journal_replay=$<TARGET_OBJECTS:test_unit_journal_replay>
            unit/journal_rotation=$<TARGET_OBJECTS:test_unit_journal_rotation>
            unit/command_at=$<TARGET_OBJECTS:test_unit_command_at>
            unit/flood_expire=$<TARGET_OBJECTS:test_unit_flood_expire>
            unit/flood_forget=$<TARGET_OBJECTS:test_unit_flood_forget>
            unit/table_sweep=$<TARGET_OBJECTS:test_unit_table_sweep>
            unit/session_forget=$<TARGET_OBJECTS:test_unit_session_forget>
            unit/promises=$<TARGET_OBJECTS:test_unit_promises>
            unit/session_held=$<TARGET_OBJECTS:test_unit_session_held>
            unit/operators=$<TARGET_OBJECTS:test_unit_operators>
            unit/operate_status=$<TARGET_OBJECTS:test_unit_operate_status>
            unit/overview=$<TARGET_OBJECTS:test_unit_overview>
            unit/flood_limits=$<TARGET_OBJECTS:test_unit_flood_limits>
            unit/operate=$<TARGET_OBJECTS:test_unit_operate>
            unit/selection=$<TARGET_OBJECTS:test_unit_selection>
            unit/arc=$<TARGET_OBJECTS:test_unit_arc>
            unit/grid=$<TARGET_OBJECTS:test_unit_grid>
            unit/watchers=$<TARGET_OBJECTS:test_unit_watchers>
            unit/watchers_limits=$<TARGET_OBJECTS:test_unit_watchers_limits>
            unit/watchers_notes=$<TARGET_OBJECTS:test_unit_watchers_notes>
            unit/fences=$<TARGET_OBJECTS:test_unit_fences>
            unit/web_stream=$<TARGET_OBJECTS:test_unit_web_stream>
            unit/session_nearby=$<TARGET_OBJECTS:test_unit_session_nearby>
            unit/session_watch=$<TARGET_OBJECTS:test_unit_session_watch>
            unit/telling=$<TARGET_OBJECTS:test_unit_telling>
            unit/session_ready=$<TARGET_OBJECTS:test_unit_session_ready>
            unit/phases=$<TARGET_OBJECTS:test_unit_phases>
            $<TARGET_OBJECTS:herd_mutant_run> $<TARGET_FILE:herd_sim>
            $<TARGET_FILE:herd_core> $<TARGET_FILE:herd_memory> $<TARGET_FILE:library::MSGPACK>
            $<TARGET_FILE:library::SODIUM> $<TARGET_FILE:library::XXHASH>
            $<TARGET_FILE:library::JANSSON> -lm
        COMMAND_EXPAND_LISTS)
    set_tests_properties(sim/mutants PROPERTIES LABELS sim TIMEOUT 1500)
endif()
