#include "store/row_faults.h"

#include <gtest/gtest.h>

namespace podium::store {
namespace {

TableDelta Faulty(const std::string& table, const std::string& key, const std::string& problem) {
  TableDelta delta;
  delta.faults.push_back({table, key, problem});
  return delta;
}

TEST(RowFaults, AFaultStaysUntilItsRowIsRead) {
  RowFaults faults;
  faults.Absorb(Faulty("routes", "tumour", "bad salt"));
  faults.Absorb(Faulty("model_registry", "tumour", "bad status"));
  faults.Absorb({});
  ASSERT_EQ(faults.problems().size(), 2U);

  TableDelta readable;
  readable.routes.emplace_back().name = RouteName("tumour");
  faults.Absorb(readable);
  ASSERT_EQ(faults.problems().size(), 1U);
  EXPECT_EQ(faults.problems().at({"model_registry", "tumour"}), "bad status");

  readable = {};
  readable.versions.emplace_back().model_id = ModelId("tumour");
  faults.Absorb(readable);
  EXPECT_TRUE(faults.problems().empty());
}

TEST(RowFaults, ALaterFaultOfTheSameRowReplacesTheFirst) {
  RowFaults faults;
  faults.Absorb(Faulty("routes", "tumour", "bad salt"));
  faults.Absorb(Faulty("routes", "tumour", "bad epoch"));
  ASSERT_EQ(faults.problems().size(), 1U);
  EXPECT_EQ(faults.problems().begin()->second, "bad epoch");
  faults.Clear();
  EXPECT_TRUE(faults.problems().empty());
}

}  // namespace
}  // namespace podium::store
