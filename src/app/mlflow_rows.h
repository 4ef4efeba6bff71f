// What an MLflow server says of its models and versions, as rows of ours. Pure: nothing of it is
// believed before it was looked at.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/registered_model.h"

namespace podium::app {

/// Something of the source that cannot be brought over, and why.
struct UnreadableRow {
  std::string model;        ///< Its name; empty when that cannot be read either.
  std::int64_t number = 0;  ///< Of the version; 0: it is about the model, or not known.
  std::string alias;        ///< Empty: it is about the row itself.
  std::string problem;
};

template <typename Row>
struct SourcePage {
  std::vector<Row> rows;  ///< Fit for an import, as the store judges them.
  std::vector<UnreadableRow> unreadable;
  std::string next_token;  ///< Empty: the last page.
};

/// One page of registered-models/search; aliases that cannot be brought over are left out of their
/// model and told beside it. kUnprocessable when this is no such page at all.
Result<SourcePage<RegisteredModel>> ReadModelsPage(const Json& body);
/// The one model of registered-models/get, as a page.
Result<SourcePage<RegisteredModel>> ReadOneModel(const Json& body);
/// One page of model-versions/search about `model`. Versions whose registration has not ended well
/// are unreadable ones.
Result<SourcePage<RegisteredVersion>> ReadVersionsPage(const Json& body, const std::string& model);
/// `artifact_uri` of model-versions/get-download-uri; empty when it has none.
std::string ReadDownloadUri(const Json& body);

/// Whether a model is a prompt: a server's searches leave those out unless they are asked for.
bool IsPromptModel(const RegisteredModel& model);

}  // namespace podium::app
