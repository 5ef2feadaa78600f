// Herald's functions over PostgREST: https://postgrest.org, and the gateway that Supabase puts before it.
#include "adapters/store/supabase/supabase_store.hpp"

#include <exception>
#include <utility>

#include <nlohmann/json.hpp>

#include "adapters/http/client.hpp"
#include "adapters/http/url.hpp"
#include "adapters/store/supabase/api_key.hpp"
#include "adapters/store/supabase/error_text.hpp"

namespace herald {

namespace {

constexpr std::string_view rest_path = "/rest/v1";

class rest_caller final : public function_caller {
public:
  rest_caller(std::unique_ptr<http_client> client, secret key, std::string where)
      : client_{std::move(client)}, key_{std::move(key)}, where_{std::move(where)} {}

  result<std::string> call(std::string_view function, const std::string& request) override {
    try {
      http_request x;
      x.method = "POST";
      x.target = std::string{"/rpc/"}.append(function);
      x.headers = {{"Content-Type", "application/json"}, {"Content-Profile", "public"}};
      // By the parameter's name: PostgREST passes whole bodies only to parameters without one.
      x.body.reserve(request.size() + 16);
      x.body.append(R"({"request":)").append(request).append("}");
      // The pipeline repeats what failed and knows what that means; a second try here would hide a lost answer.
      x.repeatable = false;
      return value_of(client_->exchange(x), function);
    } catch (const std::exception& e) {
      return failure{failure_class::outage, where_ + ": " + e.what()};
    }
  }

  const std::string& where() const { return where_; }

private:
  result<std::string> value_of(http_exchange x, std::string_view function) const {
    auto site = supabase::call_site{where_, function, key_};
    if (!x.response)
      return supabase::describe_loss(x, site);
    auto& answer = *x.response;
    if (auto why = supabase::refusal_of(answer, site))
      return std::move(*why);
    // A function that returns nothing at all is answered by 204 without a body.
    return answer.body == "null" ? std::string{} : std::move(answer.body);
  }

  std::unique_ptr<http_client> client_;
  secret key_;
  std::string where_;
};

/// The address of PostgREST: people copy a project's address with and without the path.
result<std::string> rest_address(const std::string& url) {
  if (url.empty())
    return failure{
        failure_class::permanent,
        "the Supabase store has no address; write https://PROJECT.supabase.co, as the project's API "
        "settings show it"};
  auto parsed = parse_http_url(url);
  if (parsed.has_error())
    return parsed.error();
  auto out = to_string(*parsed) + parsed->path;
  if (!parsed->path.ends_with(rest_path))
    out += rest_path;
  return out;
}

http_client_options client_options(const supabase_options& options, std::string address,
                                   supabase::key_kind kind) {
  http_client_options out;
  out.base_url = std::move(address);
  // The gateway refuses secret keys to whatever looks like a browser.
  out.user_agent = "herald/" HERALD_VERSION;
  out.secret_headers.emplace_back("apikey", options.service_role_key);
  if (options.bearer.value_or(kind == supabase::key_kind::token))
    out.secret_headers.emplace_back("Authorization",
                                    secret{"Bearer " + std::string{options.service_role_key.reveal()}});
  out.connect_timeout = options.connect_timeout;
  out.request_timeout = options.answer_timeout;
  out.max_response_bytes = options.max_response_bytes;
  out.ca_file = options.ca_file;
  return out;
}

/// Herald's functions are there, and this key may call them.
result<void> check_functions(rest_caller& caller) {
  auto answer = caller.call("herald_schema_version", "{}");
  if (answer.has_error())
    return answer.error();
  auto version = nlohmann::json::parse(*answer, nullptr, false);
  if (version.is_object() && version.contains("result") && version["result"].is_number_integer())
    return {};
  return failure{failure_class::outage,
                 caller.where() + " has not finished the migration of Herald's tables; run herald migrate"};
}

result<std::unique_ptr<rest_caller>> open_caller(const supabase_options& options) {
  auto address = rest_address(options.url);
  if (address.has_error())
    return address.error();
  auto kind = supabase::inspect_key(options.service_role_key);
  if (kind.has_error())
    return kind.error();
  auto client = open_http_client(client_options(options, *address, *kind));
  if (client.has_error())
    return client.error();
  return std::make_unique<rest_caller>(std::move(*client), options.service_role_key,
                                       "Supabase at " + *address);
}

failure unexpected(const std::exception& e) {
  return {failure_class::outage, std::string{"Supabase store: "} + e.what()};
}

} // namespace

result<std::unique_ptr<function_caller>> open_supabase_caller(const supabase_options& options) {
  try {
    auto caller = open_caller(options);
    if (caller.has_error())
      return caller.error();
    return std::unique_ptr<function_caller>{std::move(*caller)};
  } catch (const std::exception& e) {
    return unexpected(e);
  }
}

result<std::unique_ptr<remote_store>> open_supabase_store(const supabase_options& options) {
  try {
    auto caller = open_caller(options);
    if (caller.has_error())
      return caller.error();
    auto usable = check_functions(**caller);
    if (usable.has_error())
      return usable.error();
    return std::make_unique<remote_store>(std::move(*caller));
  } catch (const std::exception& e) {
    return unexpected(e);
  }
}

} // namespace herald
