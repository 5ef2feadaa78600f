// A set of compiled templates. The only file that knows the template library.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/email/template_source.hpp"
#include "messages/failure.hpp"

namespace herald {

/// Immutable, cheap to copy, shared between threads. The extension of a file says how its values are escaped:
/// .html for HTML, .md for Markdown, .txt not at all.
class template_set {
public:
  /// Compiles `roots`; the other files are partials. Fails on the first file that breaks a rule of
  /// template_source.hpp, or root that is not there.
  static result<template_set> compile(const template_files& files, const std::vector<std::string>& roots);

  /// See check_names.
  result<void> check(std::string_view name, const nlohmann::json& sample) const;

  /// The variables, sections and partials that a root and its partials name.
  std::set<std::string, std::less<>> names(std::string_view name) const;

  /// Fills in a root. Empty strings, false and empty lists close a section. A template that passed `check`
  /// with a sample of the same shape does not fail.
  result<std::string> render(std::string_view name, const nlohmann::json& values) const;

private:
  struct compiled;
  explicit template_set(std::shared_ptr<const compiled> x);
  std::shared_ptr<const compiled> compiled_;
};

} // namespace herald
