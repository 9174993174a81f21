#include "devcluster/node/mounts.h"

#include <algorithm>

#include "devcluster/node/plain_path.h"

namespace berth::devcluster {

namespace {

bool path_char(char c) {
  return is_plain({&c, 1});
}

}  // namespace

void Mounts::add(std::string mount_path, std::string directory) {
  while (mount_path.size() > 1 && mount_path.ends_with('/')) {
    mount_path.pop_back();
  }
  mounts_.emplace_back(std::move(mount_path), std::move(directory));
  std::stable_sort(mounts_.begin(), mounts_.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

std::string Mounts::translate(std::string_view text) const {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const bool starts = text[i] == '/' && (i == 0 || !path_char(text[i - 1]));
    const auto mount = std::find_if(mounts_.begin(), mounts_.end(), [&](const auto& m) {
      const std::string_view rest = text.substr(i);
      const std::size_t n = m.first.size();
      return starts && rest.starts_with(m.first) &&
             (rest.size() == n || rest[n] == '/' || !path_char(rest[n]));
    });
    if (mount != mounts_.end()) {
      out += mount->second;
      i += mount->first.size();
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace berth::devcluster
