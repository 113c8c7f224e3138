# Run with each build: writes FILE, which says what commit SOURCES are, where it says another one. Of
# sources that are no clone it says none, also where they lie in somebody else's repository. No date,
# so that the same sources make the same programs.
set(ENV{GIT_OPTIONAL_LOCKS} 0)
set(commit "")
file(REAL_PATH "${SOURCES}" real)
execute_process(COMMAND git -C "${SOURCES}" rev-parse --show-toplevel
    OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
if(status STREQUAL "0" AND top STREQUAL real)
    execute_process(COMMAND git -C "${SOURCES}" describe --always --dirty --abbrev=12
        OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(text "#include \"topology/version.h\"\nconst char version_commit[] = \"${commit}\";\n")
set(before "")
if(EXISTS "${FILE}")
    file(READ "${FILE}" before)
endif()
if(NOT text STREQUAL before)
    file(WRITE "${FILE}" "${text}")
endif()
