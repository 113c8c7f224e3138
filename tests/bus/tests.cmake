herd_test(bus/bus_sockets herd_bus)
target_sources(test_bus_bus_sockets PRIVATE bus/lone.c)
herd_test(bus/bus_strangers herd_bus)
target_sources(test_bus_bus_strangers PRIVATE bus/lone.c)
