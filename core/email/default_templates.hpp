// The templates of config/templates/, embedded into the program. The build generates the source.
#pragma once

#include "core/email/template_source.hpp"

namespace herald {

template_files default_templates();

} // namespace herald
