#include "core/markdown.hpp"

#include <optional>

#include "core/text.hpp"

namespace herald {

namespace {

/// The web application's mark for a mention, at the start of a text.
struct mention_mark {
  std::string_view name;
  std::size_t length = 0;
};

std::optional<mention_mark> mention_at(std::string_view text) {
  static constexpr std::string_view opening = "@[", middle = "](user:";
  if (!text.starts_with(opening))
    return std::nullopt;
  // Names are short; looking no further keeps a text full of openings linear.
  auto window = text.substr(0, 512);
  auto name_end = window.find(middle);
  auto end = name_end == std::string_view::npos ? name_end : window.find(')', name_end);
  if (end == std::string_view::npos)
    return std::nullopt;
  return mention_mark{text.substr(opening.size(), name_end - opening.size()), end + 1};
}

} // namespace

std::string bold(std::string_view name) {
  return "**" + markdown_escape(name) + "**";
}

std::string bold_label(std::string_view label) {
  return "**#" + markdown_escape(label.substr(1)) + "**";
}

std::string message_body(std::string_view message) {
  std::string readable;
  readable.reserve(message.size());
  while (!message.empty()) {
    if (auto mark = mention_at(message)) {
      readable.append("@").append(mark->name);
      message.remove_prefix(mark->length);
    } else {
      readable += message.front();
      message.remove_prefix(1);
    }
  }
  return markdown_escape(one_line(readable, message_limit));
}

} // namespace herald
