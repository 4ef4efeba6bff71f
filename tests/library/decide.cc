// What libpodium decides about each id, for the tests that compare it with a server and with the
// published vectors. Links libpodium and nothing else.
//
//   decide choose FILE NAME    reads sessions, one a line; "session version reason bucket
//                              propensity generation" for each
//   decide bucket              reads "layer salt unit", with tabs between them; "hash coarse fine"
#include <podium/bucket.h>
#include <podium/registry.h>

#include <cinttypes>
#include <cstdio>
#include <iostream>
#include <string>

namespace {

int Fail(const podium::Error& error) {
  std::fprintf(stderr, "decide: %s\n", error.message.c_str());
  return 1;
}

int Choose(const char* file, const char* name) {
  const auto registry = podium::Registry::Open(file);
  if (!registry) return Fail(registry.error());
  const podium::Snapshot snapshot = registry->Pin();
  for (std::string session; std::getline(std::cin, session);) {
    const podium::Decision decision = snapshot.Choose(name, {session, {}, {}});
    const std::string reason(NameOf(decision.reason));
    std::printf("%s %s %s %d %.4f %" PRIu64 "\n", session.c_str(),
                decision.version == nullptr ? "-" : decision.version->version.c_str(),
                reason.c_str(), decision.bucket, decision.propensity, decision.generation);
  }
  return 0;
}

int Buckets() {
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t first = line.find('\t');
    const std::size_t second = line.find('\t', first + 1);
    const auto layer =
        line.substr(0, first) == "canary" ? podium::Layer::kCanary : podium::Layer::kArms;
    const auto bucket = podium::BucketOf(layer, line.substr(first + 1, second - first - 1),
                                         line.substr(second + 1));
    if (!bucket) return Fail(bucket.error());
    std::printf("%" PRIu64 " %d %d\n", bucket->hash, bucket->coarse, bucket->fine);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "choose" && argc == 4) return Choose(argv[2], argv[3]);
  if (verb == "bucket" && argc == 2) return Buckets();
  return 2;
}
