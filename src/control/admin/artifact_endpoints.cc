// /api/v1/artifacts: takes the bytes of an artifact in, named by their checksum.
#include <utility>

#include "control/admin/context.h"
#include "control/admin/query.h"
#include "runtime/artifact_upload.h"

namespace podium::control {
namespace {

AdminReply Receive(AdminCall& call) {
  const AdminContext& c = call.context;
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"sha256"}); !known) co_return Fail(std::move(known).error());
  const auto type = head.Find("content-type");
  if (!type || !net::EqualsIgnoreCase(*type, "application/octet-stream")) {
    co_return Fail(ErrorCode::kUnsupportedMedia,
                   "Content-Type must be application/octet-stream, not {}",
                   type ? *type : "absent");
  }
  if (head.content_length.value_or(0) > c.options.max_artifact_bytes) {
    co_return Fail(ErrorCode::kTooLarge,
                   "the artifact has {} bytes, the limit is {} "
                   "(serving.max_artifact_bytes)",
                   *head.content_length, c.options.max_artifact_bytes);
  }

  runtime::ArtifactUpload upload(c.options.artifact_roots.front(), RandomToken(c.rng, 16));
  for (;;) {
    auto read = call.exchange.ReadSome(c.options.max_artifact_bytes);
    const Result<std::string_view> piece = co_await std::move(read);
    if (!piece) co_return Fail(piece.error());
    if (piece->empty()) break;
    auto write = RunOn(c.pools.files, [&] { return upload.Append(*piece); });
    if (Status written = co_await std::move(write); !written) {
      co_return Fail(std::move(written).error());
    }
  }
  const std::string expected = QueryText(head, "sha256").value_or("");
  auto finish = RunOn(c.pools.files, [&] { return upload.Finish(expected); });
  const Result<std::string> sha256 = co_await std::move(finish);
  if (!sha256) co_return Fail(sha256.error());
  Json json;
  json["artifact_uri"] = "file:" + *sha256 + ".onnx";
  json["sha256"] = *sha256;
  json["bytes"] = upload.size();
  co_return JsonResponse(json, 201);
}

}  // namespace

void AddArtifactEndpoints(AdminRoutes& routes) {
  routes.Add(
      net::HttpMethod::kPost, "/api/v1/artifacts",
      {Receive, Endpoint::Access::kAdmin, Endpoint::Body::kStream, Endpoint::Precondition::kNone});
}

}  // namespace podium::control
