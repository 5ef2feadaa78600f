#include "core/email/templates.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "core/email/default_templates.hpp"
#include "core/email/kinds.hpp"
#include "core/email/samples.hpp"
#include "core/email/views.hpp"

namespace herald {

namespace {

using json = nlohmann::json;

std::string file(std::string_view kind, std::string_view extension) {
  return std::string{kind}.append(extension);
}

std::vector<std::string> kind_names() {
  std::vector<std::string> out;
  for (const auto& x : email_kinds())
    out.emplace_back(x.event_type);
  out.emplace_back(generic_email_kind().event_type);
  return out;
}

std::vector<std::string> root_names() {
  std::vector<std::string> out{"layout.html", "layout.txt", "digest.md", "digest.html", "digest.txt"};
  for (const auto& kind : kind_names())
    for (auto extension : {".md", ".html", ".txt"})
      out.push_back(file(kind, extension));
  return out;
}

result<void> refuse_unused(const template_set& set, const template_files& defaults,
                           const template_files& overrides) {
  std::set<std::string, std::less<>> used;
  for (const auto& root : root_names())
    used.merge(set.names(root));
  for (const auto& [name, text] : overrides)
    if (!defaults.contains(name) && !used.contains(name))
      return template_failure(name, 0, "no mail uses it; is its name right?");
  return {};
}

/// Compares every root with a view of a sample: views are whole, so the sample has every name.
class set_checker {
public:
  set_checker(const template_set& set, const view_context& views) : set_{set}, views_{views} {}

  result<void> check_kind(const std::string& kind) {
    auto row = sample_mail(kind).rows.front();
    if (auto done = check(file(kind, ".md"), row_facts(row, row_place::own_mail, views_), {}); !done)
      return done;
    auto view = row_view(row, row_place::own_mail, views_);
    return view ? check_pages(kind, std::move(*view), {"url"}) : view.error();
  }

  /// After the kinds: the sample renders their sentences.
  result<void> check_digest() {
    auto facts = digest_facts(sample_mail("digest"), views_);
    if (!facts)
      return facts.error();
    if (auto done = check("digest.md", *facts, {}); !done)
      return done;
    auto view = digest_view(sample_mail("digest"), views_);
    return view ? check_pages("digest", std::move(*view), {"sections", "items"}) : view.error();
  }

  result<void> check_layout() {
    auto view = mail_view(sample_profile(), views_);
    for (auto name : {"subject", "preheader", "content"})
      view[name] = "";
    if (auto done = check("layout.txt", view, {"content", "preferences_url"}); !done)
      return done;
    view.erase("content");
    view["content_html"] = "";
    return check("layout.html", view, {"content_html", "preferences_url"});
  }

private:
  result<void> check_pages(const std::string& kind, json view, const std::vector<std::string>& required) {
    view.update(mail_view(sample_profile(), views_));
    for (auto extension : {".html", ".txt"})
      if (auto done = check(file(kind, extension), view, required); !done)
        return done;
    return {};
  }

  result<void> check(const std::string& name, const json& sample, const std::vector<std::string>& required) {
    auto names = set_.names(name);
    for (const auto& x : required)
      if (!names.contains(x))
        return template_failure(name, 0, "{{" + x + "}} is missing: every such mail has to show it");
    return set_.check(name, sample);
  }

  const template_set& set_;
  const view_context& views_;
};

result<void> check_all(const template_set& set) {
  const email_settings settings;
  auto zone = time_zone::find("UTC");
  if (!zone)
    return zone.error();
  const view_context views{settings, *zone, set, sample_time()};
  set_checker checker{set, views};
  for (const auto& kind : kind_names())
    if (auto done = checker.check_kind(kind); !done)
      return done;
  if (auto done = checker.check_digest(); !done)
    return done;
  return checker.check_layout();
}

} // namespace

result<email_templates> email_templates::load(const template_files& overrides) {
  const auto defaults = default_templates();
  auto files = overrides;
  files.insert(defaults.begin(), defaults.end());
  auto set = template_set::compile(files, root_names());
  if (!set)
    return set.error();
  if (auto done = refuse_unused(*set, defaults, overrides); !done)
    return done.error();
  if (auto done = check_all(*set); !done)
    return done.error();
  return email_templates{std::move(*set)};
}

} // namespace herald
