#include "devcluster/node/process_plan.h"

#include <unistd.h>

#include <algorithm>

#include "devcluster/node/mounts.h"

namespace berth::devcluster {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Error with_reason(Error error, const char* reason) {
  error.reason = reason;
  return error;
}

std::vector<std::string> words(const Json& container, const char* key, const Environment& env,
                               const Mounts& mounts) {
  std::vector<std::string> out;
  if (const Json* list = find(container, key); list != nullptr && list->is_array()) {
    for (const Json& word : *list) {
      const std::string text = word.is_string() ? word.get<std::string>() : word.dump();
      out.push_back(mounts.translate(expand_references(text, env)));
    }
  }
  return out;
}

Result<Mounts> mounts_of(const Json& container, const PodVolumes& volumes) {
  Mounts mounts;
  const Json* list = find(container, "volumeMounts");
  for (std::size_t i = 0; list != nullptr && list->is_array() && i < list->size(); ++i) {
    const Json& mount = (*list)[i];
    BERTH_ASSIGN(fs::path dir, volumes.directory(get_string(mount, "name").value_or("")));
    const std::string path = get_string(mount, "mountPath").value_or("");
    const std::string sub = get_string(mount, "subPath").value_or("");
    if (!path.starts_with('/') || path.size() < 2) {
      return fail(Error::invalid("volumeMounts.mountPath", "must be an absolute path, not /"));
    }
    if (sub.starts_with('/') || sub.find("..") != std::string::npos) {
      return fail(Error::invalid("volumeMounts.subPath", "must stay inside the volume"));
    }
    mounts.add(path, sub.empty() ? dir.string() : (dir / sub).string());
  }
  return mounts;
}

Environment base_environment(const Json& pod, const ImageSettings& images,
                             const fs::path& program) {
  std::string path(kPath);
  if (!program.empty()) {
    path = program.parent_path().string() + ":" + path;
  }
  Environment env = {{"PATH", path}, {"HOSTNAME", string_at(pod, {"metadata", "name"})}};
  const std::string ip = string_at(pod, {"status", "podIP"});
  for (const auto& [name, value] : images.extra_env) {
    std::string text = value;
    for (std::size_t at = 0; (at = text.find("{podIP}", at)) != std::string::npos;) {
      text.replace(at, 7, ip);
      at += ip.size();
    }
    env.emplace_back(name, std::move(text));
  }
  return env;
}

Result<fs::path> find_program(const std::string& name, const std::vector<std::string>& env) {
  if (name.find('/') != std::string::npos) {
    return fs::path(name);
  }
  std::string_view path;
  for (const std::string& e : env) {
    if (e.starts_with("PATH=")) {
      path = std::string_view(e).substr(5);
    }
  }
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const fs::path candidate = fs::path(path.substr(0, colon)) / name;
    if (::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
    path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
  }
  return fail(Error::make(ErrorCode::kNotFound, "CreateContainerError",
                          "exec: \"" + name + "\": executable file not found in $PATH"));
}

}  // namespace

Result<ProcessSpec> plan_process(const Json& pod, const Json& container,
                                 const ImageSettings& images, const PodVolumes& volumes,
                                 const ConfigFn& config, const fs::path& working_dir) {
  const std::string image = get_string(container, "image").value_or("");
  const auto known = images.images.find(image);
  const fs::path program = known == images.images.end() ? fs::path() : known->second;
  const auto mounts = mounts_of(container, volumes);
  if (!mounts) {
    return fail(with_reason(mounts.error(), "CreateContainerConfigError"));
  }
  const auto env =
      container_environment(pod, container, base_environment(pod, images, program), config);
  if (!env) {
    return fail(with_reason(env.error(), "CreateContainerConfigError"));
  }
  ProcessSpec spec;
  spec.argv = words(container, "command", *env, *mounts);
  if (spec.argv.empty()) {
    if (program.empty()) {
      return fail(Error::make(ErrorCode::kNotFound, "ErrImagePull",
                              "berth dev has no program for image \"" + image +
                                  "\": give the container a command, or name the image's program "
                                  "to berth dev"));
    }
    spec.argv.push_back(program.string());
  }
  const auto args = words(container, "args", *env, *mounts);
  spec.argv.insert(spec.argv.end(), args.begin(), args.end());
  for (const auto& [name, value] : *env) {
    spec.env.push_back(name + "=" + mounts->translate(value));
  }
  const std::string dir = get_string(container, "workingDir").value_or("");
  spec.working_dir = dir.empty() ? working_dir : fs::path(mounts->translate(dir));
  BERTH_ASSIGN(spec.program, find_program(spec.argv.front(), spec.env));
  return spec;
}

Result<ProcessSpec> with_command(ProcessSpec container, const std::vector<std::string>& argv) {
  if (argv.empty()) {
    return fail(Error::invalid("exec.command", "is empty"));
  }
  BERTH_ASSIGN(container.program, find_program(argv.front(), container.env));
  container.argv = argv;
  return container;
}

}  // namespace berth::devcluster
