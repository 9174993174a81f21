#include "berth/api/ids.h"

#include <algorithm>

namespace berth::api {

Status check_id(std::string_view id, std::string_view field) {
  const bool good = !id.empty() && id.size() <= 63 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (good) {
    return {};
  }
  return fail(Error::invalid(std::string(field),
                             "must be 1 to 63 characters of a-z, 0-9 and '-', is " +
                                 (id.size() > 63 ? std::to_string(id.size()) + " characters long"
                                                 : "'" + std::string(id) + "'")));
}

}  // namespace berth::api
