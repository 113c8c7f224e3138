# Figures, never pass or fail by time: built with the tests, run by hand.
add_executable(bench_bus bench/bus.c bus/loopback.c)
target_link_libraries(bench_bus PRIVATE herd_bus)

add_executable(bench_checks bench/checks.c)
target_link_libraries(bench_checks PRIVATE herd_core m)
add_test(NAME bench/checks COMMAND bench_checks smoke)
set_tests_properties(bench/checks PROPERTIES LABELS bench TIMEOUT 300)

add_executable(bench_hub bench/histogram.c bench/hub.c bench/hub_bare.c bench/hub_live.c
    bench/hub_rows.c bus/loopback.c)
target_link_libraries(bench_hub PRIVATE herd_bus)
add_test(NAME bench/hub COMMAND bench_hub smoke)
set_tests_properties(bench/hub PROPERTIES LABELS bench TIMEOUT 300)
add_executable(bench_resync bench/resync.c)
target_link_libraries(bench_resync PRIVATE herd_core)
add_test(NAME bench/resync COMMAND bench_resync smoke)
set_tests_properties(bench/resync PROPERTIES LABELS bench TIMEOUT 300)

add_executable(bench_journal bench/journal.c)
target_link_libraries(bench_journal PRIVATE herd_core library::SQLITE)
add_test(NAME bench/journal COMMAND bench_journal smoke)
set_tests_properties(bench/journal PROPERTIES LABELS bench TIMEOUT 60)

add_executable(bench_expire bench/expire.c)
target_link_libraries(bench_expire PRIVATE herd_core)
add_test(NAME bench/expire COMMAND bench_expire smoke)
set_tests_properties(bench/expire PROPERTIES LABELS bench TIMEOUT 300)

add_executable(bench_nearby bench/nearby.c)
target_link_libraries(bench_nearby PRIVATE herd_bench)
add_test(NAME bench/nearby COMMAND bench_nearby smoke)
set_tests_properties(bench/nearby PROPERTIES LABELS bench TIMEOUT 60)

add_executable(bench_watchers bench/watchers.c)
target_link_libraries(bench_watchers PRIVATE herd_core m)
add_test(NAME bench/watchers COMMAND bench_watchers smoke)
set_tests_properties(bench/watchers PROPERTIES LABELS bench TIMEOUT 60)

add_executable(bench_landmarks bench/landmarks.c)
target_link_libraries(bench_landmarks PRIVATE herd_landmarks)
# zherd-bench, and what it is compared with. Figures never pass or fail by time; what is tested
# here is that the bench itself counts and checks as it says.
add_library(herd_bench STATIC bench/figures.c bench/histogram.c bench/sample.c bench/script.c
    bench/speech.c bench/speech_echo.c bench/speech_mqtt.c bench/speech_nats.c bench/speech_osmand.c
    bench/speech_redis.c bench/speech_zherd.c bench/visible.c bench/walkers.c)
target_link_libraries(herd_bench PUBLIC herd_core m)

add_executable(zherd-bench bench/bench.c bench/conn.c bench/converge.c bench/drive.c bench/idle.c
    bench/pair.c bench/process.c bench/propagate.c bench/push.c bench/run.c bench/steady.c
    bench/storm.c bench/told.c bench/walk.c)
target_link_libraries(zherd-bench PRIVATE herd_bench herd_landmarks_table herd_usage library::SSL library::CRYPTO)

add_executable(zherd-echo bench/echo.c)
target_link_libraries(zherd-echo PRIVATE herd_core)

herd_test(unit/bench_figures herd_bench)
herd_test(unit/bench_speech herd_bench)
herd_test(unit/bench_walkers herd_bench)

# Instructions of the deciding code on a command's path. They are counted in a build of their own,
# with the flags of a release whatever the rest is built with, so that they mean the same
# everywhere, and without debug information, which valgrind does not read from every compiler: the
# names of functions are enough. Not under a sanitizer, which valgrind cannot run.
if(NOT ZHERD_SANITIZE)
    get_target_property(hotpath_sources herd_core SOURCES)
    list(FILTER hotpath_sources INCLUDE REGEX "/(bus|gateway|topology/format|placesd/(dispatch|providers|lookup))")
    get_target_property(hotpath_libraries herd_core LINK_LIBRARIES)
    add_library(herd_hotpath STATIC EXCLUDE_FROM_ALL ${hotpath_sources} bench/sample.c)
    add_executable(test_bench_hotpath bench/hotpath.c)
    set_target_properties(test_bench_hotpath PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    target_link_libraries(herd_hotpath PUBLIC ${hotpath_libraries} m)
    target_link_libraries(test_bench_hotpath PRIVATE herd_hotpath)
    list(JOIN ZHERD_WAY_OF_A_COMMAND " " way)
    foreach(target herd_hotpath test_bench_hotpath)
        set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON
            INTERPROCEDURAL_OPTIMIZATION ${ZHERD_CAN_OPTIMIZE_TOGETHER})
        target_compile_options(${target} PRIVATE -O3 -g0 -fstack-protector-strong
            -fstack-clash-protection "SHELL:${way} -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2")
    endforeach()
    add_test(NAME bench/instructions
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/bench/instructions $<TARGET_FILE:test_bench_hotpath>
            "${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}")
    set_tests_properties(bench/instructions PROPERTIES LABELS bench SKIP_RETURN_CODE 77
        TIMEOUT ${HERD_TEST_SECONDS_MAX})
endif()

add_test(NAME bench/smoke
    COMMAND ${CMAKE_COMMAND} -E env ZHERD_BUILD=${CMAKE_BINARY_DIR} PYTHONDONTWRITEBYTECODE=1
        python3 ${CMAKE_CURRENT_SOURCE_DIR}/bench/smoke.py
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(bench/smoke PROPERTIES LABELS bench TIMEOUT 300 RUN_SERIAL ON)
