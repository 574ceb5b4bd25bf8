# Writes the model YAML files into a header, so that the binary needs no files beside it.
# cmake -D OUTPUT=header -D "INPUTS=a.yaml,b.yaml" -P embed_models.cmake
string(REPLACE "," ";" _inputs "${INPUTS}")
list(LENGTH _inputs _count)
set(_rows "")
foreach(_file IN LISTS _inputs)
  file(READ ${_file} _text)
  get_filename_component(_name ${_file} NAME)
  string(APPEND _rows "    {\"${_name}\", R\"yaml(${_text})yaml\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by cmake/embed_models.cmake from configs/models.
#pragma once

#include <array>
#include <string_view>

namespace headroom {

struct BuiltInModel {
  std::string_view name;
  std::string_view text;
};

inline constexpr std::array<BuiltInModel, ${_count}> kBuiltInModels = {{
${_rows}}};

}  // namespace headroom
")
