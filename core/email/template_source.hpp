// Template files before they are rendered: their tags as a tree, partials put in place, names compared with
// what a mail provides. What a template may hold is decided here, by reading, and not by trying.
//
// Of Mustache this is the part without surprises: {{name}}, {{{name_html}}}, {{#name}}..{{/name}},
// {{^name}}..{{/name}}, {{> partial}} and {{! comment}}. A name is [a-z][a-z0-9_]*.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "messages/failure.hpp"

namespace herald {

/// File name to content, e.g. "layout.html".
using template_files = std::map<std::string, std::string, std::less<>>;

enum class tag_kind : std::uint8_t {
  variable, ///< {{x}}
  markup,   ///< {{{x}}}
  section,  ///< {{#x}}
  inverted, ///< {{^x}}
  partial,  ///< {{> x}}
};

struct template_tag {
  tag_kind kind = tag_kind::variable;
  /// Of a partial: the file, with the extension of the file that names it.
  std::string name;
  /// Where the (opening) tag stands in the text.
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t line = 1;
  /// What a section holds.
  std::vector<template_tag> inner;
};

struct template_source {
  std::string name;
  std::string text;
  std::vector<template_tag> tags;
};

using template_sources = std::map<std::string, template_source, std::less<>>;

inline constexpr std::size_t max_template_size = 256UL * 1024;
/// Sections and partials in one another.
inline constexpr std::size_t max_template_depth = 16;
/// Partials that one root may include, those of its partials among them.
inline constexpr std::size_t max_template_partials = 1000;

/// Takes one file apart. Refuses broken or unbalanced tags, changed delimiters, {{{x}}} for anything but HTML
/// that Herald made (`*_html`, in .html files only), and what is too large or too deep.
result<template_source> scan_template(std::string_view name, std::string_view text);

/// The text of a file with its partials in place. Refuses unknown partials, partials that include each other
/// in a circle, braces that only together with those of a partial are a tag, and what grows too large.
result<std::string> expand_template(const template_sources&, std::string_view name);

/// Compares the names in a file and its partials with a sample of what it is rendered with: an object whose
/// lists have an element each. Refuses a name that is not there, a list or object as a variable, and HTML
/// where text is meant.
result<void> check_names(const template_sources&, std::string_view name, const nlohmann::json& sample);

/// The names of variables and sections in a file and its partials, and the partials' own.
std::set<std::string, std::less<>> names_in(const template_sources&, std::string_view name);

/// A failure that names the file, the line if there is one, and what is wrong.
failure template_failure(std::string_view name, std::size_t line, const std::string& what);

} // namespace herald
