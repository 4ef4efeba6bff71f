// Requirement B8: a decision allocates nothing. Every allocation of this test binary is counted.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "base/limits.h"
#include "routing/choose.h"
#include "routing/rows_for_test.h"
#include "routing/serve_chain.h"
#include "testing/count_allocations.h"

namespace podium::routing {
namespace {

using podium::testing::allocations;

TEST(ChooseAllocations, TheCounterCounts) {
  const std::int64_t before = allocations;
  const std::string longer_than_any_small_buffer(100, 'x');
  EXPECT_EQ(longer_than_any_small_buffer.size(), 100U);
  EXPECT_GT(allocations, before);
}

TEST(ChooseAllocations, ADecisionAllocatesNothing) {
  const auto fixed =
      CompileRoute({RouteRow(), {Primary("a"), Canary("b", 5000), VersionRow("c")}}, {}).route;
  const auto arms =
      CompileRoute({RouteRow().WithArm("x", 3000).WithArm("y", 3000).WithArm("z", 3000),
                    {Primary("a"), Arm("x"), Arm("y"), Arm("z")}},
                   {})
          .route;
  const auto rolling =
      CompileRoute({RouteRow().RollingOut(SplitUnit::kSession), {Primary("a"), Canary("b", 5000)}},
                   {})
          .route;
  TableCompiler compiler({});
  compiler.Absorb({RouteRow("a-route-name-beyond-any-small-string-buffer")}, {});
  const auto part = compiler.Compile(Generation(1));
  const std::string session(limits::kMaxUnitBytes, 's');
  const std::string beyond_the_wire(4096, 's');

  int steps = 0;
  const std::int64_t before = allocations;
  for (const CompiledRoute* route : {fixed.get(), arms.get(), rolling.get()}) {
    for (const std::string_view id : {std::string_view(session), std::string_view(beyond_the_wire),
                                      std::string_view("short"), std::string_view()}) {
      const RequestIds ids{
          .session = id, .user = {}, .request = "request", .request_made_here = true};
      const Decision decision = Choose(*route, Generation(1), ids);
      steps += ChainOf(decision).size + (decision.randomised() ? 1 : 0);
      const VersionIndex named = FindOverride(*route, "a-version");
      steps += ChainOf(ChooseOverride(*route, Generation(1), ids, named)).size;
    }
  }
  steps += part->Find("a-route-name-beyond-any-small-string-buffer") != nullptr ? 1 : 0;
  const std::int64_t after = allocations;
  EXPECT_EQ(after, before);
  EXPECT_GT(steps, 16);
}

}  // namespace
}  // namespace podium::routing
