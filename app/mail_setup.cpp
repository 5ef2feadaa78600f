#include "app/mail_setup.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "adapters/mail/capture_transport.hpp"
#include "adapters/mail/resend_transport.hpp"
#include "adapters/store/sqlite/sqlite_store.hpp"
#include "core/email/addresses.hpp"
#include "core/email/render.hpp"

namespace herald {

namespace {

namespace fs = std::filesystem;

failure unusable(const std::string& what) {
  return {failure_class::permanent, what};
}

bool is_template_name(const fs::path& x) {
  auto extension = x.extension();
  return extension == ".html" || extension == ".txt" || extension == ".md";
}

result<std::string> read_template(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > max_template_size || error)
    return unusable("template '" + path.string() + "' is no readable file of at most "
                    + std::to_string(max_template_size) + " bytes");
  auto in = std::ifstream{path, std::ios::binary};
  auto text = std::string{std::istreambuf_iterator<char>{in}, {}};
  if (!in && !in.eof())
    return unusable("template '" + path.string() + "' cannot be read");
  return text;
}

/// Keeps captured messages where the dashboard and `sqlite3` find them.
class store_sink final : public captured_mail_sink {
public:
  store_sink(sqlite_options options, std::shared_ptr<const clock> time)
      : options_{std::move(options)}, time_{std::move(time)} {
    // nop
  }

  result<void> store(const captured_mail& mail) override {
    if (!store_) {
      auto opened = open_sqlite_store(options_);
      if (!opened)
        return opened.error();
      store_ = std::move(*opened);
    }
    captured_message x{mail.id, mail.idempotency_key, {}, time_->now()};
    x.message.from = mail.from;
    x.message.to = mail.to;
    x.message.subject = mail.subject;
    x.message.html = mail.html;
    x.message.text = mail.text;
    x.message.headers = mail.headers;
    return store_->keep_captured(x);
  }

private:
  sqlite_options options_;
  std::shared_ptr<const clock> time_;
  std::unique_ptr<sqlite_store> store_;
};

/// A capture transport together with what it needs to outlive it.
class captured_transport final : public mail_transport {
public:
  captured_transport(const configuration& cfg, std::shared_ptr<const clock> time)
      : time_{std::move(time)}, options_{cfg.email.capture_dir} {
    if (cfg.store.kind == store_kind::sqlite)
      sink_.emplace(cfg.store.sqlite, time_);
  }

  result<void> open() {
    auto opened = open_capture_transport(options_, *time_, sink_ ? &*sink_ : nullptr);
    if (!opened)
      return opened.error();
    inner_ = std::move(*opened);
    return {};
  }

  mail_answer send(const mail_request& x) override {
    if (!inner_)
      if (auto opened = open(); !opened) {
        mail_answer out;
        out.error = opened.error().reason;
        return out;
      }
    return inner_->send(x);
  }

private:
  std::shared_ptr<const clock> time_;
  std::optional<store_sink> sink_;
  capture_options options_;
  std::unique_ptr<mail_transport> inner_;
};

/// Stands in for a transport that could not be opened; says so with every answer.
class broken_transport final : public mail_transport {
public:
  explicit broken_transport(std::string why) : why_{std::move(why)} {
    // nop
  }

  mail_answer send(const mail_request&) override {
    mail_answer out;
    out.error = why_;
    return out;
  }

private:
  std::string why_;
};

std::unique_ptr<mail_transport> open_resend(const resend_options& options) {
  auto opened = open_resend_transport(options);
  if (opened)
    return std::move(*opened);
  return std::make_unique<broken_transport>(opened.error().reason);
}

/// Mails that count as sent and are not: on a platform's database that has to be somebody's wish.
result<void> check_transport(const configuration& cfg) {
  if (cfg.email.enabled && cfg.store.kind != store_kind::sqlite && cfg.resend.api_key.empty()
      && cfg.email.transport == mail_transport_kind::automatic)
    return unusable("no API key for e-mail: set RESEND_API_KEY; or set email.transport to `capture` to keep "
                    "mails as files that count as sent, or email.enabled to false to leave them queued");
  return {};
}

/// The templates, once everything that can be wrong with them and with the settings has been looked at.
result<email_templates> checked_templates(const configuration& cfg) {
  if (auto settings = check(cfg.email.look); !settings)
    return settings.error();
  if (cfg.email.test_mode && cfg.email.test_recipient.empty())
    return unusable("email.test_mode needs email.test_recipient (RESEND_TEST_RECIPIENT); without one, test "
                    "mails would go to customers");
  if (auto to = redirect_address(cfg.email); !to.empty())
    if (auto why = why_no_address(to))
      return unusable("the redirect address '" + to + "' " + std::string{*why});
  auto templates = load_templates(cfg.email.templates_dir);
  if (!templates)
    return templates.error();
  if (auto usable = check_templates(*templates, cfg.email.look); !usable)
    return usable.error();
  return templates;
}

render_fn renderer_of(const configuration& cfg, email_templates templates) {
  return [templates = std::move(templates), look = cfg.email.look,
          redirect = redirect_address(cfg.email)](const email_mail& mail, const profile& to, timestamp now) {
    auto out = render_email(mail, to, templates, look, now);
    if (out && !redirect.empty())
      out->to = redirect;
    return out;
  };
}

} // namespace

result<email_templates> load_templates(const std::string& directory) {
  if (directory.empty())
    return email_templates::load();
  std::error_code error;
  auto entries = fs::directory_iterator{directory, error};
  if (error)
    return unusable("the template directory '" + directory + "' cannot be read: " + error.message());
  template_files files;
  for (auto& entry : entries) {
    if (!is_template_name(entry.path()))
      continue;
    auto text = read_template(entry.path());
    if (!text)
      return text.error();
    files.emplace(entry.path().filename().string(), std::move(*text));
  }
  return email_templates::load(files);
}

result<void> check_mail(const configuration& cfg) {
  if (auto usable = check_transport(cfg); !usable)
    return usable.error();
  if (auto templates = checked_templates(cfg); !templates)
    return templates.error();
  return {};
}

std::string redirect_address(const email_options& x) {
  if (!x.force_to.empty())
    return x.force_to;
  return x.test_mode ? x.test_recipient : std::string{};
}

result<render_fn> make_renderer(const configuration& cfg) {
  auto templates = load_templates(cfg.email.templates_dir);
  if (!templates)
    return templates.error();
  return renderer_of(cfg, std::move(*templates));
}

bool captures_mail(const configuration& cfg) {
  return cfg.email.transport == mail_transport_kind::capture
         || (cfg.email.transport == mail_transport_kind::automatic && cfg.resend.api_key.empty());
}

result<transport_opener> make_transport(const configuration& cfg, const std::shared_ptr<const clock>& time) {
  if (auto usable = check_transport(cfg); !usable)
    return usable.error();
  if (captures_mail(cfg)) {
    auto first = captured_transport{cfg, time};
    if (auto opened = first.open(); !opened)
      return opened.error();
    return transport_opener{[cfg, time]() -> std::unique_ptr<mail_transport> {
      return std::make_unique<captured_transport>(cfg, time);
    }};
  }
  if (auto opened = open_resend_transport(cfg.resend); !opened)
    return opened.error();
  return transport_opener{[options = cfg.resend] { return open_resend(options); }};
}

result<void> add_mail(run_environment& env) {
  if (!env.cfg.email.enabled)
    return {};
  auto templates = checked_templates(env.cfg);
  if (!templates)
    return templates.error();
  env.render = renderer_of(env.cfg, std::move(*templates));
  // A dry run seals nothing, so there is nothing to send.
  auto transport = env.cfg.email.batcher.dry_run ? result<transport_opener>{transport_opener{
                       [] { return std::make_unique<broken_transport>("this is a dry run"); }}}
                                                 : make_transport(env.cfg, env.time);
  if (!transport)
    return transport.error();
  env.open_transport = std::move(*transport);
  if (env.hooks.around_transport)
    env.open_transport = [open = env.open_transport, around = env.hooks.around_transport] {
      return around(open());
    };
  if (captures_mail(env.cfg)) {
    env.log.warning(
        "email-notifications", "capturing",
        "mails are NOT sent: they are kept in {} and count as sent; set RESEND_API_KEY to send them",
        env.cfg.email.capture_dir);
    auto& governor = env.cfg.sender.governor;
    governor.rate_start = governor.rate_max = 1'000;
    governor.burst = 100;
    governor.share = 1;
    env.cfg.mail_gate.workers = 1;
  }
  return {};
}

} // namespace herald
