#include <podium/bucket.h>

#include "domain/names.h"
#include "embed/convert.h"
#include "routing/bucket.h"

namespace podium::v1 {

Result<Bucket> BucketOf(Layer layer, std::string_view salt, std::string_view unit) {
  if (const podium::Status good = CheckSalt(salt); !good) {
    return Refuse(good.error());
  }
  const auto ours = layer == Layer::kCanary ? routing::Layer::kCanary : routing::Layer::kArms;
  const routing::Bucket bucket = routing::BucketOf(ours, salt, unit);
  return Bucket{bucket.hash, bucket.coarse, bucket.fine};
}

}  // namespace podium::v1
