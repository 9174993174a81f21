#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::devcluster {

/// A container's mounts, without mount namespaces: wherever a mount path stands in a command, an
/// argument or the value of an environment variable, the directory that holds the volume is put
/// instead. The longest mount path wins.
///
/// A path stands there when nothing that belongs to a path comes before it, and it ends there or
/// goes on with '/': with /data mounted, "--dir=/data/x" is replaced, "/database" and "/srv/data"
/// are not.
class Mounts {
 public:
  void add(std::string mount_path, std::string directory);
  std::string translate(std::string_view text) const;

 private:
  std::vector<std::pair<std::string, std::string>> mounts_;  // longest mount path first
};

}  // namespace berth::devcluster
