# Writes a file's bytes as a C array: cmake -DINPUT=... -DOUTPUT=... -P embed.cmake
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "#include \"placesd/landmarks/server/store.h\"
const unsigned char store_table[] = {
${bytes}
};
const size_t store_table_bytes = sizeof store_table;
")
