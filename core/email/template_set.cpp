#include "core/email/template_set.hpp"

#include <functional>
#include <map>
#include <utility>

#include <kainjow/mustache.hpp>
#include <nlohmann/json.hpp>

#include "core/email/safe_text.hpp"
#include "core/text.hpp"

namespace herald {

namespace {

namespace km = kainjow::mustache;

/// The library knows neither numbers nor null, and takes an empty string for true.
km::data to_data(const nlohmann::json& x) {
  if (auto text = x.get_ptr<const std::string*>())
    return text->empty() ? km::data{false} : km::data{*text};
  if (x.is_array()) {
    km::data out{km::data::type::list};
    for (const auto& item : x)
      out.push_back(to_data(item));
    return out;
  }
  if (x.is_object()) {
    km::data out{km::data::type::object};
    for (const auto& [key, value] : x.items())
      out.set(key, to_data(value));
    return out;
  }
  if (x.is_number())
    return km::data{x.dump()};
  return km::data{x.is_boolean() && x.get<bool>()};
}

/// Remembers a name that is not there; the library would print nothing.
class strict_context final : public km::context<std::string> {
public:
  explicit strict_context(const km::data& values) : km::context<std::string>{&values} {}

  const km::data* get(const std::string& name) const override {
    auto out = km::context<std::string>::get(name);
    if (!out)
      missing_ = name;
    return out;
  }

  const std::string& missing() const { return missing_; }

private:
  mutable std::string missing_;
};

std::function<std::string(const std::string&)> escape_for(std::string_view file) {
  if (file.ends_with(".html"))
    return [](const std::string& x) { return html_escape(x); };
  if (file.ends_with(".md"))
    return [](const std::string& x) { return markdown_escape(x); };
  return [](const std::string& x) { return x; };
}

} // namespace

struct template_set::compiled {
  template_sources sources;
  /// `render` of the library is not const, but writes only where partials and lambdas are rendered. A set has
  /// neither: partials are in place before, and values hold no functions.
  std::map<std::string, std::unique_ptr<km::mustache>, std::less<>> roots;
};

template_set::template_set(std::shared_ptr<const compiled> x) : compiled_{std::move(x)} {}

result<template_set> template_set::compile(const template_files& files,
                                           const std::vector<std::string>& roots) {
  auto out = std::make_shared<compiled>();
  for (const auto& [name, text] : files) {
    auto source = scan_template(name, text);
    if (!source)
      return source.error();
    out->sources.emplace(name, std::move(*source));
  }
  for (const auto& name : roots) {
    auto text = expand_template(out->sources, name);
    if (!text)
      return text.error();
    auto root = std::make_unique<km::mustache>(*text);
    if (!root->is_valid())
      return template_failure(name, 0, root->error_message());
    root->set_custom_escape(escape_for(name));
    out->roots.emplace(name, std::move(root));
  }
  return template_set{std::move(out)};
}

result<void> template_set::check(std::string_view name, const nlohmann::json& sample) const {
  return check_names(compiled_->sources, name, sample);
}

std::set<std::string, std::less<>> template_set::names(std::string_view name) const {
  return names_in(compiled_->sources, name);
}

result<std::string> template_set::render(std::string_view name, const nlohmann::json& values) const {
  auto root = compiled_->roots.find(name);
  if (root == compiled_->roots.end())
    return template_failure(name, 0, "does not exist");
  auto data = to_data(values);
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the analyzer loses sight of the library's variants
  strict_context context{data};
  auto out = root->second->render(context);
  if (!context.missing().empty())
    return template_failure(name, 0, "{{" + context.missing() + "}} has no value");
  return out;
}

} // namespace herald
