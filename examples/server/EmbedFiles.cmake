# Writes files as arrays of a C source: cmake -DOUTPUT=FILE -DFOLDER=DIR -P EmbedFiles.cmake. What the
# arrays are found by is declared in examples/server/page_files.h.
file(GLOB files LIST_DIRECTORIES false ${FOLDER}/*)
list(SORT files)
set(arrays "")
set(table "")
set(count 0)
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char file_${count}[] = {\n${bytes}};\n")
  string(APPEND table "    {\"${name}\", file_${count}, sizeof file_${count}},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUTPUT} "/* Written by EmbedFiles.cmake. */\n#include \"page_files.h\"\n\n${arrays}
const struct page_file page_files[] = {\n${table}};
const size_t page_file_count = ${count};\n")
