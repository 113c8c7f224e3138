# One fuzz target is one line: herd_fuzz(wire herd_core) builds tests/fuzz/wire.c with
# the driver and registers it as fuzz/wire over the corpus of the same name. With
# -DZHERD_FUZZ=ON and clang the same file also becomes fuzz_wire, a libFuzzer program:
#     build/fuzz_wire tests/fuzz/corpus/wire
option(ZHERD_FUZZ "build libFuzzer programs too (clang)" OFF)
set(HERD_FUZZ_CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus)

if(ZHERD_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "ZHERD_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang")
    endif()
    # Programs that are no fuzzers need what the instrumented core calls.
    target_compile_options(herd_core PRIVATE -fsanitize=fuzzer-no-link)
    target_link_options(herd_core INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(herd_fuzz name)
    set(target test_fuzz_${name})
    add_executable(${target} fuzz/${name}.c fuzz/drive.c)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    target_link_libraries(${target} PRIVATE ${ARGN})
    add_test(NAME fuzz/${name} COMMAND ${target} ${HERD_FUZZ_CORPUS}/${name})
    set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT ${HERD_TEST_SECONDS_MAX})
    if(ZHERD_FUZZ)
        add_executable(fuzz_${name} fuzz/${name}.c)
        target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        target_link_libraries(fuzz_${name} PRIVATE ${ARGN})
    endif()
endfunction()

herd_fuzz(flood_receive herd_core)
herd_fuzz(wire herd_core)
herd_fuzz(lookup herd_core)
herd_fuzz(nearby herd_core)
herd_fuzz(splitter herd_core)
herd_fuzz(lines herd_core)
herd_fuzz(command herd_core)
herd_fuzz(google_new herd_core)
herd_fuzz(overpass herd_core)
herd_fuzz(photon herd_core)
