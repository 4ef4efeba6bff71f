#include "app/mlflow_rows.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include "base/utf8.h"
#include "domain/model_limits.h"
#include "store/import_decide.h"
#include "store/model_filter.h"

namespace podium::app {
namespace {

// The largest time that is a date: the end of the year 9999.
constexpr std::int64_t kMostSourceMillis = 253'402'300'799'000;

/// Reads one row; the first thing wrong with it is what counts.
class SourceFields {
 public:
  explicit SourceFields(const Json& row) : row_(row) {}

  /// Empty when absent or null.
  std::string Text(const char* name) {
    const Json* value = Find(name);
    if (value == nullptr) return "";
    if (value->is_string()) return value->get<std::string>();
    Complain(fmt::format("{} is {}, not text", name, value->type_name()));
    return "";
  }
  /// A whole number, or one in text, as servers write 64 bits.
  std::optional<std::int64_t> Number(const char* name) {
    const Json* value = Find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_number_unsigned() || value->is_number_integer()) {
      const bool fits = !value->is_number_unsigned() ||
                        value->get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
      if (fits) return value->get<std::int64_t>();
    }
    if (value->is_string()) {
      const auto text = value->get<std::string>();
      std::int64_t number = 0;
      const char* end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data(), end, number);
      if (error == std::errc{} && stop == end) return number;
    }
    Complain(fmt::format("{} is no whole number", name));
    return std::nullopt;
  }
  WallTime Time(const char* name, std::optional<WallTime> otherwise) {
    const std::optional<std::int64_t> millis = Number(name);
    if (!millis && otherwise) return *otherwise;
    if (!millis) {
      Complain(fmt::format("{} is missing", name));
      return {};
    }
    if (*millis < 0 || *millis > kMostSourceMillis) {
      Complain(fmt::format("{} is {}, which is no time", name, *millis));
      return {};
    }
    return WallTime(std::chrono::milliseconds(*millis));
  }
  /// A list of {key, value}.
  TagMap Tags(const char* name) {
    TagMap tags;
    for (const Json& tag : List(name)) {
      const auto [key, value] = Pair(tag, "key", "value", name);
      if (!tags.emplace(key, value).second) {
        Complain(fmt::format("tag \"{}\" comes twice", Shortened(key, limits::kMaxNameBytes)));
      }
    }
    return tags;
  }
  const Json& List(const char* name) {
    static const Json kNone = Json::array();
    const Json* value = Find(name);
    if (value == nullptr) return kNone;
    if (value->is_array()) return *value;
    Complain(fmt::format("{} is {}, not a list", name, value->type_name()));
    return kNone;
  }

  void Complain(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }
  const std::string& problem() const { return problem_; }

 private:
  const Json* Find(const char* name) const {
    const auto found = row_.find(name);
    return found == row_.end() || found->is_null() ? nullptr : &*found;
  }
  std::pair<std::string, std::string> Pair(const Json& object, const char* first,
                                           const char* second, const char* name) {
    if (!object.is_object()) {
      Complain(fmt::format("{} holds {}, not objects", name, object.type_name()));
      return {};
    }
    SourceFields fields(object);
    std::pair<std::string, std::string> pair = {fields.Text(first), fields.Text(second)};
    if (!fields.problem().empty()) Complain(fmt::format("{}: {}", name, fields.problem()));
    return pair;
  }

  const Json& row_;
  std::string problem_;
};

// Aliases are looked at one by one: a bad one costs no model.
void ReadSourceAliases(SourceFields& fields, RegisteredModel& model,
                       std::vector<UnreadableRow>& unreadable) {
  for (const Json& entry : fields.List("aliases")) {
    if (!entry.is_object()) {
      unreadable.push_back({model.name, 0, "", "an alias of it is no object"});
      continue;
    }
    SourceFields of_alias(entry);
    const std::string alias = of_alias.Text("alias");
    const std::optional<std::int64_t> number = of_alias.Number("version");
    const Status fit = CheckAlias(alias);
    std::string problem = of_alias.problem();
    if (problem.empty() && !fit) problem = fit.error().message;
    if (problem.empty() && (!number || *number < 1 || *number > limits::kMaxVersionNumber)) {
      problem = "it names no version";
    }
    if (problem.empty() && !model.aliases.emplace(alias, *number).second) {
      problem = "it comes twice";
    }
    if (!problem.empty()) {
      unreadable.push_back({model.name, number.value_or(0), Shortened(alias, limits::kMaxNameBytes),
                            std::move(problem)});
    }
  }
}

void ReadSourceModel(const Json& row, SourcePage<RegisteredModel>& page) {
  if (!row.is_object()) {
    page.unreadable.push_back(
        {"", 0, "", fmt::format("a model is {}, not an object", row.type_name())});
    return;
  }
  SourceFields fields(row);
  RegisteredModel model;
  model.name = fields.Text("name");
  if (const std::string text = fields.Text("description"); !text.empty()) {
    model.description = text;
  }
  model.tags = fields.Tags("tags");
  model.created_at = fields.Time("creation_timestamp", std::nullopt);
  model.updated_at = fields.Time("last_updated_timestamp", model.created_at);
  std::vector<UnreadableRow> bad_aliases;
  ReadSourceAliases(fields, model, bad_aliases);
  std::string problem = fields.problem();
  if (problem.empty()) {
    const Status fit = store::CheckImportedModel(model);
    if (!fit) problem = fit.error().message;
  }
  if (!problem.empty()) {
    page.unreadable.push_back(
        {Shortened(model.name, limits::kMaxModelNameChars), 0, "", std::move(problem)});
    return;
  }
  page.unreadable.insert(page.unreadable.end(), bad_aliases.begin(), bad_aliases.end());
  page.rows.push_back(std::move(model));
}

// What a version's registration came to, if that is not READY.
std::string TroubleOfStatus(SourceFields& fields) {
  const std::string status = fields.Text("status");
  if (status.empty() || status == "READY") return "";
  const std::string why = fields.Text("status_message");
  return fmt::format("its status there is {}{}{}", Shortened(status, limits::kMaxNameBytes),
                     why.empty() ? "" : ": ", Shortened(why, limits::kMaxNameBytes));
}

void ReadSourceVersion(const Json& row, const std::string& model,
                       SourcePage<RegisteredVersion>& page) {
  if (!row.is_object()) {
    page.unreadable.push_back(
        {model, 0, "", fmt::format("a version is {}, not an object", row.type_name())});
    return;
  }
  SourceFields fields(row);
  RegisteredVersion version;
  version.name = fields.Text("name");
  const std::optional<std::int64_t> number = fields.Number("version");
  if (!number) fields.Complain("version is missing");
  version.number = number.value_or(0);
  const std::string stage = fields.Text("current_stage");
  version.description = fields.Text("description");
  version.source = fields.Text("source");
  version.run_id = fields.Text("run_id");
  version.run_link = fields.Text("run_link");
  version.model_id = fields.Text("model_id");
  version.user = fields.Text("user_id");
  version.tags = fields.Tags("tags");
  version.created_at = fields.Time("creation_timestamp", std::nullopt);
  version.updated_at = fields.Time("last_updated_timestamp", version.created_at);
  const std::string status = TroubleOfStatus(fields);
  std::string problem = fields.problem();
  if (problem.empty() && version.name != model) {
    problem = fmt::format("it is said to be of model \"{}\"",
                          Shortened(version.name, limits::kMaxNameBytes));
  }
  if (problem.empty()) problem = status;
  if (problem.empty() && !stage.empty()) {
    const Result<ModelStage> parsed = ParseStage(stage);
    if (!parsed) problem = parsed.error().message;
    version.stage = parsed.value_or(ModelStage::kNone);
  }
  if (problem.empty()) {
    const Status fit = store::CheckImportedVersion(version);
    if (!fit) problem = fit.error().message;
  }
  if (problem.empty()) {
    page.rows.push_back(std::move(version));
  } else {
    page.unreadable.push_back({model, version.number, "", std::move(problem)});
  }
}

/// The rows and the token of a page; the rows are absent when there are none.
Result<const Json*> RowsOf(const Json& body, const char* name, std::string& next_token) {
  static const Json kNone = Json::array();
  const auto no_page = [&](std::string_view why) {
    return Fail(ErrorCode::kUnprocessable, "its answer is no page of {}: {}", name, why);
  };
  if (!body.is_object()) return no_page("it is no JSON object");
  if (const auto token = body.find("next_page_token"); token != body.end() && !token->is_null()) {
    if (!token->is_string()) return no_page("next_page_token is not text");
    next_token = token->get<std::string>();
  }
  const auto rows = body.find(name);
  if (rows == body.end() || rows->is_null()) return &kNone;
  if (!rows->is_array()) return no_page("they are not in a list");
  return &*rows;
}

}  // namespace

Result<SourcePage<RegisteredModel>> ReadModelsPage(const Json& body) {
  SourcePage<RegisteredModel> page;
  PODIUM_TRY_ASSIGN(const Json* rows, RowsOf(body, "registered_models", page.next_token));
  for (const Json& row : *rows) ReadSourceModel(row, page);
  return page;
}

Result<SourcePage<RegisteredModel>> ReadOneModel(const Json& body) {
  SourcePage<RegisteredModel> page;
  const auto row = body.is_object() ? body.find("registered_model") : body.end();
  if (!body.is_object() || row == body.end() || !row->is_object()) {
    return Fail(ErrorCode::kUnprocessable, "its answer holds no registered_model");
  }
  ReadSourceModel(*row, page);
  return page;
}

Result<SourcePage<RegisteredVersion>> ReadVersionsPage(const Json& body, const std::string& model) {
  SourcePage<RegisteredVersion> page;
  PODIUM_TRY_ASSIGN(const Json* rows, RowsOf(body, "model_versions", page.next_token));
  for (const Json& row : *rows) ReadSourceVersion(row, model, page);
  std::set<std::int64_t> seen;
  std::erase_if(page.rows, [&](const RegisteredVersion& version) {
    if (seen.insert(version.number).second) return false;
    page.unreadable.push_back({model, version.number, "", "it comes twice in one answer"});
    return true;
  });
  return page;
}

std::string ReadDownloadUri(const Json& body) {
  if (!body.is_object()) return "";
  const auto uri = body.find("artifact_uri");
  return uri != body.end() && uri->is_string() ? uri->get<std::string>() : "";
}

bool IsPromptModel(const RegisteredModel& model) { return store::IsPrompt(model.tags); }

}  // namespace podium::app
