#include "control/admin/artifact_checksum.h"

#include <filesystem>
#include <utility>

#include "runtime/artifact.h"

namespace podium::control {
namespace {

Result<std::string> ChecksumOf(const AdminContext& context, const std::string& uri) {
  const Result<std::filesystem::path> file =
      runtime::ResolveArtifact(uri, context.options.artifact_roots);
  if (file) return runtime::HashFile(*file).value_or("");
  if (file.error().code == ErrorCode::kNotFound) return std::string();
  return Fail(Error{ErrorCode::kInvalidArgument, file.error().message, "/artifact_uri", nullptr});
}

}  // namespace

Task<Status> FixChecksum(const AdminContext& context, ModelVersion& version) {
  if (!version.artifact_sha256.empty() || version.artifact_uri.empty()) co_return Status();
  auto hash = RunOn(context.pools.files, [&] { return ChecksumOf(context, version.artifact_uri); });
  Result<std::string> checksum = co_await std::move(hash);
  if (!checksum) co_return Fail(std::move(checksum).error());
  version.artifact_sha256 = std::move(*checksum);
  co_return Status();
}

}  // namespace podium::control
