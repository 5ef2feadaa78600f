// HTML as a fuzz target judges it: which tags are in it, and where its links lead.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace herald::fuzz {

/// Every tag with the names of its attributes and without their values, e.g. `a href=`. A lone `<` is a tag too.
inline std::vector<std::string> tags_in(std::string_view html) {
  std::vector<std::string> out;
  for (auto at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    std::string tag;
    bool quoted = false;
    for (++at; at < html.size() && (quoted || html[at] != '>'); ++at) {
      if (html[at] == '"')
        quoted = !quoted;
      else if (!quoted)
        tag += html[at];
    }
    out.push_back(std::move(tag));
  }
  return out;
}

/// What Markdown becomes.
inline const std::set<std::string>& markdown_tags() {
  static const std::set<std::string> out{
      "p",    "/p",          "strong",    "/strong", "em",         "/em",        "br /", "ul",
      "/ul",  "ol",          "ol start=", "/ol",     "li",         "/li",        "pre",  "/pre",
      "code", "code class=", "/code",     "hr /",    "blockquote", "/blockquote"};
  return out;
}

/// The values of all `href`.
inline std::vector<std::string_view> links_in(std::string_view html) {
  static constexpr std::string_view mark = "href=\"";
  std::vector<std::string_view> out;
  for (auto at = html.find(mark); at != std::string_view::npos; at = html.find(mark, at)) {
    at += mark.size();
    out.push_back(html.substr(at, html.find('"', at) - at));
  }
  return out;
}

} // namespace herald::fuzz
