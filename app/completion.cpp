#include "app/completion.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace herald {

namespace {

std::string words_of(const CLI::App& app) {
  std::string out;
  auto add = [&](const std::string& word) { out.append(out.empty() ? "" : " ").append(word); };
  for (auto* sub : app.get_subcommands([](const CLI::App* x) { return !x->get_name().empty(); }))
    add(sub->get_name());
  for (auto* option : app.get_options())
    for (auto& name : option->get_lnames())
      add("--" + name);
  return out;
}

/// One case branch per command path, e.g. `"dead retry") words="--all --json" ;;`.
void add_branches(const CLI::App& app, const std::string& path, std::string& out) {
  out += "    \"" + path + "\") words=\"" + words_of(app) + "\" ;;\n";
  for (auto* sub : app.get_subcommands([](const CLI::App* x) { return !x->get_name().empty(); }))
    add_branches(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), out);
}

} // namespace

std::string bash_completion(const CLI::App& app) {
  std::string branches;
  add_branches(app, "", branches);
  return R"(# bash completion for herald; load it with: source <(herald completion bash)
_herald() {
  local words="" path="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="${path:+$path }$word" ;; esac
  done
  while :; do
    case "$path" in
)" + branches
         + R"(    *) case "$path" in *" "*) path="${path% *}"; continue ;; *) path=""; continue ;; esac ;;
    esac
    break
  done
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
  case "${COMP_WORDS[COMP_CWORD-1]}" in
    --config | --env-file | --database | --file) COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")) ;;
  esac
}
complete -F _herald herald
)";
}

} // namespace herald
