# Writes the model YAML files into a header, so that the binary needs no files beside it.
# cmake -D OUTPUT=... -D INPUTS=a.yaml,b.yaml -P embed_models.cmake
string(REPLACE "," ";" INPUTS "${INPUTS}")
list(LENGTH INPUTS count)
set(text "// Made from configs/models by cmake/embed_models.cmake.\n#pragma once\n\n#include <array>\n#include <string_view>\n\nnamespace headroom {\n\nstruct BuiltInModel {\n  std::string_view name;\n  std::string_view text;\n};\n\ninline constexpr std::array<BuiltInModel, ${count}> kBuiltInModels = {{\n")
foreach(file IN LISTS INPUTS)
  file(READ ${file} content)
  get_filename_component(name ${file} NAME)
  string(APPEND text "    {\"${name}\", R\"yaml(${content})yaml\"},\n")
endforeach()
string(APPEND text "}};\n\n}  // namespace headroom\n")
file(WRITE ${OUTPUT} "${text}")
