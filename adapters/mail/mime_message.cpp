#include "adapters/mail/mime_message.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace herald {

namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    auto group = text.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (j < group.size() ? static_cast<unsigned char>(group[j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      out += j <= group.size() ? digits[bits >> (18 - 6 * j) & 63U] : '=';
  }
  return out;
}

bool continues_sequence(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

/// A display name may be quoted; encoded words may not stand in quotes.
std::string unquoted(std::string_view name) {
  if (name.size() < 2 || name.front() != '"' || name.back() != '"')
    return std::string{name};
  std::string out;
  for (std::size_t i = 1; i + 1 < name.size(); ++i) {
    if (name[i] == '\\' && i + 2 < name.size())
      ++i;
    out += name[i];
  }
  return out;
}

/// `Name <address>` with its name encoded where needed.
std::string encode_address(std::string_view address) {
  auto open = address.rfind('<');
  if (is_ascii(address) || open == std::string_view::npos)
    return std::string{address};
  auto name = address.substr(0, open);
  while (name.ends_with(' '))
    name.remove_suffix(1);
  return encode_words(unquoted(name)) + " " + std::string{address.substr(open)};
}

/// Breaks a long value at its blanks.
std::string folded(const std::string& name, const std::string& value) {
  std::string out = name + ": ";
  auto width = out.size();
  std::string_view rest = value;
  while (true) {
    auto end = rest.find(' ', 1);
    auto word = rest.substr(0, end);
    // A line that has nothing yet cannot get shorter by a break.
    if (width + word.size() > 78 && word.starts_with(' ')) {
      out += "\r\n";
      width = 0;
    }
    out += word;
    width += word.size();
    if (end == std::string_view::npos)
      break;
    rest.remove_prefix(end);
  }
  return out + "\r\n";
}

std::string header(const std::string& name, const std::string& value) {
  return folded(name, encode_words(value));
}

std::string two_digits(std::int64_t x) {
  return (x < 10 ? "0" : "") + std::to_string(x);
}

/// e.g. `Tue, 20 Jan 2026 14:30:45 +0000`
std::string mail_date(timestamp x) {
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto day = std::chrono::floor<std::chrono::days>(x);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(x - day)};
  return std::string{days[std::chrono::weekday{day}.c_encoding()]} + ", "
         + two_digits(static_cast<unsigned>(date.day())) + " "
         + months[static_cast<unsigned>(date.month()) - 1] + " "
         + std::to_string(static_cast<int>(date.year())) + " " + two_digits(time.hours().count()) + ":"
         + two_digits(time.minutes().count()) + ":" + two_digits(time.seconds().count()) + " +0000";
}

std::string part(const std::string& type, const std::string& body) {
  return "Content-Type: text/" + type
         + "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted_printable(body)
         + "\r\n";
}

} // namespace

std::string encode_words(std::string_view text) {
  // What looks like an encoded word would be decoded.
  if (is_ascii(text) && text.find("=?") == std::string_view::npos)
    return std::string{text};
  // 30 bytes make 40 characters of base64 in a frame of 12: a word fits on a line behind a header's name.
  constexpr std::size_t most = 30;
  std::string out;
  while (!text.empty()) {
    auto size = std::min(most, text.size());
    while (size < text.size() && size > 1 && continues_sequence(text[size]))
      --size;
    out += (out.empty() ? "=?UTF-8?B?" : " =?UTF-8?B?") + base64(text.substr(0, size)) + "?=";
    text.remove_prefix(size);
  }
  return out;
}

std::string quoted_printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n')
      continue;
    if (c == '\n') {
      out += "\r\n";
      width = 0;
      continue;
    }
    auto line_end = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
    auto byte = static_cast<unsigned char>(c);
    auto plain = (byte > ' ' && byte < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !line_end);
    auto size = plain ? 1U : 3U;
    if (width + size > 75) {
      out += "=\r\n";
      width = 0;
    }
    width += size;
    if (plain)
      out += c;
    else
      out.append(1, '=').append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
  }
  return out;
}

std::string to_eml(const mime_message& x) {
  auto out = header("Date", mail_date(x.date)) + folded("From", encode_address(x.from));
  std::string recipients;
  for (auto& y : x.to)
    recipients += (recipients.empty() ? "" : ", ") + encode_address(y);
  out += folded("To", recipients) + header("Subject", x.subject)
         + header("Message-ID", "<" + x.message_id + ">");
  for (auto& [name, value] : x.headers)
    out += header(name, value);
  out += "MIME-Version: 1.0\r\n";
  if (x.html.empty() || x.text.empty())
    return out + (x.html.empty() ? part("plain", x.text) : part("html", x.html));
  // Quoted-printable has no `=_`: no body can hold the boundary.
  auto boundary = "=_" + x.message_id.substr(0, std::min<std::size_t>(x.message_id.find('@'), 60));
  out += "Content-Type: multipart/alternative; boundary=\"" + boundary + "\"\r\n\r\n";
  // The last alternative is the preferred one.
  out += "--" + boundary + "\r\n" + part("plain", x.text);
  out += "--" + boundary + "\r\n" + part("html", x.html);
  return out + "--" + boundary + "--\r\n";
}

} // namespace herald
