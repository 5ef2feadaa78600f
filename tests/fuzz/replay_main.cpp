// Runs a fuzz target once for each file of the directories it is given: seeds and former findings, without a fuzzer.
#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/target.hpp"

namespace {

namespace fs = std::filesystem;

/// In the same order everywhere. A target without findings has no directory for them.
std::vector<fs::path> files_of(const fs::path& directory) {
  std::vector<fs::path> out;
  if (fs::exists(directory))
    for (const auto& entry : fs::directory_iterator{directory})
      out.push_back(entry.path());
  std::ranges::sort(out);
  return out;
}

void replay(const fs::path& file) {
  // Before the run, and flushed: the last name printed is the input that ended the process.
  std::cout << file.string() << std::endl;
  auto in = std::ifstream{file, std::ios::binary};
  auto bytes = std::string{std::istreambuf_iterator<char>{in}, {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

} // namespace

int main(int argc, char** argv) {
  try {
    std::size_t runs = 0;
    for (const auto& directory : std::vector<fs::path>(argv + 1, argv + argc))
      for (const auto& file : files_of(directory)) {
        replay(file);
        ++runs;
      }
    std::cout << runs << " inputs" << std::endl;
    return runs > 0 ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << "an exception escaped: " << e.what() << std::endl;
    return 1;
  }
}
