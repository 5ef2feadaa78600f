// Puts the e-mail stages together: templates from disk, the render function, the transport.
#pragma once

#include <memory>
#include <string>

#include "actors/email_batcher.hpp"
#include "actors/mail_gate.hpp"
#include "adapters/clock.hpp"
#include "app/daemon.hpp"
#include "config/configuration.hpp"
#include "core/email/templates.hpp"
#include "messages/failure.hpp"

namespace herald {

/// The built-in templates, with the files of `directory` (empty for none) in their places. Only the file
/// names of templates are looked at, and only regular files of bounded size are read.
result<email_templates> load_templates(const std::string& directory);

/// Everything that can be wrong with mails before the first one: templates, settings, addresses of the test
/// switches. Renders every kind with sample data.
result<void> check_mail(const configuration& cfg);

/// Where every mail goes instead of its recipient, by the test switches; empty for nowhere else.
std::string redirect_address(const email_options& x);

/// Renders with the configured look; every mail goes to the redirect address if there is one.
result<render_fn> make_renderer(const configuration& cfg);

/// Whether mail is captured: asked for, or no API key is there to send it with (embedded store only).
bool captures_mail(const configuration& cfg);

/// Makes the transport of one worker. The first transport is made (and thrown away) at once, so that what
/// cannot work fails at start-up: so does mail without an API key on a store that is not the embedded one.
/// Captured messages also go into the embedded database.
result<transport_opener> make_transport(const configuration& cfg, const std::shared_ptr<const clock>& time);

/// Gives the pipeline its renderer and transport, unless e-mail is off. Captured mail knows no provider's limits, so
/// the governor lets it through.
result<void> add_mail(run_environment& env);

} // namespace herald
