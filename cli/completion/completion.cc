#include "cli/completion/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <optional>

#include "berth/api/session_pool.h"
#include "berth/kube/object.h"
#include "cli/session/handles.h"
#include "cli/settings/kube_session.h"

namespace berth::cli {
namespace {

constexpr const char* kNoFiles = ":4\n";
constexpr const char* kFiles = ":0\n";

const std::map<std::string, Live>& positionals() {
  static const std::map<std::string, Live> map = {{"why", Live::kPools},
                                                  {"sessions", Live::kPools},
                                                  {"top", Live::kPools},
                                                  {"pool describe", Live::kPools},
                                                  {"pool scale", Live::kPools},
                                                  {"cordon", Live::kWorkers},
                                                  {"uncordon", Live::kWorkers},
                                                  {"drain", Live::kWorkers},
                                                  {"session complete", Live::kSavedSessions},
                                                  {"session execute", Live::kSavedSessions},
                                                  {"session recreate", Live::kSavedSessions}};
  return map;
}

bool takes_file(const std::string& option) {
  return option == "file" || option == "token-file" || option == "ca-file" ||
         option == "kubeconfig" || option == "data-dir" || option == "ready-file";
}

const CLI::Option* option_of(const CLI::App* app, const std::string& word) {
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* o : app->get_options()) {
      if (o->check_name(word)) {
        return o;
      }
    }
  }
  return nullptr;
}

std::string long_name(const CLI::Option& o) {
  return o.get_lnames().empty() ? "" : o.get_lnames().front();
}

// "TEXT:{table,json}" as CLI::IsMember writes it.
std::vector<std::string> members(const CLI::Option& o) {
  const std::string type = o.get_type_name();
  const std::size_t open = type.find('{');
  const std::size_t close = type.rfind('}');
  std::vector<std::string> out;
  if (open != std::string::npos && close != std::string::npos) {
    std::string one;
    for (std::size_t i = open + 1; i <= close; ++i) {
      if (type[i] == ',' || i == close) {
        out.push_back(std::exchange(one, ""));
      } else {
        one += type[i];
      }
    }
  }
  return out;
}

// Bash hands "--output=json" over in three words.
std::vector<std::string> without_equals(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    if (words[i] == "=" && !out.empty()) {
      if (i + 1 == words.size()) {
        out.emplace_back();
      }
    } else if (words[i].starts_with("--") && equals != std::string::npos) {
      out.push_back(words[i].substr(0, equals));
      out.push_back(words[i].substr(equals + 1));
    } else {
      out.push_back(words[i]);
    }
  }
  return out;
}

class Completion {
 public:
  Completion(const CLI::App& app, const LiveNames& names) : app_(&app), names_(names) {}

  std::string run(const std::vector<std::string>& words) {
    const std::string last = words.empty() ? "" : words.back();
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (!walk(words[i])) {
        return kFiles;  // Behind "--" is somebody else's command line.
      }
    }
    prefix_ = last;
    if (value_of_ != nullptr) {
      return value();
    }
    if (last.starts_with("-")) {
      offer_options();
    } else if (!words_seen_) {
      offer_words();
    } else if (path_ == "cp") {
      return kFiles;
    } else if (path_ == "cordon" || path_ == "uncordon" || path_ == "drain") {
      live(Live::kWorkers);
    }
    return out_ + kNoFiles;
  }

 private:
  bool walk(const std::string& word) {
    if (value_of_ != nullptr) {
      remember(*value_of_, word);
      value_of_ = nullptr;
      return true;
    }
    if (word == "--") {
      return false;
    }
    if (word.starts_with("-")) {
      const CLI::Option* o = option_of(app_, word);
      value_of_ = o != nullptr && o->get_items_expected_max() > 0 ? o : nullptr;
      return true;
    }
    for (const CLI::App* sub : app_->get_subcommands([](const CLI::App*) { return true; })) {
      if (!words_seen_ && sub->get_name() == word) {
        path_ += (path_.empty() ? "" : " ") + word;
        app_ = sub;
        return true;
      }
    }
    words_seen_ = true;
    return true;
  }

  void remember(const CLI::Option& o, const std::string& value) {
    const std::string name = long_name(o);
    if (name == "namespace") {
      flags_.ns = value;
    } else if (name == "kubeconfig") {
      flags_.kubeconfig = value;
    } else if (name == "context") {
      flags_.context = value;
    } else if (name == "dev") {
      flags_.dev_name = value;
    }
  }

  std::string value() {
    const std::string name = long_name(*value_of_);
    if (takes_file(name)) {
      return kFiles;
    }
    if (name == "pool") {
      live(Live::kPools);
    }
    for (const std::string& member : members(*value_of_)) {
      add(member, "");
    }
    return out_ + kNoFiles;
  }

  void offer_options() {
    for (const CLI::App* app = app_; app != nullptr; app = app->get_parent()) {
      for (const CLI::Option* o : app->get_options()) {
        if (!long_name(*o).empty() && (app == app_ || long_name(*o) != "help")) {
          add("--" + long_name(*o), o->get_description());
        }
      }
    }
  }

  void offer_words() {
    for (const CLI::App* sub : app_->get_subcommands([](const CLI::App*) { return true; })) {
      add(sub->get_name(), sub->get_description());
    }
    if (const auto it = positionals().find(path_); it != positionals().end()) {
      live(it->second);
    } else if (path_ == "completion") {
      for (const char* shell : {"bash", "zsh", "fish"}) {
        add(shell, "");
      }
    } else if (path_ == "cp") {
      for (const std::string& id : names_(Live::kSavedSessions, flags_)) {
        add(id + ":", "");
      }
    }
  }

  void live(Live which) {
    for (const std::string& name : names_(which, flags_)) {
      add(name, "");
    }
  }

  void add(const std::string& word, const std::string& description) {
    if (word.starts_with(prefix_)) {
      out_ += word + (description.empty() ? "" : "\t" + description) + "\n";
    }
  }

  const CLI::App* app_;
  const LiveNames& names_;
  Flags flags_;
  std::string path_;
  std::string prefix_;
  const CLI::Option* value_of_ = nullptr;
  bool words_seen_ = false;
  std::string out_;
};

std::vector<std::string> names_in(const Result<Json>& list) {
  std::vector<std::string> out;
  const Json* items = list ? find(*list, "items") : nullptr;
  for (const Json& object : items != nullptr && items->is_array() ? *items : Json::array()) {
    out.push_back(kube::name_of(object));
  }
  return out;
}

}  // namespace

std::string completions(const CLI::App& app, const std::vector<std::string>& words,
                        const LiveNames& names) {
  return Completion(app, names).run(without_equals(words));
}

std::vector<std::string> live_names(Live which, const Flags& flags) {
  if (which == Live::kSavedSessions) {
    return saved_sessions();
  }
  const auto session = KubeSession::open(flags);
  if (!session) {
    return {};
  }
  return names_in(which == Live::kPools ? (*session)->list(kube::kSessionPools, "")
                                        : (*session)->list(kube::kPods, api::kPoolLabel));
}

}  // namespace berth::cli
