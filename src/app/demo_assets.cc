#include "app/demo_assets.h"

#include <cstddef>

// PODIUM_EXAMPLES_DIR comes from CMakeLists.txt, which also rebuilds this file when one of the
// examples changes. A section of its own each, so that the linker keeps only what is used.
// clang-format off: one line of assembly per line.
#define PODIUM_LABEL(symbol) ".global " #symbol "\n .hidden " #symbol "\n" #symbol ":\n"
#define PODIUM_EMBED(symbol, file)                        \
  asm(".section .rodata." #symbol ", \"a\", @progbits\n"  \
      PODIUM_LABEL(symbol)                                \
      ".incbin \"" PODIUM_EXAMPLES_DIR "/" file "\"\n"    \
      PODIUM_LABEL(symbol##_end)                          \
      ".byte 0\n .previous\n");                           \
  extern "C" const char(symbol)[];                        \
  extern "C" const char symbol##_end[]
// clang-format on

PODIUM_EMBED(podium_tumour_rows, "tumour.rows.json");
PODIUM_EMBED(podium_tumour_v1, "tumour-v1.onnx");
PODIUM_EMBED(podium_tumour_v1_signature, "tumour-v1.signature.json");
PODIUM_EMBED(podium_tumour_v2, "tumour-v2.onnx");
PODIUM_EMBED(podium_tumour_v2_signature, "tumour-v2.signature.json");
PODIUM_EMBED(podium_digits_rows, "digits.rows.json");
PODIUM_EMBED(podium_digits_v1, "digits-v1.onnx");
PODIUM_EMBED(podium_digits_v1_signature, "digits-v1.signature.json");
PODIUM_EMBED(podium_digits_v2, "digits-v2.onnx");
PODIUM_EMBED(podium_digits_v2_signature, "digits-v2.signature.json");
PODIUM_EMBED(podium_digits_v3, "digits-v3.onnx");
PODIUM_EMBED(podium_digits_v3_signature, "digits-v3.signature.json");

namespace podium::app {
namespace {

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

#define PODIUM_EMBEDDED(symbol) Between(symbol, symbol##_end)

std::array<DemoAsset, 2> Collect() {
  return {
      DemoAsset{
          "tumour",
          PODIUM_EMBEDDED(podium_tumour_rows),
          {{{"v1", PODIUM_EMBEDDED(podium_tumour_v1), PODIUM_EMBEDDED(podium_tumour_v1_signature)},
            {"v2", PODIUM_EMBEDDED(podium_tumour_v2), PODIUM_EMBEDDED(podium_tumour_v2_signature)},
            {}}}},
      DemoAsset{
          "digits",
          PODIUM_EMBEDDED(podium_digits_rows),
          {{{"v1", PODIUM_EMBEDDED(podium_digits_v1), PODIUM_EMBEDDED(podium_digits_v1_signature)},
            {"v2", PODIUM_EMBEDDED(podium_digits_v2), PODIUM_EMBEDDED(podium_digits_v2_signature)},
            {"v3", PODIUM_EMBEDDED(podium_digits_v3),
             PODIUM_EMBEDDED(podium_digits_v3_signature)}}}}};
}

}  // namespace

std::span<const DemoAsset> DemoAssets() {
  static const std::array<DemoAsset, 2> assets = Collect();
  return assets;
}

}  // namespace podium::app
