# The operator's command from outside. Each script gets the built program and what it works on.
if(TARGET zherd)
    add_test(NAME system/topology COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/system/topology.sh
        $<TARGET_FILE:zherd> ${CMAKE_CURRENT_SOURCE_DIR}/../topology)
    add_test(NAME system/up COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/system/up.sh
        $<TARGET_FILE:zherd> ${CMAKE_CURRENT_SOURCE_DIR}/../topology/fall2016.zpl)
    set_tests_properties(system/topology system/up PROPERTIES
        LABELS system TIMEOUT ${HERD_TEST_SECONDS_MAX})
endif()
