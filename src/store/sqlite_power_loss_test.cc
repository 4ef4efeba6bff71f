// The power goes at every moment of a registry's life: what was answered is on the disk, whatever
// the drive did with that which was never synced.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <span>

#include "store/sqlite_fault_fixture.h"
#include "testing/disk_image.h"
#include "testing/faulty_vfs.h"

namespace podium::store {
namespace {

using testing::Unsynced;

/// What had been answered when the disk had seen so many events.
struct AnsweredMoment {
  std::size_t events;
  std::string rows;
};

class PowerLoss : public ::testing::TestWithParam<Unsynced> {
 protected:
  std::string path() const { return folder_ / "registry.db"; }
  std::unique_ptr<SqliteStore> MustOpen(const std::string& file) {
    auto opened = SqliteStore::Open(file, clock_, rng_, {std::chrono::milliseconds(50), 1});
    EXPECT_TRUE(opened) << Describe(opened.error());
    return opened ? std::move(*opened) : nullptr;
  }
  void Note() { moments_.push_back({disk_.recorded().size(), SoundRows(path())}); }

  /// From a file that is not there over every kind of mutation, with a restart between them.
  void Live() {
    disk_.Record();
    moments_.push_back({0, ""});
    std::unique_ptr<SqliteStore> store;
    for (const Mutation& mutation : ALife()) {
      const bool restarts = std::holds_alternative<SetArms>(mutation);
      if (restarts) store.reset();
      if (!store) store = MustOpen(path());
      if (moments_.size() == 1) Note();
      const auto done = store->Apply(mutation, {});
      EXPECT_TRUE(done) << Describe(done.error());
      Note();
    }
  }

  static std::vector<Mutation> ALife() {
    const RouteName iris("iris");
    const ModelId a("a"), b("b"), c("c");
    return {RegisterVersion{Row("a")},
            RegisterVersion{Row("b")},
            RegisterVersion{Row("c")},
            ActivateVersion{a},
            SetCanary{iris, b, Share(500)},
            SetCanary{iris, b, Share(2500)},
            RollBackRoute{iris},
            EndCanary{iris},
            SetCanary{iris, c, Share(1)},
            PromoteVersion{c},
            RollBackRoute{iris},
            SetArms{iris, {{b, 0, Share(1000)}}},
            SetArms{iris, {}},
            RetireVersion{c},
            DeleteVersion{c},
            StartRollout{iris, b, DefaultPlan(), {}},
            RollBackRoute{iris},
            RegisterVersion{Row("r", "roses")}};
  }

  /// The moment that a new start finds; not before `answered`, past the end when it is none.
  std::size_t Find(const std::map<std::string, std::string>& image, std::size_t answered) {
    const testing::TempDir after;
    testing::WriteImage(image, after.path());
    const std::string rows = SoundRows(after / "registry.db");
    const auto store = MustOpen(after / "registry.db");
    EXPECT_TRUE(store && store->VerifyAudit()->intact());
    while (answered < moments_.size() && moments_[answered].rows != rows) ++answered;
    EXPECT_LT(answered, moments_.size()) << "found is:\n" << rows;
    return answered;
  }

  testing::FaultyVfs disk_;
  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::vector<AnsweredMoment> moments_;
};

TEST_P(PowerLoss, WhatWasAnsweredIsThere) {
  Live();
  ASSERT_FALSE(HasFailure());
  const std::vector<testing::DiskEvent> events = disk_.recorded();
  std::map<std::string, std::string> last{{"no image", ""}};
  std::size_t answered = 0;  // The last moment that had come when the power went.
  int images = 0;
  for (std::size_t cut = 0; cut <= events.size(); ++cut) {
    SCOPED_TRACE(fmt::format("after {} of {} events", cut, events.size()));
    const bool answers = answered + 1 < moments_.size() && moments_[answered + 1].events <= cut;
    if (answers) ++answered;
    SeededRng luck(cut);
    auto image = testing::AfterPowerCut(std::span(events).first(cut), GetParam(), luck);
    if (image == last && !answers) continue;  // Nothing has reached the disk since.
    last = std::move(image);
    ++images;
    ASSERT_LT(Find(last, answered), moments_.size()) << "answered was:\n"
                                                     << moments_[answered].rows;
  }
  std::cout << fmt::format("power cut at each of {} events: {} different disks, {} answers\n",
                           events.size(), images, moments_.size() - 1);
  EXPECT_GT(events.size(), 100U);
  EXPECT_GE(images, static_cast<int>(moments_.size()));
}

std::string DriveName(const ::testing::TestParamInfo<Unsynced>& info) {
  switch (info.param) {
    case Unsynced::kLost:
      return "ThatLosesWhatIsNotSynced";
    case Unsynced::kScattered:
      return "ThatWritesInAnyOrder";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Drive, PowerLoss, ::testing::Values(Unsynced::kLost, Unsynced::kScattered),
                         DriveName);

}  // namespace
}  // namespace podium::store
