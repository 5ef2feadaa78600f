#include "app/demo/crash_handler.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/event_fields.hpp"
#include "core/fan_out_builder.hpp"

namespace herald {

namespace {

result<fan_out_plan> handle_demo_crash(const event& x, const context& c) {
  // On purpose no failure value: a handler that meets a defect of its own does not get to return one either.
  if (x.data.flag("poison").value_or(false))
    throw std::runtime_error("event " + std::to_string(x.row.id)
                             + " is poisoned: it carries \"poison\": true and kills its handler on purpose");
  auto fields = required_fields{x};
  auto user = fields.id("user_id");
  if (!fields.complete())
    return fields.why_not();
  auto out = fan_out_builder{c, rules_for(x, x.row.project_id)};
  notification_draft draft;
  draft.title = "Still here";
  draft.body = "This event stood next to one that killed its handler.";
  draft.link_url = "/dashboard";
  draft.payload = json_object{}.set("type", x.row.type).str();
  out.notify(std::move(draft), out.admit(std::array{user}).in_app);
  return std::move(out).build();
}

constexpr handler_row row{crash_event_type, handle_demo_crash};

} // namespace

const handler_row& crash_handler() {
  return row;
}

} // namespace herald
