# Writes the bytes of the compressed file FONT as a C array to OUTPUT.
find_program(GZIP gzip REQUIRED)
execute_process(COMMAND ${GZIP} -dc ${FONT} OUTPUT_FILE ${OUTPUT}.psf COMMAND_ERROR_IS_FATAL ANY)
file(READ ${OUTPUT}.psf hex HEX)
file(SIZE ${OUTPUT}.psf bytes)
if(bytes LESS 8200)
  message(FATAL_ERROR "${FONT} is not the font of 512 characters that was expected")
endif()
string(REGEX REPLACE "(..)" "0x\\1," numbers "${hex}")
file(WRITE ${OUTPUT} "#include <stddef.h>\n#include <stdint.h>\n"
  "const uint8_t font_psf[] = {${numbers}};\nconst size_t font_psf_bytes = sizeof(font_psf);\n")
