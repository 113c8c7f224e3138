herd_test(bus/bus_sockets herd_bus)
target_sources(test_bus_bus_sockets PRIVATE bus/lone.c)
