#include "runtime/model_runtime.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/worker_pool.h"
#include "runtime/artifact.h"

namespace podium::runtime {
namespace {

constexpr std::size_t kLoadQueue = 4096;     ///< Loads that wait for a thread; others try later.
constexpr std::size_t kUnloadedShown = 256;  ///< Unloaded versions whose end can still be seen.

/// Models whose last handle was dropped, until a load thread frees them: the drop happens on an I/O
/// core (the view that held the handle was replaced), which must not wait for the library.
class Morgue {
 public:
  void Add(ModelHandle model) {
    const std::lock_guard lock(mutex_);
    if (open_) dead_.push_back(std::move(model));  // Else freed by the caller, after the lock.
  }
  bool empty() const {
    const std::lock_guard lock(mutex_);
    return dead_.empty();
  }
  std::vector<ModelHandle> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(dead_, {});
  }
  std::vector<ModelHandle> Close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
    return std::exchange(dead_, {});
  }

 private:
  mutable std::mutex mutex_;
  std::vector<ModelHandle> dead_;
  bool open_ = true;
};

/// A handle with a count of its own: a placement drains when its handles are gone, even if another
/// placement of the same artifact goes on.
ModelHandle OwnHandle(ModelHandle shared, std::shared_ptr<Morgue> morgue) {
  const LoadedModel* model = shared.get();
  return {model, [shared = std::move(shared), morgue = std::move(morgue)](
                     const LoadedModel*) mutable { morgue->Add(std::move(shared)); }};
}

bool SameArtifact(const WantedModel& a, const WantedModel& b) {
  return a.artifact_uri == b.artifact_uri && a.sha256 == b.sha256 && a.format == b.format &&
         a.signature == b.signature;
}

/// What became of one attempt.
struct Loaded {
  ModelHandle model;
  std::string sha256;
};

/// One artifact in memory or on its way there, shared by the placements that name it.
struct Shared {
  std::weak_ptr<const LoadedModel> model;
  bool loading = false;
  /// Attempts of other placements that wait for the one that loads: (id, ticket).
  std::vector<std::pair<ModelId, std::uint64_t>> waiting;
};

}  // namespace

struct ModelRuntime::Impl {
  /// One version. `want` is what should be loaded, `model` what is.
  struct Entry {
    WantedModel want;
    bool wanted = false;       ///< In the wanted set, not only asked for by EnsureReady.
    int waiters = 0;           ///< Calls of EnsureReady.
    std::uint64_t ticket = 0;  ///< Of the attempt under way; 0 when there is none.
    bool current = false;      ///< `model` was loaded from `want`.
    LoadState step = LoadState::kRequested;  ///< When there is no model.
    std::string error;
    int attempts = 0;
    std::optional<SteadyTime> next_try;
    ModelHandle model;
    std::weak_ptr<const LoadedModel> dropped;  ///< The handle given up, while others hold it.
    std::string sha256;
    std::string fetched;           ///< Checksum of the last bytes that were to be loaded.
    std::uint64_t dropped_as = 0;  ///< Order of giving up; the oldest are forgotten first.

    bool needed() const { return wanted || waiters > 0; }
    LoadState state() const {
      if (model) return LoadState::kReady;
      if (step == LoadState::kDraining && dropped.expired()) return LoadState::kUnloaded;
      return step;
    }
  };
  using Entries = std::map<ModelId, Entry>;

  Impl(RuntimeOptions opts, const Clock& time, std::shared_ptr<ModelLoader> loader,
       std::function<void()> notify)
      : options(std::move(opts)),
        clock(time),
        onnx(std::move(loader)),
        changed(std::move(notify)),
        // A process on probation is started by one of these, stands where it stands, and answers
        // callers.
        pool("load", options.load_threads, kLoadQueue, ThreadPriority::kLive) {}

  // All of these: REQUIRES the lock.
  void Adopt(Entry& entry, const WantedModel& model);
  void StartLoad(Entry& entry, bool first_in_line);
  void LetGo(Entry& entry);
  void FinishAttempt(const ModelId& id, std::uint64_t ticket, const Result<Loaded>& result);
  Result<ModelHandle> Outcome(const Entry& entry, bool in_time,
                              std::chrono::milliseconds timeout) const;
  void Forget();
  bool IsQuarantined(const Entry& entry) const;
  void Withdraw(const std::string& sha256, const std::string& reason);
  ModelStatus Describe(const ModelId& id, const Entry& entry) const;
  std::chrono::seconds PauseAfter(int attempts) const;

  /// Waits for `settled` until `timeout` has passed; false when it has. REQUIRES the lock.
  template <typename Predicate>
  bool Await(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds timeout,
             Predicate settled) {
    if (options.load_threads > 0) return progress.wait_for(lock, timeout, settled);
    // Nobody else loads. What still is not settled then, is being loaded further up this very
    // stack: it will not end before this wait does.
    const SteadyTime deadline = clock.SteadyNow() + timeout;
    bool more = true;
    while (more && !settled()) {
      lock.unlock();
      more = pool.RunNext();
      lock.lock();
    }
    return settled() && clock.SteadyNow() <= deadline;
  }

  // These run on load threads, without the lock.
  void RunNext();
  void Attempt(const ModelId& id, std::uint64_t ticket, const WantedModel& want);
  Result<std::filesystem::path> Fetch(const ModelId& id, std::uint64_t ticket,
                                      const WantedModel& want);
  void Share(const ModelId& id, std::uint64_t ticket, const WantedModel& want,
             const std::filesystem::path& file);
  void NoteFetched(const ModelId& id, std::uint64_t ticket, const std::string& sha256);
  void Step(const ModelId& id, std::uint64_t ticket, LoadState step);
  void Finish(const ModelId& id, std::uint64_t ticket, Result<Loaded> result);
  void Notify() const {
    if (changed) changed();
  }

  const RuntimeOptions options;
  const Clock& clock;
  const std::shared_ptr<ModelLoader> onnx;
  const std::function<void()> changed;
  const std::shared_ptr<Morgue> morgue = std::make_shared<Morgue>();

  mutable std::mutex mutex;
  std::condition_variable progress;
  Entries entries;
  std::map<std::string, Shared> shared;  ///< By format, checksum and declared signature.
  std::deque<std::pair<ModelId, std::uint64_t>> line;
  std::uint64_t last_ticket = 0;
  std::uint64_t last_drop = 0;
  bool stopping = false;
  std::once_flag stopped;
  WorkerPool pool;  // Last: its threads use all of the above.
};

// --- Under the lock -----------------------------------------------------------------------------

/// States what `entry` should be; takes back a model that is only draining.
void ModelRuntime::Impl::Adopt(Entry& entry, const WantedModel& model) {
  if (!SameArtifact(entry.want, model)) {
    entry.ticket = 0;  // What is under way is for another artifact.
    entry.current = false;
    entry.dropped.reset();
    entry.attempts = 0;
    entry.next_try.reset();
    entry.error.clear();
    if (!entry.model) entry.step = LoadState::kRequested;
  }
  entry.want = model;
  if (!entry.model) {
    entry.model = entry.dropped.lock();
    entry.current = entry.model != nullptr;
  }
  entry.dropped.reset();
}

void ModelRuntime::Impl::StartLoad(Entry& entry, bool first_in_line) {
  if (stopping || entry.current) return;
  if (entry.ticket != 0) {
    const std::pair key(entry.want.id, entry.ticket);
    const auto found = std::find(line.begin(), line.end(), key);
    if (first_in_line && found != line.end()) {
      line.erase(found);
      line.push_front(key);
    }
    return;
  }
  entry.ticket = ++last_ticket;
  ++entry.attempts;
  entry.next_try.reset();
  entry.step = LoadState::kRequested;
  const Status queued = pool.Submit([this] { RunNext(); });
  if (!queued) {
    FinishAttempt(entry.want.id, entry.ticket, Fail(queued.error()));
  } else if (first_in_line) {
    line.emplace_front(entry.want.id, entry.ticket);
  } else {
    line.emplace_back(entry.want.id, entry.ticket);
  }
}

/// Nobody wants it any more: what is under way is forgotten, what is in memory drains.
void ModelRuntime::Impl::LetGo(Entry& entry) {
  if (entry.needed()) return;
  if (!entry.model && entry.ticket == 0 && entry.step == LoadState::kDraining) return;
  entry.ticket = 0;
  entry.next_try.reset();
  entry.dropped = entry.model;
  // A model of an artifact that is no longer the wanted one must not be taken back as if it were.
  if (!entry.current) entry.want.artifact_uri.clear();
  entry.current = false;
  entry.model.reset();
  entry.step = LoadState::kDraining;
  entry.dropped_as = ++last_drop;
}

void ModelRuntime::Impl::FinishAttempt(const ModelId& id, std::uint64_t ticket,
                                       const Result<Loaded>& result) {
  const auto found = entries.find(id);
  if (found == entries.end() || found->second.ticket != ticket) return;  // Not wanted any more.
  Entry& entry = found->second;
  entry.ticket = 0;
  const auto harm =
      result && options.quarantine ? options.quarantine->Find(result->sha256) : std::nullopt;
  if (harm) {
    // Done while this load was under way, by the same bytes elsewhere.
    entry.error = "it " + *harm;
    entry.step = LoadState::kFailed;
    entry.next_try = clock.SteadyNow() + options.retry_most;
  } else if (result) {
    entry.model = OwnHandle(result->model, morgue);
    entry.sha256 = result->sha256;
    entry.current = true;
    entry.error.clear();
  } else {
    // INV-7: what was ready stays; only the error shows.
    entry.error = podium::Describe(result.error());
    entry.step = LoadState::kFailed;
    entry.next_try = clock.SteadyNow() + PauseAfter(entry.attempts);
  }
  progress.notify_all();
}

/// What a waiting call is told.
Result<ModelHandle> ModelRuntime::Impl::Outcome(const Entry& entry, bool in_time,
                                                std::chrono::milliseconds timeout) const {
  const std::string& id = entry.want.id.get();
  if (entry.current && in_time) return entry.model;
  if (stopping) {
    return Fail(ErrorCode::kUnavailable, "the server is stopping: try again after its restart");
  }
  if (!in_time) {
    return Fail(ErrorCode::kDeadline,
                "version {} is still {} after {} ms: look at its status, then try again", id,
                NameOf(entry.state()), timeout.count());
  }
  return Fail(ErrorCode::kUnprocessable, "version {} does not load: {}", id,
              entry.error.empty() ? "its artifact was changed meanwhile" : entry.error);
}

/// Drops the oldest of the unloaded versions, and shared artifacts that nobody holds.
void ModelRuntime::Impl::Forget() {
  std::vector<std::pair<std::uint64_t, ModelId>> unloaded;
  for (const auto& [id, entry] : entries) {
    if (!entry.needed() && entry.state() == LoadState::kUnloaded) {
      unloaded.emplace_back(entry.dropped_as, id);
    }
  }
  if (unloaded.size() > kUnloadedShown) {
    std::sort(unloaded.begin(), unloaded.end());
    unloaded.resize(unloaded.size() - kUnloadedShown);
    for (const auto& [order, id] : unloaded) entries.erase(id);
  }
  std::erase_if(
      shared, [](const auto& item) { return !item.second.loading && item.second.model.expired(); });
}

ModelStatus ModelRuntime::Impl::Describe(const ModelId& id, const Entry& entry) const {
  return {id,          entry.state(), entry.error,         entry.attempts, entry.next_try,
          entry.model, entry.sha256,  IsQuarantined(entry)};
}

bool ModelRuntime::Impl::IsQuarantined(const Entry& entry) const {
  return entry.state() == LoadState::kFailed && options.quarantine &&
         options.quarantine->Find(entry.fetched).has_value();
}

/// Ends the serving of an artifact that has done harm, in every placement. Handles that requests
/// hold drain as ever.
void ModelRuntime::Impl::Withdraw(const std::string& sha256, const std::string& reason) {
  for (auto& [id, entry] : entries) {
    if (!entry.model || entry.sha256 != sha256) continue;
    entry.model.reset();
    entry.current = false;
    entry.ticket = 0;  // A load of the same bytes that is under way would bring it back.
    entry.step = LoadState::kFailed;
    entry.error = "it " + reason;
    entry.next_try = clock.SteadyNow() + options.retry_most;
  }
  for (auto& [key, artifact] : shared) {
    if (key.find(' ' + sha256 + ' ') != std::string::npos) artifact.model.reset();
  }
  progress.notify_all();
}

std::chrono::seconds ModelRuntime::Impl::PauseAfter(int attempts) const {
  std::chrono::seconds pause = options.retry_first;
  for (int i = 1; i < attempts && pause < options.retry_most; ++i) pause *= 2;
  return std::min(pause, options.retry_most);
}

// --- On load threads ----------------------------------------------------------------------------

void ModelRuntime::Impl::RunNext() {
  ModelId id;
  std::uint64_t ticket = 0;
  WantedModel want;
  {
    const std::lock_guard lock(mutex);
    if (stopping || line.empty()) return;
    std::tie(id, ticket) = line.front();
    line.pop_front();
    const auto found = entries.find(id);
    if (found == entries.end() || found->second.ticket != ticket) return;
    want = found->second.want;
  }
  Attempt(id, ticket, want);
}

void ModelRuntime::Impl::Attempt(const ModelId& id, std::uint64_t ticket, const WantedModel& want) {
  if (want.format != "onnx") {
    Finish(id, ticket,
           Fail(ErrorCode::kUnprocessable, "format \"{}\" cannot be loaded here: only \"onnx\" can",
                want.format));
    return;
  }
  const auto file = Fetch(id, ticket, want);
  if (!file) {
    Finish(id, ticket, Fail(file.error()));
    return;
  }
  const std::string sha256 = file->filename().string();
  NoteFetched(id, ticket, sha256);
  const auto harm = options.quarantine ? options.quarantine->Find(sha256) : std::nullopt;
  if (harm) {
    Finish(
        id, ticket,
        Fail(ErrorCode::kUnprocessable,
             "it {}, and is not loaded again before `podium version retry {}`", *harm, id.get()));
    return;
  }
  Share(id, ticket, want, *file);
}

void ModelRuntime::Impl::NoteFetched(const ModelId& id, std::uint64_t ticket,
                                     const std::string& sha256) {
  const std::lock_guard lock(mutex);
  const auto found = entries.find(id);
  if (found != entries.end() && found->second.ticket == ticket) found->second.fetched = sha256;
}

/// The verified copy: by checksum from the cache, else from the source. The source may be gone.
Result<std::filesystem::path> ModelRuntime::Impl::Fetch(const ModelId& id, std::uint64_t ticket,
                                                        const WantedModel& want) {
  if (!want.sha256.empty()) {
    Step(id, ticket, LoadState::kVerifying);
    auto cached = CachedArtifact(want.sha256, options.cache_dir);
    if (cached || cached.error().code == ErrorCode::kInvalidArgument) return cached;
    if (cached.error().code == ErrorCode::kUnprocessable) {
      LogWarning("cached artifact is fetched again", {{"reason", cached.error().message}});
    }
  }
  Step(id, ticket, LoadState::kDownloading);
  PODIUM_TRY_ASSIGN(const std::filesystem::path source,
                    ResolveArtifact(want.artifact_uri, options.artifact_roots));
  return FetchArtifact(source, want.sha256, options.cache_dir);
}

/// Takes the model that another placement of the same artifact has, waits for the one that is
/// loading it (without holding a thread), or loads it for all.
void ModelRuntime::Impl::Share(const ModelId& id, std::uint64_t ticket, const WantedModel& want,
                               const std::filesystem::path& file) {
  const std::string sha256 = file.filename().string();
  const std::string key = want.format + ' ' + sha256 + ' ' + want.signature;
  ModelHandle present;
  bool join = false;
  {
    const std::lock_guard lock(mutex);
    Shared& artifact = shared[key];
    present = artifact.model.lock();
    join = !present && artifact.loading;
    if (join) artifact.waiting.emplace_back(id, ticket);
    if (!present) artifact.loading = true;
  }
  if (present) {
    Finish(id, ticket, Loaded{std::move(present), sha256});
    return;
  }
  Step(id, ticket, LoadState::kLoading);
  if (join) return;
  auto model =
      onnx->LoadTelling(file, want.signature, [&] { Step(id, ticket, LoadState::kWarming); });
  Result<Loaded> result =
      std::move(model).map([&](ModelHandle loaded) { return Loaded{std::move(loaded), sha256}; });
  {
    const std::lock_guard lock(mutex);
    Shared& artifact = shared[key];
    artifact.loading = false;
    if (result) artifact.model = result->model;
    for (const auto& [other, other_ticket] : std::exchange(artifact.waiting, {})) {
      FinishAttempt(other, other_ticket, result);
    }
  }
  Finish(id, ticket, std::move(result));
}

void ModelRuntime::Impl::Step(const ModelId& id, std::uint64_t ticket, LoadState step) {
  {
    const std::lock_guard lock(mutex);
    const auto found = entries.find(id);
    if (found == entries.end() || found->second.ticket != ticket) return;
    found->second.step = step;
  }
  Notify();
}

void ModelRuntime::Impl::Finish(const ModelId& id, std::uint64_t ticket, Result<Loaded> result) {
  {
    const std::lock_guard lock(mutex);
    FinishAttempt(id, ticket, result);
  }
  // Before anyone is told: a handle of ours must not be the one that keeps a model alive.
  if (result) result->model.reset();
  Notify();
}

// --- The public face ----------------------------------------------------------------------------

ModelRuntime::ModelRuntime(RuntimeOptions options, const Clock& clock,
                           std::shared_ptr<ModelLoader> onnx, std::function<void()> changed)
    : impl_(
          std::make_unique<Impl>(std::move(options), clock, std::move(onnx), std::move(changed))) {
  SweepCache(impl_->options.cache_dir);
  if (!impl_->options.quarantine) return;
  impl_->options.quarantine->Listen(
      [impl = impl_.get()](const std::string& sha256, const std::string& reason) {
        {
          const std::lock_guard lock(impl->mutex);
          impl->Withdraw(sha256, reason);
        }
        impl->Notify();
      });
}

ModelRuntime::~ModelRuntime() {
  if (impl_->options.quarantine) impl_->options.quarantine->Listen(nullptr);
  Stop();
  impl_->entries.clear();
  impl_->morgue->Close();
}

void ModelRuntime::SetWanted(std::vector<WantedModel> wanted) {
  const std::lock_guard lock(impl_->mutex);
  for (auto& [id, entry] : impl_->entries) entry.wanted = false;
  for (const WantedModel& model : wanted) {
    Impl::Entry& entry = impl_->entries[model.id];
    entry.wanted = true;
    impl_->Adopt(entry, model);
    // One that has failed is left to RetryDue, however often the same set is stated.
    if (!entry.next_try) impl_->StartLoad(entry, /*first_in_line=*/false);
  }
  for (auto& [id, entry] : impl_->entries) impl_->LetGo(entry);
  impl_->Forget();
}

Result<ModelHandle> ModelRuntime::EnsureReady(const WantedModel& model,
                                              std::chrono::milliseconds timeout) {
  std::unique_lock lock(impl_->mutex);
  Impl::Entry& entry = impl_->entries[model.id];  // Stays: Forget passes over what is waited for.
  ++entry.waiters;
  impl_->Adopt(entry, model);
  impl_->StartLoad(entry, /*first_in_line=*/true);
  const std::uint64_t ticket = entry.ticket;
  const bool in_time = impl_->Await(lock, timeout, [&] {
    return impl_->stopping || entry.current || entry.ticket != ticket || ticket == 0;
  });
  auto result = impl_->Outcome(entry, in_time, timeout);
  --entry.waiters;
  impl_->LetGo(entry);
  return result;
}

Result<ModelHandle> ModelRuntime::Retry(const WantedModel& model,
                                        std::chrono::milliseconds timeout) {
  if (Quarantine* quarantine = impl_->options.quarantine.get()) {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->entries.find(model.id);
    if (found != impl_->entries.end()) quarantine->Release(found->second.fetched);
    quarantine->Release(model.sha256);
  }
  return EnsureReady(model, timeout);
}

void ModelRuntime::RetryDue() {
  const std::lock_guard lock(impl_->mutex);
  const SteadyTime now = impl_->clock.SteadyNow();
  for (auto& [id, entry] : impl_->entries) {
    const bool due = entry.next_try && *entry.next_try <= now;
    if (entry.wanted && due) impl_->StartLoad(entry, /*first_in_line=*/false);
  }
  if (impl_->morgue->empty()) return;
  // Refused when the pool is full or stopped: then the next call does it.
  (void)impl_->pool.Submit([impl = impl_.get()] {
    impl->morgue->Take().clear();
    impl->Notify();
  });
}

bool ModelRuntime::RunNextLoad() { return impl_->pool.RunNext(); }

std::optional<ModelStatus> ModelRuntime::StatusOf(const ModelId& id) const {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->entries.find(id);
  if (found == impl_->entries.end()) return std::nullopt;
  return impl_->Describe(id, found->second);
}

std::vector<ModelStatus> ModelRuntime::Statuses() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<ModelStatus> statuses;
  statuses.reserve(impl_->entries.size());
  for (const auto& [id, entry] : impl_->entries) statuses.push_back(impl_->Describe(id, entry));
  return statuses;
}

void ModelRuntime::Stop() {
  std::call_once(impl_->stopped, [this] {
    {
      const std::lock_guard lock(impl_->mutex);
      impl_->stopping = true;
      impl_->line.clear();
    }
    impl_->progress.notify_all();
    impl_->pool.Stop();
  });
}

}  // namespace podium::runtime
