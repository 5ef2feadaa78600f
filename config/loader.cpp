#include "config/loader.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "config/reader.hpp"

namespace herald {

namespace {

/// What the system said about the call that just failed.
std::string last_error() {
  return "\"" + std::error_code{errno, std::generic_category()}.message() + "\"";
}

/// Reads a file, or adds an error. An empty path is no file and no error.
std::optional<config_text> read_file(const std::string& path, config_errors& errors) {
  if (path.empty())
    return std::nullopt;
  auto refuse = [&](std::string expected, std::string found) -> std::optional<config_text> {
    errors.push_back({.source = path, .expected = std::move(expected), .found = std::move(found)});
    return std::nullopt;
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return refuse("a readable file", "a directory");
  errno = 0;
  auto in = std::ifstream{path, std::ios::binary};
  if (!in)
    return refuse("a readable file", last_error());
  // One byte more than allowed tells "too large" without trusting the size that the file system names.
  auto text = std::string(max_config_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad())
    return refuse("a readable file", last_error());
  if (static_cast<std::size_t>(in.gcount()) > max_config_bytes)
    return refuse("at most " + std::to_string(max_config_bytes) + " bytes", "more");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return config_text{path, std::move(text)};
}

} // namespace

config_result<configuration> read_configuration(const config_texts& texts) {
  configuration_reader reader;
  if (texts.file)
    reader.read_file(*texts.file);
  reader.read_environment(texts.environment, texts.env_file);
  reader.read_overrides(texts.overrides);
  return reader.finish();
}

config_result<configuration> load_configuration(const config_sources& sources) {
  config_errors unreadable;
  auto texts = config_texts{.file = read_file(sources.file, unreadable),
                            .environment = sources.environment,
                            .env_file = read_file(sources.env_file, unreadable),
                            .overrides = sources.overrides};
  auto out = read_configuration(texts);
  if (unreadable.empty())
    return out;
  if (out.has_error()) {
    auto others = out.error(); // by value: begin and end have to belong to one copy
    unreadable.insert(unreadable.end(), others.begin(), others.end());
  }
  return unreadable;
}

} // namespace herald
