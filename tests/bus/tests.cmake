herd_test(bus/places_broker herd_places PkgConfig::MICROHTTPD)
herd_test(bus/places_program herd_core PkgConfig::ZMQ PkgConfig::MICROHTTPD)
target_compile_definitions(test_bus_places_program PRIVATE PLACESD_PROGRAM="$<TARGET_FILE:placesd>")
add_dependencies(test_bus_places_program placesd)
