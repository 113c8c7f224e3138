# Figures, never pass or fail by time: built with the tests, run by hand.
add_executable(bench_bus bench/bus.c bus/loopback.c)
target_link_libraries(bench_bus PRIVATE herd_bus)
