// Between the public types of libpodium and ours.
#pragma once

#include <podium/error.h>
#include <podium/model_version.h>
#include <podium/registry.h>

#include <type_traits>
#include <utility>

#include "base/result.h"
#include "domain/promotion.h"
#include "domain/version.h"

namespace podium::v1 {

/// With the causes in the message: a public error stands alone.
Error Public(const podium::Error& error);
podium::Error Internal(const Error& error);

ModelVersion Public(const podium::ModelVersion& row);
AuditEntry Public(const Promotion& row);

/// The row that a registration asks for, on the route of the version's name.
podium::ModelVersion RowOf(const NewVersion& version);

/// From a weight of 0.0 to 1.0 in steps of 0.0001; NaN and finer steps are errors.
podium::Result<BasisPoints> ShareOf(double weight);
inline double WeightOf(BasisPoints share) { return share.value() / double{BasisPoints::kWhole}; }

/// `return Refuse(result.error());`, `return Refuse(Fail(code, "…"));` in a public function.
inline tl::unexpected<Error> Refuse(const podium::Error& error) {
  return tl::unexpected<Error>(Public(error));
}
inline tl::unexpected<Error> Refuse(const Failure& failure) { return Refuse(failure.value()); }

/// The value as it is, the error made public.
template <typename T>
Result<T> PublicResult(podium::Result<T> result) {
  if (!result) return Refuse(result.error());
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return *std::move(result);
  }
}

}  // namespace podium::v1
