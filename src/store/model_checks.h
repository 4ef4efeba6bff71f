// What texts and tags of a registered model or a version must be like, whoever brings them. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "domain/registered_model.h"

namespace podium::store {

// All: kInvalidArgument, with the sentence that a caller of MLflow's API is to read.

Status CheckModelTag(const std::string& key, const std::string& value, std::size_t value_limit);
/// Each of them, and their number and bytes in all.
Status CheckModelTags(const TagMap& tags, std::size_t value_limit);
Status CheckModelDescription(const std::string& text);
/// The texts that a version is made with, and its tags.
Status CheckVersionTexts(const RegisteredVersion& version);

}  // namespace podium::store
