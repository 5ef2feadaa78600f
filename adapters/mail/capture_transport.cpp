#include "adapters/mail/capture_transport.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "adapters/mail/mime_message.hpp"
#include "messages/uuid.hpp"

namespace herald {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::size_t max_batch = 100;
constexpr std::size_t max_key = 256;
/// Header of each file that tells whether a repeated request is the same.
constexpr std::string_view fingerprint_header = "X-Herald-Request: ";

/// Random once, fixed since: ids of captured mail must not change.
constexpr uuid id_namespace{
    {0x4d, 0x1f, 0x0c, 0x8e, 0x5a, 0x37, 0x4e, 0x52, 0x9b, 0x60, 0x27, 0xc5, 0x1e, 0xd3, 0x8a, 0x94}};

std::string named_uuid(std::string_view name) {
  return to_string(name_based_uuid(id_namespace, name));
}

// -- answers in the provider's form ------------------------------------------------------------------------------

mail_answer refusal(std::int32_t status, std::string_view name, std::string_view message) {
  nlohmann::ordered_json body;
  body["statusCode"] = status;
  body["message"] = message;
  body["name"] = name;
  mail_answer out;
  out.status = status;
  out.body = body.dump();
  return out;
}

mail_answer acceptance(const json& body) {
  mail_answer out;
  out.status = 200;
  out.body = body.dump();
  return out;
}

mail_answer outage(std::string error, bool maybe_delivered) {
  mail_answer out;
  out.error = std::move(error);
  out.maybe_delivered = maybe_delivered;
  return out;
}

// -- mails of a request ------------------------------------------------------------------------------------------

/// A mail, or why the provider would refuse it.
struct parsed_mail {
  captured_mail mail;
  std::vector<std::string> to;
  std::string defect;
  std::string defect_name = "validation_error";
};

bool is_single_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < ' ' || byte == 0x7f;
  });
}

bool is_header_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

/// The text of a field; empty when it is missing or none.
std::string text_of(const json& from, const char* field) {
  auto i = from.find(field);
  return i != from.end() && i->is_string() ? i->get<std::string>() : std::string{};
}

std::vector<std::string> recipients_of(const json& from) {
  auto i = from.find("to");
  if (i == from.end())
    return {};
  if (i->is_string())
    return {i->get<std::string>()};
  std::vector<std::string> out;
  if (i->is_array())
    for (auto& x : *i)
      if (x.is_string())
        out.push_back(x.get<std::string>());
  return out;
}

void read_headers(const json& from, parsed_mail& out) {
  if (auto i = from.find("headers"); i != from.end() && i->is_object())
    for (auto& [name, value] : i->items()) {
      auto text = value.is_string() ? value.get<std::string>() : value.dump();
      if (!is_header_name(name) || !is_single_line(text))
        out.defect = "Invalid `headers` field.";
      out.mail.headers.emplace_back(name, std::move(text));
    }
  if (auto i = from.find("tags"); i != from.end() && i->is_array())
    for (auto& x : *i)
      if (x.is_object()) {
        auto tag = text_of(x, "name") + "=" + text_of(x, "value");
        if (!is_single_line(tag))
          out.defect = "Invalid `tags` field.";
        out.mail.headers.emplace_back("X-Herald-Tag", std::move(tag));
      }
}

parsed_mail parse_mail(const json& from) {
  parsed_mail out;
  if (!from.is_object()) {
    out.defect = "The email must be an object.";
    return out;
  }
  out.mail.from = text_of(from, "from");
  out.mail.subject = text_of(from, "subject");
  out.mail.html = text_of(from, "html");
  out.mail.text = text_of(from, "text");
  out.to = recipients_of(from);
  for (auto& x : out.to)
    out.mail.to += (out.mail.to.empty() ? "" : ", ") + x;
  read_headers(from, out);
  auto missing = [&](const char* field) {
    out.defect = std::string{"The `"} + field + "` field is missing.";
    out.defect_name = "missing_required_field";
  };
  if (out.to.empty())
    missing("to");
  else if (out.mail.from.empty())
    missing("from");
  else if (out.mail.subject.empty())
    missing("subject");
  else if (out.mail.html.empty() && out.mail.text.empty())
    missing("html");
  else if (out.mail.to.find('@') == std::string::npos || !is_single_line(out.mail.to))
    out.defect = "Invalid `to` field.";
  else if (!is_single_line(out.mail.from))
    out.defect = "Invalid `from` field.";
  else if (!is_single_line(out.mail.subject))
    out.defect = "Invalid `subject` field.";
  return out;
}

// -- files -------------------------------------------------------------------------------------------------------

std::string system_error_text(int error) {
  return std::system_category().message(error);
}

/// Writes the whole content to a new file and forces it to the disk; the error's text, or nothing.
std::string write_file(const std::string& path, std::string_view content) {
  auto fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0)
    return system_error_text(errno);
  auto error = 0;
  while (!content.empty() && error == 0) {
    auto n = write(fd, content.data(), content.size());
    if (n >= 0)
      content.remove_prefix(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      error = errno;
  }
  if (error == 0 && fsync(fd) != 0)
    error = errno;
  if (close(fd) != 0 && error == 0)
    error = errno;
  return error == 0 ? std::string{} : system_error_text(error);
}

/// A mail's file never is there in part: it is written under another name first.
std::string write_whole_file(const std::string& path, std::string_view content) {
  auto slash = path.rfind('/') + 1;
  auto draft = path.substr(0, slash) + "." + path.substr(slash) + ".part";
  auto error = write_file(draft, content);
  if (error.empty() && std::rename(draft.c_str(), path.c_str()) != 0)
    error = system_error_text(errno);
  if (!error.empty())
    unlink(draft.c_str());
  return error;
}

std::string unwritable(const std::string& path, const std::string& why) {
  return "cannot write captured mail to " + path + ": " + why
         + "; make the directory writable, free space on its disk or configure another";
}

class capture_transport final : public mail_transport {
public:
  capture_transport(std::string directory, const clock& time, captured_mail_sink* sink)
      : directory_{std::move(directory)}, clock_{time}, sink_{sink} {}

  mail_answer send(const mail_request& request) override {
    try {
      return capture(request);
    } catch (const std::exception& x) {
      return outage(unwritable(directory_, x.what()), true);
    }
  }

private:
  mail_answer capture(const mail_request& request) {
    auto& key = request.idempotency_key;
    if (key.empty() || key.size() > max_key)
      return refusal(400, "invalid_idempotency_key", "The key must be between 1-256 chars.");
    auto body = json::parse(request.body, nullptr, false);
    if (body.is_discarded())
      return refusal(400, "validation_error", "The request body is no valid JSON.");
    auto fingerprint = named_uuid(request.body);
    if (auto known = known_fingerprint(key); known && *known != fingerprint)
      return refusal(409, "invalid_idempotent_request",
                     "Same idempotency key used with a different request payload.");
    return request.endpoint == email_endpoint::single ? capture_single(body, key, fingerprint)
                                                      : capture_batch(body, key, fingerprint);
  }

  mail_answer capture_single(const json& body, const std::string& key, const std::string& fingerprint) {
    auto x = parse_mail(body);
    if (!x.defect.empty())
      return refusal(422, x.defect_name, x.defect);
    if (auto error = store(x, key, 0, fingerprint); !error.empty())
      return outage(std::move(error), false);
    return acceptance({{"id", x.mail.id}});
  }

  mail_answer capture_batch(const json& body, const std::string& key, const std::string& fingerprint) {
    if (!body.is_array() || body.empty() || body.size() > max_batch)
      return refusal(422, "validation_error", "The request body must be an array of 1 to 100 emails.");
    auto out = json{{"data", json::array()}, {"errors", json::array()}};
    for (std::size_t i = 0; i < body.size(); ++i) {
      auto x = parse_mail(body[i]);
      if (!x.defect.empty()) {
        out["errors"].push_back({{"index", i}, {"message", x.defect}});
        continue;
      }
      if (auto error = store(x, key, i, fingerprint); !error.empty())
        return outage(std::move(error), !out["data"].empty());
      out["data"].push_back({{"id", x.mail.id}});
    }
    return acceptance(out);
  }

  /// Completes the mail and brings it to its places; the error's text, or nothing.
  std::string store(parsed_mail& x, const std::string& key, std::size_t index,
                    const std::string& fingerprint) {
    x.mail.id = named_uuid(key + "\n" + std::to_string(index));
    x.mail.idempotency_key = key;
    auto path = path_of(key, index);
    // Checked by opening: what cannot be read is no proof of anything.
    if (!std::ifstream{path})
      if (auto error = write_whole_file(path, eml_of(x, fingerprint)); !error.empty())
        return unwritable(path, error);
    if (!sink_)
      return {};
    auto stored = sink_->store(x.mail);
    return stored.has_error() ? "cannot store captured mail: " + stored.error().reason : std::string{};
  }

  std::string eml_of(const parsed_mail& x, const std::string& fingerprint) const {
    mime_message out;
    out.from = x.mail.from;
    out.to = x.to;
    out.subject = x.mail.subject;
    out.html = x.mail.html;
    out.text = x.mail.text;
    out.message_id = x.mail.id + "@captured.invalid";
    out.date = clock_.now();
    // First, and never folded: known_fingerprint reads it line by line.
    out.headers.emplace_back(fingerprint_header.substr(0, fingerprint_header.size() - 2), fingerprint);
    out.headers.emplace_back("X-Herald-Idempotency-Key", is_single_line(x.mail.idempotency_key)
                                                             ? x.mail.idempotency_key
                                                             : std::string{"(not shown)"});
    out.headers.insert(out.headers.end(), x.mail.headers.begin(), x.mail.headers.end());
    return to_eml(out);
  }

  /// Which request the key came with before; nothing for a new key. The first mails may have been invalid, so
  /// any position can be the one with a file.
  std::optional<std::string> known_fingerprint(const std::string& key) const {
    for (std::size_t i = 0; i < max_batch; ++i) {
      std::ifstream file{path_of(key, i)};
      for (std::string line; std::getline(file, line) && line != "\r";)
        if (line.starts_with(fingerprint_header))
          return line.substr(fingerprint_header.size(), line.size() - fingerprint_header.size() - 1);
    }
    return std::nullopt;
  }

  /// Readable, and different for different keys.
  std::string path_of(const std::string& key, std::size_t index) const {
    auto name = key.substr(0, 80);
    for (auto& c : name)
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'))
        c = '-';
    std::array<char, 8> number{};
    std::snprintf(number.data(), number.size(), "%03zu", index);
    return directory_ + "/" + name + "-" + named_uuid(key).substr(0, 8) + "-" + number.data() + ".eml";
  }

  std::string directory_;
  const clock& clock_;
  captured_mail_sink* sink_;
};

} // namespace

result<std::unique_ptr<mail_transport>> open_capture_transport(const capture_options& options,
                                                               const clock& time, captured_mail_sink* sink) {
  std::error_code error;
  fs::create_directories(options.directory, error);
  if (!error && faccessat(AT_FDCWD, options.directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    error = std::error_code{errno, std::system_category()};
  if (error)
    return failure{failure_class::outage, unwritable(options.directory, error.message())};
  return std::unique_ptr<mail_transport>{std::make_unique<capture_transport>(options.directory, time, sink)};
}

} // namespace herald
