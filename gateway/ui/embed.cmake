# cmake -D OUT=assets.cc -D FILES="a;b" -P embed.cmake
# Writes the files as C++ that defines berth::gateway::ui::assets().
set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")

set(arrays "")
set(entries "")
set(number 0)
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  get_filename_component(extension "${file}" LAST_EXT)
  string(SUBSTRING "${extension}" 1 -1 extension)
  if(NOT DEFINED types_${extension})
    message(FATAL_ERROR "${file}: embed.cmake knows no content type for .${extension}")
  endif()
  file(SHA256 "${file}" hash)
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char k${number}[] = {${bytes}};\n")
  string(APPEND entries
    "    {\"${name}\", \"${types_${extension}}\", \"${hash}\", text(k${number}, sizeof(k${number}))},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE "${OUT}" "// Made by gateway/ui/embed.cmake from gateway/ui/assets.
#include \"gateway/ui/assets.h\"

#include <cstddef>

namespace berth::gateway::ui {
namespace {

std::string_view text(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

${arrays}
}  // namespace

std::span<const Asset> assets() {
  static const Asset all[] = {
${entries}  };
  return all;
}

}  // namespace berth::gateway::ui
")
