// The templates of all mails, checked before the first mail is rendered.
#pragma once

#include <utility>

#include "core/email/template_set.hpp"

namespace herald {

/// Layout, digest and every kind of mail. Immutable, cheap to copy, shared between threads.
class email_templates {
public:
  /// The built-in templates, with those of the same name in `overrides` in their places. The failure
  /// (permanent) names file, line and variable of what is wrong: broken syntax, a name that a mail does not
  /// provide, a name that the template has to show and does not, a partial that is missing or includes itself,
  /// a file that nothing uses.
  static result<email_templates> load(const template_files& overrides = {});

  const template_set& set() const { return set_; }

private:
  explicit email_templates(template_set x) : set_{std::move(x)} {}
  template_set set_;
};

} // namespace herald
