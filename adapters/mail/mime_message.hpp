// Mail as a file: RFC 5322 with MIME parts, as mail programs open it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/time.hpp"

namespace herald {

/// A mail in the sender's terms; all texts UTF-8. Header names and values must be single lines.
struct mime_message {
  std::string from;
  std::vector<std::string> to;
  std::string subject;
  std::string html; ///< empty for none
  std::string text; ///< empty for none
  /// Besides From, To, Subject, Date, Message-ID and those of MIME.
  std::vector<std::pair<std::string, std::string>> headers;
  /// Without its angle brackets.
  std::string message_id;
  timestamp date{};
};

/// The message with CRLF line ends: multipart/alternative when it has both bodies. Words beyond ASCII are
/// encoded (RFC 2047), bodies are quoted-printable, no line is longer than 998 bytes as long as no header has
/// a longer word.
std::string to_eml(const mime_message& x);

/// `text` in encoded words, separated by blanks, when it is not ASCII; else unchanged.
std::string encode_words(std::string_view text);

/// Quoted-printable form of a text with LF or CRLF line ends; lines of at most 76 characters.
std::string quoted_printable(std::string_view text);

} // namespace herald
