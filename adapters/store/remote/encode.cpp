// Structs to JSON text.
#include <nlohmann/json.hpp>

#include "adapters/store/remote/enum_names.hpp"
#include "adapters/store/remote/fields.hpp"

namespace herald::remote {

namespace {

// Keeps the keys in the order of the members, which is how people read them.
using json = nlohmann::ordered_json;

class encoder {
public:
  static json write(bool x) { return x; }
  static json write(std::int32_t x) { return x; }
  static json write(std::int64_t x) { return x; }
  static json write(std::uint32_t x) { return x; }
  static json write(std::uint64_t x) { return x; }
  static json write(timestamp x) { return to_epoch_ms(x); }
  static json write(duration x) { return x.count(); }
  static json write(const uuid& x) { return to_string(x); }

  static json write(const secret& x) { return write(std::string{x.reveal()}); }

  static json write(const std::string& x) {
    if (x.find('\0') == std::string::npos)
      return x;
    std::string out;
    for (auto c : x)
      c == '\0' ? out += "\uFFFD" : out += c;
    return out;
  }

  template <class E>
  requires std::is_enum_v<E>
  static json write(E x) { return std::string{name_of(x)}; }

  template <class T> static json write(const std::optional<T>& x) { return x ? write(*x) : json{}; }

  template <class T> static json write(const std::shared_ptr<const T>& x) { return x ? write(*x) : json{}; }

  template <class T> static json write(const std::vector<T>& xs) { return list(xs); }
  template <class T> static json write(const std::span<const T>& xs) { return list(xs); }
  static json write(const std::unordered_set<uuid, uuid_hash>& xs) { return list(xs); }

  template <class T> static json write(const by_uuid<T>& xs) {
    auto out = json::object();
    for (auto& [id, x] : xs)
      out[to_string(id)] = write(x);
    return out;
  }

  template <class T> static json write(const std::map<std::string, T>& xs) {
    auto out = json::object();
    for (auto& [name, x] : xs)
      out[name] = write(x);
    return out;
  }

  static json write(const std::map<std::int64_t, domain_event>& xs) {
    auto out = json::array();
    for (auto& [event_id, x] : xs)
      out.push_back(write(x));
    return out;
  }

  static json write(const std::map<std::pair<uuid, uuid>, std::uint64_t>& xs) {
    auto out = json::array();
    for (auto& [key, count] : xs)
      out.push_back(
          {{"thread_id", write(key.first)}, {"user_id", write(key.second)}, {"count", write(count)}});
    return out;
  }

  static json write(const std::map<std::pair<uuid, std::string>, std::int64_t>& xs) {
    auto out = json::array();
    for (auto& [key, percent] : xs)
      out.push_back({{"project_id", write(key.first)},
                     {"resume_type", write(key.second)},
                     {"percent", write(percent)}});
    return out;
  }

  /// Any struct that has fields().
  template <class T>
  requires std::is_class_v<T>
  static json write(const T& x) {
    auto out = json::object();
    auto add = [&out](const char* key, const auto& member) { out[key] = write(member); };
    fields(add, x);
    return out;
  }

private:
  template <class Range> static json list(const Range& xs) {
    auto out = json::array();
    for (auto& x : xs)
      out.push_back(write(x));
    return out;
  }
};

} // namespace

template <class T> std::string encode(const T& x) {
  return encoder::write(x).dump(-1, ' ', false, json::error_handler_t::replace);
}

// -- requests -----------------------------------------------------------------------------------------------

template std::string encode(const claim_request&);
template std::string encode(const commit_request&);
template std::string encode(const renew_request&);
template std::string encode(const release_request&);
template std::string encode(const open_window_request&);
template std::string encode(const outbox_claim_request&);
template std::string encode(const seal_request&);
template std::string encode(const record_request&);
template std::string encode(const outbox_release_request&);
template std::string encode(const purge_request&);
template std::string encode(const sender_report&);
template std::string encode(const open_jobs_request&);
template std::string encode(const begin_run_request&);
template std::string encode(const finish_run_request&);
template std::string encode(const due_watches_request&);
template std::string encode(const record_watches_request&);
template std::string encode(const summarize_watches_request&);
template std::string encode(const meeting_reminders_request&);
template std::string encode(const unread_nudges_request&);
template std::string encode(const resume_nudges_request&);
template std::string encode(const insert_events_request&);
template std::string encode(const status_request&);
template std::string encode(const explain_request&);
template std::string encode(const list_request&);
template std::string encode(const events_request&);
template std::string encode(const mails_request&);
template std::string encode(const read_mail_request&);
template std::string encode(const supervision_request&);
template std::string encode(const doctor_request&);
template std::string encode(const empty_request&);

// -- answers ------------------------------------------------------------------------------------------------

template std::string encode(const claimed_batch&);
template std::string encode(const commit_report&);
template std::string encode(const window_report&);
template std::string encode(const sender_share&);
template std::string encode(const job_chunk&);
template std::string encode(const claimed_outbox&);
template std::string encode(const sealed_batch&);
template std::string encode(const record_report&);
template std::string encode(const begun_run&);
template std::string encode(const due_watches&);
template std::string encode(const watches_recorded&);
template std::string encode(const watch_summary&);
template std::string encode(const store_status&);
template std::string encode(const store_summary&);
template std::string encode(const outbox_summary&);
template std::string encode(const database_facts&);
template std::string encode(const wrapped<bool>&);
template std::string encode(const wrapped<std::uint64_t>&);
template std::string encode(const wrapped<std::vector<claim_ref>>&);
template std::string encode(const wrapped<std::vector<std::int64_t>>&);
template std::string encode(const wrapped<std::vector<job_state>>&);
template std::string encode(const wrapped<std::vector<job_run>>&);
template std::string encode(const wrapped<std::vector<dead_letter>>&);
template std::string encode(const wrapped<std::vector<stage_restarts>>&);
template std::string encode(const wrapped<std::vector<stuck_mail>>&);
template std::string encode(const wrapped<std::optional<explanation>>&);
template std::string encode(const wrapped<std::optional<claimed_outbox>>&);

} // namespace herald::remote
