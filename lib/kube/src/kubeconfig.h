#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "berth/base/json.h"
#include "berth/kube/config.h"

namespace berth::kube {

/// One or several kubeconfig files laid over each other, as kubectl does it: of two entries with
/// the same name the one from the earlier file counts, whole.
class Kubeconfig {
 public:
  Status add(std::string_view yaml, const std::filesystem::path& file);
  /// `context` empty: the current one.
  Result<Config> resolve(const std::string& context) const;

 private:
  struct Entry {
    Json value;
    std::filesystem::path file;
  };
  using Entries = std::map<std::string, Entry>;

  static Status collect(const Json& root, std::string_view list, std::string_view member,
                        const std::filesystem::path& file, Entries& out);
  Result<const Entry*> entry(const Entries& from, std::string_view kind,
                             const std::string& name) const;

  std::string current_context_;
  std::string files_;  // for messages
  Entries clusters_;
  Entries contexts_;
  Entries users_;
};

/// What a pod's service account gives: address from the environment, the rest from `folder`.
Result<Config> in_cluster_config(std::string_view host, std::string_view port,
                                 const std::filesystem::path& folder);

}  // namespace berth::kube
