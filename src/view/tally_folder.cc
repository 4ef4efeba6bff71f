#include "view/tally_folder.h"

#include "base/log.h"

namespace podium::view {

std::string CounterName(const std::string& incarnation, std::uint64_t sequel) {
  return sequel == 0 ? incarnation : fmt::format("{}#{}", incarnation, sequel);
}

Result<std::unique_ptr<TallyFolder>> TallyFolder::Make(const std::string& root,
                                                       const std::string& incarnation) {
  PODIUM_TRY_ASSIGN(LifeFolder folder, LifeFolder::Make(root, incarnation));
  return std::unique_ptr<TallyFolder>(new TallyFolder(std::move(folder), incarnation));
}

std::unique_ptr<TallyMemory> TallyFolder::Make(const RolloutMark& mark, const TallyShape& shape,
                                               std::uint64_t sequel) {
  const std::string path = fmt::format("{}/{:04}{}", folder_.path(), ++files_, kTallyFileEnd);
  auto made = TallyMemory::InFile(
      path, {mark.id.get(), mark.epoch, CounterName(incarnation_, sequel)}, shape);
  if (made) return std::move(*made);
  LogWarning("evidence of a rollout lies in memory alone: a crash takes what was not sent",
             {{"rollout", mark.id.get()}, {"error", made.error().message}});
  return TallyMemory::OfProcess(shape);
}

}  // namespace podium::view
