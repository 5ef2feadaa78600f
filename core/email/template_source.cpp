#include "core/email/template_source.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/text.hpp"

namespace herald {

namespace {

/// A tag of a file as it stands there, before sections are put together.
struct flat_tag {
  char mark = 0; ///< one of # ^ / > ! {, or 0 for a plain variable
  std::string_view name;
  std::size_t begin = 0;
  std::size_t end = 0;
};

std::string_view trim(std::string_view text) {
  static constexpr std::string_view blank = " \t\n";
  auto first = text.find_first_not_of(blank);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool is_name(std::string_view text) {
  auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && text.size() <= 64 && lower(text.front())
         && std::ranges::all_of(text, [&](char c) { return lower(c) || c == '_' || (c >= '0' && c <= '9'); });
}

bool is_markup_name(std::string_view name) {
  return name.ends_with("_html");
}

std::string_view extension(std::string_view file) {
  auto dot = file.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : file.substr(dot);
}

std::string with_unix_line_ends(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || (i + 1 < text.size() && text[i + 1] != '\n'))
      out += text[i];
  return out;
}

/// As it appears in a template.
std::string shown(tag_kind kind, std::string_view name) {
  auto text = std::string{name};
  switch (kind) {
  case tag_kind::variable:
    return "{{" + text + "}}";
  case tag_kind::markup:
    return "{{{" + text + "}}}";
  case tag_kind::section:
    return "{{#" + text + "}}";
  case tag_kind::inverted:
    return "{{^" + text + "}}";
  case tag_kind::partial:
    return "{{> " + text + "}}";
  }
  return text;
}

/// Reads one file from its beginning to its end.
class scanner {
public:
  explicit scanner(template_source& out) : out_{out}, text_{out.text} {}

  result<void> scan() {
    for (auto at = text_.find("{{"); at != std::string_view::npos; at = text_.find("{{", at)) {
      auto tag = read(at);
      if (!tag)
        return tag.error();
      if (auto done = take(*tag); !done)
        return done;
      at = tag->end;
    }
    if (!open_.empty())
      return wrong(open_.back().begin, shown(open_.back().kind, open_.back().name) + " is never closed");
    return {};
  }

private:
  failure wrong(std::size_t at, const std::string& what) {
    return template_failure(out_.name, line_at(at), what);
  }

  /// Goes on counting where it stopped: places come in order, or nearly so.
  std::size_t line_at(std::size_t at) {
    if (at < counted_to_) {
      counted_to_ = 0;
      line_ = 1;
    }
    auto breaks = std::ranges::count(text_.substr(counted_to_, at - counted_to_), '\n');
    line_ += static_cast<std::size_t>(breaks);
    counted_to_ = at;
    return line_;
  }

  result<flat_tag> read(std::size_t at) {
    auto inside = at + 2;
    auto markup = inside < text_.size() && text_[inside] == '{';
    auto closing = std::string_view{markup ? "}}}" : "}}"};
    auto end = text_.find(closing, inside);
    if (end == std::string_view::npos)
      return wrong(at, "a tag is never closed");
    auto content = trim(text_.substr(inside, end - inside));
    flat_tag out{0, {}, at, end + closing.size()};
    static constexpr std::string_view marks = "#^/>!{";
    if (!content.empty() && marks.find(content.front()) != std::string_view::npos) {
      out.mark = content.front();
      content = trim(content.substr(1));
    }
    out.name = content;
    if (out.mark != '!' && !is_name(out.name))
      return wrong(at, "\"" + one_line(text_.substr(at, out.end - at), 80)
                           + "\" is no tag that a template may hold");
    return out;
  }

  result<void> take(const flat_tag& x) {
    switch (x.mark) {
    case '!':
      return {};
    case '/':
      return close(x);
    case '#':
      return open(x, tag_kind::section);
    case '^':
      return open(x, tag_kind::inverted);
    case '>':
      add(node(x, tag_kind::partial, std::string{x.name}.append(extension(out_.name))));
      return {};
    case '{':
      if (extension(out_.name) != ".html" || !is_markup_name(x.name))
        return wrong(x.begin,
                     shown(tag_kind::markup, x.name)
                         + " would not be escaped: only names ending in _html, in .html files, may stand "
                           "in three braces");
      add(node(x, tag_kind::markup, std::string{x.name}));
      return {};
    default:
      add(node(x, tag_kind::variable, std::string{x.name}));
      return {};
    }
  }

  template_tag node(const flat_tag& x, tag_kind kind, std::string name) {
    return {kind, std::move(name), x.begin, x.end, line_at(x.begin), {}};
  }

  void add(template_tag x) { (open_.empty() ? out_.tags : open_.back().inner).push_back(std::move(x)); }

  result<void> open(const flat_tag& x, tag_kind kind) {
    if (open_.size() == max_template_depth)
      return wrong(x.begin, "sections are nested more than " + std::to_string(max_template_depth) + " deep");
    open_.push_back(node(x, kind, std::string{x.name}));
    return {};
  }

  result<void> close(const flat_tag& x) {
    auto tag = "{{/" + std::string{x.name} + "}}";
    if (open_.empty())
      return wrong(x.begin, tag + " closes nothing");
    if (open_.back().name != x.name)
      return wrong(x.begin, tag + " stands where " + shown(open_.back().kind, open_.back().name)
                                + " has to be closed first");
    auto done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done));
    return {};
  }

  template_source& out_;
  std::string_view text_;
  std::vector<template_tag> open_;
  std::size_t counted_to_ = 0;
  std::size_t line_ = 1;
};

const template_source* find(const template_sources& sources, std::string_view name) {
  auto i = sources.find(name);
  return i == sources.end() ? nullptr : &i->second;
}

/// The line break that ends a partial's file belongs to the file, not to the place it is put.
std::string_view without_last_line_end(std::string_view text) {
  if (text.ends_with('\n'))
    text.remove_suffix(1);
  return text;
}

/// Partials by their place, those in sections among them.
void collect_partials(const std::vector<template_tag>& tags, std::vector<const template_tag*>& out) {
  for (const auto& x : tags) {
    if (x.kind == tag_kind::partial)
      out.push_back(&x);
    collect_partials(x.inner, out);
  }
}

class expander {
public:
  explicit expander(const template_sources& sources) : sources_{sources} {}

  result<void> expand(const template_source& file, std::string_view text) {
    open_.push_back(file.name);
    std::vector<const template_tag*> partials;
    collect_partials(file.tags, partials);
    std::size_t at = 0;
    for (auto x : partials) {
      if (auto done = append(text.substr(at, x->begin - at), file.name, x->line); !done)
        return done;
      if (auto done = include(file, *x); !done)
        return done;
      at = x->end;
    }
    if (auto done = append(text.substr(at), file.name, partials.empty() ? 1 : partials.back()->line); !done)
      return done;
    open_.pop_back();
    if (out_.size() > max_template_size)
      return template_failure(file.name, 0, "is larger than 256 KiB with its partials in place");
    return {};
  }

  std::string take() { return std::move(out_); }

private:
  /// Files were read one by one: braces that meet at a seam would become a tag that nobody has looked at.
  result<void> append(std::string_view piece, std::string_view file, std::size_t line) {
    if (out_.ends_with('{') && piece.starts_with('{'))
      return template_failure(file, line, "a brace stands next to a brace of a partial");
    out_.append(piece);
    return {};
  }

  result<void> include(const template_source& file, const template_tag& x) {
    auto next = find(sources_, x.name);
    if (!next)
      return template_failure(file.name, x.line, "the partial " + x.name + " does not exist");
    if (std::ranges::find(open_, x.name) != open_.end())
      return template_failure(file.name, x.line, "the partial " + x.name + " includes itself");
    if (open_.size() == max_template_depth)
      return template_failure(
          file.name, x.line, "partials are nested more than " + std::to_string(max_template_depth) + " deep");
    if (++included_ > max_template_partials)
      return template_failure(file.name, x.line,
                              "more than " + std::to_string(max_template_partials) + " partials");
    return expand(*next, without_last_line_end(next->text));
  }

  const template_sources& sources_;
  std::string out_;
  std::vector<std::string> open_;
  std::size_t included_ = 0;
};

/// The objects that names are looked up in, innermost last.
using scopes = std::vector<const nlohmann::json*>;

const nlohmann::json* look_up(const scopes& in, const std::string& name) {
  for (auto scope = in.rbegin(); scope != in.rend(); ++scope)
    if (auto found = (*scope)->find(name); found != (*scope)->end())
      return &*found;
  return nullptr;
}

std::string known_names(const scopes& in) {
  std::set<std::string> names;
  for (auto x : in)
    for (const auto& item : x->items())
      names.insert(item.key());
  std::string out;
  for (const auto& x : names)
    out.append(out.empty() ? "" : ", ").append(x);
  return out;
}

class name_checker {
public:
  name_checker(const template_sources& sources, const nlohmann::json& sample)
      : sources_{sources}, scopes_{&sample} {}

  result<void> check(const template_source& file, const std::vector<template_tag>& tags) {
    for (const auto& x : tags)
      if (auto done = x.kind == tag_kind::partial ? check_partial(x) : check_tag(file, x); !done)
        return done;
    return {};
  }

private:
  result<void> check_partial(const template_tag& x) {
    auto next = find(sources_, x.name);
    return next ? check(*next, next->tags) : result<void>{};
  }

  result<void> check_tag(const template_source& file, const template_tag& x) {
    auto wrong = [&](const std::string& what) {
      return template_failure(file.name, x.line, shown(x.kind, x.name) + " " + what);
    };
    auto value = look_up(scopes_, x.name);
    if (!value)
      return wrong("is unknown here; there are: " + known_names(scopes_));
    auto section = x.kind == tag_kind::section || x.kind == tag_kind::inverted;
    if (section)
      return check_section(file, x, *value);
    if (value->is_structured())
      return wrong("is a list: open it with {{#" + x.name + "}}");
    if (x.kind == tag_kind::variable && is_markup_name(x.name))
      return wrong("is HTML: write it with three braces, in an .html file");
    return {};
  }

  result<void> check_section(const template_source& file, const template_tag& x,
                             const nlohmann::json& value) {
    auto opens = x.kind == tag_kind::section && value.is_structured() && !value.empty();
    if (opens)
      scopes_.push_back(value.is_array() ? &value.front() : &value);
    auto done = check(file, x.inner);
    if (opens)
      scopes_.pop_back();
    return done;
  }

  const template_sources& sources_;
  scopes scopes_;
};

void collect_names(const template_sources& sources, const std::vector<template_tag>& tags,
                   std::set<std::string, std::less<>>& out) {
  for (const auto& x : tags) {
    out.insert(x.name);
    collect_names(sources, x.inner, out);
    if (auto next = x.kind == tag_kind::partial ? find(sources, x.name) : nullptr)
      collect_names(sources, next->tags, out);
  }
}

} // namespace

failure template_failure(std::string_view name, std::size_t line, const std::string& what) {
  auto where = "e-mail template " + std::string{name};
  if (line > 0)
    where += ", line " + std::to_string(line);
  return {failure_class::permanent, where + ": " + what};
}

result<template_source> scan_template(std::string_view name, std::string_view text) {
  if (auto x = extension(name); x != ".html" && x != ".txt" && x != ".md")
    return template_failure(name, 0, "its name has to end in .html, .txt or .md");
  if (text.size() > max_template_size)
    return template_failure(name, 0, "is larger than 256 KiB");
  if (invalid_utf8_at(text) || text.find('\0') != std::string_view::npos)
    return template_failure(name, 0, "is not valid UTF-8 text");
  template_source out{std::string{name}, with_unix_line_ends(text), {}};
  if (auto done = scanner{out}.scan(); !done)
    return done.error();
  return out;
}

result<std::string> expand_template(const template_sources& sources, std::string_view name) {
  auto file = find(sources, name);
  if (!file)
    return template_failure(name, 0, "does not exist");
  expander out{sources};
  if (auto done = out.expand(*file, file->text); !done)
    return done.error();
  return out.take();
}

result<void> check_names(const template_sources& sources, std::string_view name,
                         const nlohmann::json& sample) {
  auto file = find(sources, name);
  return file ? name_checker{sources, sample}.check(*file, file->tags)
              : result<void>{template_failure(name, 0, "does not exist")};
}

std::set<std::string, std::less<>> names_in(const template_sources& sources, std::string_view name) {
  std::set<std::string, std::less<>> out;
  if (auto file = find(sources, name))
    collect_names(sources, file->tags, out);
  return out;
}

} // namespace herald
