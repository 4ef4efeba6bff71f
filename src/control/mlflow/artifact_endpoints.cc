// /api/2.0/mlflow-artifacts/artifacts: files in and out, streamed.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/mlflow/context.h"
#include "runtime/artifact_path.h"

namespace podium::control {
namespace {

/// A file on its way out, read on the pool for reads.
class FileBody final : public net::BodyStream {
 public:
  FileBody(std::unique_ptr<runtime::ArtifactFile> file, WorkerPool& reads)
      : file_(std::move(file)), reads_(reads) {}

  Task<Result<std::string_view>> Next() override {
    // The job may outlive this when the task is cancelled: it owns the file as well.
    auto read = RunOn(reads_, [file = file_] { return file->Read(); });
    Result<std::string> piece = co_await std::move(read);
    if (!piece) co_return Fail(std::move(piece).error());
    piece_ = std::move(*piece);
    co_return std::string_view(piece_);
  }
  void Cancel() override {}  // A piece is read in a moment.

 private:
  const std::shared_ptr<runtime::ArtifactFile> file_;
  WorkerPool& reads_;
  std::string piece_;
};

net::StaticText ContentTypeOf(std::string_view name) {
  if (name.ends_with(".json")) return "application/json";
  for (const std::string_view suffix :
       {".txt", ".log", ".yaml", ".yml", ".md", ".csv", ".py", ".env"}) {
    if (name.ends_with(suffix)) return "text/plain; charset=utf-8";
  }
  if (name == "MLmodel") return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

std::string ListingText(const std::vector<runtime::ArtifactEntry>& entries) {
  Json json = Json::object();
  for (const runtime::ArtifactEntry& entry : entries) {
    Json file{{"path", entry.name}, {"is_dir", entry.is_folder}};
    if (!entry.is_folder) file["file_size"] = entry.size;
    json["files"].push_back(std::move(file));
  }
  return DumpJson(json);
}

}  // namespace

// A folder may hold many: its text is made where it is read, not on a core.
MlflowReply ListArtifacts(MlflowCall& call) {
  const std::string text = call.params.Text("path").value_or("");
  if (Status fit = call.params.Finish(); !fit) co_return Fail(std::move(fit).error());
  const Result<runtime::ArtifactPath> path = runtime::ParseArtifactPath(text);
  if (!path) co_return Fail(path.error());
  auto list = RunOn(call.context.reads, [&]() -> Result<std::string> {
    PODIUM_TRY_ASSIGN(const std::vector<runtime::ArtifactEntry> entries,
                      call.context.artifacts.List(*path));
    return ListingText(entries);
  });
  Result<std::string> listing = co_await std::move(list);
  if (!listing) co_return Fail(std::move(listing).error());
  co_return MlflowText(std::move(*listing));
}

MlflowReply GetArtifact(MlflowCall& call) {
  const Result<runtime::ArtifactPath> path = runtime::ParseArtifactPath(call.path);
  if (!path) co_return Fail(path.error());
  auto open = RunOn(call.context.reads, [&] { return call.context.artifacts.Open(*path); });
  Result<std::unique_ptr<runtime::ArtifactFile>> file = co_await std::move(open);
  if (!file) co_return Fail(std::move(file).error());
  net::Response response;
  response.content_type = ContentTypeOf(path->back());
  response.headers.Add("Content-Disposition", "attachment");
  response.headers.Add("X-Content-Type-Options", "nosniff");
  response.stream = std::make_unique<FileBody>(std::move(*file), call.context.reads);
  co_return response;
}

MlflowReply PutArtifact(MlflowCall& call) {
  const MlflowContext& c = call.context;
  const Result<runtime::ArtifactPath> path = runtime::ParseArtifactPath(call.path);
  if (!path) co_return Fail(path.error());
  const std::uint64_t limit = c.options.max_artifact_bytes;
  if (call.exchange.head().content_length.value_or(0) > limit) {
    co_return Fail(ErrorCode::kTooLarge,
                   "the artifact has {} bytes, the limit is {} (serving.max_artifact_bytes)",
                   *call.exchange.head().content_length, limit);
  }
  const auto upload = c.artifacts.NewUpload(RandomToken(c.rng, 16));
  for (;;) {
    auto read = call.exchange.ReadSome(limit);
    const Result<std::string_view> piece = co_await std::move(read);
    if (!piece) co_return Fail(piece.error());
    if (piece->empty()) break;
    auto write = RunOn(c.files, [&] { return upload->Append(*piece); });
    if (Status written = co_await std::move(write); !written) {
      co_return Fail(std::move(written).error());
    }
  }
  auto publish = RunOn(c.files, [&] { return c.artifacts.Publish(*upload, *path); });
  if (Status published = co_await std::move(publish); !published) {
    co_return Fail(std::move(published).error());
  }
  co_return MlflowResponse();
}

MlflowReply DeleteArtifact(MlflowCall& call) {
  const Result<runtime::ArtifactPath> path = runtime::ParseArtifactPath(call.path);
  if (!path) co_return Fail(path.error());
  auto remove = RunOn(call.context.files, [&] { return call.context.artifacts.Remove(*path); });
  if (Status removed = co_await std::move(remove); !removed) {
    co_return Fail(std::move(removed).error());
  }
  co_return MlflowResponse();
}

}  // namespace podium::control
