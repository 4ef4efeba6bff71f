#include "control/follow/source_finder.h"

#include <memory>
#include <utility>

#include "base/utf8.h"
#include "control/follow/mlmodel.h"
#include "domain/model_limits.h"
#include "runtime/artifact_upload.h"

namespace podium::control {
namespace {

constexpr std::string_view kScheme = "mlflow-artifacts:";
constexpr std::string_view kOnnxSuffix = ".onnx";
constexpr std::string_view kSignatureSuffix = ".signature.json";

Failure NotHere(std::string_view source, std::string_view why) {
  return Fail(ErrorCode::kUnprocessable, "its source {} is not in this server's artifact store: {}",
              Shortened(source, limits::kMaxNameBytes), why);
}

bool HasScheme(std::string_view source) {
  if (source.size() < kScheme.size()) return false;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = source[i];
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower != kScheme[i]) return false;
  }
  return true;
}

// The errors of a file system say what went wrong; of a source they say what is wrong with it.
Error AboutSource(Error error, std::string_view what) {
  if (error.code == ErrorCode::kUnavailable) return error;
  return {ErrorCode::kUnprocessable, fmt::format("{}: {}", what, error.message), "", nullptr};
}

std::string Joined(const runtime::ArtifactPath& path) {
  return fmt::format("mlflow-artifacts:/{}", fmt::join(path, "/"));
}

}  // namespace

Result<runtime::ArtifactPath> PathOfSource(std::string_view source) {
  if (!HasScheme(source)) {
    return NotHere(source, "put its files there (mlflow-artifacts:/) and register them");
  }
  std::string_view path = source.substr(kScheme.size());
  if (path.starts_with("//")) {
    path.remove_prefix(2);
    if (!path.starts_with('/')) return NotHere(source, "it names another server");
  }
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  Result<runtime::ArtifactPath> parsed = runtime::ParseArtifactPath(path);
  if (!parsed) return NotHere(source, parsed.error().message);
  if (parsed->empty()) return NotHere(source, "it names no file or folder");
  return parsed;
}

Result<FoundSource> SourceFinder::Find(const RegisteredVersion& version) const {
  PODIUM_TRY_ASSIGN(const runtime::ArtifactPath path, PathOfSource(FilesOf(version)));
  if (path.back().ends_with(kOnnxSuffix)) {
    // A bare file, unless somebody has called a folder so.
    if (tree_.Open(path)) return AtFile(path, "");
  }
  return FindInFolder(path);
}

Result<FoundSource> SourceFinder::FindInFolder(const runtime::ArtifactPath& folder) const {
  runtime::ArtifactPath at = folder;
  at.emplace_back(kMlmodelFile);
  const Result<std::string> text = ReadWhole(at);
  if (!text && text.error().code == ErrorCode::kNotFound) {
    return NotHere(Joined(folder),
                   "there is no MLmodel, as mlflow.onnx.log_model writes it, and "
                   "no .onnx file of that name");
  }
  if (!text) return Fail(AboutSource(text.error(), Joined(at)));
  PODIUM_TRY_ASSIGN(Mlmodel model, ReadMlmodel(*text));
  const Result<runtime::ArtifactPath> below = runtime::ParseArtifactPath(model.onnx_file);
  if (!below || below->empty()) {
    return Fail(ErrorCode::kUnprocessable,
                "its MLmodel names the file \"{}\", which is no path within its folder",
                Shortened(model.onnx_file, limits::kMaxNameBytes));
  }
  runtime::ArtifactPath file = folder;
  file.insert(file.end(), below->begin(), below->end());
  return AtFile(std::move(file), std::move(model.signature));
}

Result<FoundSource> SourceFinder::AtFile(runtime::ArtifactPath file, std::string told) const {
  if (!file.back().ends_with(kOnnxSuffix)) {
    return Fail(ErrorCode::kUnprocessable, "its file {} is no .onnx file, and no other is served",
                Joined(file));
  }
  if (const auto opened = tree_.Open(file); !opened) {
    return Fail(AboutSource(opened.error(), Joined(file)));
  }
  FoundSource found{file, "", std::move(told)};
  file.back().replace(file.back().size() - kOnnxSuffix.size(), std::string::npos, kSignatureSuffix);
  Result<std::string> beside = ReadWhole(file);
  if (beside) found.beside = std::move(*beside);
  return found;
}

Result<std::string> SourceFinder::ReadWhole(const runtime::ArtifactPath& path) const {
  PODIUM_TRY_ASSIGN(const std::unique_ptr<runtime::ArtifactFile> file, tree_.Open(path));
  std::string whole;
  while (true) {
    PODIUM_TRY_ASSIGN(const std::string piece, file->Read());
    if (piece.empty()) return whole;
    whole += piece;
    if (whole.size() > limits::kMaxMlmodelBytes) {
      return Fail(ErrorCode::kTooLarge, "the file has more than {} bytes",
                  limits::kMaxMlmodelBytes);
    }
  }
}

Result<KeptArtifact> SourceFinder::Keep(const FoundSource& found, const std::string& token) const {
  const Result<std::unique_ptr<runtime::ArtifactFile>> file = tree_.Open(found.file);
  if (!file) return Fail(AboutSource(file.error(), Joined(found.file)));
  runtime::ArtifactUpload copy(folder_, token, {kOnnxSuffix, false, false});
  while (true) {
    PODIUM_TRY_ASSIGN(const std::string piece, (*file)->Read());
    if (piece.empty()) break;
    PODIUM_TRY(copy.Append(piece));
    if (copy.size() > most_bytes_) {
      return Fail(ErrorCode::kTooLarge,
                  "{} has more than {} bytes, the limit (serving.max_artifact_bytes)",
                  Joined(found.file), most_bytes_);
    }
  }
  Result<std::string> sha256 = copy.Finish("");
  if (!sha256) return Fail(AboutSource(sha256.error(), Joined(found.file)));
  return KeptArtifact{fmt::format("file:{}{}", *sha256, kOnnxSuffix), *sha256, found.beside};
}

}  // namespace podium::control
