#include <map>

#include "cli/completion/completion.h"

namespace berth::cli {
namespace {

// Each strips the last line, which says whether files may follow. The program that was typed is
// asked, so that `./berth` and an alias complete too.

constexpr const char* kBash = R"(# berth completion for bash: source <(berth completion bash)
_berth_complete() {
  local cur=${COMP_WORDS[COMP_CWORD]} answer line
  COMPREPLY=()
  [[ $cur == "=" ]] && cur=
  answer=$("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  while IFS= read -r line; do
    case $line in
      :0) compopt -o default 2>/dev/null; COMPREPLY=(); return ;;
      :*) ;;
      *:) compopt -o nospace 2>/dev/null; COMPREPLY+=("${line%%$'\t'*}") ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done <<< "$answer"
}
complete -F _berth_complete berth
)";

constexpr const char* kZsh = R"(#compdef berth
# berth completion for zsh: source <(berth completion zsh), or save it as _berth in your $fpath
_berth() {
  local line
  local -a words_found
  for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :0) _files; return ;;
      :*|"") ;;
      *) words_found+=("${${line//:/\\:}/$'\t'/:}") ;;
    esac
  done
  _describe -V berth words_found
}
if [[ ${funcstack[1]} == _berth ]]; then _berth "$@"; else compdef _berth berth; fi
)";

constexpr const char* kFish = R"(# berth completion for fish: berth completion fish | source
function __berth_complete
  set -l tokens (commandline -opc) (commandline -ct)
  set -l answer ($tokens[1] __complete $tokens[2..-1] 2>/dev/null)
  or return
  if test "$answer[-1]" = :0
    __fish_complete_path (commandline -ct)
  end
  string match -v -r '^:' -- $answer
end
complete -c berth -f -a '(__berth_complete)'
)";

}  // namespace

std::string completion_script(const std::string& shell) {
  const std::map<std::string, const char*> scripts = {
      {"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}};
  const auto it = scripts.find(shell);
  return it == scripts.end() ? "" : it->second;
}

}  // namespace berth::cli
