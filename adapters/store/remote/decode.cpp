// JSON text to structs, strictly. Inside this file a bad answer travels as an exception, because it can sit
// at any depth; decode() turns it into a failure.
#include <exception>
#include <utility>

#include <nlohmann/json.hpp>

#include "adapters/store/remote/enum_names.hpp"
#include "adapters/store/remote/fields.hpp"

namespace herald::remote {

namespace {

using nlohmann::json;

class bad_answer : public std::exception {
public:
  explicit bad_answer(std::string text) : text_{std::move(text)} {}

  const char* what() const noexcept override { return text_.c_str(); }

private:
  std::string text_;
};

/// The way from the answer down to one of its values; spelled out only when something is wrong with it.
struct place {
  const place* parent = nullptr;
  std::string_view name;
  std::size_t index = 0;

  std::string path() const {
    if (!parent)
      return {};
    auto out = parent->path();
    if (name.empty())
      return out.append("[").append(std::to_string(index)).append("]");
    return out.append(out.empty() ? "" : ".").append(name);
  }

  [[noreturn]] void refuse(std::string_view what) const {
    auto field = path();
    throw bad_answer{
        (field.empty() ? std::string{"the answer"} : "'" + field + "'").append(" ").append(what)};
  }
};

/// Moves values out of the parsed answer.
class decoder {
public:
  template <std::integral T> static void read(json& from, T& to, const place& at) {
    if (!from.is_number_integer())
      at.refuse("is no whole number");
    auto unsigned_one = from.is_number_unsigned();
    if (unsigned_one ? !std::in_range<T>(from.get<std::uint64_t>())
                     : !std::in_range<T>(from.get<std::int64_t>()))
      at.refuse("is out of range");
    to = from.get<T>();
  }

  static void read(json& from, bool& to, const place& at) {
    if (!from.is_boolean())
      at.refuse("is neither true nor false");
    to = from.get<bool>();
  }

  static void read(json& from, std::string& to, const place& at) { to = std::move(text(from, at)); }

  static void read(json& from, secret& to, const place& at) { to = secret{std::move(text(from, at))}; }

  static void read(json& from, timestamp& to, const place& at) {
    std::int64_t ms = 0;
    read(from, ms, at);
    to = from_epoch_ms(ms);
  }

  static void read(json& from, uuid& to, const place& at) { to = id(text(from, at), at); }

  template <class E>
  requires std::is_enum_v<E>
  static void read(json& from, E& to, const place& at) {
    auto value = value_named<E>(text(from, at));
    if (!value)
      at.refuse("is none of the known names");
    to = *value;
  }

  template <class T> static void read(json& from, std::optional<T>& to, const place& at) {
    to.reset();
    if (from.is_null())
      return;
    // Not emplaced: g++ takes what that destroys for uninitialised.
    T value{};
    read(from, value, at);
    to = std::move(value);
  }

  template <class T> static void read(json& from, std::shared_ptr<const T>& to, const place& at) {
    auto out = std::make_shared<T>();
    read(from, *out, at);
    to = std::move(out);
  }

  template <class T> static void read(json& from, std::vector<T>& to, const place& at) {
    to.reserve(list(from, at).size());
    each(from, at, [&to](json& x, const place& here) { read(x, to.emplace_back(), here); });
  }

  static void read(json& from, std::unordered_set<uuid, uuid_hash>& to, const place& at) {
    each(from, at, [&to](json& x, const place& here) { to.insert(id(text(x, here), here)); });
  }

  template <class T> static void read(json& from, by_uuid<T>& to, const place& at) {
    for (auto& [key, x] : object(from, at)) {
      auto here = place{&at, key};
      read(x, to[id(key, here)], here);
    }
  }

  template <class T> static void read(json& from, std::map<std::string, T>& to, const place& at) {
    for (auto& [key, x] : object(from, at))
      read(x, to[key], place{&at, key});
  }

  static void read(json& from, std::map<std::int64_t, domain_event>& to, const place& at) {
    each(from, at, [&to](json& x, const place& here) {
      domain_event event;
      read(x, event, here);
      auto key = event.id;
      to.insert_or_assign(key, std::move(event));
    });
  }

  static void read(json& from, std::map<std::pair<uuid, uuid>, std::uint64_t>& to, const place& at) {
    each(from, at, [&to](json& x, const place& here) {
      std::pair<uuid, uuid> key;
      member(x, "thread_id", key.first, here);
      member(x, "user_id", key.second, here);
      member(x, "count", to[key], here);
    });
  }

  static void read(json& from, std::map<std::pair<uuid, std::string>, std::int64_t>& to, const place& at) {
    each(from, at, [&to](json& x, const place& here) {
      std::pair<uuid, std::string> key;
      member(x, "project_id", key.first, here);
      member(x, "resume_type", key.second, here);
      member(x, "percent", to[key], here);
    });
  }

  /// Any struct that has fields().
  template <class T>
  requires std::is_class_v<T>
  static void read(json& from, T& to, const place& at) {
    auto take = [&](const char* key, auto& to_member) { member(from, key, to_member, at); };
    fields(take, to);
  }

private:
  template <class T> static void member(json& from, const char* key, T& to, const place& at) {
    auto& members = object(from, at);
    auto here = place{&at, key};
    auto found = members.find(key);
    if (found == members.end())
      here.refuse("is missing");
    read(found->second, to, here);
  }

  template <class F> static void each(json& from, const place& at, F f) {
    std::size_t n = 0;
    for (auto& x : list(from, at))
      f(x, place{&at, {}, n++});
  }

  static json::object_t& object(json& from, const place& at) {
    if (!from.is_object())
      at.refuse("is no object");
    return from.get_ref<json::object_t&>();
  }

  static json::array_t& list(json& from, const place& at) {
    if (!from.is_array())
      at.refuse("is no array");
    return from.get_ref<json::array_t&>();
  }

  static std::string& text(json& from, const place& at) {
    if (!from.is_string())
      at.refuse("is no text");
    return from.get_ref<std::string&>();
  }

  static uuid id(std::string_view x, const place& at) {
    auto out = parse_uuid(x);
    if (!out)
      at.refuse("is no UUID");
    return *out;
  }
};

failure misunderstood(std::string_view function, std::string_view what) {
  auto out =
      std::string{"the database's function "}.append(function).append(" gave an answer that Herald does");
  out.append(" not understand: ").append(what);
  return {failure_class::transient,
          out.append("; the functions and this program differ in version: run herald migrate")};
}

} // namespace

template <class T> result<T> decode(std::string_view function, std::string_view answer) {
  try {
    auto parsed = json::parse(answer, nullptr, false);
    if (parsed.is_discarded())
      return misunderstood(function, "it is no JSON");
    T out;
    decoder::read(parsed, out, place{});
    return out;
  } catch (const std::bad_alloc&) {
    return failure{failure_class::outage, "the process has no memory for the database's answer"};
  } catch (const std::exception& e) {
    return misunderstood(function, e.what());
  }
}

template result<claimed_batch> decode(std::string_view, std::string_view);
template result<commit_report> decode(std::string_view, std::string_view);
template result<window_report> decode(std::string_view, std::string_view);
template result<sender_share> decode(std::string_view, std::string_view);
template result<job_chunk> decode(std::string_view, std::string_view);
template result<claimed_outbox> decode(std::string_view, std::string_view);
template result<sealed_batch> decode(std::string_view, std::string_view);
template result<record_report> decode(std::string_view, std::string_view);
template result<begun_run> decode(std::string_view, std::string_view);
template result<due_watches> decode(std::string_view, std::string_view);
template result<watches_recorded> decode(std::string_view, std::string_view);
template result<watch_summary> decode(std::string_view, std::string_view);
template result<store_status> decode(std::string_view, std::string_view);
template result<store_summary> decode(std::string_view, std::string_view);
template result<outbox_summary> decode(std::string_view, std::string_view);
template result<database_facts> decode(std::string_view, std::string_view);
template result<wrapped<bool>> decode(std::string_view, std::string_view);
template result<wrapped<std::uint64_t>> decode(std::string_view, std::string_view);
template result<wrapped<std::vector<claim_ref>>> decode(std::string_view, std::string_view);
template result<wrapped<std::vector<std::int64_t>>> decode(std::string_view, std::string_view);
template result<wrapped<std::vector<job_state>>> decode(std::string_view, std::string_view);
template result<wrapped<std::vector<job_run>>> decode(std::string_view, std::string_view);
template result<wrapped<std::vector<dead_letter>>> decode(std::string_view, std::string_view);
template result<wrapped<std::vector<stage_restarts>>> decode(std::string_view, std::string_view);
template result<wrapped<std::vector<stuck_mail>>> decode(std::string_view, std::string_view);
template result<wrapped<std::optional<explanation>>> decode(std::string_view, std::string_view);
template result<wrapped<std::optional<claimed_outbox>>> decode(std::string_view, std::string_view);

} // namespace herald::remote
