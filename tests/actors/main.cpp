// The runner of all actor suites: CAF's test framework keeps its main() in this header.
#include <caf/test/unit_test_impl.hpp>
