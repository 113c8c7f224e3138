herd_test(bus/places_broker herd_places PkgConfig::MICROHTTPD)
