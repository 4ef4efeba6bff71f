#include "runtime/guard.h"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/digest.h"
#include "runtime/artifact.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLoads = "loads";
constexpr std::string_view kServes = "serves";

std::string ProofPrefix(const fs::path& file) { return file.filename().string() + ".proof-"; }

fs::path ProofFile(const ModelFile& model, const std::string& stamp) {
  constexpr std::size_t kDigits = 16;
  const std::string digest = Sha256Hex(stamp + '\n' + model.signature).substr(0, kDigits);
  return model.path.parent_path() / (ProofPrefix(model.path) + digest);
}

std::vector<fs::path> ProofsOf(const fs::path& file) {
  const std::string prefix = ProofPrefix(file);
  std::vector<fs::path> proofs;
  std::error_code error;
  for (fs::directory_iterator entry(file.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().starts_with(prefix)) proofs.push_back(entry->path());
  }
  return proofs;
}

}  // namespace

Proof ReadProof(const ModelFile& model, const std::string& stamp) {
  std::ifstream in(ProofFile(model, stamp));
  std::string word;
  in >> word;
  if (word == kServes) return Proof::kServes;
  return word == kLoads ? Proof::kLoads : Proof::kNone;
}

Status WriteProof(const ModelFile& model, const std::string& stamp, Proof proof) {
  return ReplaceFile(ProofFile(model, stamp), proof == Proof::kServes ? kServes : kLoads);
}

void ForgetProofs(const fs::path& file) {
  std::error_code removing;
  for (const fs::path& proof : ProofsOf(file)) fs::remove(proof, removing);
}

bool HasProofs(const fs::path& file) { return !ProofsOf(file).empty(); }

ChildResult<Guard::Child> Guard::Verify(const ModelFile& model, ReadyNote& note) {
  ChildResult<Child> child = Start();
  if (!child) return child;
  const auto cpu = std::chrono::ceil<std::chrono::seconds>(2 * options.load_timeout);
  const VerifyOrder order{model.path.string(),
                          model.signature,
                          options.ort_library.string(),
                          options.load_memory,
                          static_cast<std::uint64_t>(cpu.count()),
                          options.call_memory};
  ChildResult<ReadyNote> ready = (*child)->Verify(order, options.load_timeout);
  if (!ready) return tl::unexpected(std::move(ready).error());
  note = std::move(*ready);
  return child;
}

ChildResult<Guard::Child> Guard::Start() {
  const std::lock_guard lock(mutex_);
  if (stopping_) {
    return tl::unexpected(Harm{HarmKind::kNotStarted,
                               {ErrorCode::kUnavailable, "the server is stopping", "", nullptr}});
  }
  auto started = ModelProcess::Start(options.program, clock);
  if (!started) return tl::unexpected(std::move(started).error());
  Child child = std::move(*started);
  std::erase_if(alive_, [](const auto& other) { return other.expired(); });
  alive_.push_back(child);
  return child;
}

ChildResult<Guard::Child> Guard::Take(const ModelFile& model) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(kept_.begin(), kept_.end(),
                                    [&](const Kept& kept) { return kept.model == model; });
    if (found != kept_.end()) {
      Child child = std::move(found->child);
      kept_.erase(found);
      return child;
    }
  }
  ReadyNote note;
  return Verify(model, note);
}

void Guard::Keep(const ModelFile& model, Child child) {
  Child oldest;  // Ended after the lock: that waits for the system.
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  kept_.push_back({model, std::move(child)});
  if (kept_.size() <= limits::kMaxModelProcesses) return;
  oldest = std::move(kept_.front().child);
  kept_.pop_front();
}

void Guard::Drop(const ModelFile& model) {
  std::vector<Child> dropped;
  const std::lock_guard lock(mutex_);
  for (Kept& kept : kept_) {
    if (kept.model == model) dropped.push_back(std::move(kept.child));
  }
  std::erase_if(kept_, [](const Kept& kept) { return kept.child == nullptr; });
}

void Guard::Condemn(const fs::path& file, const std::string& reason) {
  ForgetProofs(file);
  quarantine.Add(file.filename().string(), reason);
}

void Guard::NoteHarm(const Harm& harm) {
  harms_[static_cast<std::size_t>(harm.kind)].fetch_add(1, std::memory_order_relaxed);
}

void Guard::Stop() {
  std::deque<Kept> ended;
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  ended.swap(kept_);
  for (const auto& child : alive_) {
    if (const Child alive = child.lock()) alive->Kill();
  }
}

void Guard::WriteMetrics(Exposition& out) const {
  out.Family("podium_model_process_failures_total", "counter",
             "Models that failed in a process of their own, by what happened.");
  for (std::size_t i = 0; i < harms_.size(); ++i) {
    out.Sample({{"reason", NameOf(static_cast<HarmKind>(i))}},
               static_cast<double>(harms_[i].load(std::memory_order_relaxed)));
  }
  out.Family("podium_inference_timeouts_total", "counter",
             "Inferences that took longer than serving.inference_timeout.");
  out.Sample({}, static_cast<double>(timeouts_.load(std::memory_order_relaxed)));
  out.Family("podium_inference_stuck", "gauge", "Inferences that were told to end and did not.");
  out.Sample({}, watch.stuck());
  out.Family("podium_quarantined_artifacts", "gauge", "Artifacts that are kept from loading.");
  out.Sample({}, static_cast<double>(quarantine.size()));
}

}  // namespace podium::runtime
