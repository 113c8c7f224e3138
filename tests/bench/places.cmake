# What tests/bench/places.py runs. They are built with the rest, so that they stay buildable, and
# are no tests: their figures depend on the machine.
add_executable(bench_places_upstream bench/places_upstream.c)
target_link_libraries(bench_places_upstream PRIVATE herd_core library::MICROHTTPD
    Threads::Threads)
add_executable(bench_places_desk bench/places_desk.c)
target_link_libraries(bench_places_desk PRIVATE herd_core)
set_target_properties(bench_places_upstream bench_places_desk PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
