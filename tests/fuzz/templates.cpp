// Template files of an operator: each is refused with a reason, or renders every mail that has the names it was checked
// with, and lets no value through that is not escaped.
#include <array>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/email/template_set.hpp"
#include "tests/fuzz/target.hpp"

namespace herald {
namespace {

using fuzz::require;
using nlohmann::json;

/// Stands in every value and in no template that is looked at.
constexpr std::string_view mark = "<q7 \"'&*_";

json values(const std::string& text) {
  json item{{"lead", text}, {"lead_html", "<b>q</b>"}, {"url", text}};
  return {{"subject", text},
          {"preheader", text},
          {"content_html", "<p>q</p>"},
          {"count", 2},
          {"many", true},
          {"none", false},
          {"sections", json::array({{{"title", text}, {"items", json::array({item, item})}}})}};
}

bool contains(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

void expect_sound(const template_set& set, const std::string& name, std::string_view source) {
  for (auto& text : {std::string{mark}, std::string{}, std::string{"{{subject}}"}}) {
    auto out = set.render(name, values(text));
    require(out.has_value(), "a checked template renders", out ? "" : out.error().reason);
    require(contains(source, "<q7") || name.ends_with(".txt") || !contains(*out, "<q7")
                || (name.ends_with(".md") && !contains(*out, mark)),
            "a value is escaped", *out);
  }
}

void expect_refusal(const failure& x) {
  require(x.kind == failure_class::permanent && !x.reason.empty(), "a refusal has a reason", x.reason);
  require(!fuzz::has_control_character(x.reason), "a reason is a line", x.reason);
}

} // namespace
} // namespace herald

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace herald;
  fuzz::input in{data, size};
  fuzz::choices pick{in.line()};
  static constexpr std::array extensions{".html", ".txt", ".md"};
  auto extension = std::string{extensions[pick.below(extensions.size())]};
  auto root = "root" + extension;
  auto text = std::string{in.next()};
  template_files files{{root, text}};
  for (auto name : {"one", "two"})
    if (!in.empty())
      text.append(files[name + extension] = in.next());
  auto set = template_set::compile(files, {root});
  if (!set) {
    expect_refusal(set.error());
    return 0;
  }
  if (auto sound = set->check(root, values("q")); !sound)
    expect_refusal(sound.error());
  else
    expect_sound(*set, root, text);
  return 0;
}
