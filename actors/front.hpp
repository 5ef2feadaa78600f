// What a supervisor tells the stable front of a restartable child. Any actor that takes these messages can
// stand in front of a child; actors/slot.hpp is the one for stages.
#pragma once

#include "actors/caf_compat.hpp"

namespace herald {

HERALD_ATOM(child_up, "childUp")     // + caf::actor: the child runs under this handle from now on
HERALD_ATOM(child_down, "childDown") // + caf::error: the child is gone, another one follows
HERALD_ATOM(child_gone,
            "childGone") // + caf::error: the child is gone for good, e.g. a temporary one that ended

} // namespace herald
