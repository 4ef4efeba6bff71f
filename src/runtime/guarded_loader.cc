#include "runtime/guarded_loader.h"

#include <utility>

#include "base/log.h"
#include "runtime/watched_model.h"

namespace podium::runtime {

namespace fs = std::filesystem;

Result<ModelHandle> GuardedLoader::Load(const fs::path& file, const std::string& declared) {
  return LoadTelling(file, declared, [] {});
}

Result<ModelHandle> GuardedLoader::LoadTelling(const fs::path& file, const std::string& declared,
                                               const std::function<void()>& warming) {
  const ModelFile from{file, declared};
  const Proof proof = ReadProof(from, guard_->options.stamp);
  if (proof == Proof::kNone) PODIUM_TRY(Prove(from));
  Result<ModelHandle> model = LoadHere(from, warming);
  if (!model) {
    guard_->Drop(from);
    return model;
  }
  if (!(*model)->warning().empty()) {
    LogWarning("a model is odd", {{"sha256", from.sha256()}, {"what", (*model)->warning()}});
  }
  return std::make_shared<const WatchedModel>(guard_, std::move(*model), from,
                                              proof == Proof::kServes);
}

Result<ModelHandle> GuardedLoader::LoadHere(const ModelFile& model,
                                            const std::function<void()>& warming) const {
  InflightBoard::Mark mark(guard_->board, KeyOf(model.sha256()), Phase::kLoad);
  return inner_->LoadTelling(model.path, model.signature, [&] {
    mark.Enter(Phase::kWarmUp);
    warming();
  });
}

Status GuardedLoader::Prove(const ModelFile& model) const {
  ReadyNote note;
  ChildResult<Guard::Child> child = guard_->Verify(model, note);
  if (child) {
    // Its first inferences run there.
    guard_->Keep(model, std::move(*child));
    // Not kept (a full disk): then the next start asks again.
    (void)WriteProof(model, guard_->options.stamp, Proof::kLoads);
    return {};
  }
  const Harm& harm = child.error();
  guard_->NoteHarm(harm);
  switch (harm.kind) {
    case HarmKind::kCrashed:
    case HarmKind::kOutOfMemory:
      // What is declared may be to blame: bytes that do well under another signature go on serving.
      if (!HasProofs(model.path)) guard_->Condemn(model.path, harm.error.message);
      break;
    case HarmKind::kTimedOut:
      break;
    case HarmKind::kRefused:
    case HarmKind::kNotStarted:
      return Fail(harm.error);
  }
  return Fail(ErrorCode::kUnprocessable, "it {}", harm.error.message);
}

}  // namespace podium::runtime
